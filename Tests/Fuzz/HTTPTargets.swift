import Bytes
import HTTP
import TestSupport

/// Everything that the parser says of an answer.
private struct Outcome: Equatable {
  var error: HTTPError?
  var status = 0
  var body: [UInt8] = []
  var taken = 0
  var isComplete = false
  var keepsConnection = false
  var isHTML = false
  var retryAfter: RetryAfter?
  var date: Int64?
  var scope: [UInt8] = []
  var location: [UInt8] = []
}

nonisolated(unsafe) private let bodyMemory = memory(1025)

/// Gives an answer to the parser in pieces of one length.
private func parse(_ input: Input, pieces length: Int) -> Outcome {
  var body = Buffer(storage: bodyMemory)
  var parser = ResponseParser()
  var outcome = Outcome()
  do throws(HTTPError) {
    while outcome.taken < input.count, !parser.isComplete {
      let end = min(outcome.taken + length, input.count)
      let piece = input.span.extracting(outcome.taken..<end)
      let taken = try parser.consume(piece, body: &body)
      require(taken == piece.count || parser.isComplete, "a piece is taken whole until the end")
      outcome.taken += taken
    }
    outcome.isComplete = parser.isComplete
    if !parser.isComplete { try parser.finish() }
  } catch {
    return Outcome(error: error)
  }
  let head = parser.head
  outcome.status = head.status
  outcome.body = array(body.bytes)
  outcome.keepsConnection = parser.keepsConnection
  outcome.isHTML = head.isHTML
  outcome.retryAfter = head.retryAfter
  outcome.date = head.date
  outcome.scope = bytes(of: head.missingScope)
  outcome.location = bytes(of: head.location)
  return outcome
}

/// The parser of HTTP answers: what comes out depends on no border between two pieces, and on
/// nothing behind the answer.
func fuzzResponse(_ input: Input) {
  let whole = parse(input, pieces: max(1, input.count))
  require(whole == parse(input, pieces: 1), "bytes and the whole are the same answer")
  require(whole == parse(input, pieces: 7), "pieces and the whole are the same answer")
  if whole.error != nil { return }
  require((200...999).contains(whole.status), "a final status")
  require(![205, 206].contains(whole.status), "a status that was asked for")
  require(whole.body.count < bodyMemory.count, "a body below its limit")
  if let date = whole.date { require(date >= 0, "a date after 1970") }
  if case .seconds(let seconds) = whole.retryAfter { require(seconds >= 0, "no wait below zero") }
  if !whole.isComplete {
    require(!whole.keepsConnection, "what runs to the close keeps no connection")
    return
  }
  let alone = parse(Input(rebasing: input[..<whole.taken]), pieces: 512)
  require(alone == whole, "nothing behind an answer counts")
}

nonisolated(unsafe) private let requestMemory = memory(2048)

/// The reader of URLs, and the request that is made of one.
func fuzzURL(_ input: Input) {
  guard let url = try? URL(input.span) else { return }
  require(url.bytes.equals(input.span) && input.count <= URL.capacity, "a URL is as written")
  require((1...65535).contains(url.port), "a port of TCP")
  require((1...253).contains(url.host.count), "a host of a name's length")
  for index in url.host.indices {
    let byte = url.host[index]
    require(byte.isLetter || byte.isDigit || ".-_:".utf8.contains(byte), "a host's bytes")
  }
  let parts = 8 + url.authority.count + url.pathAndQuery.count
  require(parts == input.count, "scheme, authority and the rest are all of it")
  require(url.isAtSite(of: url), "one site")

  var request = Buffer(storage: requestMemory)
  let head = RequestHead(.post(contentLength: 7))
  head.begin(&request, url, version: "1")
  head.end(&request)
  require(!request.isTruncated, "a request's head is no longer than its URL allows")
  var lines = 0
  for index in 0..<request.count {
    let byte = request.bytes[index]
    if byte == 0x0A { lines += 1 }
    require(byte.isPrintableASCII || byte == 0x0D || byte == 0x0A, "a request of text")
  }
  require(lines == 8, "a request of as many lines as it has")
}
