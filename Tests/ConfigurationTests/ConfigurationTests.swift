import Bytes
import Configuration
import HTTP
import TestSupport
import Testing

private let custom = """
  provider = custom
  client_id = board
  device_authorization_endpoint = https://as.example/device
  token_endpoint = https://as.example/token

  """

private let notHTTPS = "does not begin with https:// (RFC 8628 section 3.1 asks for TLS)"

private let unknownProvider =
  "is not webex, google, entra, github, auth0, okta, keycloak, gitlab, twitch or custom"

@Suite struct ClientConfigurationTests {
  @Test func webexNeedsNoMoreThanTheClient() throws {
    let client = try client("client_id = C1\nclient_secret = s")
    #expect(string(client.clientID.bytes) == "C1")
    #expect(string(client.secret(for: .token, by: .basic).bytes) == "s")
    #expect(string(client.scope.bytes) == "spark:people_read")
    #expect(
      url(client, .deviceAuthorization) == "https://webexapis.com/v1/device/authorize")
    #expect(url(client, .token) == "https://webexapis.com/v1/device/token")
    #expect(url(client, .refresh) == "https://webexapis.com/v1/access_token")
    #expect(url(client, .userinfo) == "https://webexapis.com/v1/people/me")
    #expect(url(client, .revocation) == nil)
    let hasFile = client.caFile != nil
    #expect(!hasFile)
  }

  @Test func anotherServerIsToldByItsEndpoints() throws {
    let client = try client(custom)
    #expect(url(client, .token) == "https://as.example/token")
    #expect(url(client, .refresh) == "https://as.example/token")
    #expect(client.scope.count == 0)
    #expect(client.secret(for: .token, by: .basic).count == 0)
    #expect(url(client, .userinfo) == nil)
  }

  @Test(
    arguments: [
      (.deviceAuthorization, "device_authorization_endpoint"), (.token, "token_endpoint"),
      (.refresh, "refresh_endpoint"), (.userinfo, "userinfo_endpoint"),
      (.revocation, "revocation_endpoint"),
    ] as [(Endpoint, String)])
  func theFileOutranksThePreset(endpoint: Endpoint, key: String) throws {
    let file = "client_id = C1\nclient_secret = s\n"
    let preset = try client(file)
    #expect(string(endpoint.key.name.bytes) == key)
    let client = try client("\(file)\(key) = https://other.example:8443/?y")
    for other in allEndpoints {
      let expected = other == endpoint ? "https://other.example:8443/?y" : url(preset, other)
      #expect(url(client, other) == expected)
    }
  }

  @Test(arguments: [
    ("", "missing client_id"), ("client_id =", "missing client_id"),
    ("client_id = C1", "missing client_secret"),
    ("client_id = C1\nclient_secret =", "missing client_secret"),
    ("provider = custom\nclient_id = x", "missing device_authorization_endpoint"),
    (
      "provider = custom\nclient_id = x\ndevice_authorization_endpoint = https://a.example",
      "missing token_endpoint"
    ),
    ("provider = Webex", "provider \(unknownProvider) (file(line: 1))"),
    ("provider =", "provider \(unknownProvider) (file(line: 1))"),
    (custom + "ca_file =", "ca_file is empty (file(line: 5))"),
    (
      custom + "ca_file = /" + String(repeating: "x", count: 500),
      "ca_file is too long for a path (file(line: 5))"
    ),
    (
      custom + "scope = " + String(repeating: "x", count: 1025),
      "scope is too long (file(line: 5))"
    ),
    (
      custom + "client_secret = " + String(repeating: "x", count: 513),
      "client_secret is too long (file(line: 5))"
    ),
    ("client_id = " + String(repeating: "x", count: 513), "client_id is too long (file(line: 1))"),
    (custom + "issuer =", "issuer \(notHTTPS) (file(line: 5))"),
    (custom + "issuer = http://as.example", "issuer \(notHTTPS) (file(line: 5))"),
    (custom + "issuer = https://as.example/?x", "issuer holds a query (?) (file(line: 5))"),
    (custom + "issuer = https://as.example/#x", "issuer holds a fragment (#) (file(line: 5))"),
    (
      custom + "issuer = https://as.example/" + String(repeating: "x", count: 452),
      "issuer is too long (file(line: 5))"
    ),
  ])
  func whatIsMissingOrWrongIsNamed(file: String, expected: String) {
    #expect(fault { _ = try client(file) } == expected)
  }

  @Test(arguments: [
    "", "provider = custom", "provider = okta", "provider = google\nclient_id = x",
    "issuer = https://as.example", "client_secret_file = /nonexistent",
    "client_auth = none", custom,
  ])
  func aCheckAsksForNothing(file: String) {
    #expect(checkFault(file) == "none")
  }

  @Test(arguments: [
    "provider = foo", "provider = okta\ntoken_endpoint = http://x", "client_auth = maybe",
    "provider = keycloak\nuserinfo_endpoint = x", "extra_parameters = bad", "tenant = a/b",
    "provider = entra\ntenant =", "provider = okta\nissuer = http://x", "ca_file =",
    "client_id = x\nscope = " + String(repeating: "x", count: 1025),
    "client_secret = " + String(repeating: "x", count: 513),
    "client_secret = s\nclient_secret_file = f", "client_secret = s\nclient_auth = none",
  ])
  func aCheckFindsWhatIsWrongWhateverIsMissing(file: String) {
    let line = file.split(separator: "\n").count
    #expect(checkFault(file).hasSuffix("(file(line: \(line)))"))
  }

  @Test(arguments: [
    "device_authorization_endpoint", "token_endpoint", "refresh_endpoint", "userinfo_endpoint",
    "revocation_endpoint",
  ])
  func anEndpointIsAnHTTPSURL(key: String) {
    let webex = "client_id = C1\nclient_secret = s\n"
    for (url, word) in [
      ("http://as.example/", "https://"), ("", "https://"), ("as.example", "https://"),
      ("https://", "https://"), ("https://u@as.example/", "user name"),
      ("https://as.example/#f", "fragment"), ("https://as.example:0/", "port"),
      ("https://as.example/ x", "space"), ("https://as.example/ä", "ASCII"),
      ("https://as.example/" + String(repeating: "x", count: 512), "512"),
    ] {
      let said = fault { _ = try client("\(webex)\(key) = \(url)") }
      #expect(said.hasPrefix("\(key) ") && said.contains(word), "\(url): \(said)")
      #expect(said.hasSuffix("(file(line: 3))"))
    }
  }

  @Test(arguments: [
    ("s", "s"), ("  s ", "  s "), (String(repeating: "x", count: 512), nil),
    ("", "client_secret_file names an empty file (file(line: 5))"),
    (
      String(repeating: "x", count: 513),
      "client_secret_file names a file of more than 512 bytes (file(line: 5))"
    ),
  ])
  func theSecretMayComeFromAFile(content: String, expected: String?) {
    var secret = ""
    let said = fault {
      let client = try client(custom + "client_secret_file = f", secret: content)
      secret = string(client.secret(for: .token, by: .basic).bytes)
    }
    #expect((said == "none" ? secret : said) == expected ?? content)
  }

  /// Origins of `client_secret` and `client_secret_file`.
  @Test(
    arguments: [
      (nil, nil, "none"), (.option, nil, "none"), (nil, .file(line: 1), "f"),
      (nil, .option, "f"), (.file(line: 1), .option, "f"), (.environment, .option, "f"),
      (.sampleEnvironment, .environment, "f"), (.environment, .file(line: 1), "none"),
      (.sampleEnvironment, .file(line: 1), "none"),
      (.file(line: 1), .file(line: 2), "keep one"), (.environment, .environment, "keep one"),
    ] as [(Origin?, Origin?, String)])
  func theStrongerOfSecretAndFileCounts(secret: Origin?, file: Origin?, expected: String) {
    var settings = Settings()
    if let secret { settings.set(.clientSecret, permanent("s"), secret) }
    if let file { settings.set(.clientSecretFile, permanent("f"), file) }
    var path: String?
    let said = fault {
      path = try ClientConfiguration.secretFilePath(settings).map { string($0.bytes) }
    }
    #expect(said == "none" ? (path ?? "none") == expected : said.contains(expected))
  }

  @Test func anIdentifierThatIsNotUTF8IsRefused() {
    var settings = Settings()
    settings.set(.clientSecret, permanent("s"), .option)
    let bytes: [UInt8] = [0x62, 0xE9]
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    _ = copy.initialize(from: bytes)
    settings.set(.clientID, PermanentBytes(UnsafeBufferPointer(copy)), .option)
    let said = fault { _ = try client(settings) }
    #expect(said == "client_id is not UTF-8 (option)")
  }

  @Test func anIdentifierMayGoBeyondASCII() throws {
    let configuration = try client("client_secret = s\nclient_id = b\u{E9}")
    #expect(string(configuration.clientID.bytes) == "b\u{E9}")
  }
}

@Suite struct LocalConfigurationTests {
  private func local(_ file: String) throws -> LocalConfiguration {
    try LocalConfiguration(settings(file))
  }

  @Test func nothingNeedsToBeSet() throws {
    let local = try local("")
    #expect(local.logLevel == .info)
    #expect(local.rotation == 0)
    #expect(local.displays.count == 1)
    #expect(local.displays[0].kind == .automatic)
    let hasFile = local.tokenFile != nil || local.accessTokenFile != nil
    #expect(!hasFile)
    let hasSocket = local.socket != nil
    #expect(!hasSocket)
    let hasGroup = local.accessTokenGroup != nil || local.socketGroup != nil
    #expect(!hasGroup)
    #expect(local.start == .automatic)
    for hook in allHooks { #expect(name(local.program(for: hook)) == nil) }
  }

  private func name(_ bytes: PermanentBytes?) -> String? { bytes.map { string($0.bytes) } }

  @Test func filesGroupsAndTheSocketAreNamed() throws {
    let socket = "/" + String(repeating: "s", count: LocalConfiguration.socketPathLimit - 1)
    let local = try local(
      """
      access_token_file = token
      access_token_group = 100
      socket = \(socket)
      socket_group = readers
      """)
    #expect(name(local.accessTokenFile) == "token")
    #expect(name(local.accessTokenGroup) == "100")
    #expect(name(local.socket) == socket)
    #expect(name(local.socketGroup) == "readers")
  }

  @Test(
    arguments: [
      (.code, "on_code"), (.signedIn, "on_signed_in"), (.refreshed, "on_refreshed"),
      (.lost, "on_lost"),
    ] as [(Hook, String)])
  func eachHookHasItsProgram(hook: Hook, key: String) throws {
    let local = try local("\(key) = /usr/local/bin/my hook")
    #expect(string(hook.key.name.bytes) == key)
    for other in allHooks {
      #expect(name(local.program(for: other)) == (other == hook ? "/usr/local/bin/my hook" : nil))
    }
  }

  @Test(
    arguments: [("automatic", .automatic), ("on-request", .onRequest)] as [(String, StartMode)])
  func startModes(value: String, mode: StartMode) throws {
    #expect(try local("start = \(value)").start == mode)
  }

  @Test(
    arguments: [
      ("error", .error), ("warning", .warning), ("info", .info), ("debug", .debug),
    ] as [(String, LogLevel)])
  func logLevels(name: String, level: LogLevel) throws {
    #expect(try local("log_level = \(name)").logLevel == level)
  }

  @Test(arguments: [("", true), ("sandbox = yes", true), ("sandbox = no", false)])
  func sandboxes(line: String, isSandboxed: Bool) throws {
    #expect(try local(line).isSandboxed == isSandboxed)
  }

  @Test(arguments: [("0", 0), ("90", 90), ("180", 180), ("270", 270), ("090", 90)])
  func rotations(value: String, degrees: Int) throws {
    #expect(try local("rotate = \(value)").rotation == degrees)
  }

  @Test(arguments: [
    ("log_level = Info", "log_level is not error"), ("log_level =", "log_level is not error"),
    ("log_level = 7", "log_level is not error"), ("sandbox = off", "sandbox is not yes or no"),
    ("sandbox =", "sandbox is not yes or no"), ("rotate = 45", "rotate is not 0"),
    ("rotate = 360", "rotate is not 0"), ("rotate = -90", "rotate is not 0"),
    ("rotate =", "rotate is not 0"), ("rotate = 90.0", "rotate is not 0"),
    ("rotate = 18446744073709551706", "rotate is not 0"),
    ("token_file =", "token_file is empty"),
    ("token_file = /tmp/", "token_file ends in a slash"),
    ("access_token_file = /", "access_token_file ends in a slash"),
    ("token_file = " + String(repeating: "x", count: 501), "token_file is too long"),
    ("display = screen", "display is not a list"), ("display =", "display is not a list"),
    ("access_token_file =", "access_token_file is empty"),
    ("access_token_group =", "access_token_group is empty"),
    ("socket_group =", "socket_group is empty"), ("socket =", "socket is empty"),
    ("socket = token.sock", "socket is not an absolute path"),
    (
      "socket = /" + String(repeating: "x", count: LocalConfiguration.socketPathLimit),
      "socket is longer than \(LocalConfiguration.socketPathLimit) bytes"
    ),
    ("start =", "start is not automatic or on-request"),
    ("start = Automatic", "start is not automatic or on-request"),
    ("start = on_request", "start is not automatic or on-request"),
    ("on_code =", "on_code is empty"), ("on_code = hook", "on_code is not an absolute path"),
    ("on_signed_in = ./hook", "on_signed_in is not an absolute path"),
    ("on_refreshed = ~/hook", "on_refreshed is not an absolute path"),
    ("on_lost = sh -c true", "on_lost is not an absolute path"),
    ("on_lost = /" + String(repeating: "x", count: 500), "on_lost is too long for a path"),
  ])
  func badValuesAreNamed(file: String, expected: String) {
    let said = fault { _ = try local(file) }
    #expect(said.hasPrefix(expected), "\(said)")
    #expect(said.hasSuffix("(file(line: 1))"))
  }

  private func displays(_ value: String) throws -> [String] {
    let choices = try local("display = \(value)").displays
    return (0..<choices.count).map { index in
      let path = string(choices[index].path.bytes)
      switch choices[index].kind {
      case .automatic: return "auto \(path)"
      case .framebuffer: return "framebuffer \(path)"
      case .card: return "drm \(path)"
      case .console: return "console"
      case .pbm(let width, let height): return "pbm \(path) \(width)x\(height)"
      }
    }
  }

  @Test(
    arguments: [
      ("none", []), ("auto", ["auto /dev/fb0"]), ("console", ["console"]),
      ("framebuffer", ["framebuffer /dev/fb0"]),
      ("framebuffer:/dev/fb1", ["framebuffer /dev/fb1"]), ("pbm:a", ["pbm a 800x480"]),
      ("drm", ["drm /dev/dri"]), ("drm:/dev/dri/card1", ["drm /dev/dri/card1"]),
      ("pbm:a@16x16", ["pbm a 16x16"]), ("pbm:a@2048x2048", ["pbm a 2048x2048"]),
      ("pbm:a@8192x512", ["pbm a 8192x512"]), ("pbm:a@b@64x128", ["pbm a@b 64x128"]),
      ("pbm:a@b/c.pbm", ["pbm a@b/c.pbm 800x480"]), ("pbm:x@2.pbm", ["pbm x@2.pbm 800x480"]),
      ("pbm:@a", ["pbm @a 800x480"]), ("pbm:@8x8/a@16x16", ["pbm @8x8/a 16x16"]),
      ("pbm:/x/a.pbm@320x240 , console", ["pbm /x/a.pbm 320x240", "console"]),
      (
        "framebuffer:/dev/fb0,framebuffer:/dev/fb1,console,pbm:a",
        ["framebuffer /dev/fb0", "framebuffer /dev/fb1", "console", "pbm a 800x480"]
      ),
    ] as [(String, [String])])
  func displaysAreAList(value: String, expected: [String]) throws {
    #expect(try displays(value) == expected)
  }

  @Test(arguments: [
    ",", "auto,", ",auto", "auto,,console", "none,auto", "auto,none", "Auto", "console:", "pbm",
    "pbm:", "framebuffer:", "framebuffers", "drm:", "drms", "drm/dev/dri/card0", "pbm:a@",
    "pbm:a@x", "pbm:a@800x", "pbm:a@x480",
    "pbm:a@15x480", "pbm:a@800x15", "pbm:a@8193x16", "pbm:a@16x8193", "pbm:a@2049x2048",
    "pbm:a@8192x8192", "pbm:a@800x480x1", "pbm:a@800X480",
    "pbm:a@99999999999999999999x16", "console,console,console,console,console",
  ])
  func otherListsAreRefused(value: String) {
    #expect(fault { _ = try displays(value) }.hasPrefix("display is not a list"))
  }

  @Test(arguments: ["auto,auto", "console,console", "auto,framebuffer", "pbm:a,pbm:a@16x16"])
  func aDisplayCanBeListedOnce(value: String) {
    #expect(fault { _ = try displays(value) }.hasPrefix("display is not a list"))
  }
}
