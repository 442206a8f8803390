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

  @Test func aDocumentThatIsTooMuchIsAnErrorAndTheNextIsReadAgain() {
    let crowded = "{" + (0..<6000).map { "\"\($0)\":{}," }.joined() + "\"last\":1}"
    #expect(crowded.utf8.count < Self.bodyLimit)
    for _ in 0..<3 {
      #expect(error(parsing: Array(crowded.utf8)) == .tooComplex)
      #expect(error(parsing: Array(#"{"last":"x"}"#.utf8)) == nil)
    }
  }

  /// Memory may run out in the middle of anything: a member, a table, the text of a string.
  @Test func runningOutAtAnyPointIsAnError() {
    var outcomes: Set<String> = []
    for members in stride(from: 0, to: 2200, by: 7) {
      for length in [1, 40, 1000, 9000, 20000] {
        let crowd = (0..<members).map { "\"\($0)\":[]," }.joined()
        let document = "{\(crowd)\"last\":\"\(String(repeating: "x", count: length))\"}"
        let error = error(parsing: Array(document.utf8))
        #expect(error != .malformed, "\(members) members, \(length) bytes")
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
