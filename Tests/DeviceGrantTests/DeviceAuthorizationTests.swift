import Bytes
import DeviceGrant
import OAuth
import TestSupport
import Testing

/// The members of an answer as JSON texts, in order.
private let sample: KeyValuePairs<String, String> = [
  "device_code": #""4f2e9a8b-device""#, "user_code": #""WDJB-MJHT""#,
  "verification_uri": #""https://example.org/device""#,
  "verification_uri_complete": #""https://example.org/device?user_code=WDJB-MJHT""#,
  "expires_in": "1800", "interval": "2",
]

/// The sample with some members replaced, added or, where nil, left out.
private func body(_ changes: [String: String?] = [:]) -> String {
  var members = sample.map { (name: $0.key, value: $0.value as String?) }
  for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
    if let index = members.firstIndex(where: { $0.name == name }) {
      members[index].value = value
    } else {
      members.append((name, value))
    }
  }
  let texts = members.compactMap { member in member.value.map { "\"\(member.name)\":\($0)" } }
  return "{\(texts.joined(separator: ","))}"
}

private func read(_ body: String, status: Int = 200) throws -> DeviceAuthorization {
  let bytes = Array(body.utf8)
  var reason = ServerError()
  var authorization = DeviceAuthorization()
  try readDeviceAuthorization(
    status: status, body: bytes.span, wording: Wording(), reason: &reason, into: &authorization)
  return authorization
}

/// The error in words that can be compared; nil where the answer was accepted.
private func failure(of body: String, status: Int = 200) -> String? {
  let bytes = Array(body.utf8)
  var reason = ServerError()
  var authorization = DeviceAuthorization()
  do {
    try readDeviceAuthorization(
      status: status, body: bytes.span, wording: Wording(), reason: &reason, into: &authorization)
    return nil
  } catch {
    return switch error {
    case .refused: "refused \(reason.status): \(string(reason.code))|\(string(reason.details))"
    case .unavailable: "unavailable"
    case .notJSON(let error): "not JSON: \(error)"
    case .unexpectedStatus: "unexpected"
    case .missing(let member): "missing \(member.name)"
    case .tooLong(let member): "too long: \(member.name)"
    }
  }
}

@Suite struct DeviceAuthorizationTests {
  @Test func aCompleteAnswer() throws {
    let authorization = try read(body())
    #expect(string(authorization.deviceCode) == "4f2e9a8b-device")
    #expect(string(authorization.userCode) == "WDJB-MJHT")
    #expect(string(authorization.verificationURI) == "https://example.org/device")
    #expect(
      string(authorization.verificationURIComplete)
        == "https://example.org/device?user_code=WDJB-MJHT")
    #expect(authorization.expiresIn == 1800)
    #expect(authorization.interval == 2)
    #expect(string(authorization.refusedExpiresIn) == "")
    #expect(string(authorization.refusedInterval) == "")
    #expect(authorization.hasUnusableComplete == false)
  }

  @Test func unknownMembersAreIgnored() throws {
    let answer = body(["message": #""To sign in, …""#, "x": #"{"error":"no"}"#, "errors": "[]"])
    #expect(string(try read(answer).userCode) == "WDJB-MJHT")
  }

  @Test(arguments: [200, 201, 299]) func everySuccessCounts(status: Int) throws {
    #expect(string(try read(body(), status: status).userCode) == "WDJB-MJHT")
  }

  @Test(
    "row 7: each required member is missed",
    arguments: ["device_code", "user_code", "verification_uri", "expires_in"])
  func requiredMembers(name: String) {
    #expect(failure(of: body([name: nil])) == "missing \(name)")
    #expect(failure(of: body([name: "null"])) == "missing \(name)")
  }

  @Test(
    "row 7: a required text of another type is missed",
    arguments: ["device_code", "user_code", "verification_uri"],
    ["5", "true", "[]", #"["x"]"#, "{}", #""""#])
  func textsOfAnotherType(name: String, value: String) {
    #expect(failure(of: body([name: value])) == "missing \(name)")
  }

  @Test(arguments: ["true", "[300]", "{}", #""""#, #""soon""#, #""-1""#])
  func figuresOfAnotherTypeAreMissed(value: String) {
    #expect(failure(of: body(["expires_in": value])) == "missing expires_in")
    #expect(failure(of: body(["interval": value])) == "missing interval")
  }

  @Test(
    "row 9: a complete address that is of no use is left out, and said",
    arguments: ["5", "[]", "true", "{}", "\"\"", #""https:\u0000""#])
  func unusableCompleteAddress(value: String) throws {
    for name in ["verification_uri_complete", "verification_url_complete"] {
      var changes: [String: String?] = ["verification_uri_complete": nil]
      changes[name] = value
      let authorization = try read(body(changes))
      #expect(authorization.hasUnusableComplete == true)
      #expect(string(authorization.verificationURIComplete) == "")
      #expect(string(authorization.userCode) == "WDJB-MJHT")
      #expect(authorization.interval == 2)
    }
  }

  @Test func aCompleteAddressThatIsTooLongIsLeftOutAndSaid() throws {
    for (length, isUnusable) in [(2048, false), (2049, true)] {
      let start = "https://example.org/"
      let address = start + String(repeating: "m", count: length - start.utf8.count)
      let authorization = try read(body(["verification_uri_complete": "\"\(address)\""]))
      #expect(authorization.hasUnusableComplete == isUnusable)
      #expect(authorization.verificationURIComplete.count == (isUnusable ? 0 : 2048))
      #expect(authorization.verificationURIComplete.isTruncated == false)
    }
  }

  @Test func aShortLifeIsPolledAlsoWithoutAnInterval() throws {
    let authorization = try read(body(["expires_in": "4", "interval": nil]))
    #expect(authorization.interval == 2)
    #expect(string(authorization.refusedInterval) == "")
  }

  @Test("row 8: the interval is 5 where the server says nothing", arguments: [nil, "null"])
  func missingInterval(value: String?) throws {
    let authorization = try read(body(["interval": value]))
    #expect(authorization.interval == 5)
    #expect(string(authorization.refusedInterval) == "")
  }

  @Test("row 9: the complete address may be missing", arguments: [nil, "null"])
  func missingCompleteAddress(value: String?) throws {
    let authorization = try read(body(["verification_uri_complete": value]))
    #expect(string(authorization.verificationURIComplete) == "")
    #expect(string(authorization.verificationURI) == "https://example.org/device")
  }

  @Test func theAddressMayBeNamedAsInDrafts() throws {
    let authorization = try read(
      body([
        "verification_uri": nil, "verification_uri_complete": nil,
        "verification_url": #""https://g.co/d""#,
        "verification_url_complete": #""https://g.co/d?c""#,
      ]))
    #expect(string(authorization.verificationURI) == "https://g.co/d")
    #expect(string(authorization.verificationURIComplete) == "https://g.co/d?c")
  }

  @Test func theNameOfTheStandardGoesFirst() throws {
    let authorization = try read(body(["verification_url": #""https://other.example/""#]))
    #expect(string(authorization.verificationURI) == "https://example.org/device")
  }

  @Test(
    arguments: [("300", 300), (#""300""#, 300), ("300.0", 300), ("3e2", 300), ("1", 1)]
      as [(String, Int64)])
  func lifetimesComeAsNumbersAndTexts(value: String, expected: Int64) throws {
    #expect(try read(body(["expires_in": value, "interval": nil])).expiresIn == expected)
  }

  @Test(
    "row 32: the user code is kept exactly as it came",
    arguments: ["WDJB-MJHT", "729703", "WWWWWWWWWWWWWWW", "abc def", " x ", "ÄÖ‮"])
  func userCodes(code: String) throws {
    #expect(string(try read(body(["user_code": "\"\(code)\""])).userCode) == code)
  }

  @Test(
    "an address that a phone would not open as a page is none",
    arguments: [
      "WIFI:T:WPA;S:x;P:y;;", "tel:+4912345", "/device", "//example.org/device", "device",
      "example.org/device", "ftp://example.org/", "javascript:alert(1)", "https:/example.org/",
      "https://", "http:///device", "https://example.org@evil.example/", "https://evil\\\\@a/",
      "https://a b/", "https://example.org/\\u0007", "https://example.org/\\u0085", "https ://a/",
    ])
  func addressesThatAreNone(address: String) {
    for name in ["verification_uri", "verification_url"] {
      var changes: [String: String?] = ["verification_uri": nil]
      changes[name] = "\"\(address)\""
      let answer = body(changes)
      #expect(failure(of: answer) == "missing \(name)")
    }
  }

  @Test(arguments: [
    "http://example.org", "HTTPS://EXAMPLE.ORG/D", "https://example.org:8443?x", "https://[::1]/d",
    "https://example.org#x@y", "https://ex\u{E4}mple.org/\u{A0}",
  ])
  func addressesThatAreKept(address: String) throws {
    let answer = body(["verification_uri": "\"\(address)\"", "verification_uri_complete": nil])
    #expect(string(try read(answer).verificationURI) == address)
  }

  @Test(
    "the complete address is of the same host",
    arguments: [
      ("https://example.org/c", true), ("http://example.org", true),
      ("HTTPS://example.org?c", true),
      ("https://example.org.evil.example/", false), ("https://evil.example/example.org", false),
      ("https://example.org@evil.example/", false), ("https://example.org:444/", false),
      ("tel:1", false), ("/c", false), ("https://example.org/\\u009b", false),
    ])
  func completeAddresses(address: String, isKept: Bool) throws {
    let authorization = try read(body(["verification_uri_complete": "\"\(address)\""]))
    #expect(authorization.hasUnusableComplete == !isKept)
    #expect(string(authorization.verificationURIComplete) == (isKept ? address : ""))
  }

  @Test(arguments: ["\\u001b[2J", "A\\u0000B", "A\\u007fB", "A\\u0080B", "A\\u009fB", "A\\nB"])
  func codesWithControlCharactersAreNone(code: String) {
    #expect(failure(of: body(["user_code": "\"\(code)\""])) == "missing user_code")
    #expect(failure(of: body(["device_code": "\"\(code)\""])) == "missing device_code")
  }

  struct Figures: Sendable {
    var expiresIn: String
    var interval: String
    var keptExpiresIn: Int64
    var keptInterval: Int64
    var refusedExpiresIn = ""
    var refusedInterval = ""
  }

  @Test(arguments: [
    Figures(expiresIn: "300", interval: "2", keptExpiresIn: 300, keptInterval: 2),
    Figures(expiresIn: "300.0", interval: "\"2\"", keptExpiresIn: 300, keptInterval: 2),
    Figures(expiresIn: "86400", interval: "300", keptExpiresIn: 86400, keptInterval: 300),
    Figures(
      expiresIn: "86401", interval: "5", keptExpiresIn: 1800, keptInterval: 5,
      refusedExpiresIn: "86401"),
    Figures(
      expiresIn: "1684955360", interval: "5", keptExpiresIn: 1800, keptInterval: 5,
      refusedExpiresIn: "1684955360"),
    Figures(
      expiresIn: "1e30", interval: "1e30", keptExpiresIn: 1800, keptInterval: 900,
      refusedExpiresIn: "1e30", refusedInterval: "1e30"),
    Figures(
      expiresIn: "1000000000000000000000", interval: "1000000000000000000000",
      keptExpiresIn: 1800, keptInterval: 900, refusedExpiresIn: "1e21",
      refusedInterval: "1e21"),
    Figures(
      expiresIn: "9223372036854775807", interval: "9223372036854775807", keptExpiresIn: 1800,
      keptInterval: 900, refusedExpiresIn: "9223372036854775807",
      refusedInterval: "9223372036854775807"),
    Figures(
      expiresIn: "0", interval: "0", keptExpiresIn: 300, keptInterval: 5, refusedExpiresIn: "0",
      refusedInterval: "0"),
    Figures(
      expiresIn: "-1", interval: "-1e30", keptExpiresIn: 300, keptInterval: 5,
      refusedExpiresIn: "-1", refusedInterval: "-1e30"),
    Figures(
      expiresIn: "300.5", interval: "2.5", keptExpiresIn: 300, keptInterval: 3,
      refusedExpiresIn: "300.5", refusedInterval: "2.5"),
    Figures(
      expiresIn: "0.5", interval: "0.25", keptExpiresIn: 300, keptInterval: 1,
      refusedExpiresIn: "0.5", refusedInterval: "0.25"),
    Figures(expiresIn: "1800", interval: "301", keptExpiresIn: 1800, keptInterval: 301),
    Figures(expiresIn: "1800", interval: "1799", keptExpiresIn: 1800, keptInterval: 1799),
    Figures(
      expiresIn: "600", interval: "600", keptExpiresIn: 600, keptInterval: 300,
      refusedInterval: "600"),
    Figures(
      expiresIn: "10", interval: "9.5", keptExpiresIn: 10, keptInterval: 5,
      refusedInterval: "9.5"),
  ])
  func absurdFiguresAreReplacedAndSaid(figures: Figures) throws {
    let authorization = try read(
      body(["expires_in": figures.expiresIn, "interval": figures.interval]))
    #expect(authorization.expiresIn == figures.keptExpiresIn)
    #expect(authorization.interval == figures.keptInterval)
    #expect(string(authorization.refusedExpiresIn) == figures.refusedExpiresIn)
    #expect(string(authorization.refusedInterval) == figures.refusedInterval)
  }

  @Test(arguments: [
    ("device_code", 4096), ("user_code", 256), ("verification_uri", 1024),
  ])
  func membersHaveALimit(name: String, limit: Int) {
    let start = "https://example.org/"
    func text(_ length: Int) -> String {
      "\"\(start)\(String(repeating: "m", count: length - start.utf8.count))\""
    }
    #expect(failure(of: body([name: text(limit)])) == nil)
    #expect(failure(of: body([name: text(limit + 1)])) == "too long: \(name)")
  }

  @Test(
    "row 10: a refusal is told in the server's words",
    arguments: [
      (400, #"{"error":"invalid_client"}"#, "refused 400: invalid_client|"),
      (
        401, #"{"error":"invalid_scope","error_description":"no such scope"}"#,
        "refused 401: invalid_scope|no such scope"
      ),
      (200, #"{"error":"unauthorized_client"}"#, "refused 200: unauthorized_client|"),
      (
        400,
        #"{"message":"Malformed","errors":[{"description":"Client Id is invalid"}]}"#,
        "refused 400: Client Id is invalid|"
      ),
      (403, #"{"error_code":"odd"}"#, "refused 403: odd|"),
      (404, #"{"message":"Not found","errors":[]}"#, "refused 404: Not found|"),
      (400, #"{"status":400,"message":"invalid client"}"#, "refused 400: invalid client|"),
      (403, #"{"error":"","message":"no"}"#, "refused 403: no|"),
    ])
  func refusals(status: Int, answer: String, expected: String) {
    #expect(failure(of: answer, status: status) == expected)
  }

  @Test(arguments: [
    (429, ""), (429, #"{"error":"slow_down"}"#), (400, #"{"error":"slow_down"}"#),
    (408, ""), (500, "<html>oops</html>"), (502, ""),
    (503, #"{"error":"temporarily_unavailable"}"#), (503, "{}"), (599, "[]"),
  ])
  func aServerThatCannotAnswerNowIsUnavailable(status: Int, answer: String) {
    #expect(failure(of: answer, status: status) == "unavailable")
  }

  @Test(arguments: [
    (200, "", "not JSON: malformed"), (200, "\u{FEFF}", "not JSON: malformed"),
    (200, "<html></html>", "not JSON: malformed"),
    (200, "[]", "not JSON: notAnObject"), (200, "null", "not JSON: malformed"),
    (
      200, "device_code=x&user_code=y&verification_uri=z&expires_in=900",
      "not JSON: malformed"
    ),
    (200, "{}", "missing device_code"), (200, #"{"error":1101}"#, "missing device_code"),
    (400, "", "unexpected"), (404, "<html>not found</html>", "unexpected"),
    (302, "", "unexpected"), (401, "{}", "unexpected"), (428, "", "unexpected"),
    (400, #"{"error":{"code":31}}"#, "unexpected"), (400, #"{"error":1101}"#, "unexpected"),
  ])
  func anAnswerThatSaysNothingIsAFault(status: Int, answer: String, expected: String) {
    #expect(failure(of: answer, status: status) == expected)
  }

  @Test(
    "what need not be strict is read",
    arguments: [
      "\u{FEFF}" + body(), body(["error": "\"\""]), body(["x": #""a\u0000b""#]),
      body(["x": "1000000000000000000000000000000"]),
    ])
  func leniency(answer: String) throws {
    #expect(string(try read(answer).userCode) == "WDJB-MJHT")
  }

  @Test("row 3: a member that comes twice is a fault") func duplicates() {
    #expect(
      failure(of: body().replacing("}", with: #","user_code":"OTHER"}"#))
        == "not JSON: malformed")
  }

  @Test func everyTruncationIsMalformed() {
    let whole = Array(body().utf8)
    for length in 0..<whole.count {
      let cut = String(decoding: whole[..<length], as: UTF8.self)
      #expect(failure(of: cut) == "not JSON: malformed", "cut after \(length) bytes")
    }
  }
}
