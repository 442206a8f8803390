import Bytes
import DeviceGrant
import OAuth
import TestSupport
import Testing

private let granted = #"{"access_token":"at","token_type":"Bearer"}"#

@Suite struct PollAnswerTests {
  @Test(
    "row 19: pending in every shape",
    arguments: [
      (400, #"{"error":"authorization_pending"}"#),
      (400, #"{"error":"authorization_pending","error_description":"not yet"}"#),
      // Webex: status alone, or with a body of some shape.
      (428, ""), (428, "{}"), (428, "<html></html>"), (428, "[]"),
      (
        428, #"{"message":"m","errors":[{"description":"authorization_pending"}],"trackingId":"R"}"#
      ),
      (428, #"{"message":"Precondition Required","errors":[{"description":"wait"}]}"#),
      (400, #"{"message":"m","errors":[{"description":"authorization_pending"}]}"#),
      // Google, Auth0, Twitch, GitHub.
      (428, #"{"error":"authorization_pending","error_description":"Precondition Required"}"#),
      (403, #"{"error":"authorization_pending"}"#),
      (400, #"{"status":400,"message":"authorization_pending"}"#),
      (200, #"{"error":"authorization_pending"}"#),
    ])
  func pending(status: Int, body: String) {
    #expect(answer(status, body).words == "pending")
    #expect(answer(status, body, retryAfter: 7).words == "pending, after 7")
  }

  @Test(
    "row 20: slow_down in every shape",
    arguments: [
      (400, #"{"error":"slow_down"}"#, "slow down"),
      (403, #"{"error":"slow_down","error_description":"Forbidden"}"#, "slow down"),
      (429, #"{"error":"slow_down"}"#, "slow down"),
      (428, #"{"error":"slow_down"}"#, "slow down"),
      (400, #"{"message":"m","errors":[{"description":"slow_down"}]}"#, "slow down"),
      (400, #"{"status":400,"message":"slow_down"}"#, "slow down"),
      (200, #"{"error":"slow_down","interval":10}"#, "slow down to 10"),
      (200, #"{"error":"slow_down","interval":"10"}"#, "slow down to 10"),
      (400, #"{"error":"slow_down","interval":-1}"#, "slow down to -1"),
      (400, #"{"error":"slow_down","interval":"soon"}"#, "slow down"),
    ])
  func slowDown(status: Int, body: String, expected: String) {
    #expect(answer(status, body).words == expected)
    #expect(answer(status, body, retryAfter: 9).words == expected + ", after 9")
  }

  @Test(
    "row 21: denied in every shape",
    arguments: [
      (400, #"{"error":"access_denied"}"#), (403, #"{"error":"access_denied"}"#),
      (400, #"{"error":"authorization_declined"}"#), (200, #"{"error":"access_denied"}"#),
      (428, #"{"error":"access_denied"}"#), (400, #"{"status":400,"message":"access_denied"}"#),
      (400, #"{"message":"m","errors":[{"description":"access_denied"}]}"#),
      (400, #"{"error":"access_denied","message":"slow_down"}"#),
    ])
  func denied(status: Int, body: String) {
    #expect(answer(status, body).words == "denied")
  }

  @Test(
    "row 22: expired in every shape",
    arguments: [
      (400, #"{"error":"expired_token"}"#), (401, #"{"error":"expired_token"}"#),
      (200, #"{"error":"token_expired"}"#), (400, #"{"status":400,"message":"expired_token"}"#),
      (400, #"{"message":"m","errors":[{"description":"expired_token"}]}"#),
    ])
  func expired(status: Int, body: String) {
    #expect(answer(status, body).words == "expired")
  }

  @Test(
    "row 23: any other error",
    arguments: [
      (400, #"{"error":"invalid_grant"}"#, "invalid_grant 400"),
      (401, #"{"error":"invalid_client"}"#, "invalid_client 401"),
      (400, #"{"error":"bad_verification_code"}"#, "bad_verification_code 400"),
      (200, #"{"error":"incorrect_device_code"}"#, "incorrect_device_code 200"),
      (
        400, #"{"message":"m","errors":[{"description":"tokenlimit_reached"}]}"#,
        "tokenlimit_reached 400"
      ),
      (
        401, #"{"status":400,"message":"The request requires a valid access token"}"#,
        "The request requires a valid access token 401"
      ),
      (404, #"{"status":400,"message":"not found"}"#, "not found 404"),
      // An error that comes with tokens is an error.
      (
        200, #"{"error":"invalid_grant","access_token":"at","token_type":"bearer"}"#,
        "invalid_grant 200"
      ),
    ])
  func refused(status: Int, body: String, expected: String) {
    #expect(answer(status, body).words == "refused: \(expected)")
  }

  @Test(
    "row 24: a server that can't answer now",
    arguments: [
      (408, ""), (429, ""), (429, "{}"), (429, #"{"message":"Too many requests"}"#), (500, ""),
      (500, #"{"error":"server_error"}"#), (500, #"{"error":"invalid_grant"}"#),
      (400, #"{"error":"server_error"}"#), (400, #"{"error":"temporarily_unavailable"}"#),
      (502, "<html>Bad Gateway</html>"), (503, #"{"error":"temporarily_unavailable"}"#), (504, ""),
      (599, "{"),
    ])
  func unavailable(status: Int, body: String) {
    #expect(answer(status, body).words == "unavailable \(status)")
    #expect(answer(status, body, retryAfter: 30).words == "unavailable \(status), after 30")
  }

  @Test(
    "row 24: an answer that says nothing",
    arguments: [
      (200, ""), (200, "<html>Welcome to this hotel</html>"), (200, "[]"), (200, "null"),
      (200, "access_token=at&token_type=bearer"),
      (200, #"{"access_token":"at","access_token":"other","token_type":"bearer"}"#),
      (200, #"{"error":1101}"#), (400, #"{"error":1101,"sub_error":20411}"#),
      (400, #"{"error":{"code":31,"error_subcode":1349174}}"#),
      // Trakt: statuses alone. Pending, bad code, used, expired, denied.
      (400, ""), (404, ""), (409, ""), (410, ""), (418, ""),
      (401, "<html>Log in to the proxy</html>"), (401, "\n\u{FEFF}\n<!DOCTYPE html>"),
      (400, "{}"), (404, "<html></html>"), (302, ""), (304, ""), (204, ""),
      // Not the client's credentials, as long as the server does not say so.
      (401, ""), (401, "Unauthorized"), (401, "{}"),
    ])
  func unreadable(status: Int, body: String) {
    #expect(answer(status, body).words == "unreadable \(status)")
    #expect(answer(status, body, retryAfter: 30).words == "unreadable \(status), after 30")
  }

  @Test(
    "a gateway's word ends no code of a server that speaks OAuth",
    arguments: [
      #"{"message":"Bad Request"}"#, #"{"message":"access_denied"}"#,
      #"{"error":"Bad Request","message":"access_denied","path":"/token"}"#,
      #"{"error":"Forbidden"}"#, #"{"errors":[{"description":"expired_token"}]}"#,
      #"{"error":"never heard of"}"#, #"{"error":"SLOW_DOWN"}"#, #"{"error_code":"gone"}"#, "",
      "{}",
    ])
  func foreign(body: String) {
    for status in [400, 401, 403, 404, 410] {
      #expect(answer(status, body, wording: Wording()).words == "unreadable \(status)")
    }
  }

  @Test(arguments: [#"{"message":"Bad Request"}"#, #"{"error":"Bad Request","message":"x"}"#, ""])
  func foreignToSentencesToo(body: String) {
    #expect(answer(400, body).words == "unreadable 400")
  }

  @Test(
    "a success without tokens is the end, since they won't come again",
    arguments: [
      "{}", #"{"value":[]}"#, #"{"token_type":"bearer"}"#,
      #"{"access_token":"","token_type":"bearer"}"#, #"{"access_token":5,"token_type":"bearer"}"#,
      #"{"access_token":null,"token_type":"bearer"}"#,
    ])
  func withoutTokens(body: String) {
    #expect(answer(200, body).words == "unusable: no token")
  }

  @Test func withoutATypeItIsBearer() {
    #expect(answer(200, #"{"access_token":"at"}"#).words == "granted")
    #expect(answer(200, #"{"access_token":"at","token_type":null}"#).words == "granted")
    #expect(answer(200, #"{"access_token":"at","token_type":1}"#).words == "unusable: type ")
  }

  @Test(
    "row 49: the token type is bearer in any case",
    arguments: [
      ("bearer", "granted"), ("Bearer", "granted"), ("BEARER", "granted"),
      ("mac", "unusable: type mac"), ("DPoP", "unusable: type DPoP"), ("", "unusable: type "),
      ("bearer ", "unusable: type bearer "),
      ("an-unknown-type-of-some-length", "unusable: type an-unknown-type-of-some-length"),
    ])
  func tokenTypes(type: String, expected: String) {
    #expect(answer(200, #"{"access_token":"at","token_type":"\#(type)"}"#).words == expected)
  }

  @Test(
    "a token is one word on one line",
    arguments: ["a b", "a\\nb", "a\\r\\nX: y", "a\\u001b[2J", "a\\u007f", "\u{E9}", " "])
  func malformedTokens(token: String) {
    #expect(
      answer(200, #"{"access_token":"\#(token)","token_type":"bearer"}"#).words
        == "unusable: access_token malformed")
    #expect(
      answer(
        200, #"{"access_token":"at","refresh_token":"\#(token)","token_type":"bearer"}"#
      ).words
        == "unusable: refresh_token malformed")
  }

  @Test(
    "what need not be strict is read",
    arguments: [
      "\u{FEFF}" + granted, granted.dropLast() + #","error":""}"#,
      granted.dropLast() + #","x":"a\u0000b"}"#,
      granted.dropLast() + #","x":1000000000000000000000000000000}"#,
    ])
  func leniency(body: String) {
    #expect(answer(200, body).words == "granted")
  }

  /// Gives `body` the answer of a server whose JSON ends in a string in Latin-1.
  private func withLatinAnswer(
    _ status: Int, _ beginning: String, _ body: (PollAnswer) -> Void
  ) {
    let text = Array(beginning.utf8) + [0xE9] + Array(#""}"#.utf8)
    withTokens { tokens in
      var reason = ServerError()
      body(
        readPollAnswer(
          status: status, body: text.span, retryAfter: nil, unixSeconds: 0, wording: Wording(),
          reason: &reason,
          into: &tokens))
    }
  }

  @Test func wordsInAnotherEncodingDoNotHideTheVerdict() {
    withLatinAnswer(400, #"{"error":"access_denied","error_description":"refus"#) { answer in
      guard case .denied = answer else {
        Issue.record("not denied")
        return
      }
    }
  }

  @Test func noTokenComesOfAnotherEncoding() {
    withLatinAnswer(200, #"{"token_type":"bearer","access_token":"a"#) { answer in
      guard case .unusable(.malformed) = answer else {
        Issue.record("not malformed")
        return
      }
    }
  }

  @Test func everyTruncationOfASuccessIsUnreadable() {
    let whole = Array(granted.utf8)
    #expect(answer(200, granted).words == "granted")
    for length in 0..<whole.count {
      let cut = String(decoding: whole[..<length], as: UTF8.self)
      #expect(answer(200, cut).words == "unreadable 200", "cut after \(length) bytes")
    }
  }
}

@Suite struct TokensTests {
  /// What the tokens hold after an answer, in a form that can be compared.
  private struct Held: Equatable {
    var accessToken = ""
    var refreshToken = ""
    var scope = ""
    var expiresAt: Int64?
    var refreshTokenExpiresAt: Int64?
  }

  private static let now: Int64 = 1_700_000_000

  private func read(_ body: String, into tokens: inout Tokens) -> String {
    Answer(200, body, unixSeconds: Self.now, into: &tokens).words
  }

  private func held(after members: String) throws -> Held {
    try withTokens { tokens in
      let words = read(#"{"access_token":"at","token_type":"Bearer"\#(members)}"#, into: &tokens)
      try #require(words == "granted")
      return Held(
        accessToken: string(tokens.accessToken.bytes),
        refreshToken: string(tokens.refreshToken.bytes),
        scope: string(tokens.scope), expiresAt: tokens.expiresAt,
        refreshTokenExpiresAt: tokens.refreshTokenExpiresAt)
    }
  }

  @Test func everyMemberOfASuccess() throws {
    let held = try held(
      after: #","refresh_token":"rt","scope":"a b","expires_in":64799,"#
        + #""refresh_token_expires_in":7697037,"created_at":5,"id_token":"x""#)
    #expect(
      held
        == Held(
          accessToken: "at", refreshToken: "rt", scope: "a b", expiresAt: Self.now + 64799,
          refreshTokenExpiresAt: Self.now + 7_697_037))
  }

  @Test("row 44: what is not said is not known") func optionalMembers() throws {
    #expect(try held(after: "") == Held(accessToken: "at"))
  }

  @Test(arguments: ["null", "5", "[]", #""""#])
  func aRefreshTokenOfAnotherTypeIsNone(value: String) throws {
    #expect(try held(after: #","refresh_token":\#(value)"#) == Held(accessToken: "at"))
  }

  @Test(
    arguments: [
      ("3600", now + 3600), (#""3600""#, now + 3600), ("3600.0", now + 3600), ("1", now + 1),
      ("999999999", now + 999_999_999), ("0", nil), ("-1", nil), ("null", nil), (#""soon""#, nil),
      ("1.5", now + 1), ("true", nil), ("1e30", .max),
      // A time instead of a lifetime.
      ("1000000000", 1_000_000_000), ("1784955360", 1_784_955_360),
      ("9223372036854775807", Int64.max),
    ] as [(String, Int64?)])
  func lifetimesBecomeTimes(value: String, expected: Int64?) throws {
    #expect(try held(after: #","expires_in":\#(value)"#).expiresAt == expected)
    #expect(
      try held(after: #","refresh_token_expires_in":\#(value)"#).refreshTokenExpiresAt == expected)
  }

  @Test(
    "row 43: the granted scope",
    arguments: [
      (#""a b""#, "a b"), (#""a,b""#, "a,b"), (#"["a","b c"]"#, "a b c"), ("[]", ""), (#""""#, ""),
      ("null", ""), ("5", ""), (#"["a",1,"b"]"#, "a b"),
    ])
  func scopes(value: String, expected: String) throws {
    #expect(try held(after: #","scope":\#(value)"#).scope == expected)
  }

  @Test("row 45: tokens of 16 KiB and no more", arguments: ["access_token", "refresh_token"])
  func largestTokens(name: String) {
    func answer(_ length: Int) -> String {
      let large = String(repeating: "t", count: length)
      let (access, refresh) = name == "access_token" ? (large, "rt") : ("at", large)
      return #"{"access_token":"\#(access)","refresh_token":"\#(refresh)","token_type":"bearer"}"#
    }
    withTokens { tokens in
      let largest = read(answer(16384), into: &tokens)
      let count = tokens.accessToken.count + tokens.refreshToken.count
      #expect(largest == "granted")
      #expect(count == 16386)

      let tooLarge = read(answer(16385), into: &tokens)
      let isEmpty = tokens.accessToken.isEmpty && tokens.refreshToken.isEmpty
      #expect(tooLarge == "unusable: \(name) too long")
      #expect(isEmpty)
    }
  }

  @Test func bothTokensMayBeOfTheLargestSize() throws {
    let large = String(repeating: "t", count: 16384)
    withTokens { tokens in
      let words = read(
        #"{"access_token":"\#(large)","refresh_token":"\#(large)","token_type":"bearer"}"#,
        into: &tokens)
      #expect(words == "granted")
    }
  }

  @Test func whatIsNoGrantLeavesNoTokensOfTheLastOne() {
    withTokens { tokens in
      _ = read(
        #"{"access_token":"at","refresh_token":"rt","token_type":"bearer","scope":"s","#
          + #""expires_in":9}"#,
        into: &tokens)
      _ = read(#"{"error":"authorization_pending"}"#, into: &tokens)
      let isEmpty =
        tokens.accessToken.isEmpty && tokens.refreshToken.isEmpty && tokens.scope.isEmpty
        && tokens.tokenType.isEmpty && tokens.expiresAt == nil
      #expect(isEmpty)
    }
  }
}

@Suite struct ServerErrorTests {
  private func words(_ body: String) -> [String] {
    let answer = answer(400, body)
    guard case .refused = answer.meaning else { return ["not refused"] }
    return [string(answer.reason.code), string(answer.reason.details)]
  }

  @Test func theServersWordsAreKeptAsTheyAre() {
    #expect(
      words(#"{"error":"bad","error_description":"\u202egnp\u001b[2J\n"}"#)
        == ["bad", "\u{202E}gnp\u{1B}[2J\n"])
  }

  @Test func withoutDescriptionThereAreNoDetails() {
    #expect(words(#"{"error":"invalid_grant"}"#) == ["invalid_grant", ""])
  }

  /// The secrets of a request that its answer repeats.
  @Test(arguments: [
    ("no code secret-device-code", "no code ******************"),
    ("'secret-device-code', secret-device-code.", "'******************** *******************"),
    // Cut by the server, or changed behind its beginning, or encoded.
    ("secret-device", "*************"), ("secret-d...", "***********"),
    ("secret%2Ddevice%2dcode&x y", "************************ y"),
    ("x=secret%2ddevice-code", "x=********************"),
    // Less is no secret.
    ("secret-", "secret-"), ("secret%2", "secret%2"), ("a device-code", "a device-code"),
    ("secret", "secret"), ("", ""),
  ])
  func aSecretIsMasked(sent: String, expected: String) {
    var reason = answer(400, #"{"error":"invalid_grant","error_description":"\#(sent)"}"#).reason
    reason.mask(Array("secret-device-code".utf8).span)
    let nothing: [UInt8] = []
    reason.mask(nothing.span)
    #expect(string(reason.details) == expected)
    #expect(string(reason.code) == "invalid_grant")
    reason.mask(Array("invalid_grant".utf8).span)
    #expect(string(reason.code) == "*************")
  }

  @Test func wordsWithoutEndAreCut() {
    let long = String(repeating: "w", count: 1000)
    #expect(
      words(#"{"error":"\#(long)","error_description":"\#(long)"}"#)
        == [String(long.prefix(128)), String(long.prefix(256))])
  }
}
