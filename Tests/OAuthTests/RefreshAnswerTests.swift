import Bytes
import OAuth
import TestSupport
import Testing

/// What is in `Tokens`, to be compared and printed.
private struct Held: Equatable {
  var accessToken = "old access"
  var refreshToken = "old refresh"
  var tokenType = "Bearer"
  var scope = "old scope"
  var expiresAt: Int64? = 111
  var refreshTokenExpiresAt: Int64? = 222

  init() {}

  init(_ tokens: borrowing Tokens) {
    accessToken = string(tokens.accessToken.bytes)
    refreshToken = string(tokens.refreshToken.bytes)
    tokenType = string(tokens.tokenType)
    scope = string(tokens.scope)
    expiresAt = tokens.expiresAt
    refreshTokenExpiresAt = tokens.refreshTokenExpiresAt
  }

  /// Puts this into `tokens`.
  func fill(_ tokens: inout Tokens) {
    for byte in accessToken.utf8 { tokens.accessToken.append(byte) }
    for byte in refreshToken.utf8 { tokens.refreshToken.append(byte) }
    for byte in tokenType.utf8 { tokens.tokenType.append(byte) }
    for byte in scope.utf8 { tokens.scope.append(byte) }
    tokens.expiresAt = expiresAt
    tokens.refreshTokenExpiresAt = refreshTokenExpiresAt
  }
}

/// What an answer to a refresh comes to.
private struct Refresh: Equatable {
  var words: String
  var held: Held

  init(
    _ status: Int, _ body: [UInt8], retryAfter: Int64? = nil, old: Held = Held(),
    wording: Wording = Wording()
  ) {
    (words, held) = withTokens { tokens in
      old.fill(&tokens)
      var reason = ServerError()
      let answer = readRefreshAnswer(
        status: status, body: body.span, retryAfter: retryAfter, unixSeconds: 1_800_000_000,
        wording: wording, reason: &reason, updating: &tokens)
      return (Self.words(answer, reason), Held(tokens))
    }
  }

  init(
    _ status: Int, _ body: String, retryAfter: Int64? = nil, old: Held = Held(),
    wording: Wording = Wording()
  ) {
    self.init(status, Array(body.utf8), retryAfter: retryAfter, old: old, wording: wording)
  }

  private static func words(_ answer: RefreshAnswer, _ reason: ServerError) -> String {
    switch answer {
    case .refreshed: "refreshed"
    case .lost: "lost: \(string(reason.code)) \(reason.status)"
    case .refused: "refused: \(string(reason.code)) \(reason.status)"
    case .unusable(.tokenType): "unusable: type \(string(reason.code))"
    case .unusable(.tooLong(let member)): "unusable: \(member.name) too long"
    case .unusable(.malformed(let member)): "unusable: \(member.name) malformed"
    case .unusable(.missing): "unusable: no token"
    case .transient(let kind, let retryAfter):
      "\(kind)" + (retryAfter.map { ", after \($0)" } ?? "")
    }
  }
}

@Suite struct RefreshAnswerTests {
  @Test func everythingIsRenewed() {
    var expected = Held()
    expected.accessToken = "at"
    expected.refreshToken = "rt"
    expected.tokenType = "bearer"
    expected.scope = "a b"
    expected.expiresAt = 1_800_003_600
    expected.refreshTokenExpiresAt = 1_807_776_000
    let refresh = Refresh(
      200,
      #"{"access_token":"at","refresh_token":"rt","token_type":"bearer","scope":"a b","#
        + #""expires_in":3600,"refresh_token_expires_in":7776000}"#)
    #expect(refresh.words == "refreshed")
    #expect(refresh.held == expected)
  }

  @Test(arguments: ["", #","refresh_token":null"#, #","refresh_token":"""#, #","refresh_token":5"#])
  func withoutANewRefreshTokenTheOldOneStays(member: String) {
    var expected = Held()
    expected.accessToken = "at"
    expected.expiresAt = nil
    let body = #"{"access_token":"at"\#(member)}"#
    #expect(Refresh(200, body).held == expected)
    // And lives as long as the answer says, where it says.
    expected.refreshTokenExpiresAt = 1_800_000_060
    let dated = #"{"access_token":"at","refresh_token_expires_in":60\#(member)}"#
    #expect(Refresh(200, dated).held == expected)
  }

  @Test func ofANewRefreshTokenWithoutAFigureNothingIsKnown() {
    let held = Refresh(200, #"{"access_token":"at","refresh_token":"rt"}"#).held
    #expect(held.refreshToken == "rt")
    #expect(held.refreshTokenExpiresAt == nil)
  }

  @Test func withoutATypeItIsBearer() {
    var old = Held()
    old.tokenType = ""
    #expect(Refresh(200, #"{"access_token":"at"}"#, old: old).held.tokenType == "Bearer")
  }

  @Test(arguments: [
    (#""BEARER""#, "refreshed"), (#""mac""#, "unusable: type mac"), (#""""#, "unusable: type "),
    ("null", "refreshed"), ("5", "unusable: type "), ("[]", "unusable: type "),
  ])
  func aTypeThatIsNotBearerIsOfNoUse(value: String, expected: String) {
    let refresh = Refresh(200, #"{"access_token":"at","token_type":\#(value)}"#)
    #expect(refresh.words == expected)
    if expected != "refreshed" { #expect(refresh.held == Held()) }
  }

  @Test(arguments: [
    ("", "old scope"), (#","scope":"x""#, "x"), (#","scope":["x","y"]"#, "x y"),
    (#","scope":[]"#, "old scope"), (#","scope":null"#, "old scope"), (#","scope":5"#, "old scope"),
  ])
  func whereNoScopeIsSaidTheOldOneStays(member: String, expected: String) {
    #expect(Refresh(200, #"{"access_token":"at"\#(member)}"#).held.scope == expected)
  }

  @Test(
    arguments: [
      ("3600", 1_800_003_600), ("0", 1_800_000_000), ("-5", 1_800_000_000), ("null", nil),
      (#""60""#, 1_800_000_060), ("1900000000", 1_900_000_000), ("9223372036854775807", .max),
      ("-9223372036854775808", 1_800_000_000),
    ] as [(String, Int64?)])
  func theOldTimeDoesNotOutliveItsToken(value: String, expected: Int64?) {
    let body = #"{"access_token":"at","expires_in":\#(value)}"#
    #expect(Refresh(200, body).held.expiresAt == expected)
  }

  @Test(arguments: [0, -1])
  func nothingLeftIsNotTheSameAsNotTold(life: Int) {
    let body = #"{"access_token":"at","expires_in":\#(life),"refresh_token_expires_in":\#(life)}"#
    let ended = Refresh(200, body).held
    #expect(ended.expiresAt == 1_800_000_000 && ended.refreshTokenExpiresAt == 1_800_000_000)
    var unknown = Held()
    (unknown.expiresAt, unknown.refreshTokenExpiresAt) = (nil, nil)
    let untold = Refresh(200, body, old: unknown).held
    #expect(untold.expiresAt == nil && untold.refreshTokenExpiresAt == nil)
  }

  @Test("Keycloak's name for the refresh token's life") func refreshExpiresIn() {
    let body = #"{"access_token":"at","refresh_token":"rt","refresh_expires_in":1800}"#
    #expect(Refresh(200, body).held.refreshTokenExpiresAt == 1_800_001_800)
  }

  @Test(
    "the refresh token is dead",
    arguments: [
      (400, #"{"error":"invalid_grant"}"#, "invalid_grant 400"),
      (401, #"{"error":"invalid_grant"}"#, "invalid_grant 401"),
      (
        200, #"{"error":"invalid_grant","access_token":"at","token_type":"bearer"}"#,
        "invalid_grant 200"
      ),
    ])
  func lost(status: Int, body: String, expected: String) {
    let refresh = Refresh(status, body)
    #expect(refresh.words == "lost: \(expected)")
    #expect(refresh.held == Held())
  }

  @Test(
    "the refresh token is dead in the words of a provider, and of no other",
    arguments: [
      (400, #"{"status":400,"message":"Invalid refresh token"}"#, "Invalid refresh token 400"),
      (
        400, #"{"error":"Bad Request","status":400,"message":"Invalid refresh token"}"#,
        "Invalid refresh token 400"
      ),
      (
        400, #"{"message":"m","errors":[{"description":"invalid refresh token"}]}"#,
        "invalid refresh token 400"
      ),
      (400, #"{"message":"m","errors":[{"description":"invalid_grant"}]}"#, "invalid_grant 400"),
    ])
  func lostInSentences(status: Int, body: String, expected: String) {
    let wording = Wording(usesSentences: true, deadToken: "efresh token")
    #expect(Refresh(status, body, wording: wording).words == "lost: \(expected)")
    #expect(Refresh(status, body).words == "unreadable")
    let word = #"{"error":"bad_refresh_token"}"#
    #expect(Refresh(200, word).words == "refused: bad_refresh_token 200")
    #expect(
      Refresh(200, word, wording: Wording(deadToken: "bad_refresh_token")).words
        == "lost: bad_refresh_token 200")
  }

  @Test(
    "another fault, which need not be the grant's",
    arguments: [
      (401, #"{"error":"invalid_client"}"#, "invalid_client 401"),
      (400, #"{"error":"invalid_client"}"#, "invalid_client 400"),
      (400, #"{"error":"invalid_request"}"#, "invalid_request 400"),
      (400, #"{"error":"invalid_scope"}"#, "invalid_scope 400"),
      (400, #"{"error":"unauthorized_client"}"#, "unauthorized_client 400"),
      (400, #"{"error":"unsupported_grant_type"}"#, "unsupported_grant_type 400"),
      (403, #"{"error":"forbidden"}"#, "forbidden 403"),
      (400, #"{"error":"interaction_required"}"#, "interaction_required 400"),
      (400, #"{"error":"expired_token"}"#, "expired_token 400"),
      (403, #"{"error":"access_denied"}"#, "access_denied 403"),
      (200, #"{"error":"odd"}"#, "odd 200"),
      (401, #"{"message":"Unauthorized"}"#, "Unauthorized 401"),
      (401, "", " 401"), (403, "<html></html>", " 403"), (401, "{}", " 401"),
    ])
  func refused(status: Int, body: String, expected: String) {
    let refresh = Refresh(status, body, retryAfter: 9)
    #expect(refresh.words == "refused: \(expected)")
    #expect(refresh.held == Held())
  }

  @Test(
    "a status of 400 is no word of the authorization server's beside anything that says nothing",
    arguments: [
      "<html>", "  <!DOC", "\n", "Bad Request", "bad request", #"[{"error":"invalid_grant"}]"#,
      "{", "\u{FEFF}", "\"invalid_grant\"", "{}", #"{"error":5}"#, #"{"error":""}"#,
      "", #"{"message":"Bad Request"}"#, #"{"error":"Bad Request","path":"/token"}"#,
      #"{"message":"Invalid refresh token"}"#,
    ])
  func badRequest(body: String) {
    #expect(Refresh(400, body, retryAfter: 7).words == "unreadable, after 7")
    #expect(Refresh(400, body).held == Held())
  }

  @Test(
    "words about the client are not about the grant",
    arguments: ["invalid client", "Client Id is invalid", "client_id not found"])
  func wordsAboutTheClient(words: String) {
    let wording = Wording(usesSentences: true, deadToken: "efresh token")
    let body = #"{"status":400,"message":"\#(words)"}"#
    #expect(Refresh(400, body, wording: wording).words == "refused: \(words) 400")
  }

  @Test(
    "no outage costs the grant",
    arguments: [
      (500, ""), (503, "{}"), (502, "<html></html>"), (504, ""), (408, ""), (429, ""),
      (500, #"{"error":"invalid_grant"}"#), (503, #"{"error":"access_denied"}"#),
      (503, #"{"error":"expired_token"}"#), (429, #"{"message":"access_denied"}"#),
      (500, #"{"error":"invalid_client"}"#), (599, #"{"access_token":"at"}"#),
      (400, #"{"error":"temporarily_unavailable"}"#), (400, #"{"error":"server_error"}"#),
      (403, #"{"error":"temporarily_unavailable"}"#), (400, #"{"error":"slow_down"}"#),
      (400, #"{"error":"authorization_pending"}"#), (400, #"{"error":"rate_limit_exceeded"}"#),
      (400, "\u{FEFF}" + #"{"error":"temporarily_unavailable"}"#),
    ])
  func unavailable(status: Int, body: String) {
    #expect(Refresh(status, body) == Refresh(500, "").with("unavailable"))
    #expect(Refresh(status, body, retryAfter: 30).words == "unavailable, after 30")
    #expect(Refresh(status, body).held == Held())
  }

  @Test(
    "an answer that says nothing",
    arguments: [
      (200, ""), (200, "<html>Welcome to this hotel</html>"), (200, "[]"),
      (204, ""), (301, ""), (302, "<html></html>"), (404, ""), (404, #"{"message":"not found"}"#),
      (302, #"{"message":"moved"}"#), (200, "access_token=at&token_type=bearer"),
    ])
  func unreadable(status: Int, body: String) {
    #expect(Refresh(status, body, retryAfter: 7).words == "unreadable, after 7")
    #expect(Refresh(status, body).held == Held())
  }

  @Test(arguments: [
    "{}", #"{"refresh_token":"rt"}"#, #"{"access_token":""}"#,
    #"{"access_token":5,"refresh_token":"rt"}"#,
  ])
  func withoutTokens(body: String) {
    #expect(Refresh(200, body).words == "unusable: no token")
    #expect(Refresh(200, body).held == Held())
  }

  @Test(arguments: ["access_token", "refresh_token"])
  func aTokenThatIsTooLongLeavesTheOldOnes(name: String) {
    let large = String(repeating: "t", count: Tokens.limit + 1)
    let (access, refresh) = name == "access_token" ? (large, "rt") : ("at", large)
    let answer = Refresh(200, #"{"access_token":"\#(access)","refresh_token":"\#(refresh)"}"#)
    #expect(answer.words == "unusable: \(name) too long")
    #expect(answer.held == Held())
  }

  @Test func truncationsChangeNothing() {
    let body = Array(
      (#"{"access_token":"at","refresh_token":"rt","token_type":"bearer","scope":"a","#
        + #""expires_in":3600,"refresh_token_expires_in":7776000}"#).utf8)
    for length in 0..<body.count {
      let refresh = Refresh(200, Array(body[..<length]))
      #expect(refresh.words == "unreadable", "\(length) bytes")
      #expect(refresh.held == Held(), "\(length) bytes")
    }
    #expect(Refresh(200, body).words == "refreshed")
  }

  @Test func damageNeverLeavesHalfAPair() {
    let body = Array(#"{"access_token":"at","refresh_token":"rt","token_type":"bearer"}"#.utf8)
    var generator = SeededGenerator(seed: 3)
    var refreshed = 0
    for _ in 0..<4000 {
      var changed = body
      changed[Int.random(in: 0..<body.count, using: &generator)] ^=
        1 << UInt8.random(in: 0...7, using: &generator)
      let refresh = Refresh(200, changed)
      if refresh.words == "refreshed" {
        refreshed += 1
        #expect(refresh.held.accessToken != "old access")
      } else {
        #expect(refresh.held == Held())
      }
    }
    #expect((100..<3900).contains(refreshed))
  }
}

extension Refresh {
  fileprivate func with(_ words: String) -> Refresh {
    var copy = self
    copy.words = words
    return copy
  }
}
