internal import Bytes
public import Linux

/// A panel whose picture lies in memory: behind the kernel's framebuffer device, or a graphics card
/// with kernel mode setting.
///
/// The picture is painted a band of rows at a time into a small bitmap and only then written, so
/// that it never flickers and needs no second picture in memory. A band that looks as it did before
/// is not written again: while a code is shown, that leaves the time.
public struct PanelDisplay: ~Copyable {
  /// What the memory belongs to.
  public enum Device: ~Copyable {
    /// Kept open, since some drivers put the panel to sleep on the last close.
    case framebuffer(Framebuffer)
    case card(DRMCard)
  }

  public let device: Device
  public let memory: MappedMemory

  private let rotation: Rotation
  private let format: PixelFormat
  private var painter: Painter

  /// A checksum of each band as it was last written.
  private var written = InlineArray<256, UInt32>(repeating: 0)
  /// Shows until everything is written again; another program may have painted over it.
  private var showsUntilRewrite = 0

  /// Whether a card has its panel show the memory: not before there is a picture in it.
  private var isShown = false

  private static let showsPerRewrite = 10

  /// Opens a framebuffer device, reads its mode, maps its memory and wakes the panel up.
  ///
  /// - Throws: `.system` where the kernel refuses, `.unsupported` where the mode can't be painted.
  @inline(never)
  public init(framebuffer path: borrowing Path, rotation: Rotation = .none) throws(DisplayError) {
    let framebuffer = try PanelDisplay.open(path)
    let format = try PanelDisplay.format(framebuffer)
    let memory: MappedMemory
    do { memory = try framebuffer.map() } catch { throw .system(.map, error) }
    framebuffer.unblank()
    self.init(.framebuffer(framebuffer), memory, format, rotation)
  }

  /// Takes a graphics card over, to show the picture on its first connected panel.
  ///
  /// - Throws: `.card` where the card can't be had or shows nothing, else as for a framebuffer.
  @inline(never)
  public init(card path: borrowing Path, rotation: Rotation = .none) throws(DisplayError) {
    let card = try PanelDisplay.openCard(path)
    let format = try PanelDisplay.format(card.mode, brightness: Span())
    let memory: MappedMemory
    do { memory = try card.map() } catch { throw .system(.map, error) }
    self.init(.card(card), memory, format, rotation)
  }

  @inline(never)
  private init(
    _ device: consuming Device, _ memory: consuming MappedMemory, _ format: PixelFormat,
    _ rotation: Rotation
  ) {
    self.device = device
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

  private static func openCard(_ path: borrowing Path) throws(DisplayError) -> DRMCard {
    var attempt = DRMCard.Attempt.open
    do { return try DRMCard(opening: path, &attempt) } catch { throw .card(attempt, error) }
  }

  /// The format of a framebuffer as it is now, whose palette gets two colours where it has none to
  /// tell apart: nobody has set it up.
  @inline(never)
  private static func format(
    _ framebuffer: borrowing Framebuffer
  ) throws(DisplayError) -> PixelFormat {
    let mode: FramebufferMode
    do { mode = try framebuffer.readMode() } catch { throw .system(.readMode, error) }
    var isSecond = false
    while true {
      var brightness = InlineArray<256, UInt16>(repeating: 0)
      let isKnown = framebuffer.readPalette(into: &brightness)
      do throws(DisplayError) {
        return try format(
          mode, brightness: brightness.span.extracting(first: isKnown ? 256 : 0))
      } catch {
        guard case .unsupported(.palette) = error, !isSecond, framebuffer.setContrast() else {
          throw error
        }
        isSecond = true
      }
    }
  }

  private static func format(
    _ mode: FramebufferMode, brightness: borrowing Span<UInt16>
  ) throws(DisplayError) -> PixelFormat {
    do { return try PixelFormat(mode, brightness: brightness) } catch {
      throw .unsupported(error)
    }
  }

  /// Whether what that text console draws would be seen on this panel.
  public borrowing func shows(_ console: borrowing VirtualTerminal) -> Bool {
    switch device {
    case .framebuffer(let framebuffer): console.isShown(by: framebuffer)
    // The kernel's own picture of a card is another one; but the console comes back with it.
    case .card: true
    }
  }

  /// Whether the picture stays when the program ends.
  public var staysWithoutProgram: Bool {
    switch device {
    case .framebuffer: true
    case .card: false
    }
  }

  /// Has the next `show` write everything: something has painted over it.
  public mutating func invalidate() { showsUntilRewrite = 0 }

  /// Shows that screen in place of what was shown before. Call it whenever the screen changes, and
  /// once a second while a time is shown.
  ///
  /// - Throws: `.system` where the device is gone or has changed its mode; `.card` where the card
  ///   or its monitor is gone.
  @inline(never)
  public mutating func show(_ screen: borrowing Screen) throws(DisplayError) {
    // Before the memory is touched, which may not be ours any more.
    try check()
    paint(screen)
    do { try flush() } catch { throw .system(.write, error) }
  }

  private borrowing func check() throws(DisplayError) {
    switch device {
    case .framebuffer(let framebuffer):
      // All that was made of the mode, and of the palette, must still hold.
      if try PanelDisplay.format(framebuffer) != format { throw .system(.readMode, .stale) }
    case .card(let card):
      let isConnected: Bool
      do { isConnected = try card.isConnected() } catch { throw .card(.readResources, error) }
      if !isConnected { throw .card(.findPanel, .noSuchDevice) }
    }
  }

  /// Wakes the panel up: it may have been blanked, as long as nobody had to look at it. A card's is
  /// nobody else's to blank.
  private borrowing func wake() {
    switch device {
    case .framebuffer(let framebuffer): framebuffer.unblank()
    case .card: break
    }
  }

  private mutating func flush() throws(Errno) {
    switch device {
    case .framebuffer: break
    case .card(let card):
      if isShown { try card.flush() } else { try card.show() }
    }
    isShown = true
  }

  private mutating func paint(_ screen: borrowing Screen) {
    let before = painter.identity
    let words = painter.prepare(screen)
    if words.identity != before, screen.needsPerson { wake() }
    let rewritesAll = showsUntilRewrite == 0
    showsUntilRewrite = rewritesAll ? PanelDisplay.showsPerRewrite - 1 : showsUntilRewrite - 1
    Bitmap.forEachBand(of: format.size, rotation) { band, index in
      painter.paint(words, on: &band)
      let sum = checksum(band.bytes)
      let isKnown = index < written.count
      if !rewritesAll, isKnown, written[index] == sum { return }
      format.write(band, to: memory)
      if isKnown { written[index] = sum }
    }
  }
}
