import Bytes
import JSON
import TestSupport
import Testing

@Suite struct ArenaTests {
  /// The limit on the body of an answer.
  private static let bodyLimit = 65536

  private func error(parsing document: [UInt8]) -> JSONError? {
    do {
      let object = try JSONObject(document.span)
      return object.has("last") ? nil : .malformed
    } catch {
      return error
    }
  }

  @Test func twoTokensOfTheLargestSizeFitBesideOtherMembers() throws {
    let token = String(repeating: "t", count: 16384)
    let rest = String(repeating: "r", count: 30000)
    let document = Array(
      #"{"access_token":"\#(token)","refresh_token":"\#(token)","rest":"\#(rest)","last":1}"#.utf8)
    let object = try JSONObject(document.span)
    let access = object.string("access_token")?.count
    let refresh = object.string("refresh_token")?.count
    #expect(access == 16384)
    #expect(refresh == 16384)
  }

  @Test func oneStringAsLongAsABodyCanBeFits() {
    let frame = #"{"last":""}"#
    let filler = String(repeating: "x", count: Self.bodyLimit - frame.utf8.count)
    #expect(error(parsing: Array("{\"last\":\"\(filler)\"}".utf8)) == nil)
  }

  /// A document with a list of `count` elements before its last member.
  private func crowd(_ element: String, _ count: Int, last: String = "1") -> [UInt8] {
    let list = String(repeating: element + ",", count: count - 1) + element
    return Array("{\"x\":[\(list)],\"last\":\(last)}".utf8)
  }

  @Test(
    "whatever a body of the largest size is made of fits",
    arguments: [
      "{}", "[]", "[[]]", #"{"":{}}"#, #"{"":""}"#, #"{"a":{},"b":[]}"#, "0", "0.1", "true",
      "\"\"", "\"abcdefg\"",
    ])
  func everyCrowdFits(element: String) {
    let document = crowd(element, (Self.bodyLimit - 16) / (element.utf8.count + 1))
    #expect(document.count <= Self.bodyLimit)
    #expect(error(parsing: document) == nil)
  }

  @Test(arguments: ["{}", "[]", "0", "\"\""]) func everyCrowdOfMembersFits(value: String) {
    var document: [UInt8] = [UInt8(ascii: "{")]
    var name = 0
    while document.count < Self.bodyLimit - 30 {
      document += Array("\"\(String(name, radix: 36))\":\(value),".utf8)
      name += 1
    }
    #expect(error(parsing: document + Array("\"last\":1}".utf8)) == nil)
  }

  @Test func aDocumentThatIsTooMuchIsAnErrorAndTheNextIsReadAgain() {
    for _ in 0..<3 {
      #expect(error(parsing: crowd("{}", 30000)) == .tooComplex)
      #expect(error(parsing: Array(#"{"last":"x"}"#.utf8)) == nil)
    }
  }

  /// Memory may run out in the middle of anything: a member, a table, the text of a string.
  @Test func runningOutAtAnyPointIsAnError() {
    var outcomes: Set<String> = []
    for count in stride(from: 22600, to: 23000, by: 13) {
      for length in [1, 40, 1000, 9000, 20000] {
        let last = "\"\(String(repeating: "x", count: length))\""
        let error = error(parsing: crowd("{}", count, last: last))
        #expect(error != .malformed, "\(count) objects, \(length) bytes")
        outcomes.insert(error.map { "\($0)" } ?? "read")
      }
    }
    #expect(outcomes == ["read", "tooComplex"])
  }

  @Test func parallelReadersDoNotDisturbEachOther() async {
    let wrong = await withTaskGroup(of: Int.self) { group in
      for reader in 0..<4 {
        group.addTask {
          let document = Array("{\"last\":\(reader),\"x\":\"y\"}".utf8)
          var wrong = 0
          for _ in 0..<500 {
            let value = try? JSONObject(document.span).integer("last")
            if value != Int64(reader) { wrong += 1 }
          }
          return wrong
        }
      }
      return await group.reduce(0, +)
    }
    #expect(wrong == 0)
  }
}
