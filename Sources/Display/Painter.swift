internal import Bytes
public import QR

/// Paints screens on canvases of one size.
///
/// `prepare` chooses the layout, once for each code; `paint` may then be called as often as a
/// driver likes, band by band, and each time gives the same picture. Once prepared, a code whose
/// time runs down costs no heap: the QR code is kept.
public struct Painter: ~Copyable {
  /// The symbol of the prepared code; nil for other screens, and where it does not fit.
  public private(set) var symbol: QRCode?

  private let size: Size
  private var screen = Screen.blank
  private var text: CodeText?
  private(set) var layout: CodeLayout?
  /// What takes turns with `layout` where the URI has no room beside the QR code.
  private(set) var otherLayout: CodeLayout?
  private var firstSecondsLeft: Int64?

  /// How long each of two alternating layouts stays.
  private static let secondsPerPage: Int64 = 8

  /// - Parameter size: the canvas's in pixels, as the person sees it.
  public init(size: Size) {
    self.size = size
  }

  /// Takes over the screen to paint.
  public mutating func prepare(_ screen: Screen) {
    let previous = self.screen
    self.screen = screen
    guard case .code(let code) = screen else {
      text = nil
      symbol = nil
      return
    }
    if case .code(let old) = previous, old.differsInTimeOnly(from: code), text != nil {
      return
    }
    firstSecondsLeft = code.secondsLeft
    plan(code)
  }

  private mutating func plan(_ code: SignInCode) {
    let beside = CodeText(code, besideQR: true)
    text = beside
    symbol = nil
    layout = nil
    otherLayout = nil
    // The shorter URI still saves typing where the complete one does not fit.
    plan(code.verificationURIComplete.bytes, beside, code)
    if layout == nil { plan(code.verificationURI.bytes, beside, code) }
    if layout == nil {
      let alone = CodeText(code, besideQR: false)
      layout = CodeLayout.textAlone(alone, time: Time(code), in: size)
      text = alone
    } else if layout?.text.contents == TextBlock.Contents.none {
      otherLayout = CodeLayout.textAlone(beside, time: Time(code), in: size)
    }
  }

  /// Finds a layout with the QR code of `bytes`, at the low level of error correction only where
  /// that makes larger modules.
  private mutating func plan(
    _ bytes: borrowing Span<UInt8>, _ text: borrowing CodeText, _ code: borrowing SignInCode
  ) {
    if bytes.count == 0 { return }
    consider(bytes, .medium, text, code)
    consider(bytes, .low, text, code)
  }

  private mutating func consider(
    _ bytes: borrowing Span<UInt8>, _ level: QRCode.ErrorCorrection, _ text: borrowing CodeText,
    _ code: borrowing SignInCode
  ) {
    guard let candidate = try? QRCode(bytes, level) else { return }
    let modules = candidate.width + 2 * QRCode.quietZone
    var found = CodeLayout.beside(modules: modules, text, time: Time(code), in: size)
    if found == nil {
      found = CodeLayout.withoutURI(modules: modules, text, time: Time(code), in: size)
    }
    guard let found else { return }
    if let layout, layout.module >= found.module { return }
    layout = found
    symbol = consume candidate
  }

  /// Paints all of the canvas.
  public borrowing func paint(_ canvas: inout some Canvas & ~Copyable) {
    canvas.fill(Rectangle(x: 0, y: 0, width: size.width, height: size.height), .paper)
    switch screen {
    case .blank:
      break
    case .code(let code):
      paint(code, on: &canvas)
    case .starting, .waiting, .approved, .denied, .expired, .failed:
      let detail = screen.detail
      canvas.paint(screen.sign, headline: screen.headline.bytes, detail: detail.bytes)
    }
  }

  private borrowing func paint(
    _ code: borrowing SignInCode, on canvas: inout some Canvas & ~Copyable
  ) {
    guard let text, var layout else { return }
    if let otherLayout, showsOtherLayout(code) { layout = otherLayout }
    layout.text.paint(
      text, Time(code), x: layout.textX, y: layout.textY, gap: layout.gap, on: &canvas)
    if layout.module == 0 { return }
    switch symbol {
    case .some(let symbol): paint(symbol, layout, on: &canvas)
    case .none: break
    }
  }

  private borrowing func showsOtherLayout(_ code: borrowing SignInCode) -> Bool {
    guard let firstSecondsLeft, let secondsLeft = code.secondsLeft else { return false }
    return (firstSecondsLeft - secondsLeft) / Painter.secondsPerPage % 2 == 1
  }

  private borrowing func paint(
    _ symbol: borrowing QRCode, _ layout: CodeLayout, on canvas: inout some Canvas & ~Copyable
  ) {
    let module = layout.module
    let start = QRCode.quietZone * module
    for row in 0..<symbol.width {
      let y = layout.symbol.y + start + row * module
      let line = Rectangle(x: layout.symbol.x, y: y, width: layout.symbol.width, height: module)
      if !canvas.isVisible(line) { continue }
      for column in 0..<symbol.width where symbol.isDark(column: column, row: row) {
        let x = layout.symbol.x + start + column * module
        canvas.fill(Rectangle(x: x, y: y, width: module, height: module), .ink)
      }
    }
  }
}

extension SignInCode {
  fileprivate func differsInTimeOnly(from other: SignInCode) -> Bool {
    userCode == other.userCode && verificationURI == other.verificationURI
      && verificationURIComplete == other.verificationURIComplete && title == other.title
      && (secondsLeft == nil) == (other.secondsLeft == nil)
      && lifetimeSeconds == other.lifetimeSeconds
  }
}
