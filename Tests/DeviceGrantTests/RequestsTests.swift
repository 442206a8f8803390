import Bytes
import DeviceGrant
import OAuth
import TestSupport
import Testing

@Suite struct RequestsTests {
  private func deviceAuthorizationRequest(
    _ id: String, secret: String = "", scope: String, under name: StaticString = "scope",
    extra: String = ""
  ) -> String {
    let (id, secret, scope) = (Array(id.utf8), Array(secret.utf8), Array(scope.utf8))
    let extra = Array(extra.utf8)
    return body {
      writeDeviceAuthorizationRequest(
        clientID: id.span, clientSecret: secret.span, scopeParameter: name, scope: scope.span,
        extraParameters: extra.span, to: &$0)
    }
  }

  private func deviceTokenRequest(
    _ id: String, secret: String = "", deviceCode: String, scope: String = ""
  ) -> String {
    let (id, secret, scope) = (Array(id.utf8), Array(secret.utf8), Array(scope.utf8))
    let deviceCode = Array(deviceCode.utf8)
    return body {
      writeDeviceTokenRequest(
        clientID: id.span, clientSecret: secret.span, deviceCode: deviceCode.span,
        scopeParameter: "scopes", scope: scope.span, to: &$0)
    }
  }

  private func refreshRequest(_ id: String, secret: String = "", token: String) -> String {
    let (id, secret, token) = (Array(id.utf8), Array(secret.utf8), Array(token.utf8))
    return body {
      writeRefreshRequest(
        clientID: id.span, clientSecret: secret.span, refreshToken: token.span, to: &$0)
    }
  }

  private func revocationRequest(
    _ id: String, secret: String = "", token: String, hint: TokenTypeHint
  ) -> String {
    let (id, secret, token) = (Array(id.utf8), Array(secret.utf8), Array(token.utf8))
    return body {
      writeRevocationRequest(
        clientID: id.span, clientSecret: secret.span, token: token.span, hint: hint, to: &$0)
    }
  }

  private func body(_ write: (inout Buffer) -> Void) -> String {
    String(decoding: written(write), as: UTF8.self)
  }

  @Test(
    "row 2: a device authorization request byte for byte",
    arguments: [
      ("C6edae", "spark:people_read", "client_id=C6edae&scope=spark%3Apeople_read"),
      ("id", "openid profile", "client_id=id&scope=openid+profile"),
      ("a&b=c+d", "x", "client_id=a%26b%3Dc%2Bd&scope=x"),
      ("bücher", "ä €", "client_id=b%C3%BCcher&scope=%C3%A4+%E2%82%AC"),
    ])
  func deviceAuthorizationRequests(id: String, scope: String, expected: String) {
    #expect(deviceAuthorizationRequest(id, scope: scope) == expected)
  }

  @Test("row 4: a scope without a value is not sent") func emptyScope() {
    #expect(deviceAuthorizationRequest("id", scope: "") == "client_id=id")
  }

  @Test(
    "row 16: a device access token request byte for byte",
    arguments: [
      (
        "id", "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
        "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"
      ),
      ("id", "a/b+c=d", "a%2Fb%2Bc%3Dd"),
      ("id", "\u{1F511} \n", "%F0%9F%94%91+%0A"),
    ])
  func deviceTokenRequests(id: String, deviceCode: String, encoded: String) {
    #expect(
      deviceTokenRequest(id, deviceCode: deviceCode)
        == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
        + "&device_code=\(encoded)&client_id=\(id)")
  }

  @Test("row 5, row 17: a secret that belongs in the body is there, behind the identifier")
  func secretsInTheBody() {
    #expect(
      deviceAuthorizationRequest("id", secret: "s &", scope: "x")
        == "client_id=id&client_secret=s+%26&scope=x")
    #expect(
      deviceTokenRequest("id", secret: "s", deviceCode: "d").hasSuffix(
        "&device_code=d&client_id=id&client_secret=s"))
    #expect(
      refreshRequest("id", secret: "s", token: "r")
        == "grant_type=refresh_token&refresh_token=r&client_id=id&client_secret=s")
    #expect(
      revocationRequest("id", secret: "s", token: "r", hint: .refreshToken)
        == "token=r&token_type_hint=refresh_token&client_id=id&client_secret=s")
  }

  @Test func theScopeMayHaveAnotherNameAndGoWithThePoll() {
    #expect(
      deviceAuthorizationRequest("id", scope: "a b", under: "scopes") == "client_id=id&scopes=a+b")
    #expect(
      deviceTokenRequest("id", deviceCode: "d", scope: "a b").hasSuffix(
        "&device_code=d&client_id=id&scopes=a+b"))
  }

  @Test func extraParametersComeLastAndAsTheyAre() {
    let extra = "audience=https%3A%2F%2Fapi.example&response_type=device_code"
    #expect(
      deviceAuthorizationRequest("id", scope: "x", extra: extra)
        == "client_id=id&scope=x&\(extra)")
    #expect(deviceAuthorizationRequest("id", scope: "", extra: extra) == "client_id=id&\(extra)")
  }

  @Test(
    "row 47: a refresh request byte for byte, without a scope",
    arguments: [("r", "r"), ("1//0e-a+b/c=", "1%2F%2F0e-a%2Bb%2Fc%3D")])
  func refreshRequests(token: String, encoded: String) {
    #expect(
      refreshRequest("a&b", token: token)
        == "grant_type=refresh_token&refresh_token=\(encoded)&client_id=a%26b")
  }

  @Test(
    "row 92: a revocation request byte for byte",
    arguments: [
      ("a.b", .accessToken, "token=a.b&token_type_hint=access_token&client_id=id"),
      ("r/r", .refreshToken, "token=r%2Fr&token_type_hint=refresh_token&client_id=id"),
    ] as [(String, TokenTypeHint, String)])
  func revocationRequests(token: String, hint: TokenTypeHint, expected: String) {
    #expect(revocationRequest("id", token: token, hint: hint) == expected)
  }

  @Test("row 3: no parameter comes twice") func everyParameterOnce() {
    let bodies = [
      deviceAuthorizationRequest("scope=x&client_id=y", scope: "client_id=z&scope=w"),
      deviceTokenRequest("device_code=x&grant_type=y", deviceCode: "client_id=z&device_code=w"),
      refreshRequest("refresh_token=x", secret: "client_id=y", token: "grant_type=z&client_id=w"),
      revocationRequest("token=x", secret: "token=y", token: "token=z", hint: .accessToken),
    ]
    for body in bodies {
      let names = body.split(separator: "&").map { $0.prefix { $0 != "=" } }
      #expect(Set(names).count == names.count)
    }
  }

  @Test func theLongestMembersAreSentWhole() {
    let longest = String(repeating: "%", count: 512)
    let body = deviceAuthorizationRequest(longest, scope: longest + longest)
    #expect(body.utf8.count == "client_id=&scope=".utf8.count + 3 * 1536)
    let token = String(repeating: "%", count: 16384)
    let refresh = refreshRequest(longest, secret: longest, token: token)
    #expect(refresh.utf8.count > 3 * (16384 + 1024) && refresh.utf8.count < 56 * 1024)
  }
}
