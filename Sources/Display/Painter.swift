internal import Bytes
internal import QR

/// Paints screens on bitmaps of one size.
///
/// `prepare` chooses the words and, once for each code, the layout; `paint` may then be called with
/// them as often as a driver likes, band by band, and each time gives the same picture. Once
/// prepared, a code whose time runs down costs no heap: the QR code is kept.
struct Painter: ~Copyable {
  /// The symbol of the prepared code; nil for other screens, and where it does not fit.
  private(set) var symbol: QRCode?

  private let size: Size
  /// What the layouts were made for.
  private(set) var identity: UInt32 = 0
  private(set) var layout = CodeLayout()
  /// What takes turns with `layout` where the URI has no room beside the QR code.
  private(set) var otherLayout = CodeLayout()
  private var showsOtherLayout = false
  private var firstSecondsLeft: Int64 = 0

  /// How long each of two alternating layouts stays.
  private static let secondsPerPage: Int64 = 8

  /// - Parameter size: the bitmaps' in pixels, as the person sees it.
  init(size: Size) {
    self.size = size
  }

  /// Takes over the screen to paint.
  ///
  /// - Returns: what it says, for `paint`.
  mutating func prepare(_ screen: borrowing Screen) -> Words {
    var words = Words()
    words.set(screen, besideQR: true)
    showsOtherLayout = false
    if words.identity != identity {
      identity = words.identity
      symbol = nil
      if screen.kind == .code { plan(screen, &words) }
    } else if layout.text.contents == .none, layout.module > 0,
      let secondsLeft = screen.code.secondsLeft
    {
      showsOtherLayout = (firstSecondsLeft &- secondsLeft) / Painter.secondsPerPage % 2 == 1
    }
    if layout.module == 0 { words.set(screen, besideQR: false) }
    return words
  }

  private mutating func plan(_ screen: borrowing Screen, _ words: inout Words) {
    firstSecondsLeft = screen.code.secondsLeft ?? 0
    layout.module = 0
    for index in 0..<SignInCode.symbols {
      // The shorter URI is for where the complete one does not fit, or takes a camera at its best.
      if index == SignInCode.symbols / 2, layout.module > 1 { break }
      consider(screen.code.symbol(index), words)
    }
    if layout.module == 0 {
      words.set(screen, besideQR: false)
      layout.placeTextAlone(words, in: size)
    } else {
      otherLayout.placeTextAlone(words, in: size)
    }
  }

  /// Takes a QR code and its layout where they have larger modules than those there are.
  private mutating func consider(_ candidate: consuming QRCode?, _ words: borrowing Words) {
    guard let candidate else { return }
    var found = CodeLayout()
    let modules = candidate.width + 2 * QRCode.quietZone
    if found.place(besideSymbolOf: modules, words, in: size), found.module > layout.module {
      layout = found
      symbol = consume candidate
    }
  }

  /// Paints all of the bitmap.
  ///
  /// - Parameter words: what the last `prepare` returned.
  @inline(never)
  borrowing func paint(_ words: borrowing Words, on bitmap: inout Bitmap) {
    bitmap.fill(Rectangle(x: 0, y: 0, width: size.width, height: size.height), .paper)
    if words.kind == .blank { return }
    if words.kind != .code {
      bitmap.paint(words, in: size)
    } else if showsOtherLayout {
      _ = otherLayout.text.paint(words, on: &bitmap)
    } else {
      _ = layout.text.paint(words, on: &bitmap)
      paintSymbol(on: &bitmap)
    }
  }

  private borrowing func paintSymbol(on bitmap: inout Bitmap) {
    let module = layout.module
    if module == 0 { return }
    switch symbol {
    case .none: break
    case .some(let symbol):
      for row in 0..<symbol.width {
        let y = layout.symbolY + (row + QRCode.quietZone) * module
        let line = Rectangle(x: layout.symbolX, y: y, width: layout.side, height: module)
        if !bitmap.isVisible(line) { continue }
        for column in 0..<symbol.width where symbol.isDark(column: column, row: row) {
          let x = layout.symbolX + (column + QRCode.quietZone) * module
          bitmap.fill(Rectangle(x: x, y: y, width: module, height: module), .ink)
        }
      }
    }
  }
}
