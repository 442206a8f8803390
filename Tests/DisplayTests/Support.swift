import Bytes
import Foundation
import Linux
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

  /// The pixels of a line of text.
  init(text: [UInt8], _ type: TypeSize) {
    size = Size(width: text.count * type.width, height: type.height)
    let characters = text.map { type.face.rows(of: $0) }
    let width = type.width
    rows = (0..<size.height).map { y in
      characters.flatMap { lines in
        (0..<width).map { x in
          lines[y / type.scale] >> UInt32(type.face.width - 1 - x / type.scale) & 1 == 1
        }
      }
    }
  }

  /// Whether exactly these pixels are at that place.
  func shows(_ pattern: Pixels, x: Int, y: Int) -> Bool {
    for row in 0..<pattern.size.height {
      for column in 0..<pattern.size.width
      where rows[y + row][x + column] != pattern.rows[row][column] { return false }
    }
    return true
  }
}

extension Typeface {
  /// Whether the pixel of that character's cell is ink.
  func isInk(_ character: UInt8, x: Int, y: Int) -> Bool {
    rows(of: character)[y] >> UInt32(width - 1 - x) & 1 == 1
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

let webex = {
  var code = SignInCode(
    userCode: "482731", verificationURI: "https://oauth-helper-r.wbx2.com/verify")
  code.verificationURIComplete = """
    https://oauth-helper-r.wbx2.com/verify?userCode=\
    0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    """
  code.title = "Sign in to Webex"
  code.secondsLeft = 272
  code.lifetimeSeconds = 300
  return code
}()

let plain = {
  var code = SignInCode(userCode: "WDJB-MJHT", verificationURI: "https://www.example.com/device")
  code.secondsLeft = 1800
  return code
}()

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

func temporary(_ name: String) -> Path {
  let number = UInt64.random(in: 0...UInt64.max)
  return Path(Array("/tmp/devicegrant-display-test-\(number)-\(name)".utf8).span)!
}

extension Path {
  var text: String { String(decoding: (0..<bytes.count).map { bytes[$0] }, as: UTF8.self) }

  func remove() throws {
    if unlink(text) != 0 { throw Errno(rawValue: errno) }
  }
}

func contents(_ path: Path) throws -> [UInt8] {
  let file = try FileDescriptor(opening: path, .readOnly)
  let memory = Memory(count: 256 * 1024)
  var buffer = Buffer(storage: memory.bytes)
  try file.readAll(into: &buffer)
  return Array(memory.bytes[..<buffer.count])
}

extension ConsoleDisplay {
  /// Shows a screen with nobody to attend to.
  mutating func show(_ screen: borrowing Screen) throws(DisplayError) {
    try show(screen, attending: Attending())
  }
}
