internal import Bytes
public import Linux

/// A picture file in the raw PBM format (P4), for tests, for e-paper tools and for looking at the
/// screen from afar. It is written whole to a name beside and renamed into place, so that nobody
/// ever reads half a picture.
public struct PBMDisplay: ~Copyable {
  private let path: Path
  private let panel: Size
  private let rotation: Rotation
  private let memory: UnsafeMutableRawBufferPointer
  private var painter: Painter

  /// - Parameter path: the file to write; `.new` is put behind it for the name beside.
  /// - Parameter width: in pixels, before rotation, and so the height.
  /// - Parameter memory: for one bit a pixel, each row padded to whole bytes. It outlives the
  ///   display; nothing else writes to it.
  public init(
    path: Path, width: Int, height: Int, rotation: Rotation = .none,
    memory: UnsafeMutableRawBufferPointer
  ) {
    self.path = path
    self.panel = Size(width: width, height: height)
    self.rotation = rotation
    self.memory = memory
    painter = Painter(size: rotation.applied(to: panel))
  }

  /// - Throws: `.size` where the memory does not hold the picture, `.system` where the file can't
  ///   be written or replaced.
  public mutating func show(_ screen: Screen) throws(DisplayError) {
    guard panel.height > 0,
      var bitmap = Bitmap(panel: panel, rotation: rotation, memory: memory)
    else { throw .size(width: panel.width, height: panel.height, path) }
    painter.prepare(screen)
    painter.paint(&bitmap)

    guard let beside = path.appending(".new") else { throw .system(.create, path, .nameTooLong) }
    let file: FileDescriptor
    do {
      file = try FileDescriptor(opening: beside, .writeOnly | .create | .truncate, mode: 0o644)
    } catch { throw .system(.create, beside, error) }
    do {
      let head: Text<64> = "P4\n\(panel.width) \(panel.height)\n"
      try file.writeAll(head.bytes)
      try file.writeAll(bitmap.bytes)
    } catch {
      try? beside.remove()
      throw .system(.write, beside, error)
    }
    do { try beside.rename(to: path) } catch {
      try? beside.remove()
      throw .system(.replace, path, error)
    }
  }
}
