import Bytes
import HTTP
import TestSupport

/// Everything that a parser says about one response.
struct ParsedResponse: Equatable {
  var status = 0
  var body: [UInt8] = []
  /// The bytes taken; the rest belongs to nobody.
  var length = 0
  var keepsConnection = true
  var isHTML = false
  var retryAfter: RetryAfter?
  var date: Int64?
}

/// Gives the pieces to a parser one after the other, each at the end of readable memory, and then
/// the end of the connection where the response is not complete by itself.
///
/// - Throws: `HTTPError`.
func parse(
  _ pieces: [ArraySlice<UInt8>], in memory: GuardedMemory, bodyLimit: Int = 65536
) throws -> ParsedResponse {
  try withBuffer(capacity: bodyLimit + 1) { body in
    var parser = ResponseParser()
    var length = 0
    for piece in pieces where !parser.isComplete {
      length += try memory.with(piece) { try parser.consume($0, body: &body) }
    }
    if !parser.isComplete { try parser.finish() }
    return ParsedResponse(
      status: parser.head.status, body: array(body.bytes), length: length,
      keepsConnection: parser.keepsConnection, isHTML: parser.head.isHTML,
      retryAfter: parser.head.retryAfter, date: parser.head.date)
  }
}

func parse(_ response: String, bodyLimit: Int = 65536) throws -> ParsedResponse {
  let bytes = Array(response.utf8)
  return try parse(
    [bytes[...]], in: GuardedMemory(capacity: bytes.count), bodyLimit: bodyLimit)
}

/// The error that parsing ends with, if it does.
func failure(of response: String, bodyLimit: Int = 65536) -> HTTPError? {
  do {
    _ = try parse(response, bodyLimit: bodyLimit)
    return nil
  } catch {
    return error as? HTTPError
  }
}
