import Bytes
import HTTP
import TestSupport
import Testing

private func refusal(of text: String) -> URLError? {
  let bytes = Array(text.utf8)
  do {
    _ = try URL(bytes.span)
    return nil
  } catch {
    return error
  }
}

@Suite struct URLTests {
  struct Accepted: Sendable {
    var text: String
    var host: String
    var port = 443
    var authority: String
    var pathAndQuery = ""
  }

  @Test(arguments: [
    Accepted(text: "https://a", host: "a", authority: "a"),
    Accepted(text: "https://a/", host: "a", authority: "a", pathAndQuery: "/"),
    Accepted(
      text: "HTTPS://Example.ORG/P", host: "Example.ORG", authority: "Example.ORG",
      pathAndQuery: "/P"),
    Accepted(
      text: "https://webexapis.com/v1/device/authorize", host: "webexapis.com",
      authority: "webexapis.com", pathAndQuery: "/v1/device/authorize"),
    Accepted(text: "https://a:1", host: "a", port: 1, authority: "a:1"),
    Accepted(
      text: "https://a:65535/x", host: "a", port: 65535, authority: "a:65535",
      pathAndQuery: "/x"),
    Accepted(text: "https://a?q=/x@y:1", host: "a", authority: "a", pathAndQuery: "?q=/x@y:1"),
    Accepted(text: "https://a/u@b:c", host: "a", authority: "a", pathAndQuery: "/u@b:c"),
    Accepted(
      text: "https://192.0.2.1:8443/", host: "192.0.2.1", port: 8443,
      authority: "192.0.2.1:8443", pathAndQuery: "/"),
    Accepted(text: "https://[::1]", host: "::1", authority: "[::1]"),
    Accepted(
      text: "https://[2001:db8::192.0.2.1]:8443/t?x", host: "2001:db8::192.0.2.1",
      port: 8443, authority: "[2001:db8::192.0.2.1]:8443", pathAndQuery: "/t?x"),
    Accepted(
      text: "https://xn--bcher-kva.example", host: "xn--bcher-kva.example",
      authority: "xn--bcher-kva.example"),
    Accepted(text: "https://my_host-1.lan.", host: "my_host-1.lan.", authority: "my_host-1.lan."),
  ])
  func anHTTPSURLIsTakenApart(expected: Accepted) throws {
    let bytes = Array(expected.text.utf8)
    let url = try URL(bytes.span)
    let parts = [
      string(url.text), string(url.host), string(url.authority), string(url.pathAndQuery),
    ]
    #expect(parts == [expected.text, expected.host, expected.authority, expected.pathAndQuery])
    #expect(url.port == expected.port)
  }

  @Test(
    arguments: [
      ("", .notHTTPS), ("https://", .notHTTPS), ("http://a/", .notHTTPS), ("a", .notHTTPS),
      ("//a/", .notHTTPS), ("https:/a", .notHTTPS), ("https:a", .notHTTPS), ("ftp://a", .notHTTPS),
      (" https://a", .notHTTPS), ("file:///etc/passwd", .notHTTPS), ("httpss://a", .notHTTPS),
      ("https:///path", .invalidHost), ("https://?q", .invalidHost), ("https://:443", .invalidHost),
      ("https://[]", .invalidHost), ("https://[:", .invalidHost), ("https://[::1", .invalidHost),
      ("https://[0000:0000:0000:0000:0000:0000:255.255.255.2555]", .invalidHost),
      ("https://[fe80::1%25eth0]", .invalidHost), ("https://[g::1]", .invalidHost),
      ("https://a%2eb/", .invalidHost), ("https://a\\b/", .invalidHost),
      ("https://a,b", .invalidHost),
      ("https://a;b", .invalidHost), ("https://*.a", .invalidHost), ("https://a]", .invalidHost),
      ("https://user@a/", .userInformation), ("https://user:pass@a/", .userInformation),
      ("https://@a/", .userInformation), ("https://a:1@b", .userInformation),
      ("https://a/#", .fragment), ("https://a/x#y", .fragment), ("https://a#@b", .fragment),
      ("https://a:", .invalidPort), ("https://a:0", .invalidPort),
      ("https://a:65536", .invalidPort),
      ("https://a:4a3", .invalidPort), ("https://a:-1", .invalidPort),
      ("https://a:+1", .invalidPort),
      ("https://a:000443", .invalidPort), ("https://a:1:2", .invalidPort),
      ("https://[::1]x", .invalidPort), ("https://[::1]:", .invalidPort),
      ("https://a b/", .invalidCharacter), ("https://a/ ", .invalidCharacter),
      ("https://a/\n", .invalidCharacter), ("https://a/\r\nX: y", .invalidCharacter),
      ("https://a/\0", .invalidCharacter), ("https://a/\u{7F}", .invalidCharacter),
      ("https://bücher.example/", .invalidCharacter), ("https://a/ä", .invalidCharacter),
      ("https://a/\u{202E}", .invalidCharacter),
    ] as [(String, URLError)])
  func whatIsNotAnHTTPSURLIsRefused(text: String, expected: URLError) {
    #expect(refusal(of: text) == expected)
  }

  @Test func theLongestURLIsAccepted() {
    let longest = "https://a/" + String(repeating: "p", count: URL.capacity - 10)
    #expect(refusal(of: longest) == nil)
    #expect(refusal(of: longest + "p") == .tooLong)
  }

  @Test func theLongestHostIsThatOfTheNameSystem() {
    let longest = "https://" + String(repeating: "h", count: 253)
    #expect(refusal(of: longest) == nil)
    #expect(refusal(of: longest + "h") == .invalidHost)
  }

  @Test(arguments: [
    ("as.example", "AS.example", true), ("localhost", "localhost", true),
    ("accounts.google.com", "oauth2.googleapis.com", false),
    ("openidconnect.googleapis.com", "oauth2.googleapis.com", true),
    ("graph.microsoft.com", "login.microsoftonline.com", false),
    ("example.com", "me.example.com", true), ("me.example.com", "a.b.example.com", true),
    ("badexample.com", "example.com", false), ("example.com.evil.org", "example.com", false),
    ("one.co.uk", "other.co.uk", false), ("me.one.co.uk", "as.one.co.uk", true),
    ("co.uk", "one.co.uk", false), ("me.example.de", "as.example.de", true),
    ("me.bbc.uk", "as.bbc.uk", false), ("com", "example.com", false), ("one", "other", false),
    ("10.0.0.1", "10.1.0.1", false), ("10.0.0.1", "10.0.0.1", true),
    ("[2001:db8::1]", "[2001:db8::2]", false), ("[::1]", "[::1]", true),
    ("a..com", "b..com", false), (".com", "com", false),
  ])
  func aSiteIsTheEndOfAName(one: String, other: String, same: Bool) throws {
    for (one, other) in [(one, other), (other, one)] {
      let (one, other) = (Array("https://\(one)/x".utf8), Array("https://\(other):8443".utf8))
      let isSame = try URL(one.span).isAtSite(of: URL(other.span))
      #expect(isSame == same)
    }
  }

  @Test func everyTruncationIsAcceptedOrRefusedButNeverTraps() {
    let whole = Array("https://[2001:db8::1]:8443/device?x=y".utf8)
    let memory = GuardedMemory(capacity: whole.count)
    let accepted = (0...whole.count).filter { length in
      memory.with(whole[..<length]) { (try? URL($0)) != nil }
    }
    // From the closing bracket on, but for the colon without a port.
    #expect(accepted == Array(21...whole.count).filter { $0 != 22 })
  }
}
