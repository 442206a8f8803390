import Bytes
import Foundation
import JSON
import TestSupport
import Testing

@Suite struct JSONWriterTests {
  private func read(_ bytes: [UInt8]) throws -> [String: Any] {
    let object = try JSONSerialization.jsonObject(with: Data(bytes))
    return try #require(object as? [String: Any])
  }

  @Test func anEmptyObject() {
    let bytes = written { JSONWriter().end(&$0) }
    #expect(bytes == Array("{}\n".utf8))
  }

  @Test func membersAreReadBackByAnotherReader() throws {
    let value = Array("a \"quoted\" \\ / ä😀\u{7F}\u{2028}".utf8)
    let bytes = written { sink in
      var writer = JSONWriter()
      writer.member("text", value.span, to: &sink)
      writer.member("least", Int64.min, to: &sink)
      writer.member("most", Int64.max, to: &sink)
      writer.member("yes", true, to: &sink)
      writer.member("no", false, to: &sink)
      writer.end(&sink)
    }
    let object = try read(bytes)
    #expect(object["text"] as? String == String(decoding: value, as: UTF8.self))
    #expect(object["least"] as? Int64 == Int64.min)
    #expect(object["most"] as? Int64 == Int64.max)
    #expect(object["yes"] as? Bool == true)
    #expect(object["no"] as? Bool == false)
    #expect(object.count == 5)
    #expect(bytes.last == UInt8(ascii: "\n"))
    #expect(bytes.filter { $0 == UInt8(ascii: "\n") }.count == 1)
  }

  @Test(arguments: 0..<0x80)
  func everyASCIICharacterSurvives(code: UInt8) throws {
    let value = [UInt8(ascii: "<"), code, UInt8(ascii: ">")]
    let bytes = written { sink in
      var writer = JSONWriter()
      writer.member("c", value.span, to: &sink)
      writer.end(&sink)
    }
    let object = try read(bytes)
    #expect(object["c"] as? String == String(decoding: value, as: UTF8.self))
  }

  @Test func ourReaderReadsWhatOurWriterWrites() throws {
    let value = Array("\u{1}\n\"\\ä\u{10FFFF}".utf8)
    let bytes = written { sink in
      var writer = JSONWriter()
      writer.member("s", value.span, to: &sink)
      writer.member("n", -42, to: &sink)
      writer.end(&sink)
    }
    let object = try JSONObject(bytes.span)
    let text = string(ifPresent: object.string("s"))
    let number = object.integer("n")
    #expect(text == String(decoding: value, as: UTF8.self))
    #expect(number == -42)
  }

  /// What a terminal takes for a command, in one byte or two.
  @Test(arguments: [
    ("\u{7F}", #""\u007f""#), ("\u{80}x", #""\u0080x""#), ("\u{9B}2J", #""\u009b2J""#),
    ("a\u{9F}", #""a\u009f""#), ("\u{A0}", "\"\u{A0}\""), ("é", #""é""#), ("\u{1B}", #""\u001b""#),
  ])
  func controlsAreEscaped(text: String, expected: String) {
    let written = written { $0.append(jsonString: Array(text.utf8).span) }
    #expect(String(decoding: written, as: UTF8.self) == expected)
  }
}
