import OAuth
import Testing

@Suite struct RevocationAnswerTests {
  private func answer(_ status: Int, _ body: String) -> RevocationAnswer {
    let bytes = Array(body.utf8)
    return readRevocationAnswer(status: status, body: bytes.span)
  }

  @Test func successIsRevoked() {
    #expect(answer(200, "") == .revoked)
    #expect(answer(200, "{}") == .revoked)
  }

  @Test(arguments: ["unsupported_token_type", "invalid_token", "invalid_grant"])
  func whatTheServerDoesNotKnowOrRevokeIsNotAskedForAgain(word: String) {
    #expect(answer(400, #"{"error":"\#(word)"}"#) == .pointless)
    // A word that has another status is another's.
    #expect(answer(503, #"{"error":"\#(word)"}"#) == .failed)
    #expect(answer(401, #"{"error":"\#(word)"}"#) == .failed)
  }

  @Test(arguments: [
    (400, #"{"error":"invalid_request"}"#), (401, #"{"error":"invalid_client"}"#),
    (400, ""), (400, "<html>"), (400, #"{"message":"invalid_token"}"#), (404, ""), (503, ""),
    (204, ""), (302, ""), (400, #"{"error":"invalid_token "}"#),
  ])
  func allElseIsTriedAgain(status: Int, body: String) {
    #expect(answer(status, body) == .failed)
  }
}
