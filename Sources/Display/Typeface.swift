internal import Bytes

/// A bitmap font of printable ASCII, all characters of one width.
struct Typeface: Sendable {
  /// A character's cell in pixels, the space around the drawing included.
  let width: Int
  let height: Int
  /// Six pixels a byte, row by row, each character beginning with a byte of its own.
  let data: StaticString

  /// Whether the pixel of that character's cell is ink.
  ///
  /// - Parameter character: printable ASCII.
  func isInk(_ character: UInt8, x: Int, y: Int) -> Bool {
    precondition(character.isPrintableASCII && x < width && y < height)
    let bytesPerCharacter = (width * height + 5) / 6
    let pixel = y * width + x
    let byte = data.utf8Start[Int(character - 0x20) * bytesPerCharacter + pixel / 6]
    return (byte - UInt8(ascii: "0")) & (32 &>> UInt8(truncatingIfNeeded: pixel % 6)) != 0
  }
}

/// A typeface enlarged by whole pixels.
struct TypeSize: Sendable {
  /// How many sizes there are below the one that is `step`, which orders them.
  let step: Int
  let face: Typeface
  let scale: Int

  /// - Parameter step: 0 is 6x8 pixels a character, 3 is 16x32; there is no largest.
  init(step: Int) {
    self.step = step
    switch step {
    case 0: (face, scale) = (.tiny, 1)
    case 1: (face, scale) = (.small, 1)
    case 2: (face, scale) = (.medium, 1)
    case 3: (face, scale) = (.large, 1)
    case 4: (face, scale) = (.medium, 2)
    case 5: (face, scale) = (.large, 2)
    default: (face, scale) = (.large, step - 3)
    }
  }

  /// The largest size whose characters are at most that many pixels high; never below step 0.
  init(height: Int) {
    var step = 0
    while TypeSize(step: step + 1).height <= height { step += 1 }
    self.init(step: step)
  }

  /// A character's cell in pixels.
  var width: Int { face.width * scale }
  var height: Int { face.height * scale }

  /// The characters that fit into so many pixels.
  func columns(in width: Int) -> Int { max(0, width / self.width) }

  /// This size, or one that is `steps` smaller, as far as there is one.
  func smaller(by steps: Int) -> TypeSize { TypeSize(step: max(0, step - steps)) }
}

extension Canvas where Self: ~Copyable {
  /// Writes printable ASCII in one line, the top left corner of the first cell at `x`, `y`.
  mutating func write(_ bytes: borrowing Span<UInt8>, _ type: TypeSize, x: Int, y: Int) {
    for index in bytes.indices {
      let cell = Rectangle(
        x: x + index * type.width, y: y, width: type.width, height: type.height)
      if isVisible(cell) { write(bytes[index], type, x: cell.x, y: y) }
    }
  }

  private mutating func write(_ character: UInt8, _ type: TypeSize, x: Int, y: Int) {
    let scale = type.scale
    for row in 0..<type.face.height {
      var column = 0
      while column < type.face.width {
        let start = column
        while column < type.face.width, type.face.isInk(character, x: column, y: row) {
          column += 1
        }
        fill(
          Rectangle(
            x: x + start * scale, y: y + row * scale, width: (column - start) * scale,
            height: scale), .ink)
        column += 1
      }
    }
  }
}
