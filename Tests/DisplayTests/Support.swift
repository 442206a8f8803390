import Bytes
import QR

@testable import Display

/// Memory for a picture, freed with the object.
final class Memory {
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: count, alignment: 16)
    // What lay there before must not show.
    for index in bytes.indices { bytes[index] = 0xA5 }
  }

  deinit { bytes.deallocate() }

  convenience init(_ size: Size) {
    self.init(count: Bitmap.stride(width: size.width) * size.height)
  }
}

/// A canvas that keeps everything that is asked of it, inside or outside.
struct Recorder: Canvas {
  var size: Size
  var fills: [(rectangle: Rectangle, ink: Ink)] = []

  init(_ size: Size) { self.size = size }

  mutating func fill(_ rectangle: Rectangle, _ ink: Ink) {
    if !rectangle.isEmpty { fills.append((rectangle, ink)) }
  }

  /// The smallest rectangle around everything inked.
  var inked: Rectangle? {
    var box: (left: Int, top: Int, right: Int, bottom: Int)?
    for (area, ink) in fills where ink == .ink {
      let old = box ?? (area.x, area.y, area.x, area.y)
      box = (
        min(old.left, area.x), min(old.top, area.y), max(old.right, area.x + area.width),
        max(old.bottom, area.y + area.height)
      )
    }
    return box.map {
      Rectangle(x: $0.left, y: $0.top, width: $0.right - $0.left, height: $0.bottom - $0.top)
    }
  }
}

/// The pixels of a picture, read through the rotation as a person sees them.
struct Pixels {
  let size: Size
  private let rows: [[Bool]]

  init(_ bitmap: borrowing Bitmap, panel: Size, rotation: Rotation) {
    size = bitmap.size
    var rows: [[Bool]] = []
    for y in 0..<size.height {
      var row: [Bool] = []
      for x in 0..<size.width {
        let place = rotation.applied(to: Rectangle(x: x, y: y, width: 1, height: 1), in: size)
        row.append(bitmap.isInk(x: place.x, y: place.y))
      }
      rows.append(row)
    }
    self.rows = rows
  }

  subscript(x: Int, y: Int) -> Bool { rows[y][x] }

  /// Whether every pixel of the rectangle lies inside and is `isInk`.
  func all(_ area: Rectangle, are isInk: Bool) -> Bool {
    for y in area.y..<(area.y + area.height) {
      for x in area.x..<(area.x + area.width) where self[x, y] != isInk { return false }
    }
    return true
  }

  /// Whether `text` stands in that size at that place, and nothing else in its cells.
  func shows(_ text: [UInt8], _ type: TypeSize, x: Int, y: Int) -> Bool {
    for (index, character) in text.enumerated() {
      for row in 0..<type.height {
        for column in 0..<type.width {
          let expected = type.face.isInk(
            character, x: column / type.scale, y: row / type.scale)
          if self[x + index * type.width + column, y + row] != expected { return false }
        }
      }
    }
    return true
  }
}

func text<let capacity: Int>(_ string: String) -> Text<capacity> {
  text(Array(string.utf8))
}

func text<let capacity: Int>(_ bytes: [UInt8]) -> Text<capacity> {
  var text = Text<capacity>()
  for byte in bytes { text.append(byte) }
  return text
}

func string<let capacity: Int>(_ text: Text<capacity>) -> String {
  var bytes: [UInt8] = []
  for index in text.bytes.indices { bytes.append(text.bytes[index]) }
  return String(decoding: bytes, as: UTF8.self)
}

let webex = SignInCode(
  userCode: "482731", verificationURI: "https://oauth-helper-r.wbx2.com/verify",
  verificationURIComplete: """
    https://oauth-helper-r.wbx2.com/verify?userCode=\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    """, title: "Sign in to Webex", secondsLeft: 272, lifetimeSeconds: 300)

let plain = SignInCode(
  userCode: "WDJB-MJHT", verificationURI: "https://www.example.com/device", secondsLeft: 1800)

let sizes = [
  Size(width: 1280, height: 800), Size(width: 800, height: 480), Size(width: 480, height: 800),
  Size(width: 480, height: 272),
  Size(width: 320, height: 240), Size(width: 240, height: 320), Size(width: 240, height: 240),
  Size(width: 160, height: 128), Size(width: 128, height: 160), Size(width: 128, height: 64),
]

/// Where reading back each pixel would take the test too long.
let largeSizes = [
  Size(width: 2048, height: 2048), Size(width: 1920, height: 1080), Size(width: 1366, height: 768),
  Size(width: 1024, height: 600), Size(width: 720, height: 1280), Size(width: 1600, height: 300),
]

let rotations: [Rotation] = [.none, .quarter, .half, .threeQuarters]
