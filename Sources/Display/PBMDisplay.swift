internal import Bytes
public import Linux

/// A picture file in the raw PBM format (P4), for tests, for e-paper tools and for looking at the
/// screen from afar. It is written whole to a name beside and renamed into place, so that nobody
/// ever reads half a picture.
public struct PBMDisplay: ~Copyable {
  public let path: Path
  private let panel: Size
  private let rotation: Rotation
  private let canvas: Canvas
  private var painter: Painter

  /// - Parameter path: the file to write; `.new` is put behind it for the name beside.
  /// - Parameter width: in pixels, before rotation, and so the height.
  /// - Parameter canvas: for one bit a pixel, each row padded to whole bytes. Displays may share
  ///   it.
  @inline(never)
  public init(
    path: Path, width: Int, height: Int, rotation: Rotation = .none, canvas: Canvas
  ) {
    self.path = path
    self.panel = Size(width: width, height: height)
    self.rotation = rotation
    self.canvas = canvas
    painter = Painter(size: rotation.applied(to: panel))
  }

  /// Shows that screen in place of what was shown before. Call it whenever the screen changes, and
  /// once a second while a code is shown, for the time left.
  ///
  /// - Throws: `.size` where the canvas does not hold the picture, `.system` where the file can't
  ///   be written or replaced.
  @inline(never)
  public mutating func show(_ screen: borrowing Screen) throws(DisplayError) {
    guard panel.height > 0,
      var bitmap = Bitmap(panel: panel, rotation: rotation, on: canvas)
    else { throw .size }
    let words = painter.prepare(screen)
    painter.paint(words, on: &bitmap)

    guard let name = path.name, let beside = name.appending(".new") else {
      throw .system(.create, .nameTooLong)
    }
    var attempt = DisplayError.Attempt.create
    do throws(Errno) {
      // In a directory where others write, what they put there is neither followed nor waited for.
      let directory = try Directory(opening: path.directory)
      let file = try directory.create(beside, mode: 0o644)
      attempt = .write
      do throws(Errno) {
        // As large as the other texts here, to share their code.
        var head = Text<2560>()
        head.append("P4\n")
        head.append(number: Int64(panel.width))
        head.append(" ")
        head.append(number: Int64(panel.height))
        head.append("\n")
        try file.writeAll(head.bytes)
        try file.writeAll(bitmap.bytes)
        attempt = .replace
        try directory.rename(beside, to: name)
      } catch {
        try? directory.removeIfPresent(beside)
        throw error
      }
    } catch {
      throw .system(attempt, error)
    }
  }
}
