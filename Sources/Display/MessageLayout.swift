internal import Bytes

/// A sign beside a message, so that a glance from afar is enough.
enum Sign: Sendable {
  case none
  case check
  case cross
  case exclamation
  case clock
  case dots
}

extension Screen {
  var sign: Sign {
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

extension Canvas where Self: ~Copyable {
  /// Paints a sign, where there is room for one, a headline and a sentence, centred.
  mutating func paint(_ sign: Sign, headline: borrowing Span<UInt8>, detail: borrowing Span<UInt8>)
  {
    let short = min(size.width, size.height)
    let margin = max(1, short / 24)
    let width = size.width - 2 * margin
    var head = TypeSize(height: max(16, short / 7))
    while head.step > 0, LineBreaks.spaces.lines(headline, columns: head.columns(in: width)) > 1 {
      head = head.smaller(by: 1)
    }
    var body = TypeSize(height: short / 15)
    let room = size.height - 2 * margin - head.height
    while body.step > 0,
      LineBreaks.spaces.lines(detail, columns: body.columns(in: width)) * body.height > room / 2
    {
      body = body.smaller(by: 1)
    }
    let lines = min(
      LineBreaks.spaces.lines(detail, columns: body.columns(in: width)),
      max(0, room - body.height / 2) / body.height)
    let gap = body.height / 2
    let textHeight = head.height + (lines > 0 ? gap + lines * body.height : 0)
    var diameter = short / 3
    if diameter + head.height / 2 + textHeight > size.height - 2 * margin { diameter = 0 }
    let signHeight = diameter > 0 ? diameter + head.height / 2 : 0
    var y = max(0, (size.height - signHeight - textHeight) / 2)
    if diameter > 0 {
      paint(sign, x: (size.width - diameter) / 2, y: y, diameter: diameter)
      y += signHeight
    }
    let block = TextBlock(
      width: width, isCentred: true, contents: .none, body: body, code: head, codeLines: 1,
      uriLines: 1)
    y = block.write(headline, .spaces, head, 1, x: margin, y: y, on: &self)
    _ = block.write(detail, .spaces, body, lines, x: margin, y: y + gap, on: &self)
  }

  /// Paints a disc with a sign cut out of it. Lengths are in 48ths of the diameter.
  private mutating func paint(_ sign: Sign, x: Int, y: Int, diameter: Int) {
    paintDisc(x: x, y: y, diameter: diameter)
    var pen = Pen(x: x, y: y, diameter: diameter)
    switch sign {
    case .none: break
    case .check:
      pen.line(from: (13, 25), to: (21, 33), on: &self)
      pen.line(from: (21, 33), to: (36, 16), on: &self)
    case .cross:
      pen.line(from: (16, 16), to: (32, 32), on: &self)
      pen.line(from: (32, 16), to: (16, 32), on: &self)
    case .exclamation:
      pen.line(from: (24, 11), to: (24, 27), on: &self)
      pen.line(from: (24, 35), to: (24, 36), on: &self)
    case .clock:
      pen.line(from: (24, 11), to: (24, 25), on: &self)
      pen.line(from: (24, 25), to: (33, 31), on: &self)
    case .dots:
      pen.thickness = 6
      pen.line(from: (13, 24), to: (14, 24), on: &self)
      pen.line(from: (24, 24), to: (25, 24), on: &self)
      pen.line(from: (35, 24), to: (36, 24), on: &self)
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
  func line(
    from start: (x: Int, y: Int), to end: (x: Int, y: Int),
    on canvas: inout some Canvas & ~Copyable
  ) {
    let side = max(1, thickness * diameter / 48)
    let (x0, y0) = (start.x * diameter / 48, start.y * diameter / 48)
    let (x1, y1) = (end.x * diameter / 48, end.y * diameter / 48)
    let steps = max(1, max(abs(x1 - x0), abs(y1 - y0)))
    for step in 0...steps {
      canvas.fill(
        Rectangle(
          x: x + x0 + (x1 - x0) * step / steps - side / 2,
          y: y + y0 + (y1 - y0) * step / steps - side / 2, width: side, height: side), .paper)
    }
  }
}
