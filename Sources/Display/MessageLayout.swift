/// A sign beside a message, so that a glance from afar is enough.
enum Sign: Sendable {
  case none
  case check
  case cross
  case exclamation
  case clock
  case dots

  /// The lines to draw, each as the x and y of its start and those of its end, two digits each.
  var lines: InlineArray<3, Int> {
    switch self {
    case .none: [0, 0, 0]
    case .check: [13_25_21_33, 21_33_36_16, 0]
    case .cross: [16_16_32_32, 32_16_16_32, 0]
    case .exclamation: [24_11_24_27, 24_35_24_36, 0]
    case .clock: [24_11_24_25, 24_25_33_31, 0]
    case .dots: [13_24_14_24, 24_24_25_24, 35_24_36_24]
    }
  }
}

extension Screen.Kind {
  fileprivate var sign: Sign {
    switch self {
    case .blank, .code: .none
    case .starting: .dots
    case .waiting, .expired: .clock
    case .approved: .check
    case .denied: .cross
    case .failed: .exclamation
    }
  }
}

extension Bitmap {
  /// Paints a sign, where there is room for one, a headline and a sentence, centred.
  @inline(never)
  mutating func paint(_ words: borrowing Words, in size: Size) {
    let short = min(size.width, size.height)
    var block = TextBlock()
    block.x = max(1, short / 24)
    block.width = size.width - 2 * block.x
    block.shortens = true
    block.code = TypeSize(height: max(16, short / 7))
    while block.code.step > 0, block.lines(words, .title, block.code) > 1 {
      block.code = block.code.smaller(by: 1)
    }
    block.body = TypeSize(height: short / 15)
    let room = size.height - 2 * block.x - block.code.height
    while block.body.step > 0,
      block.lines(words, .sentence, block.body) * block.body.height > room / 2
    {
      block.body = block.body.smaller(by: 1)
    }
    let gap = block.body.height / 2
    let lines = min(
      block.lines(words, .sentence, block.body), max(0, room - gap) / block.body.height)
    let textHeight = block.code.height + (lines > 0 ? gap + lines * block.body.height : 0)
    var diameter = short / 3
    var signHeight = diameter + block.code.height / 2
    if signHeight + textHeight > size.height - 2 * block.x { (diameter, signHeight) = (0, 0) }
    var y = max(0, (size.height - signHeight - textHeight) / 2)
    if diameter > 0 {
      paint(words.kind.sign, x: (size.width - diameter) / 2, y: y, diameter: diameter)
      y += signHeight
    }
    _ = block.write(words, .title, block.code, 1, &y, &self)
    y += gap
    _ = block.write(words, .sentence, block.body, lines, &y, &self)
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
