/// A sign above a message, so that a glance from afar is enough.
enum Sign: Sendable {
  case none
  case check
  case cross
  case exclamation
  case clock
  case dots
  case arrow

  /// The lines to draw, each as the x and y of its start and those of its end, two digits each.
  var lines: InlineArray<3, Int> {
    switch self {
    case .none: [0, 0, 0]
    case .check: [13_25_21_33, 21_33_36_16, 0]
    case .cross: [16_16_32_32, 32_16_16_32, 0]
    case .exclamation: [24_11_24_27, 24_35_24_36, 0]
    case .clock: [24_11_24_25, 24_25_33_31, 0]
    case .dots: [13_24_14_24, 24_24_25_24, 35_24_36_24]
    case .arrow: [13_24_34_24, 26_15_35_24, 26_33_35_24]
    }
  }
}

extension Screen.Kind {
  fileprivate var sign: Sign {
    switch self {
    case .blank, .code: .none
    case .starting: .dots
    case .waiting, .expired: .clock
    case .invitation: .arrow
    case .approved: .check
    case .denied: .cross
    case .failed: .exclamation
    }
  }
}

/// The sizes of a message's parts: what a person must know comes before what is larger.
struct MessageLayout {
  private(set) var block = TextBlock()
  private(set) var titleLines = 0
  private(set) var sentenceLines = 0
  private(set) var noteLines = 0
  /// Of the sign; 0 for none.
  private(set) var diameter: Int
  /// All of it in pixels.
  private(set) var height = 0

  private static let mostTitleLines = 4

  init(_ words: borrowing Words, in size: Size) {
    let short = min(size.width, size.height)
    diameter = short / 3
    block.x = max(1, short / 24)
    block.width = size.width - 2 * block.x
    block.shortens = true
    let ideal = TypeSize(height: short / 15)
    chooseTitle(words, from: TypeSize(height: max(16, short / 7)).step, downTo: ideal.step + 1)
    let room = size.height - 2 * block.x
    block.body = ideal
    measure(words)
    while height > room {
      if diameter > 0, block.body.step < ideal.step || ideal.step < 2 {
        // Without the sign the text need not be that small.
        diameter = 0
        block.body = ideal
      } else if block.body.step > 0 {
        block.body = block.body.smaller(by: 1)
      } else if block.code.step > 0 {
        block.code = block.code.smaller(by: 1)
      } else {
        shorten(by: (height - room + block.body.height - 1) / block.body.height)
        return
      }
      measure(words)
    }
  }

  /// The largest title that fits one line, in a size that is still a headline's; else more lines.
  private mutating func chooseTitle(
    _ words: borrowing Words, from largest: Int, downTo least: Int
  ) {
    repeat {
      titleLines += 1
      block.code = TypeSize(step: largest)
      while block.code.step > (titleLines < MessageLayout.mostTitleLines ? least : 0),
        block.lines(words, .title, block.code) > titleLines
      {
        block.code = block.code.smaller(by: 1)
      }
    } while titleLines < MessageLayout.mostTitleLines
      && block.lines(words, .title, block.code) > titleLines
  }

  private mutating func measure(_ words: borrowing Words) {
    titleLines = min(MessageLayout.mostTitleLines, block.lines(words, .title, block.code))
    sentenceLines = block.lines(words, .sentence, block.body)
    noteLines = block.lines(words, .note, block.body)
    block.gap = block.body.height / 2
    let sign = diameter == 0 ? 0 : diameter + block.code.height / 2
    let gaps = (sentenceLines > 0 ? block.gap : 0) + (noteLines > 0 ? block.gap : 0)
    height =
      sign + titleLines * block.code.height + gaps + (sentenceLines + noteLines) * block.body.height
  }

  /// Takes so many lines away, from whichever of sentence and note has more.
  private mutating func shorten(by lines: Int) {
    for _ in 0..<min(lines, sentenceLines + noteLines) {
      if noteLines > sentenceLines { noteLines -= 1 } else { sentenceLines -= 1 }
      height -= block.body.height
    }
  }
}

extension Bitmap {
  /// Paints a sign, where there is room for one, a headline, a sentence and a note, centred.
  @inline(never)
  mutating func paint(_ words: borrowing Words, in size: Size) {
    let layout = MessageLayout(words, in: size)
    var y = max(0, (size.height - layout.height) / 2)
    let diameter = layout.diameter
    if diameter > 0 {
      paint(words.kind.sign, x: (size.width - diameter) / 2, y: y, diameter: diameter)
      y += diameter + layout.block.code.height / 2
    }
    let block = layout.block
    _ = block.write(words, .title, block.code, layout.titleLines, &y, &self)
    y += block.gap
    _ = block.write(words, .sentence, block.body, layout.sentenceLines, &y, &self)
    if layout.sentenceLines > 0 { y += block.gap }
    _ = block.write(words, .note, block.body, layout.noteLines, &y, &self)
  }

  /// Paints a disc with a sign cut out of it. Lengths are in 48ths of the diameter.
  private mutating func paint(_ sign: Sign, x: Int, y: Int, diameter: Int) {
    paintDisc(x: x, y: y, diameter: diameter)
    let side = max(1, (sign == .dots ? 6 : 5) * diameter / 48)
    let lines = sign.lines
    for index in lines.indices where lines[index] != 0 {
      let line = lines[index]
      // All that is divided is positive.
      let (x0, y0) = (line / 1_000_000 * diameter / 48, line / 10_000 % 100 * diameter / 48)
      let (x1, y1) = (line / 100 % 100 * diameter / 48, line % 100 * diameter / 48)
      let steps = max(1, max(abs(x1 - x0), abs(y1 - y0)))
      // A line of paper made of squares, one for each pixel of its longer side.
      for step in 0...steps {
        fill(
          Rectangle(
            x: x + x0 + (x1 - x0) * step / steps - side / 2,
            y: y + y0 + (y1 - y0) * step / steps - side / 2, width: side, height: side), .paper)
      }
    }
  }

  private mutating func paintDisc(x: Int, y: Int, diameter: Int) {
    for row in 0..<diameter {
      // Twice the distance of the row's middle from the centre, to stay with whole numbers.
      let height = 2 * row + 1 - diameter
      var half = 0
      while (half + 1) * (half + 1) * 4 + height * height <= diameter * diameter { half += 1 }
      fill(Rectangle(x: x + diameter / 2 - half, y: y + row, width: half * 2, height: 1), .ink)
    }
  }
}
