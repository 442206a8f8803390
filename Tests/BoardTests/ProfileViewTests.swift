import Board
import Bytes
import TestSupport
import Testing

@Suite struct ProfileViewTests {
  /// What is printed, or in brackets what is wrong.
  private func shown(_ body: String, isForPerson: Bool, capacity: Int = 4096) -> String {
    let bytes = Array(body.utf8)
    return withBuffer(capacity: 4096) { draft in
      withBuffer(capacity: capacity) { output in
        let fault = appendProfile(
          bytes.span, isForPerson: isForPerson, draft: &draft, to: &output)
        if let fault { return "(\(string(fault.bytes)))" }
        return string(output.bytes)
      }
    }
  }

  @Test(arguments: [
    (#"{"name":"Ada"}"#, #"{"name":"Ada"}"#), ("\u{FEFF} {\"a\":1}\r\n ", "{\"a\":1}"),
    ("{\"a\":\n1}", "{\"a\":\n1}"), ("{\"a\":\"\u{9B}\"}", "{\"a\":\"\u{9B}\"}"),
  ])
  func forAProgramItIsAsItCame(body: String, expected: String) {
    #expect(shown(body, isForPerson: false) == expected + "\n")
  }

  @Test(arguments: [
    ("Ada", "Ada"), ("Zoë 李 – “x”…", "Zoë 李 – “x”…"), (#"\u001b[2J"#, #"\u001B[2J"#),
    ("a\u{7F}b", #"a\u007fb"#), ("\u{80}\u{9B}\u{A0}", "\\u0080\\u009b\u{A0}"),
    (
      "\u{2000}\u{200B}\u{202E}\u{2028}\u{2066}\u{206F}",
      #"\u2000\u200b\u202e\u2028\u2066\u206f"#
    ),
    ("\u{2010}\u{2014}\u{2027}\u{2070}", "\u{2010}\u{2014}\u{2027}\u{2070}"),
  ])
  func forAPersonWhatATerminalActsOnIsEscaped(name: String, expected: String) {
    let lines = shown("{\"name\":\"\(name)\",\"id\":7}", isForPerson: true)
    #expect(lines == "{\n  \"name\": \"\(expected)\",\n  \"id\": 7\n}\n")
  }

  @Test(arguments: [false, true]) func whatIsNoObjectIsAFault(isForPerson: Bool) {
    #expect(shown("[1]", isForPerson: isForPerson) == "(JSON, but not an object)")
    #expect(shown("<html>", isForPerson: isForPerson) == "(not valid JSON)")
    #expect(shown("", isForPerson: isForPerson) == "(not valid JSON)")
    let body = #"{"a":"1234567890"}"#
    #expect(shown(body, isForPerson: isForPerson, capacity: 12) == "(more than can be shown)")
  }

  @Test func whatIsNotUTF8IsAFault() {
    let bytes = Array(#"{"a":""#.utf8) + [0xC3] + Array(#""}"#.utf8)
    let fault = withBuffer(capacity: 64) { draft in
      withBuffer(capacity: 64) { output in
        appendProfile(bytes.span, isForPerson: false, draft: &draft, to: &output)
      }
    }
    #expect(fault.map { string($0.bytes) } == "text that is not UTF-8")
  }
}
