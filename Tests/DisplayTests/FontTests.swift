import Bytes
import Linux
import Testing

@testable import Display

@Suite struct FontTests {
  static let faces: [Typeface] = [.tiny, .small, .medium, .large]

  private func pixels(_ face: Typeface, _ character: UInt8) -> [Bool] {
    let rows = face.rows(of: character)
    return (0..<face.width * face.height).map {
      rows[$0 / face.width] >> UInt32(face.width - 1 - $0 % face.width) & 1 == 1
    }
  }

  private func distance(_ face: Typeface, _ first: UInt8, _ second: UInt8) -> Int {
    zip(pixels(face, first), pixels(face, second)).count { $0 != $1 }
  }

  @Test(arguments: faces) func everyCharacterHasItsOwnShape(_ face: Typeface) {
    #expect(!pixels(face, 0x20).contains(true))
    let drawings = (UInt8(0x21)..<0x7F).map { pixels(face, $0) }
    for (index, drawing) in drawings.enumerated() {
      #expect(drawing.contains(true))
      for other in drawings[..<index] {
        #expect(zip(drawing, other).count { $0 != $1 } >= 2, "\(index + 0x21)")
      }
    }
  }

  @Test(arguments: faces) func lookalikesAreToldApart(_ face: Typeface) {
    let pairs = [
      "0O", "0o", "0D", "0Q", "1I", "1l", "Il", "I|", "l|", "1i", "5S", "8B", "2Z", "6G", "UV",
      "O0",
    ]
    for pair in pairs {
      let characters = Array(pair.utf8)
      // In proportion to the area: four pixels of the tiny face, which has 48.
      let least = face.width * face.height / (face.height > 8 ? 20 : 16)
      #expect(distance(face, characters[0], characters[1]) >= least, "\(pair)")
    }
  }

  @Test(arguments: faces) func charactersKeepClearOfEachOther(_ face: Typeface) {
    for character in UInt8(0x21)..<0x7F where character != UInt8(ascii: "_") {
      let isClear = (0..<face.height).allSatisfy {
        !face.isInk(character, x: face.width - 1, y: $0)
      }
      #expect(isClear, "\(character)")
    }
  }

  @Test(arguments: faces) func dataIsWhatTheDrawingsSay(_ face: Typeface) throws {
    let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let path = "/\(root)/board/font/\(face.width)x\(face.height).txt"
    let drawings = Path(Array(path.utf8).span)
    let file = try FileDescriptor(opening: #require(drawings), .readOnly)
    let memory = Memory(count: 128 * 1024)
    var buffer = Buffer(storage: memory.bytes)
    try file.readAll(into: &buffer)
    let lines = String(decoding: memory.bytes[..<buffer.count], as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
    var line = 0
    for character in UInt8(0x20)..<0x7F {
      #expect(UInt8(lines[line].prefix(2), radix: 16) == character)
      for y in 0..<face.height {
        let drawn = lines[line + 1 + y].map { $0 == "#" }
        #expect(drawn == (0..<face.width).map { face.isInk(character, x: $0, y: y) })
      }
      line += face.height + 2
    }
  }

  @Test func fontDataStaysSmall() {
    let bytes = FontTests.faces.reduce(0) { $0 + $1.data.utf8CodeUnitCount }
    #expect(bytes <= 7 * 1024)
  }
}
