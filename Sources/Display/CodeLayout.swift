internal import Bytes
internal import QR

/// Where the QR code and the text of a sign-in code go.
struct CodeLayout: Sendable {
  /// Where the QR code lies with its quiet zone; empty for none.
  var symbol: Rectangle
  /// Pixels of a module's side; 0 without a QR code.
  var module: Int
  var text: TextBlock
  var textX: Int
  var textY: Int
  /// Pixels between the groups of the text.
  var gap: Int

  /// What a layout gives up, step by step, until something fits.
  private struct Concession {
    /// By how many sizes the body text is smaller than it should be.
    let body: Int
    /// By how many sizes the user code is at least larger than the body text.
    let lead: Int
    let codeLines: Int
    let uriLines: Int
    /// The least share of the shorter side that the QR code takes, in percent.
    let share: Int
    let contents: TextBlock.Contents
    let shortens: Bool
  }

  private static let concessions = 11
  /// From here on the URI is shortened: no use beside a QR code, where taking turns is better.
  private static let firstThatShortens = 10

  private static func concession(_ index: Int) -> Concession {
    switch index {
    case 0: make(0, 2, 1, 3, 60, .full)
    case 1: make(1, 2, 1, 3, 55, .full)
    case 2: make(1, 1, 1, 4, 50, .full)
    case 3: make(2, 1, 1, 4, 45, .full)
    case 4: make(0, 1, 1, 3, 50, .brief)
    case 5: make(1, 1, 1, 4, 45, .brief)
    case 6: make(2, 0, 2, 5, 40, .brief)
    case 7: make(9, 1, 1, 4, 33, .brief)
    case 8: make(9, 0, 2, 5, 33, .brief)
    case 9: make(9, 0, 4, 16, 0, .bare)
    default: make(9, 0, 4, 4, 0, .bare, shortens: true)
    }
  }

  private static func make(
    _ body: Int, _ lead: Int, _ codeLines: Int, _ uriLines: Int, _ share: Int,
    _ contents: TextBlock.Contents, shortens: Bool = false
  ) -> Concession {
    Concession(
      body: body, lead: lead, codeLines: codeLines, uriLines: uriLines, share: share,
      contents: contents, shortens: shortens)
  }

  /// The layout with the largest modules among those that give up least.
  ///
  /// - Parameter modules: of the QR code's side, quiet zone included.
  /// - Returns: nil where QR code, URI and user code don't fit together.
  static func beside(
    modules: Int, _ text: borrowing CodeText, time: Time, in size: Size
  ) -> CodeLayout? {
    for index in 0..<firstThatShortens {
      let concession = concession(index)
      let first = sideBySide(modules, text, concession, time, size)
      let second = stacked(modules, text, concession, time, size)
      guard let first else {
        if let second { return second }
        continue
      }
      guard let second else { return first }
      let isBetter = (second.module, second.text.code.step) > (first.module, first.text.code.step)
      return isBetter ? second : first
    }
    return nil
  }

  /// The text alone on the whole canvas.
  static func textAlone(_ text: borrowing CodeText, time: Time, in size: Size) -> CodeLayout {
    let margin = margin(size)
    let box = Rectangle(x: 0, y: 0, width: size.width, height: size.height).inset(by: margin)
    for index in 0..<concessions {
      if let layout = fit(text, concession(index), time, box, isCentred: true, size) {
        return layout
      }
    }
    // Too small for anything but the beginning of the code.
    let tiny = TypeSize(step: 0)
    let block = TextBlock(
      width: size.width, isCentred: true, contents: .none, body: tiny, code: tiny,
      codeLines: max(1, size.height / tiny.height), uriLines: 1, shortens: true)
    return CodeLayout(
      symbol: Rectangle(x: 0, y: 0, width: 0, height: 0), module: 0, text: block, textX: 0,
      textY: 0, gap: 0)
  }

  /// The QR code and the user code, where the URI has no room beside them.
  static func withoutURI(
    modules: Int, _ text: borrowing CodeText, time: Time, in size: Size
  ) -> CodeLayout? {
    let concession = make(9, 0, 4, 0, 0, .none)
    let first = sideBySide(modules, text, concession, time, size)
    let second = stacked(modules, text, concession, time, size)
    guard let first else { return second }
    guard let second else { return first }
    return second.module > first.module ? second : first
  }

  private static func margin(_ size: Size) -> Int { max(1, min(size.width, size.height) / 24) }

  private static func sideBySide(
    _ modules: Int, _ text: borrowing CodeText, _ concession: Concession, _ time: Time,
    _ size: Size
  ) -> CodeLayout? {
    let margin = margin(size)
    var module = min(size.height, size.width) / modules
    while module > 0 {
      let side = module * modules
      if side * 100 < concession.share * min(size.width, size.height) { return nil }
      // The quiet zone is the margin on the left.
      let box = Rectangle(
        x: side, y: margin, width: size.width - side - margin, height: size.height - 2 * margin)
      if var layout = fit(text, concession, time, box, isCentred: false, size) {
        layout.module = module
        layout.symbol = Rectangle(x: 0, y: (size.height - side) / 2, width: side, height: side)
        return layout
      }
      module -= 1
    }
    return nil
  }

  private static func stacked(
    _ modules: Int, _ text: borrowing CodeText, _ concession: Concession, _ time: Time,
    _ size: Size
  ) -> CodeLayout? {
    let margin = margin(size)
    var module = min(size.height, size.width) / modules
    while module > 0 {
      let side = module * modules
      if side * 100 < concession.share * min(size.width, size.height) { return nil }
      let box = Rectangle(
        x: margin, y: side, width: size.width - 2 * margin, height: size.height - side - margin)
      if var layout = fit(text, concession, time, box, isCentred: true, size) {
        // What is left over goes above the QR code too.
        let shift = (layout.textY - side) / 2
        layout.module = module
        layout.symbol = Rectangle(x: (size.width - side) / 2, y: shift, width: side, height: side)
        return layout
      }
      module -= 1
    }
    return nil
  }

  /// The text in `box` with the largest user code that fits; nil where none does.
  private static func fit(
    _ text: borrowing CodeText, _ concession: Concession, _ time: Time, _ box: Rectangle,
    isCentred: Bool, _ size: Size
  ) -> CodeLayout? {
    if box.isEmpty { return nil }
    // At two metres, a fifteenth of the height of a seven-inch panel can be read with ease.
    var body = TypeSize(height: min(size.width, size.height) / 15).smaller(by: concession.body)
    // The tiny face is for tiny panels, until nothing else is left to give up.
    if body.step == 0, concession.body < 9, min(size.width, size.height) >= 160 {
      body = TypeSize(step: 1)
    }
    let largest = TypeSize(height: min(box.height, min(size.width, size.height) / 4)).step
    let least = body.step + concession.lead
    // A code in one line is read more surely than a larger one in two.
    for codeLines in 1...concession.codeLines {
      var step = max(largest, least)
      while step >= least {
        let block = TextBlock(
          width: box.width, isCentred: isCentred, contents: concession.contents, body: body,
          code: TypeSize(step: step), codeLines: codeLines, uriLines: concession.uriLines,
          shortens: concession.shortens && codeLines == concession.codeLines)
        if let height = block.height(text, time), height <= box.height {
          return place(block, height: height, in: box)
        }
        step -= 1
      }
    }
    return nil
  }

  /// Spreads the groups over the height, but not further apart than reads as one text.
  private static func place(_ block: TextBlock, height: Int, in box: Rectangle) -> CodeLayout {
    let gaps =
      switch block.contents {
      case .full: 3
      case .brief: 2
      case .bare: 1
      case .none: 0
      }
    let spare = box.height - height
    let extra = gaps == 0 ? 0 : min(spare / (gaps + 1), block.body.height)
    return CodeLayout(
      symbol: Rectangle(x: 0, y: 0, width: 0, height: 0), module: 0, text: block, textX: box.x,
      textY: box.y + (spare - extra * gaps) / 2, gap: block.leastGap + extra)
  }
}
