internal import CLinux

/// The text console behind a display (console_ioctl(4)), which can be made to draw nothing: no
/// letters, no cursor, no messages of the kernel.
public struct VirtualTerminal: ~Copyable {
  private let file: FileDescriptor
  private var isQuiet = false

  /// - Parameter path: `/dev/tty0` for the one that is to be seen.
  ///
  /// The corresponding C function is `open`.
  public init(opening path: borrowing Path) throws(Errno) {
    // Reading takes rights that the group tty does not have.
    file = try FileDescriptor(opening: path, .writeOnly | .nonBlocking | .noControllingTerminal)
  }

  /// Makes the console keep still until this goes away, also where somebody else has had it draw
  /// again since.
  ///
  /// - Returns: whether it was drawing, and so has to be painted over.
  /// - Throws: `ENOTTY` where the file is no console; `EPERM` where it is not the controlling
  ///   terminal and the capability `CAP_SYS_TTY_CONFIG` is missing.
  ///
  /// The corresponding request is `KDSETMODE` with `KD_GRAPHICS`.
  @inline(never)
  public mutating func quieten() throws(Errno) -> Bool {
    let descriptor = file.rawValue
    var mode: Int32 = 0
    _ = try result { unsafe clinux_vt_mode(descriptor, &mode) }
    if mode != KD_GRAPHICS { _ = try result { clinux_vt_set_mode(descriptor, KD_GRAPHICS) } }
    // One that was quiet already has been left so by a predecessor that was killed.
    isQuiet = true
    return mode != KD_GRAPHICS
  }

  /// Whether it is the console that this program was started at.
  public var isOurs: Bool {
    clinux_is_console(0, clinux_vt_active(file.rawValue))
  }

  /// Hides the console's cursor, or shows it again. Letters are drawn as before.
  ///
  /// The corresponding escape sequence is DECTCEM (console_codes(4)).
  public borrowing func setCursor(isVisible: Bool) {
    let sequence: StaticString = isVisible ? "\u{1B}[?25h" : "\u{1B}[?25l"
    // One that is stopped by Ctrl-S takes nothing, and draws no cursor.
    _ = unsafe write(file.rawValue, sequence.utf8Start, sequence.utf8CodeUnitCount)
  }

  /// Whether that framebuffer shows this console; true where the kernel does not tell.
  ///
  /// The corresponding requests are `VT_GETSTATE` and `FBIOGET_CON2FBMAP`.
  public borrowing func isShown(by framebuffer: borrowing Framebuffer) -> Bool {
    let console = clinux_vt_active(file.rawValue)
    let shower = clinux_fb_of_console(framebuffer.rawValue, console)
    return shower < 0 || shower == clinux_minor(framebuffer.rawValue)
  }

  deinit {
    // The kernel draws all of its text again.
    if isQuiet { _ = clinux_vt_set_mode(file.rawValue, KD_TEXT) }
  }
}
