/// A sign beside a message, so that a glance from afar is enough.
enum Sign: Sendable {
  case none
  case check
  case cross
  case exclamation
  case clock
  case dots
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
    var pen = Pen(x: x, y: y, diameter: diameter)
    switch sign {
    case .none: break
    case .check:
      pen.line(13, 25, 21, 33, on: &self)
      pen.line(21, 33, 36, 16, on: &self)
    case .cross:
      pen.line(16, 16, 32, 32, on: &self)
      pen.line(32, 16, 16, 32, on: &self)
    case .exclamation:
      pen.line(24, 11, 24, 27, on: &self)
      pen.line(24, 35, 24, 36, on: &self)
    case .clock:
      pen.line(24, 11, 24, 25, on: &self)
      pen.line(24, 25, 33, 31, on: &self)
    case .dots:
      pen.thickness = 6
      pen.line(13, 24, 14, 24, on: &self)
      pen.line(24, 24, 25, 24, on: &self)
      pen.line(35, 24, 36, 24, on: &self)
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

/// Draws lines of paper on a disc of ink.
private struct Pen {
  let x: Int
  let y: Int
  let diameter: Int
  /// In 48ths of the diameter.
  var thickness = 5

  init(x: Int, y: Int, diameter: Int) {
    self.x = x
    self.y = y
    self.diameter = diameter
  }

  /// A line made of squares, one for each pixel of its longer side.
  @inline(never)
  func line(_ x0: Int, _ y0: Int, _ x1: Int, _ y1: Int, on bitmap: inout Bitmap) {
    let side = max(1, thickness * diameter / 48)
    let (x0, y0) = (x0 * diameter / 48, y0 * diameter / 48)
    let (x1, y1) = (x1 * diameter / 48, y1 * diameter / 48)
    let steps = max(1, max(abs(x1 - x0), abs(y1 - y0)))
    for step in 0...steps {
      bitmap.fill(
        Rectangle(
          x: x + x0 + (x1 - x0) * step / steps - side / 2,
          y: y + y0 + (y1 - y0) * step / steps - side / 2, width: side, height: side), .paper)
    }
  }
}
