internal import Bytes
internal import QR

/// Where the QR code and the text of a sign-in code go.
struct CodeLayout: Sendable {
  /// Where the QR code lies with its quiet zone: its left and its upper edge and its side.
  var symbolX = 0
  var symbolY = 0
  var side = 0
  /// Pixels of a module's side; 0 without a QR code.
  var module = 0
  var text = TextBlock()

  /// What a layout gives up, step by step, until something fits.
  private struct Concession {
    /// By how many sizes the body text is smaller than it should be.
    let body: UInt8
    /// By how many sizes the user code is at least larger than the body text.
    let lead: UInt8
    let codeLines: UInt8
    let uriLines: UInt8
    /// The least share of the shorter side that the QR code takes, in percent.
    let share: UInt8
    let contents: TextBlock.Contents

    init(
      _ body: UInt8, _ lead: UInt8, _ codeLines: UInt8, _ uriLines: UInt8, _ share: UInt8,
      _ contents: TextBlock.Contents
    ) {
      self.body = body
      self.lead = lead
      self.codeLines = codeLines
      self.uriLines = uriLines
      self.share = share
      self.contents = contents
    }
  }

  /// The text goes without the URI: no use but beside a QR code, taking turns with `uriAlone`.
  private static let withoutURI = 10
  /// The URI is shortened: no use beside a QR code, where taking turns is better.
  private static let shortened = 11

  private static func concession(_ index: Int) -> Concession {
    switch index {
    case 0: Concession(0, 2, 1, 3, 60, .full)
    case 1: Concession(1, 2, 1, 3, 55, .full)
    case 2: Concession(1, 1, 1, 4, 50, .full)
    case 3: Concession(2, 1, 1, 4, 45, .full)
    case 4: Concession(0, 1, 1, 3, 50, .brief)
    case 5: Concession(1, 1, 1, 4, 45, .brief)
    case 6: Concession(2, 0, 2, 5, 40, .brief)
    case 7: Concession(9, 1, 1, 4, 42, .brief)
    case 8: Concession(9, 0, 2, 5, 42, .brief)
    case 9: Concession(9, 0, 4, 16, 50, .bare)
    case withoutURI: Concession(9, 0, 4, 0, 0, .none)
    default: Concession(9, 0, 4, 4, 0, .bare)
    }
  }

  /// Finds the layout with the largest modules among those that give up least.
  ///
  /// - Parameter modules: of the QR code's side, quiet zone included.
  /// - Returns: false where QR code and user code don't fit together, with or without the URI.
  mutating func place(
    besideSymbolOf modules: Int, _ words: borrowing Words, in size: Size
  ) -> Bool {
    for index in 0...CodeLayout.withoutURI {
      let isFound = place(modules, isStacked: false, index, words, size)
      var stacked = CodeLayout()
      if stacked.place(modules, isStacked: true, index, words, size),
        !isFound
          || (stacked.module, stacked.text.code.step) > (module, text.code.step)
      {
        self = stacked
        return true
      }
      if isFound { return true }
    }
    return false
  }

  /// The text alone on the whole canvas.
  mutating func placeTextAlone(_ words: borrowing Words, in size: Size) {
    module = 0
    let border = CodeLayout.margin(size)
    let box = Rectangle(x: 0, y: 0, width: size.width, height: size.height).inset(by: border)
    text.isCentred = true
    for index in 0...CodeLayout.shortened where index != CodeLayout.withoutURI {
      if fit(words, index, box, size) { return }
    }
    // Too small for anything but the beginning of the code.
    text = TextBlock()
    text.width = size.width
    text.codeLines = max(1, size.height / text.code.height)
    text.shortens = true
  }

  private static func margin(_ size: Size) -> Int { max(1, min(size.width, size.height) / 24) }

  /// With the text on the right of the QR code, or below it.
  @inline(never)
  private mutating func place(
    _ modules: Int, isStacked: Bool, _ index: Int, _ words: borrowing Words, _ size: Size
  ) -> Bool {
    let margin = CodeLayout.margin(size)
    let short = min(size.width, size.height)
    text.isCentred = isStacked
    module = short / modules
    while module > 0 {
      side = module * modules
      if side * 100 < Int(CodeLayout.concession(index).share) * short { return false }
      // The quiet zone is the margin towards the text.
      let box =
        isStacked
        ? Rectangle(
          x: margin, y: side, width: size.width - 2 * margin, height: size.height - side - margin)
        : Rectangle(
          x: side, y: margin, width: size.width - side - margin, height: size.height - 2 * margin)
      if fit(words, index, box, size) {
        // What is left over goes above a QR code with text below too.
        symbolX = isStacked ? (size.width - side) / 2 : 0
        symbolY = isStacked ? (text.y - side) / 2 : (size.height - side) / 2
        return true
      }
      module -= 1
    }
    return false
  }

  /// Puts the text into `box` with the largest user code that fits; false where none does.
  @inline(never)
  private mutating func fit(
    _ words: borrowing Words, _ index: Int, _ box: Rectangle, _ size: Size
  ) -> Bool {
    if box.isEmpty { return false }
    let concession = CodeLayout.concession(index)
    let short = min(size.width, size.height)
    // At two metres, a fifteenth of the height of a seven-inch panel can be read with ease.
    text.body = TypeSize(height: short / 15).smaller(by: Int(concession.body))
    // The tiny face is for tiny panels, until nothing else is left to give up.
    if text.body.step == 0, concession.body < 9, short >= 160 { text.body = TypeSize(step: 1) }
    text.x = box.x
    text.y = 0
    text.width = box.width
    text.contents = concession.contents
    text.uriLines = Int(concession.uriLines)
    text.gap = text.leastGap
    let least = text.body.step + Int(concession.lead)
    let largest = max(least, TypeSize(height: min(box.height, short / 4)).step)
    // A code in one line is read more surely than a larger one in two.
    for codeLines in 1...Int(concession.codeLines) {
      text.codeLines = codeLines
      text.shortens = index == CodeLayout.shortened && codeLines == concession.codeLines
      var step = largest
      while step >= least {
        text.code = TypeSize(step: step)
        var nothing = Bitmap(measuring: size)
        if let height = text.paint(words, on: &nothing), height <= box.height {
          spread(box, spare: box.height - height)
          return true
        }
        step -= 1
      }
    }
    return false
  }

  /// Spreads the groups over the height, but not further apart than reads as one text.
  private mutating func spread(_ box: Rectangle, spare: Int) {
    let gaps = 3 - Int(text.contents.rawValue)
    let extra = gaps == 0 ? 0 : min(spare / (gaps + 1), text.body.height)
    text.gap += extra
    text.y = box.y + (spare - extra * gaps) / 2
  }
}
