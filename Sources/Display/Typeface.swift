internal import Bytes

/// A bitmap font of printable ASCII, all characters of one width.
enum Typeface: Int, Sendable {
  case tiny
  case small
  case medium
  case large

  /// A character's cell in pixels, the space around the drawing included.
  var width: Int { self == .tiny ? 6 : (rawValue + 1) * 4 }
  var height: Int { (rawValue + 1) * 8 }

  /// The pixels of that character's cell: one number a row, from the top, the leftmost pixel in the
  /// highest of its `width` bits, 1 for ink.
  ///
  /// The data has six bits a byte. A row that is as the one above it, and a blank one at the top,
  /// is one bit, 0; any other is 1 and a bit for each pixel.
  ///
  /// - Parameter character: printable ASCII.
  @inline(never)
  func rows(of character: UInt8) -> InlineArray<32, UInt32> {
    var rows = InlineArray<32, UInt32>(repeating: 0)
    var reader = unsafe BitReader(next: data.utf8Start)
    var rest = Int(character) - 0x1F
    while rest > 0 {
      var row: UInt32 = 0
      for y in 0..<height {
        if reader.read(1) != 0 { row = reader.read(width) }
        rows[y] = row
      }
      rest -= 1
    }
    return rows
  }
}

/// Reads bits out of bytes that hold six each, the highest first.
@safe private struct BitReader {
  var next: UnsafePointer<UInt8>
  var held: UInt32 = 0
  var count = 0

  mutating func read(_ length: Int) -> UInt32 {
    while count < length {
      held = unsafe held &<< 6 | UInt32(next.pointee &- UInt8(ascii: "0"))
      unsafe next += 1
      count &+= 6
    }
    count &-= length
    let bits = held &>> UInt32(truncatingIfNeeded: count)
    held &= (1 &<< UInt32(truncatingIfNeeded: count)) &- 1
    return bits
  }
}

/// A typeface enlarged by whole pixels.
struct TypeSize: Sendable {
  /// Orders the sizes: 0 is 6x8 pixels a character, 3 is 16x32; there is no largest.
  let step: Int

  var face: Typeface {
    switch step {
    case 0: .tiny
    case 1: .small
    case 2, 4: .medium
    default: .large
    }
  }

  var scale: Int { step < 4 ? 1 : step == 4 ? 2 : step - 3 }

  init(step: Int) {
    self.step = step
  }

  /// The largest size whose characters are at most that many pixels high; never below step 0.
  @inline(never)
  init(height: Int) {
    var step = 0
    while TypeSize(step: step + 1).height <= height { step += 1 }
    self.init(step: step)
  }

  /// A character's cell in pixels.
  var width: Int { @inline(never) get { face.width * scale } }
  var height: Int { @inline(never) get { face.height * scale } }

  /// The characters that fit into so many pixels.
  @inline(never)
  func columns(in width: Int) -> Int { max(0, width / self.width) }

  /// This size, or one that is `steps` smaller, as far as there is one.
  func smaller(by steps: Int) -> TypeSize { TypeSize(step: max(0, step - steps)) }
}

extension Bitmap {
  /// Writes a character of printable ASCII, the top left corner of its cell at `x`, `y`.
  @inline(never)
  mutating func write(_ character: UInt8, _ type: TypeSize, x: Int, y: Int) {
    let scale = type.scale
    let width = type.face.width
    if !isVisible(Rectangle(x: x, y: y, width: width * scale, height: type.height)) { return }
    let rows = type.face.rows(of: character)
    for row in 0..<type.face.height {
      for column in 0..<width
      where rows[row] &>> UInt32(truncatingIfNeeded: width - 1 - column) & 1 == 1 {
        fill(
          Rectangle(x: x + column * scale, y: y + row * scale, width: scale, height: scale), .ink)
      }
    }
  }
}
