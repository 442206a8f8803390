import Bytes
import HTTP
import TestSupport
import Testing

@Suite struct ResponseTests {
  /// What comes of a response that is given in pieces, error or not.
  private enum Outcome: Equatable {
    case response(ParsedResponse)
    case failure(HTTPError)
  }

  private func outcome(of pieces: [ArraySlice<UInt8>], in memory: GuardedMemory) -> Outcome {
    do {
      return .response(try parse(pieces, in: memory))
    } catch {
      return .failure(error as! HTTPError)
    }
  }

  @Test(arguments: samples)
  func aResponseIsRead(sample: Sample) throws {
    let response = try parse(sample.response + sample.rest)
    #expect(response.status == sample.status)
    #expect(String(decoding: response.body, as: UTF8.self) == sample.body)
    #expect(response.keepsConnection == sample.keepsConnection)
    #expect(response.length == sample.response.utf8.count)
  }

  @Test(arguments: malformed.indices)
  func aMalformedResponseIsRefused(index: Int) {
    let (name, response, error) = malformed[index]
    #expect(failure(of: response) == error, "\(name)")
  }

  @Test(arguments: samples.map { $0.response + $0.rest } + malformed.map(\.response))
  func theResultIsTheSameAtEverySplitPoint(response: String) {
    let bytes = Array(response.utf8)
    let memory = GuardedMemory(capacity: bytes.count)
    let whole = outcome(of: [bytes[...]], in: memory)
    for split in 0...bytes.count {
      let parts = outcome(of: [bytes[..<split], bytes[split...]], in: memory)
      #expect(parts == whole, "split after \(split) bytes")
    }
    let single = outcome(of: bytes.indices.map { bytes[$0...$0] }, in: memory)
    #expect(single == whole)
  }

  @Test(arguments: samples)
  func everyTruncationIsIncomplete(sample: Sample) throws {
    let bytes = Array(sample.response.utf8)
    let memory = GuardedMemory(capacity: bytes.count)
    let headLength = bytes.count - sample.body.utf8.count
    for length in 0..<bytes.count {
      let outcome = outcome(of: [bytes[..<length]], in: memory)
      if sample.endsWithConnection, length >= headLength {
        let expected = ParsedResponse(
          status: sample.status, body: Array(bytes[headLength..<length]), length: length,
          keepsConnection: false)
        #expect(outcome == .response(expected), "cut after \(length) bytes")
      } else {
        #expect(outcome == .failure(.incomplete), "cut after \(length) bytes")
      }
    }
  }

  @Test func randomDamageNeverTraps() {
    let memory = GuardedMemory(capacity: 4096)
    var generator = SeededGenerator(seed: 5)
    var refused = 0
    for round in 0..<20000 {
      var bytes = Array(samples[round % samples.count].response.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        bytes[Int.random(in: 0..<bytes.count, using: &generator)] =
          [0, 9, 10, 13, 32, 44, 48, 58, 59, 255].randomElement(using: &generator)!
      }
      if case .failure = outcome(of: [bytes[...]], in: memory) { refused += 1 }
    }
    #expect(refused > 2000)
  }

  @Test(
    "row 63: the scope that is missing",
    arguments: [
      (#"Bearer error="insufficient_scope", scope="a b""#, "a b"),
      (#"bearer Scope="a b", error="insufficient_scope""#, "a b"),
      (#"Bearer error="insufficient_scope""#, ""), (#"Bearer scope="a"#, ""), ("Bearer", ""),
    ])
  func missingScopes(challenge: String, expected: String) throws {
    try withBuffer(capacity: 16) { body in
      var parser = ResponseParser()
      let response = Array(
        "HTTP/1.1 403 No\r\nWWW-Authenticate: \(challenge)\r\nContent-Length: 0\r\n\r\n".utf8)
      _ = try parser.consume(response.span, body: &body)
      #expect(string(parser.head.missingScope) == expected)
    }
  }

  @Test func aConnectionThatEndedBehindAResponseIsNotKept() throws {
    try withBuffer(capacity: 16) { body in
      var parser = ResponseParser()
      let response = Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx".utf8)
      _ = try parser.consume(response.span, body: &body)
      #expect(parser.keepsConnection)
      try parser.finish()
      #expect(!parser.keepsConnection)
    }
  }

  @Test(arguments: [
    ("text/html", true), ("Text/HTML; charset=utf-8", true), ("text/htm", false),
    ("application/json", false), ("", false), ("application/xhtml+xml; text/html", false),
  ])
  func htmlIsRecognised(type: String, isHTML: Bool) throws {
    let response = try parse("HTTP/1.1 200 OK\r\nContent-Type: \(type)\r\n\r\n")
    #expect(response.isHTML == isHTML)
  }
}

@Suite struct ResponseLimitTests {
  private func head(length: Int) -> String {
    let frame = "HTTP/1.1 204 No Content\r\nX: \r\n\r\n"
    return frame.replacing(
      "X: ", with: "X: \(String(repeating: "y", count: length - frame.utf8.count))")
  }

  @Test func aHeadOfTheLimitIsAccepted() {
    #expect(failure(of: head(length: ResponseParser.headLimit)) == nil)
  }

  @Test func aHeadBeyondTheLimitIsRefused() {
    #expect(failure(of: head(length: ResponseParser.headLimit + 1)) == .headTooLarge)
  }

  @Test func aLineWithoutEndIsRefused() {
    let reason = String(repeating: "H", count: 20000)
    #expect(failure(of: "HTTP/1.1 200 " + reason) == .headTooLarge)
  }

  @Test(arguments: ["\0", "<", "HTTQ", "HTTP/2"])
  func garbageIsRefusedBeforeItsLineEnds(garbage: String) {
    #expect(failure(of: garbage) == .malformedStatusLine)
  }

  @Test func interimResponsesCountTowardsTheLimit() {
    let endless = String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 1000)
    #expect(failure(of: endless) == .headTooLarge)
  }

  @Test func trailersCountTowardsTheLimit() {
    let trailers = String(repeating: "X: y\r\n", count: 4000)
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\(trailers)\r\n"
    #expect(failure(of: response) == .headTooLarge)
  }

  @Test func chunksOfOneByteCountTowardsTheLimit() {
    let chunks = String(repeating: "1\r\nx\r\n", count: 4000)
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\r\n"
    #expect(failure(of: response) == .headTooLarge)
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\nContent-Length: %\r\n\r\n$",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$",
  ])
  func aBodyOfTheLimitIsAcceptedAndNoByteMore(frame: String) throws {
    func response(_ length: Int) -> String {
      frame.replacing("%", with: "\(length)")
        .replacing("$", with: String(repeating: "b", count: length))
    }
    #expect(try parse(response(1000), bodyLimit: 1000).body.count == 1000)
    #expect(failure(of: response(1001), bodyLimit: 1000) == .bodyTooLarge)
    #expect(try parse(response(65536)).body.count == 65536)
    #expect(failure(of: response(65537)) == .bodyTooLarge)
  }

  @Test(arguments: [
    "Content-Length: 1001\r\n\r\n", "Content-Length: 9223372036854775807\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
  ])
  func aBodyThatStatesToBeTooLargeIsNotWaitedFor(rest: String) {
    #expect(failure(of: "HTTP/1.1 200 OK\r\n" + rest, bodyLimit: 1000) == .bodyTooLarge)
  }

  @Test func chunksTogetherAreLimited() throws {
    let chunk = "1f4\r\n\(String(repeating: "c", count: 500))\r\n"
    let response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)0\r\n\r\n"
    #expect(try parse(response, bodyLimit: 1000).body.count == 1000)
    #expect(failure(of: response, bodyLimit: 999) == .bodyTooLarge)
  }
}

@Suite struct RetryAfterTests {
  private static let date = "Sun, 06 Nov 1994 08:49:37 GMT"
  private static let instant: Int64 = 784_111_777

  private func seconds(_ fields: String, unixSeconds: Int64) throws -> Int64? {
    try withBuffer(capacity: 1) { body in
      var parser = ResponseParser()
      let response = Array("HTTP/1.1 429 Too Many Requests\r\n\(fields)\r\n".utf8)
      _ = try parser.consume(response.span, body: &body)
      return parser.head.retryAfterSeconds(unixSeconds: unixSeconds)
    }
  }

  @Test(
    arguments: [("0", 0), ("7", 7), (" 120 ", 120), ("9223372036854775807", Int64.max)]
      as [(String, Int64)])
  func secondsAreTakenAsTheyAre(value: String, expected: Int64) throws {
    #expect(try seconds("Retry-After:\(value)\r\n", unixSeconds: 0) == expected)
  }

  @Test(arguments: ["", "-1", "1.5", "soon", "9223372036854775808", "1994-11-06", "5 s"])
  func whatIsNeitherSecondsNorDateIsAbsent(value: String) throws {
    #expect(try seconds("Retry-After: \(value)\r\n", unixSeconds: 0) == nil)
  }

  @Test func itIsAbsentWhereTheServerSaysNothing() throws {
    #expect(try seconds("Date: \(Self.date)\r\n", unixSeconds: 0) == nil)
  }

  @Test func aDateIsHeldAgainstTheServersClock() throws {
    let fields = "Date: Sun, 06 Nov 1994 08:49:07 GMT\r\nRetry-After: \(Self.date)\r\n"
    #expect(try seconds(fields, unixSeconds: 0) == 30)
    #expect(try seconds(fields, unixSeconds: Self.instant + 1_000_000) == 30)
  }

  @Test func aDateIsHeldAgainstOurClockWhereTheServerTellsNone() throws {
    #expect(
      try seconds("Retry-After: \(Self.date)\r\n", unixSeconds: Self.instant - 45) == 45)
  }

  @Test func aDateThatIsPastMeansNow() throws {
    #expect(try seconds("Retry-After: \(Self.date)\r\n", unixSeconds: Self.instant + 1) == 0)
  }
}
