internal import Bytes
public import Linux

/// A panel behind the kernel's framebuffer device.
///
/// The picture is painted a band of rows at a time into a small bitmap and only then written, so
/// that it never flickers and needs no second picture in memory. A band that looks as it did before
/// is not written again: while a code is shown, that leaves the time.
public struct FramebufferDisplay: ~Copyable {
  /// Kept open, since some drivers put the panel to sleep on the last close.
  public let framebuffer: Framebuffer
  public let memory: MappedMemory

  private let rotation: Rotation
  private let format: PixelFormat
  private var painter: Painter

  /// A checksum of each band as it was last written.
  private var written = InlineArray<256, UInt32>(repeating: 0)
  /// Shows until everything is written again; the kernel's text or cursor may have painted over it.
  private var showsUntilRewrite = 0

  private static let showsPerRewrite = 10

  /// Opens the device, reads its mode, maps its memory and wakes the panel up.
  ///
  /// - Throws: `.system` where the kernel refuses, `.unsupported` where the mode can't be painted.
  @inline(never)
  public init(path: borrowing Path, rotation: Rotation = .none) throws(DisplayError) {
    let framebuffer = try FramebufferDisplay.open(path)
    let format: PixelFormat
    do {
      format = try PixelFormat(framebuffer.mode, brightness: framebuffer.paletteBrightness())
    } catch { throw .unsupported(error) }
    let memory: MappedMemory
    do { memory = try framebuffer.map() } catch { throw .system(.map, error) }
    framebuffer.unblank()
    self.framebuffer = framebuffer
    self.memory = memory
    self.format = format
    self.rotation = rotation
    painter = Painter(size: rotation.applied(to: format.size))
  }

  private static func open(_ path: borrowing Path) throws(DisplayError) -> Framebuffer {
    var attempt = DisplayError.Attempt.open
    do throws(Errno) {
      let file = try FileDescriptor(opening: path, .readWrite)
      attempt = .readMode
      return try Framebuffer(file)
    } catch { throw .system(attempt, error) }
  }

  /// Shows that screen in place of what was shown before. Call it whenever the screen changes, and
  /// once a second while a code is shown, for the time left.
  public mutating func show(_ screen: borrowing Screen) {
    let panel = format.size
    let words = painter.prepare(screen)
    let rowsPerBand = max(1, PixelFormat.widestRow / 8 / Bitmap.stride(width: panel.width))
    let rewritesAll = showsUntilRewrite == 0
    showsUntilRewrite = rewritesAll ? FramebufferDisplay.showsPerRewrite - 1 : showsUntilRewrite - 1

    var storage = InlineArray<2048, UInt8>(repeating: 0)
    var span = storage.mutableSpan
    span.withUnsafeMutableBytes { band in
      var top = 0
      var index = 0
      while top < panel.height {
        let rows = top..<min(top + rowsPerBand, panel.height)
        guard var bitmap = Bitmap(panel: panel, rotation: rotation, rows: rows, memory: band)
        else { return }
        painter.paint(words, on: &bitmap)
        let sum = checksum(bitmap.bytes)
        if rewritesAll || index >= written.count || written[index] != sum {
          format.write(bitmap, to: memory.bytes)
          if index < written.count { written[index] = sum }
        }
        top = rows.upperBound
        index += 1
      }
    }
  }
}
