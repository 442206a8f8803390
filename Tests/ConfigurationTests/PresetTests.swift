import Bytes
import Configuration
import TestSupport
import Testing

/// What comes of a preset with no more than the client set.
private struct Effective: Sendable {
  var provider: String
  var settings = ""
  var title: String
  var authentication: ClientAuthentication
  /// Whether the device authorization request is authenticated.
  var authenticatesAuthorization = true
  var requiresSecret = false
  var scope: String
  var scopeParameter = "scope"
  /// The scope of a poll.
  var pollScope = ""
  /// In the order of `allEndpoints`; nil where there is none.
  var urls: [String?]
}

private func below(_ base: String, _ paths: [String]) -> [String?] { paths.map { base + $0 } }

private let effective: [Effective] = [
  Effective(
    provider: "webex", title: "Webex", authentication: .basic, authenticatesAuthorization: false,
    requiresSecret: true, scope: "spark:people_read",
    urls: below(
      "https://webexapis.com/v1/",
      ["device/authorize", "device/token", "access_token", "people/me"]) + [nil]),
  Effective(
    provider: "google", title: "Google", authentication: .post, authenticatesAuthorization: false,
    requiresSecret: true, scope: "openid profile",
    urls: below("https://oauth2.googleapis.com/", ["device/code", "token", "token"]) + [
      "https://openidconnect.googleapis.com/v1/userinfo", "https://oauth2.googleapis.com/revoke",
    ]),
  Effective(
    provider: "entra", title: "Microsoft", authentication: .post,
    authenticatesAuthorization: false, scope: "openid profile offline_access",
    urls: below(
      "https://login.microsoftonline.com/common/oauth2/v2.0/", ["devicecode", "token", "token"])
      + ["https://graph.microsoft.com/oidc/userinfo", nil]),
  Effective(
    provider: "entra", settings: "tenant = contoso.onmicrosoft.com", title: "Microsoft",
    authentication: .post, authenticatesAuthorization: false,
    scope: "openid profile offline_access",
    urls: below(
      "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/",
      ["devicecode", "token", "token"]) + ["https://graph.microsoft.com/oidc/userinfo", nil]),
  Effective(
    provider: "github", title: "GitHub", authentication: .post, authenticatesAuthorization: false,
    scope: "",
    urls: below(
      "https://github.com/login/",
      ["device/code", "oauth/access_token", "oauth/access_token"])
      + ["https://api.github.com/user", nil]),
  Effective(
    provider: "auth0", settings: "issuer = https://board.eu.auth0.com/", title: "",
    authentication: .post, scope: "openid profile offline_access",
    urls: below(
      "https://board.eu.auth0.com/",
      ["oauth/device/code", "oauth/token", "oauth/token", "userinfo", "oauth/revoke"])),
  Effective(
    provider: "okta", settings: "issuer = https://board.okta.com/oauth2/default", title: "Okta",
    authentication: .basic, scope: "openid profile offline_access",
    urls: below(
      "https://board.okta.com/oauth2/default/v1/",
      ["device/authorize", "token", "token", "userinfo", "revoke"])),
  Effective(
    provider: "keycloak", settings: "issuer = https://as.example:8443/realms/board", title: "",
    authentication: .basic, scope: "openid profile offline_access",
    urls: below(
      "https://as.example:8443/realms/board/protocol/openid-connect/",
      ["auth/device", "token", "token", "userinfo", "revoke"])),
  Effective(
    provider: "gitlab", title: "GitLab", authentication: .post, scope: "openid profile",
    urls: below(
      "https://gitlab.com/oauth/", ["authorize_device", "token", "token", "userinfo", "revoke"])),
  Effective(
    provider: "gitlab", settings: "issuer = https://git.example/lab/", title: "GitLab",
    authentication: .post, scope: "openid profile",
    urls: below(
      "https://git.example/lab/oauth/",
      ["authorize_device", "token", "token", "userinfo", "revoke"])),
  Effective(
    provider: "twitch", title: "Twitch", authentication: .post, authenticatesAuthorization: false,
    scope: "user:read:email", scopeParameter: "scopes", pollScope: "user:read:email",
    urls: below(
      "https://id.twitch.tv/oauth2/", ["device", "token", "token", "validate", "revoke"])),
]

@Suite struct PresetTests {
  private func configuration(_ preset: Effective, _ more: String = "") throws
    -> ClientConfiguration
  {
    try client("provider = \(preset.provider)\nclient_id = C1\n\(preset.settings)\n\(more)")
  }

  @Test(arguments: effective) private func everyPresetNeedsNoMoreThanTheClient(
    _ expected: Effective
  ) throws {
    let client = try configuration(expected, "client_secret = s")
    #expect(string(client.preset.name.bytes) == expected.provider)
    #expect(string(client.preset.title.bytes) == expected.title)
    #expect(string(client.scope.bytes) == expected.scope)
    #expect(string(client.preset.scopeParameter.bytes) == expected.scopeParameter)
    #expect(string(client.pollScope.bytes) == expected.pollScope)
    #expect(allEndpoints.map { url(client, $0) } == expected.urls)
    #expect(client.extraParameters.count == 0)
    #expect(!client.needsDiscovery)
  }

  @Test(arguments: effective) private func theSecretGoesOneWayOnly(_ expected: Effective) throws {
    let client = try configuration(expected, "client_secret = s")
    for endpoint in allEndpoints {
      let isAsked = endpoint != .deviceAuthorization || expected.authenticatesAuthorization
      for method in [ClientAuthentication.basic, .post] {
        let secret = string(client.secret(for: endpoint, by: method).bytes)
        #expect(secret == (isAsked && method == expected.authentication ? "s" : ""))
      }
    }
  }

  @Test(arguments: effective) private func aSecretIsWantedWhereThereAreNoPublicClients(
    _ expected: Effective
  ) {
    let said = fault { _ = try configuration(expected) }
    #expect(said == (expected.requiresSecret ? "missing client_secret" : "none"))
  }

  @Test(arguments: effective) private func everythingInAPresetYields(_ expected: Effective) throws {
    let client = try configuration(
      expected,
      """
      client_secret = s
      client_auth = \(expected.authentication == .basic ? "post" : "basic")
      scope = other
      device_authorization_endpoint = https://as.example/{issuer}
      token_endpoint = https://as.example/token
      refresh_endpoint = https://as.example/refresh
      userinfo_endpoint = https://as.example/me
      revocation_endpoint = https://as.example/revoke
      """)
    #expect(
      allEndpoints.map { url(client, $0) }
        == below("https://as.example/", ["{issuer}", "token", "refresh", "me", "revoke"]))
    #expect(string(client.scope.bytes) == "other")
    #expect(client.secret(for: .token, by: expected.authentication).count == 0)
  }

  @Test(arguments: ["auth0", "okta", "keycloak"])
  func providersOfManyTenantsNeedTheIssuer(provider: String) {
    #expect(
      fault { _ = try client("provider = \(provider)\nclient_id = x") } == "missing issuer")
  }

  @Test(arguments: [
    "", "a/b", "a b", "{issuer}", "a?b", "a%2Fb", "ä",
  ])
  func aTenantIsOneSegmentOfAPath(tenant: String) {
    #expect(
      fault { _ = try client("client_id = x\nprovider = entra\ntenant = \(tenant)") }
        == "tenant is not a tenant's identifier or domain (file(line: 3))")
  }

  @Test func theLongestIssuerFitsTheMemory() throws {
    let issuer = "https://as.example/" + String(repeating: "x", count: 470 - 19)
    let client = try client("provider = keycloak\nclient_id = x\nissuer = \(issuer)")
    #expect(url(client, .deviceAuthorization)?.count == 470 + 36)
    #expect(
      url(client, .revocation)?.hasSuffix("x/protocol/openid-connect/revoke") == true)
  }

  @Test func allNamesAreInTheMessage() {
    let said = fault { _ = try client("client_id = x\nprovider = nobody") }
    for preset in effective { #expect(said.contains(preset.provider)) }
    #expect(said.contains("custom"))
  }

  @Test func webexSaysWhatToRegister() throws {
    let client = try client("client_id = x\nclient_secret = s")
    let help = string(client.preset.setUpHelp.bytes)
    for letter in ["a", "r", "k", "d"] {
      let uri =
        "https://oauth-helper-\(letter).wbx2.com/helperservice/v1/actions/device/callback"
      #expect(help.contains(uri))
    }
    #expect(help.contains("Integration") && help.contains("developer.webex.com/my-apps"))
  }

  @Test func anIssuerAloneMeansThatOne() throws {
    let client = try client("client_id = x\nissuer = https://as.example")
    #expect(string(client.preset.name.bytes) == "custom")
    #expect(client.needsDiscovery)
    let webex = try configuration(effective[0], "client_secret = s\nissuer = https://as.example")
    #expect(url(webex, .token) == effective[0].urls[1])
    #expect(!webex.needsDiscovery)
  }
}

@Suite struct ClientAuthenticationTests {
  private let custom = """
    client_id = x
    provider = custom
    device_authorization_endpoint = https://as.example/device
    token_endpoint = https://as.example/token

    """

  @Test(
    arguments: [
      ("", .basic), ("client_auth = basic", .basic), ("client_auth = post", .post),
    ] as [(String, ClientAuthentication)])
  func theMethodIsConfigured(line: String, expected: ClientAuthentication) throws {
    let client = try client(custom + "client_secret = s\n" + line)
    for method in [ClientAuthentication.basic, .post, .none] {
      for endpoint in allEndpoints {
        let secret = string(client.secret(for: endpoint, by: method).bytes)
        #expect(secret == (method == expected ? "s" : ""))
      }
    }
  }

  @Test(arguments: ["basic", "post", "none"])
  func aPublicClientNeedsNoSecret(method: String) throws {
    let client = try client(custom + "client_auth = \(method)")
    for method in [ClientAuthentication.basic, .post] {
      #expect(client.secret(for: .token, by: method).count == 0)
    }
  }

  @Test(arguments: [
    ("client_auth =", "client_auth is not basic, post or none (file(line: 5))"),
    ("client_auth = Basic", "client_auth is not basic, post or none (file(line: 5))"),
    (
      "client_auth = none\nclient_secret = s",
      "client_auth is none, which stands beside a client secret; keep one (file(line: 5))"
    ),
  ])
  func otherMethodsAreRefused(lines: String, expected: String) {
    #expect(fault { _ = try client(custom + lines) } == expected)
  }

  @Test func noneBesideASecretFileIsRefused() {
    let said = fault {
      _ = try client(custom + "client_secret_file = f\nclient_auth = none", secret: "s")
    }
    #expect(said.hasPrefix("client_auth is none"))
  }
}

@Suite struct ExtraParametersTests {
  private func parameters(_ value: String, _ provider: String = "github") throws -> String {
    let client = try client(
      "client_id = x\nprovider = \(provider)\nextra_parameters = \(value)")
    return string(client.extraParameters.bytes)
  }

  @Test(arguments: [
    "", "audience=https%3A%2F%2Fapi.example%2f", "a=b", "a=b&c=d&ab=b&b=a", "a=+~-._%00%fF",
    "response_type=device_code", "scope_=x", "scopes=x", "A=1&a=1",
    "a=" + String(repeating: "x", count: 1022),
  ])
  func formEncodedParametersAreTaken(value: String) throws {
    #expect(try parameters(value) == value)
  }

  @Test(arguments: [
    "a", "a=", "=b", "=", "&", "a=b&", "&a=b", "a=b&&c=d", "a=b=c", "a=b c", "a=b;c=d", "a=%",
    "a=%2", "a=%2G", "a=%&b=%2", "a=ä", "a b=c", "a%62=c", "a+b=c", "a=b&c", "a=/", "a=b%2",
  ])
  func otherTextIsRefused(value: String) {
    #expect(
      fault { _ = try parameters(value) }
        == "extra_parameters is not name=value&name=value in form encoding (file(line: 3))")
  }

  @Test(arguments: ["client_id", "client_secret", "scope", "grant_type", "device_code"])
  func whatTheProtocolUsesIsRefused(name: String) {
    for value in ["\(name)=x", "a=b&\(name)=x", "\(name)=x&a=b"] {
      #expect(
        fault { _ = try parameters(value) }
          == "extra_parameters holds a parameter that the program sets itself (file(line: 3))")
    }
  }

  @Test func twitchsNameOfTheScopeIsRefusedForTwitch() {
    #expect(fault { _ = try parameters("scopes=x", "twitch") }.contains("sets itself"))
  }

  @Test(arguments: ["a=b&a=b", "a=b&c=d&a=e", "c=d&a=b&a=c", "ab=1&a=1&b=1&ab=2"])
  func nothingComesTwice(value: String) {
    #expect(
      fault { _ = try parameters(value) }
        == "extra_parameters holds a parameter twice (file(line: 3))")
  }

  @Test func thereIsALimit() {
    let said = fault { _ = try parameters("a=" + String(repeating: "x", count: 1023)) }
    #expect(said == "extra_parameters is too long (file(line: 3))")
  }
}
