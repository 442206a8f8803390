import Bytes
import Configuration
import HTTP
import JSON
import TestSupport
import Testing

private let issuer = "https://as.example/realms/board"

/// What a server of that issuer may say, with more around what counts.
private let whole = #"""
  {"issuer":"https:\/\/as.example/realms/board","jwks_uri":"https://as.example/keys",
   "authorization_endpoint":"http://as.example/authorize",
   "device_authorization_endpoint":"https://as.example/device",
   "token_endpoint":"https://as.example/token?x","userinfo_endpoint":"https://as.example/me",
   "revocation_endpoint":"https://as.example:8443/revoke","refresh_endpoint":"https://x.example/",
   "grant_types_supported":["urn:ietf:params:oauth:grant-type:device_code"],
   "token_endpoint_auth_methods_supported":["private_key_jwt","client_secret_post"]}
  """#

private let found: [String?] = [
  "https://as.example/device", "https://as.example/token?x", "https://as.example/token?x",
  "https://as.example/me", "https://as.example:8443/revoke",
]

/// A client of the issuer that is told nothing else.
private func open(_ more: String = "") throws -> ClientConfiguration {
  try client("issuer = \(issuer)\nclient_id = x\nclient_secret = s\n\(more)")
}

private func metadata(
  _ document: String, of issuer: String = issuer
) throws(MetadataError) -> Metadata {
  var memory = endpointMemory()
  let bytes = Array(document.utf8)
  return try Metadata(bytes.span, issuer: permanent(issuer), memory: &memory)
}

private func cached(
  _ cache: [UInt8], of issuer: String = issuer, at unixSeconds: Int64
) -> Metadata? {
  var memory = endpointMemory()
  return Metadata(
    cache: cache.span, issuer: permanent(issuer), unixSeconds: unixSeconds, memory: &memory)
}

/// The error that reading ends with; nil where there is none.
private func fault(
  reading document: String, of issuer: String = issuer
) -> MetadataError? {
  do throws(MetadataError) {
    _ = try metadata(document, of: issuer)
    return nil
  } catch {
    return error
  }
}

/// A minimal document with one member in the place of another.
private func document(_ name: String, _ value: String) -> String {
  var members = [
    "issuer": "\"\(issuer)\"", "device_authorization_endpoint": "\"https://as.example/d\"",
    "token_endpoint": "\"https://as.example/t\"",
  ]
  members[name] = value
  return "{" + members.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
}

/// Endpoints that get tokens, at another site than the issuer and the token endpoint.
@Suite struct StrayEndpointTests {
  @Test(arguments: [
    ("userinfo_endpoint", "https://as.example/me", false),
    ("userinfo_endpoint", "https://me.as.example:8443/", false),
    ("userinfo_endpoint", "https://as.example.evil.org/me", true),
    ("revocation_endpoint", "https://as.example/revoke", false),
    ("revocation_endpoint", "https://evil.org/revoke", true),
    // Whoever gets the device code and the client's secret is the issuer's to name.
    ("device_authorization_endpoint", "https://evil.org/d", false),
  ])
  func isTold(name: String, url: String, isStray: Bool) throws {
    let endpoint: Endpoint = name == "userinfo_endpoint" ? .userinfo : .revocation
    var client = try open()
    let stray = try client.complete(with: metadata(document(name, "\"\(url)\"")))
    #expect(stray == (isStray ? .elsewhere(endpoint, permanent(url)) : nil))
    #expect(stray?.isWarning ?? false == (isStray && endpoint == .userinfo))
    // What would get the refresh token is left out, and no more.
    let isLeftOut = isStray && endpoint == .revocation
    if endpoint == .revocation, name != "device_authorization_endpoint" {
      #expect(string(client.text(of: .revocation).bytes) == (isLeftOut ? "" : url))
    } else if endpoint == .userinfo {
      #expect(string(client.text(of: .userinfo).bytes) == url)
    }
  }

  @Test func theTokenEndpointsSiteWillDo() throws {
    var client = try open("token_endpoint = https://oauth2.googleapis.com/token")
    let url = "https://openidconnect.googleapis.com/v1/userinfo"
    #expect(try client.complete(with: metadata(document("userinfo_endpoint", "\"\(url)\""))) == nil)
  }

  @Test func whatTheMakerNamesIsTakenAsItIs() throws {
    let url = "https://evil.org/revoke"
    var client = try open("revocation_endpoint = \(url)")
    let other = document("revocation_endpoint", "\"https://other.org/\"")
    #expect(try client.complete(with: metadata(other)) == nil)
    #expect(string(client.text(of: .revocation).bytes) == url)
  }

  @Test func theWordsNameTheKey() {
    let error = MetadataError.elsewhere(.revocation, permanent("https://x.org/"))
    let words = String(decoding: written { $0.append(error) }, as: UTF8.self)
    #expect(
      words == """
        the metadata's revocation_endpoint, https://x.org/, would get tokens at another site than \
        the issuer's and the token endpoint's; set revocation_endpoint if that is right
        """)
  }
}

@Suite struct MetadataURLTests {
  @Test(
    "row 70: the well-known part goes between host and path, or behind the path",
    arguments: [
      ("https://as.example", "https://as.example", ""),
      ("https://as.example/", "https://as.example", ""),
      ("https://as.example/tenant", "https://as.example", "/tenant"),
      ("https://as.example/tenant/", "https://as.example", "/tenant"),
      ("https://as.example:8443/a/b", "https://as.example:8443", "/a/b"),
      ("https://[::1]/a//", "https://[::1]", "/a/"),
    ])
  func addresses(issuer: String, host: String, path: String) throws {
    let client = try client("issuer = \(issuer)\nclient_id = x")
    #expect(
      client.metadataURL(.authorizationServer).map { string($0.text) }
        == "\(host)/.well-known/oauth-authorization-server\(path)")
    #expect(
      client.metadataURL(.openIDProvider).map { string($0.text) }
        == "\(host)\(path)/.well-known/openid-configuration")
  }

  @Test func theLongestIssuerHasAnAddress() throws {
    let issuer = "https://as.example/" + String(repeating: "x", count: 470 - 19)
    let client = try client("issuer = \(issuer)\nclient_id = x")
    for location in [MetadataLocation.authorizationServer, .openIDProvider] {
      let hasURL = client.metadataURL(location) != nil
      #expect(hasURL)
    }
  }

  @Test func thereIsNoneWithoutAnIssuer() throws {
    let client = try client("client_id = x\nclient_secret = s")
    let hasURL = client.metadataURL(.authorizationServer) != nil
    #expect(!hasURL)
  }
}

@Suite struct DiscoveryTests {
  @Test("row 27: the endpoints come from the metadata") func everythingIsTaken() throws {
    var client = try open()
    #expect(client.needsDiscovery)
    #expect(allEndpoints.allSatisfy { url(client, $0) == nil })
    try client.complete(with: metadata(whole))
    #expect(!client.needsDiscovery)
    #expect(allEndpoints.map { url(client, $0) } == found)
    #expect(string(client.secret(for: .token, by: .post).bytes) == "s")
    #expect(string(client.secret(for: .deviceAuthorization, by: .post).bytes) == "s")
    #expect(client.secret(for: .token, by: .basic).count == 0)
  }

  @Test(arguments: [0, 1, 2, 3, 4]) func whatIsConfiguredStays(index: Int) throws {
    let keys = ["device_authorization", "token", "refresh", "userinfo", "revocation"]
    var client = try open("\(keys[index])_endpoint = https://other.example/")
    #expect(client.needsDiscovery)
    try client.complete(with: metadata(whole))
    var expected = found
    expected[index] = "https://other.example/"
    if index == 1 { expected[2] = "https://other.example/" }
    #expect(allEndpoints.map { url(client, $0) } == expected)
  }

  @Test func nothingIsNeededWhereTheGrantsTwoEndpointsAreConfigured() throws {
    let client = try open(
      "device_authorization_endpoint = https://a.example/\ntoken_endpoint = https://a.example/")
    #expect(!client.needsDiscovery)
  }

  @Test(
    "row 73: how the secret goes",
    arguments: [
      (nil, ClientAuthentication.basic), ("[]", .basic), ("null", .basic), ("7", .basic),
      (#"["client_secret_basic"]"#, .basic), (#"["client_secret_post"]"#, .post),
      (#"["client_secret_post","client_secret_basic"]"#, .basic), (#"["none"]"#, .basic),
      (#"[7,null,"client_secret_post"]"#, .post), (#""client_secret_post""#, .basic),
      (#"["client_secret_jwt","private_key_jwt"]"#, .basic),
    ] as [(String?, ClientAuthentication)])
  func authentication(methods: String?, expected: ClientAuthentication) throws {
    let name = "token_endpoint_auth_methods_supported"
    let said = methods.map { document(name, $0) } ?? document("x", "1")
    for configured in [nil, "basic", "post"] {
      var client = try open(configured.map { "client_auth = \($0)" } ?? "")
      try client.complete(with: metadata(said))
      let isBasic = client.secret(for: .token, by: .basic).count > 0
      #expect(isBasic == (configured.map { $0 == "basic" } ?? (expected == .basic)))
      #expect(isBasic == (client.secret(for: .token, by: .post).count == 0))
    }
  }

  @Test(
    "row 72: another issuer's metadata is refused",
    arguments: [
      "\"https://as.example/realms/board/\"", "\"https://as.example/realms/other\"",
      "\"https://AS.example/realms/board\"", "\"https://as.example:443/realms/board\"",
      "\"https://as.example/realms/boar\\u0064/\"", "\"\"", "null", "7", "[\"\(issuer)\"]",
    ])
  func otherIssuers(value: String) {
    #expect(fault(reading: document("issuer", value)) == .anotherIssuer)
  }

  @Test func aSlashMoreInTheConfigurationIsAnotherIssuerToo() {
    #expect(fault(reading: whole) == nil)
    #expect(fault(reading: whole, of: issuer + "/") == .anotherIssuer)
  }

  @Test(
    "row 75: every endpoint is an https URL, and one that signing in does not take is left out",
    arguments: [
      ("device_authorization_endpoint", nil), ("token_endpoint", nil),
      ("userinfo_endpoint", .userinfo), ("revocation_endpoint", .revocation),
    ] as [(String, Endpoint?)])
  func otherEndpoints(name: String, optional: Endpoint?) throws {
    func said(_ value: String) throws -> String {
      do {
        let metadata = try metadata(document(name, value))
        guard let error = metadata.ignored else { return "none" }
        var client = try open()
        try client.complete(with: metadata)
        #expect(url(client, try #require(optional)) == nil)
        return String(decoding: written { $0.append(error) }, as: UTF8.self)
      } catch let error as MetadataError {
        #expect(optional == nil)
        return String(decoding: written { $0.append(error) }, as: UTF8.self)
      }
    }
    #expect(try said("\"https://as.example/x\"") == "none")
    for (value, word) in [
      ("\"http://as.example/x\"", "https://"), ("\"\"", "https://"), ("\"/token\"", "https://"),
      ("\"https://as.example/#x\"", "fragment"), ("\"https://u@as.example/\"", "user name"),
      ("\"https://as.example/\\u0000\"", "no text"),
      ("\"https://as.example/\\n\"", "control character"),
      ("\"https://as.example/" + String(repeating: "x", count: 500) + "\"", "512 bytes"),
      ("7", "no text"), ("[\"https://as.example/\"]", "no text"), ("{}", "no text"),
    ] {
      let said = try said(value)
      #expect(said.contains(word), "\(said)")
      #expect(said.contains(name), "\(said)")
    }
  }

  @Test(arguments: ["device_authorization_endpoint", "token_endpoint"])
  func anEndpointThatTheGrantNeedsMustBeSomewhere(name: String) throws {
    let metadata = try metadata(document(name, "null"))
    var client = try open()
    do throws(MetadataError) {
      try client.complete(with: metadata)
      Issue.record("there is no \(name)")
    } catch {
      let words = String(decoding: written { $0.append(error) }, as: UTF8.self)
      #expect(words.hasPrefix("the metadata has no \(name)"))
    }
    #expect(allEndpoints.allSatisfy { url(client, $0) == nil })
    var told = try open("\(name) = https://other.example/")
    try told.complete(with: metadata)
    #expect(!told.needsDiscovery)
  }

  @Test(
    "row 71: a document is one whole JSON object",
    arguments: [
      ("", .malformed), ("<html>", .malformed), ("[]", .notAnObject), ("\"x\"", .malformed),
      ("{\"issuer\":\"\(issuer)\",\"issuer\":\"\(issuer)\"}", .malformed),
      (whole + "x", .malformed),
    ] as [(String, JSONError)])
  func otherDocuments(document: String, expected: JSONError) {
    #expect(fault(reading: document) == .notJSON(expected))
  }

  @Test func aDocumentThatIsCutAnywhereIsRefused() {
    let bytes = Array(whole.utf8)
    let guarded = GuardedMemory(capacity: bytes.count)
    for end in bytes.indices {
      var memory = endpointMemory()
      let isRefused = guarded.with(bytes[..<end]) { bytes in
        do throws(MetadataError) {
          _ = try Metadata(bytes, issuer: permanent(issuer), memory: &memory)
          return false
        } catch {
          return true
        }
      }
      let isUntouched = memory.isEmpty
      #expect(isRefused && isUntouched)
    }
  }

  @Test func aRefusedDocumentLeavesTheMemoryToTheNext() throws {
    var memory = endpointMemory()
    let bad = Array(document("token_endpoint", "7").utf8)
    let good = Array(whole.utf8)
    for _ in 0..<10 {
      #expect(throws: MetadataError.wrongType("token_endpoint")) {
        _ = try Metadata(bad.span, issuer: permanent(issuer), memory: &memory)
      }
    }
    let isUntouched = memory.isEmpty
    #expect(isUntouched)
    var client = try open()
    try client.complete(
      with: Metadata(good.span, issuer: permanent(issuer), memory: &memory))
    #expect(url(client, .revocation) == found[4])
  }
}

@Suite struct MetadataCacheTests {
  private let fetchedAt: Int64 = 1_800_000_000

  private func cache() throws -> [UInt8] {
    let metadata = try metadata(whole)
    return written {
      metadata.writeCache(issuer: permanent(issuer), fetchedAt: fetchedAt, to: &$0)
    }
  }

  @Test func itIsOneObject() throws {
    let expected = """
      {"issuer":"\(issuer)","device_authorization_endpoint":"https://as.example/device",\
      "token_endpoint":"https://as.example/token?x","userinfo_endpoint":"https://as.example/me",\
      "revocation_endpoint":"https://as.example:8443/revoke","client_auth":"post",\
      "fetched_at":1800000000}

      """
    #expect(try String(decoding: cache(), as: UTF8.self) == expected)
  }

  @Test(arguments: [0, 1, 86_399] as [Int64]) func itCountsForADay(age: Int64) throws {
    var client = try open()
    try client.complete(with: #require(cached(cache(), at: fetchedAt + age)))
    #expect(allEndpoints.map { url(client, $0) } == found)
    #expect(string(client.secret(for: .token, by: .post).bytes) == "s")
  }

  @Test func whatTheIssuerDoesNotHaveIsNotThereAfterwards() throws {
    let metadata = try metadata(document("x", "1"))
    let cache = written {
      metadata.writeCache(issuer: permanent(issuer), fetchedAt: fetchedAt, to: &$0)
    }
    var client = try open()
    try client.complete(with: #require(cached(cache, at: fetchedAt)))
    #expect(url(client, .token) == "https://as.example/t")
    #expect(url(client, .userinfo) == nil)
    #expect(string(client.secret(for: .token, by: .basic).bytes) == "s")
  }

  @Test(arguments: [-1, 86_400, 1_000_000_000, -1_800_000_000] as [Int64])
  func olderOnesAndThoseOfTheFutureDoNot(age: Int64) throws {
    let isTaken = try cached(cache(), at: fetchedAt + age) != nil
    #expect(!isTaken)
  }

  @Test(arguments: ["https://as.example/realms/board/", "https://as.example", "https://b.example"])
  func anotherIssuersDoesNot(issuer: String) throws {
    let isTaken = try cached(cache(), of: issuer, at: fetchedAt) != nil
    #expect(!isTaken)
  }

  @Test(arguments: [
    ("\"fetched_at\":1800000000", "\"fetched_at\":null"),
    ("\"fetched_at\":1800000000", "\"fetched_at\":-9223372036854775808"),
    ("\"client_auth\":\"post\"", "\"client_auth\":\"digest\""),
    ("\"client_auth\":\"post\"", "\"client_auth\":7"),
    ("https://as.example/token?x", "http://as.example/token?x"),
    ("\"https://as.example/me\"", "7"),
  ])
  func aDamagedOneDoesNot(part: String, other: String) throws {
    let cache = try String(decoding: cache(), as: UTF8.self)
    let damaged = cache.replacing(part, with: other)
    #expect(damaged != cache)
    let isTaken = cached(Array(damaged.utf8), at: fetchedAt) != nil
    #expect(!isTaken)
  }

  @Test func oneThatIsCutDoesNot() throws {
    let cache = try cache()
    // The last byte is the line's end.
    for end in 0..<(cache.count - 1) {
      let isTaken = cached(Array(cache[..<end]), at: fetchedAt) != nil
      #expect(!isTaken)
    }
  }
}
