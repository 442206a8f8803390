import Bytes
import OAuth
import TestSupport
import Testing
import TokenStore

/// Which grant is which, whose it is, and until when.
@Suite struct GenerationTests {
  private func with<Result>(
    _ sample: Sample, _ body: (inout TokenRecord) -> Result
  ) -> Result {
    let memory = Memory()
    defer { memory.free() }
    var record = memory.record()
    record.fill(sample)
    return body(&record)
  }

  private func generation(_ access: String, _ refresh: String) -> Generation {
    with(Sample(accessToken: access, refreshToken: refresh)) { $0.generation }
  }

  @Test func aGenerationIsItsTokens() {
    let one = generation("a", "r")
    #expect(one == generation("a", "r"))
    for other in [("b", "r"), ("a", "s"), ("r", "a"), ("a", "")] {
      #expect(one != generation(other.0, other.1))
    }
    #expect(one.hasSameRefreshToken(as: generation("b", "r")))
    #expect(!one.hasSameRefreshToken(as: generation("a", "s")))
  }

  @Test func withoutTokensThereIsNone() {
    #expect(generation("", "") == .none)
    #expect(generation("a", "") != .none)
    let scope = with(Sample("x")) { record in
      let before = record.generation
      record.tokens.scope.append("more")
      record.tokens.expiresAt = 7
      return before == record.generation
    }
    #expect(scope)
  }

  @Test(arguments: [
    ("https://as.example/token", "board", true), ("", "board", true),
    ("https://as.example/token", "", true), ("", "", true),
    ("https://as.example/Token", "board", false), ("https://as.example/token", "boar", false),
  ])
  func aRecordIsTheClientsAsFarAsBothSay(endpoint: String, client: String, expected: Bool) {
    let (endpoint, client) = (Array(endpoint.utf8), Array(client.utf8))
    let belongs = with(Sample("x")) {
      $0.belongs(issuer: [UInt8]().span, tokenEndpoint: endpoint.span, clientID: client.span)
    }
    #expect(belongs == expected)
  }

  @Test(arguments: [
    // The record's issuer, the configured one, and the token endpoint as it is now.
    ("https://as.example", "https://as.example", "https://as.example/v2/token", true),
    ("https://as.example", "https://as.example", "", true), ("webex", "webex", "https://x/", true),
    ("https://as.example", "https://other.example", "", false),
    ("https://as.example", "https://other.example", "https://other.example/token", false),
    ("https://as.example", "https://as.example/", "https://as.example/token", true),
    ("", "https://as.example", "https://as.example/token", true),
    ("", "https://as.example", "https://as.example/v2/token", false),
    ("https://as.example", "", "https://as.example/token", true),
    ("https://as.example", "", "https://as.example/v2/token", false),
  ])
  func aServerIsKnownByItsIssuerWhereverItsEndpointsAre(
    held: String, issuer: String, endpoint: String, expected: Bool
  ) {
    let (issuer, endpoint, client) = (Array(issuer.utf8), Array(endpoint.utf8), Array("board".utf8))
    let belongs = with(Sample("x")) { record in
      for byte in held.utf8 { record.issuer.append(byte) }
      return record.belongs(
        issuer: issuer.span, tokenEndpoint: endpoint.span, clientID: client.span)
    }
    #expect(belongs == expected)
  }

  /// Ends, when they were written, the clock now, and what is believed.
  @Test(
    arguments: [
      (2000, 1000, 1000, 2000), (2000, 1000, 1500, 2000), (2000, 1000, 900, 1900),
      (2000, 1000, 5000, 2000), (2000, 1000, 0, 1000), (1000, 1000, 500, 500),
      (900, 1000, 500, 500), (.max, -1, 0, .max), (.max, 1, .max, .max), (.max, 1, 10, .max),
      (nil, 1000, 0, nil),
    ] as [(Int64?, Int64, Int64, Int64?)])
  func aClockThatWasAheadDoesNoHarm(end: Int64?, written: Int64, now: Int64, expected: Int64?) {
    let ends = with(Sample("x")) { record in
      record.tokens.expiresAt = end
      record.tokens.refreshTokenExpiresAt = end
      record.distrust(written: written, unixSeconds: now)
      return [record.tokens.expiresAt, record.tokens.refreshTokenExpiresAt]
    }
    #expect(ends == [expected, expected])
  }
}
