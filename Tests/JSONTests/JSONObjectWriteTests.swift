import Bytes
import Foundation
import JSON
import TestSupport
import Testing

/// What `write` puts into a buffer of that size; nil where it says that it did not fit.
private func rewritten(_ document: String, capacity: Int = 4096) throws -> String? {
  let bytes = Array(document.utf8)
  let object = try JSONObject(bytes.span)
  return withBuffer(capacity: capacity) { buffer in
    object.write(to: &buffer) ? string(buffer.bytes) : nil
  }
}

@Suite struct JSONObjectWriteTests {
  @Test(arguments: [
    ("{}", "{}\n"), (#"{"a":1}"#, "{\n  \"a\": 1\n}\n"),
    (
      #"{"b":"x","a":[1,true,null],"c":{"d":-0.5}}"#,
      """
      {
        "b": "x",
        "a": [
          1,
          true,
          null
        ],
        "c": {
          "d": -0.5
        }
      }

      """
    ),
  ])
  func oneMemberALineInTheirOrder(document: String, expected: String) throws {
    #expect(try rewritten(document) == expected)
  }

  @Test(arguments: [
    #"{"a":"\u0001x\u001f"}"#,
    #"{"a":"\"\\\/\n\t😀ä\u2028"}"#, #"{"n":9223372036854775807,"m":-9223372036854775808}"#,
    #"{"":{"":[[],{},""]}}"#, #"{"r":1.5e300,"s":0.1}"#,
  ])
  func anotherReaderSeesTheSame(document: String) throws {
    let written = try #require(try rewritten(document))
    let before = try JSONSerialization.jsonObject(with: Data(document.utf8)) as? NSDictionary
    let after = try JSONSerialization.jsonObject(with: Data(written.utf8)) as? NSDictionary
    #expect(before != nil && before == after)
    // And it is written the same way again.
    #expect(try rewritten(written) == written)
  }

  @Test func whatDoesNotFitIsSaid() throws {
    let document = #"{"name":"Ada","list":[1,2,3]}"#
    let whole = try #require(try rewritten(document))
    let length = whole.utf8.count
    #expect(try rewritten(document, capacity: length) == whole)
    for capacity in 0..<length {
      #expect(try rewritten(document, capacity: capacity) == nil, "\(capacity) bytes")
    }
  }

  @Test func itIsAppended() throws {
    let bytes = Array("{}".utf8)
    let object = try JSONObject(bytes.span)
    let text = withBuffer(capacity: 64) { buffer in
      buffer.append("before ")
      let isWritten = object.write(to: &buffer)
      return isWritten ? string(buffer.bytes) : ""
    }
    #expect(text == "before {}\n")
  }

  @Test func theReaderIsFreeForTheNextDocumentAfterwards() throws {
    for _ in 0..<100 {
      #expect(try rewritten(#"{"a":[1,2,3]}"#, capacity: 5) == nil)
      #expect(try rewritten(#"{"a":[1,2,3]}"#) != nil)
    }
  }
}
