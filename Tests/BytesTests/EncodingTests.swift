import Bytes
import Foundation
import TestSupport
import Testing

@Suite struct EncodingTests {
  @Test(arguments: 0...UInt8.max)
  func everyByteHasOneFormEncoding(byte: UInt8) {
    // RFC 6749 Appendix B by way of RFC 3986 §2.3.
    let unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8
    let expected =
      unreserved.contains(byte)
      ? [byte] : byte == 0x20 ? [UInt8(ascii: "+")] : Array(String(format: "%%%02X", byte).utf8)
    let input = [byte]
    #expect(written { $0.append(formEncoded: input.span) } == expected)
  }

  @Test func formEncodingFollowsTheExampleOfTheStandard() {
    // RFC 6749 Appendix B: U+0020, U+0025, U+0026, U+002B, U+00A3, U+20AC.
    let input = Array(" %&+£€".utf8)
    let encoded = written { $0.append(formEncoded: input.span) }
    #expect(encoded == Array("+%25%26%2B%C2%A3%E2%82%AC".utf8))
  }

  @Test(arguments: 0...67)
  func base64IsWhatFoundationWrites(length: Int) {
    var generator = SeededGenerator(seed: UInt64(length))
    for _ in 0..<8 {
      let input = (0..<length).map { _ in UInt8.random(in: 0...255, using: &generator) }
      let encoded = written { $0.append(base64: input.span) }
      #expect(encoded == Array(Data(input).base64EncodedString().utf8))
    }
  }

  @Test(arguments: [
    ("plain text ~!", "plain text ~!"),
    ("", ""),
    ("C:\\", "C:\\\\"),
    ("\\x0a", "\\\\x0a"),
    ("two\nlines\r\t", "two\\x0alines\\x0d\\x09"),
    ("\u{1B}]0;title\u{07}", "\\x1b]0;title\\x07"),
    ("\0\u{7F}", "\\x00\\x7f"),
    ("\u{202E}gnp.exe", "\\xe2\\x80\\xaegnp.exe"),
    ("\u{2066}", "\\xe2\\x81\\xa6"),
    ("\u{9B}31m", "\\xc2\\x9b31m"),
    ("e\u{301}", "e\\xcc\\x81"),
  ])
  func textFromOutsideIsEscaped(input: String, expected: String) {
    let input = Array(input.utf8)
    let escaped = written { $0.append(escaped: input.span) }
    #expect(escaped == Array(expected.utf8))
  }

  @Test func brokenUTF8IsEscapedByteByByte() {
    let input: [UInt8] = [0xC3, 0x28, 0xFF, 0xE2, 0x82]
    let escaped = written { $0.append(escaped: input.span) }
    #expect(escaped == Array("\\xc3(\\xff\\xe2\\x82".utf8))
  }

  @Test func escapedTextIsPrintableAndTellsAllInputsApart() {
    var seen = Set<[UInt8]>()
    for byte in 0...UInt8.max {
      let input = [byte]
      let escaped = written { $0.append(escaped: input.span) }
      #expect(escaped.allSatisfy { (0x20..<0x7F).contains($0) })
      seen.insert(escaped)
    }
    #expect(seen.count == 256)
  }
}
