import Bytes
import TestSupport
import Testing

@Suite struct SpanTests {
  @Test(arguments: [
    ("", "", true, true), ("a", "a", true, true), ("a", "A", false, true),
    ("Content-Length", "content-length", false, true), ("a", "b", false, false),
    ("a", "aa", false, false), ("aa", "a", false, false), ("", "a", false, false),
    // Only letters have a case: these differ by the same bit.
    ("[", "{", false, false), ("@", "`", false, false), ("Ä", "ä", false, false),
  ])
  func comparison(left: String, right: String, equal: Bool, equalIgnoringCase: Bool) {
    let left = Array(left.utf8)
    let right = Array(right.utf8)
    let exactly = left.span.equals(right.span)
    let ignoringCase = left.span.equalsIgnoringCase(right.span)
    #expect(exactly == equal)
    #expect(ignoringCase == equalIgnoringCase)
  }

  @Test func comparisonWithALiteral() {
    let input = Array("Bearer".utf8)
    let bytes = input.span
    let exactly = [bytes.equals("Bearer"), bytes.equals("bearer")]
    let ignoringCase = [bytes.equalsIgnoringCase("bearer"), bytes.equalsIgnoringCase("bear")]
    #expect(exactly == [true, false])
    #expect(ignoringCase == [true, false])
  }

  @Test func prefixes() {
    let input = Array("HTTP/1.1".utf8)
    let bytes = input.span
    let held = [bytes.hasPrefix("HTTP/"), bytes.hasPrefix("HTTP/1.1"), bytes.hasPrefix("")]
    let refused = [bytes.hasPrefix("HTTP/1.1 "), bytes.hasPrefix("http/")]
    #expect(held == [true, true, true])
    #expect(refused == [false, false])
  }

  @Test(arguments: [(0, 1), (1, 1), (2, 3), (3, 3), (4, nil), (99, nil)] as [(Int, Int?)])
  func searchingForAByte(start: Int, expected: Int?) {
    let bytes = Array("a:b:c".utf8)
    let found = bytes.span.firstIndex(of: UInt8(ascii: ":"), from: start)
    #expect(found == expected)
  }

  @Test func containment() {
    let bytes = Array("a:b".utf8)
    let contained = [bytes.span.contains(UInt8(ascii: "b")), bytes.span.contains(0)]
    #expect(contained == [true, false])
  }

  @Test func searchingForALiteral() {
    let input = Array("aab-aac".utf8)
    let bytes = input.span
    let found = [
      bytes.firstIndex(of: "aab"), bytes.firstIndex(of: "aac"), bytes.firstIndex(of: "c"),
      bytes.firstIndex(of: "aad"), bytes.firstIndex(of: "aab-aac-"),
    ]
    #expect(found == [0, 4, 6, nil, nil])
    let empty: [UInt8] = []
    let none = empty.span.firstIndex(of: "a")
    #expect(none == nil)
  }

  @Test(arguments: [
    ("", ""), (" ", ""), (" \t\r", ""), ("a", "a"), ("  a b\t", "a b"), ("\r\na\r", "\na"),
  ])
  func trimming(input: String, expected: String) {
    let input = Array(input.utf8)
    let trimmed = string(input.span.trimmed())
    #expect(trimmed == expected)
  }

  @Test func suffixes() {
    let bytes = Array("abc".utf8)
    let (whole, last, none) = (
      string(bytes.span.suffix(from: 0)), string(bytes.span.suffix(from: 2)),
      string(bytes.span.suffix(from: 3))
    )
    #expect([whole, last, none] == ["abc", "c", ""])
  }

  @Test(arguments: 0...UInt8.max)
  func classesOfBytes(byte: UInt8) {
    let character = Character(Unicode.Scalar(byte))
    #expect(byte.isDigit == ("0"..."9").contains(character))
    #expect(byte.isLetter == (byte < 0x80 && character.isLetter))
    #expect(byte.isBlank == [0x20, 0x09, 0x0D].contains(byte))
    #expect(byte.isPrintableASCII == (0x20...0x7E).contains(byte))
    let value = byte < 0x80 ? character.hexDigitValue.map { UInt8($0) } : nil
    #expect(byte.hexadecimalValue == value)
    let lower = byte < 0x80 ? Character(character.lowercased()).asciiValue : byte
    #expect(lowercased(byte) == lower)
  }
}

@Suite struct UTF8Tests {
  /// Every sequence of up to three of these bytes, against the standard library's check: the ends
  /// of all ranges that matter.
  @Test func agreesWithTheStandardLibrary() {
    let edges: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1,
      0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    var sequences: [[UInt8]] = [[]]
    for length in 1...4 {
      for sequence in sequences where sequence.count == length - 1 {
        // The fourth byte follows only a lead of four.
        if length == 4, sequence[0] < 0xF0 { continue }
        sequences += edges.map { sequence + [$0] }
      }
    }
    let wrong = sequences.filter {
      $0.span.isUTF8 != (String(validating: $0, as: UTF8.self) != nil)
    }
    #expect(sequences.count > 100_000)
    #expect(wrong == [])
  }
}
