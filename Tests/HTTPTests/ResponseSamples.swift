import HTTP
import Testing

/// A response, what it must be read as, and what follows it on the connection.
struct Sample: Sendable, CustomTestStringConvertible {
  var name: String
  var response: String
  var status = 200
  var body = ""
  var keepsConnection = true
  /// Bytes of the next response, which are not this one's.
  var rest = ""
  /// Whether the end of the connection is the end of the body.
  var endsWithConnection = false

  var testDescription: String { name }
}

let samples = [
  Sample(
    name: "Content-Length", response: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    body: "hello"),
  Sample(
    name: "Content-Length, with more behind it",
    response: "HTTP/1.1 400 Bad Request\r\ncontent-length:\t2 \r\n\r\n{}", status: 400, body: "{}",
    rest: "HTTP/1.1 200 OK\r\n\r\n"),
  Sample(
    name: "Content-Length twice, the same",
    response: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nab", body: "ab"),
  Sample(
    name: "Content-Length 0",
    response: "HTTP/1.1 428 Precondition Required\r\nContent-Length: 0\r\n\r\n",
    status: 428),
  Sample(
    name: "without a reason phrase", response: "HTTP/1.1 200 \r\nContent-Length: 1\r\n\r\nx",
    body: "x"),
  Sample(
    name: "without a reason phrase and its blank",
    response: "HTTP/1.1 200\r\nContent-Length: 1\r\n\r\nx", body: "x"),
  Sample(
    name: "line feeds alone", response: "HTTP/1.1 200 OK\nContent-Length: 3\nX: y\n\nabc",
    body: "abc"),
  Sample(
    name: "line ends of both kinds", response: "HTTP/1.1 200 OK\r\nContent-Length: 3\n\r\nabc",
    body: "abc"),
  Sample(
    name: "chunked",
    response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "5\r\nhello\r\n00A\r\n, chunked \r\n1\r\n!\r\n0\r\n\r\n",
    body: "hello, chunked !", rest: "HTTP/1.1"),
  Sample(
    name: "chunked with extensions and trailers",
    response: "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"
      + "3;name=value;flag\r\nabc\r\n2 ; q=\"x;y\"\r\nde\r\n0;last\r\n"
      + "Content-Length: 99\r\nTransfer-Encoding: gzip\r\nX-Sum: 1\r\n\r\n",
    body: "abcde"),
  Sample(
    name: "chunked with bodies that look like chunks",
    response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n0\r\n\r\nab\r\n0\r\n\r\n",
    body: "0\r\n\r\nab"),
  Sample(
    name: "chunked and empty",
    response: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
  Sample(
    name: "ended by the connection's end",
    response: "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n",
    body: "{\"a\":1}\r\n", keepsConnection: false, endsWithConnection: true),
  Sample(
    name: "204", response: "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", status: 204,
    rest: "HTTP/1.1"),
  Sample(
    name: "304 with a length", response: "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\n",
    status: 304, rest: "HTTP/1.1"),
  Sample(
    name: "interim responses first",
    response: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n"
      + "Retry-After: 7\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    body: "ok"),
  Sample(
    name: "Connection: close",
    response: "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx", body: "x",
    keepsConnection: false),
  Sample(
    name: "Connection: close among others",
    response: "HTTP/1.1 200 OK\r\nConnection: upgrade , close\r\nContent-Length: 1\r\n\r\nx",
    body: "x", keepsConnection: false),
  Sample(
    name: "Connection: a word with close in it",
    response: "HTTP/1.1 200 OK\r\nConnection: closed, unclose\r\nContent-Length: 1\r\n\r\nx",
    body: "x"),
  Sample(
    name: "HTTP/1.0", response: "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", body: "x",
    keepsConnection: false),
  Sample(
    name: "HTTP/1.0 that keeps the connection",
    response: "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx", body: "x"),
  Sample(
    name: "HTTP/1.0 ended by the connection's end", response: "HTTP/1.0 502 Bad Gateway\n\nsorry",
    status: 502, body: "sorry", keepsConnection: false, endsWithConnection: true),
  Sample(
    name: "HTTP/1.0 with chunks",
    response: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
      + "1\r\nx\r\n0\r\n\r\n",
    body: "x", keepsConnection: false),
  Sample(
    name: "fields longer than a line is kept",
    response: "HTTP/1.1 200 " + String(repeating: "k", count: 900) + "\r\nX-Long: "
      + String(repeating: "y", count: 2000) + "\r\nContent-Length: 1\r\n\r\nx",
    body: "x"),
  Sample(
    name: "folded lines",
    response: "HTTP/1.1 200 OK\r\nX: a\r\n Content-Length: 9\r\n\t: c\r\nContent-Length:\r\n  2\r\n"
      + "Connection: upgrade,\r\n close\r\nY: b\r\n \t\r\n\r\nok",
    body: "ok", keepsConnection: false),
  Sample(
    name: "folded lines that end in line feeds",
    response: "HTTP/1.1 200 OK\nTransfer-Encoding:\n chunked\n\n1\nx\n0\n\n", body: "x"),
]

/// Responses that no parser may accept, since two parsers could read them in two ways.
let malformed: [(name: String, response: String, error: HTTPError)] = [
  ("no status line", "hello\r\n\r\n", .malformedStatusLine),
  ("an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", .malformedStatusLine),
  ("HTTP/2", "HTTP/2 200\r\n\r\n", .malformedStatusLine),
  ("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", .malformedStatusLine),
  ("small letters", "http/1.1 200 OK\r\n\r\n", .malformedStatusLine),
  ("a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", .malformedStatusLine),
  ("a status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", .malformedStatusLine),
  ("a status below 100", "HTTP/1.1 099 OK\r\n\r\n", .malformedStatusLine),
  ("a status that is no number", "HTTP/1.1 2x0 OK\r\n\r\n", .malformedStatusLine),
  ("a negative status", "HTTP/1.1 -10 OK\r\n\r\n", .malformedStatusLine),
  ("two blanks before the status", "HTTP/1.1  200 OK\r\n\r\n", .malformedStatusLine),
  ("TLS", "\u{15}\u{3}\u{1}\0\u{2}\u{2}\n", .malformedStatusLine),
  ("a field without a colon", "HTTP/1.1 200 OK\r\nfield\r\n\r\n", .malformedField),
  ("a field without a name", "HTTP/1.1 200 OK\r\n: x\r\n\r\n", .malformedField),
  ("a blank before the colon", "HTTP/1.1 200 OK\r\nContent-Length : 1\r\n\r\nx", .malformedField),
  (
    "a length that is folded in its midst",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 0\r\n\r\n0123456789", .malformedField
  ),
  ("a folded name", "HTTP/1.1 200 OK\r\nContent-\r\n Length: 1\r\n\r\nx", .malformedField),
  ("a folded first line", "HTTP/1.1 200 OK\r\n X: a\r\n\r\n", .malformedField),
  ("a carriage return more", "HTTP/1.1 200 OK\r\nX: a\r\n\r\r\n\r\n", .malformedField),
  ("a negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", .malformedField),
  ("an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", .malformedField),
  ("a length with a sign", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", .malformedField),
  ("a length in hexadecimal", "HTTP/1.1 200 OK\r\nContent-Length: 0x1\r\n\r\nx", .malformedField),
  ("a list of lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx", .malformedField),
  (
    "a length beyond 64 bits", "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n",
    .malformedField
  ),
  (
    "a length longer than a line is kept",
    "HTTP/1.1 200 OK\r\nContent-Length: \(String(repeating: "0", count: 600))5\r\n\r\nhello",
    .malformedField
  ),
  (
    "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
    .ambiguousLength
  ),
  (
    "a length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    .ambiguousLength
  ),
  (
    "chunks and a length",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n",
    .ambiguousLength
  ),
  (
    "gzip", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    .unsupportedTransferEncoding
  ),
  (
    "identity", "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n",
    .unsupportedTransferEncoding
  ),
  (
    "chunked twice",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    .unsupportedTransferEncoding
  ),
  (
    "a transfer encoding longer than a line is kept",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\(String(repeating: " ", count: 600)), gzip\r\n"
      + "\r\n",
    .malformedField
  ),
  (
    "gzip as content", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx",
    .encodedContent
  ),
  (
    "two codings in chunks", chunked("", "Content-Encoding: identity, br\r\n"), .encodedContent
  ),
  (
    "an unknown coding until the end", "HTTP/1.1 400 No\r\nContent-encoding: x\r\n\r\n",
    .encodedContent
  ),
  ("a change of protocols", "HTTP/1.1 101 Yes\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .unaskedStatus),
  ("tokens in a 205", "HTTP/1.1 205 Reset\r\nContent-Length: 1\r\n\r\nx", .unaskedStatus),
  ("a part", "HTTP/1.1 206 Partial\r\nContent-Length: 1\r\n\r\nx", .unaskedStatus),
  ("a zero in the status line", "HTTP/1.1 200 O\0K\r\n\r\n", .malformedField),
  ("a zero in a field", "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", .malformedField),
  (
    "a carriage return in a field", "HTTP/1.1 200 OK\r\nX: a\rContent-Length: 1\r\n\r\n",
    .malformedField
  ),
  ("two carriage returns", "HTTP/1.1 200 OK\r\nX: a\r\r\n\r\n", .malformedField),
  ("a zero in a chunk's size", chunked("1;\0\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a carriage return in a chunk's size", chunked("1;\rx\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a carriage return in a trailer", chunked("0\r\nX: a\rb\r\n\r\n"), .malformedChunk),
  ("a chunk without a size", chunked("\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a chunk's size that is no number", chunked("x\r\n"), .malformedChunk),
  ("a chunk's size with a sign", chunked("+1\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a chunk's size with a prefix", chunked("0x1\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a blank before a chunk's size", chunked(" 1\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a word behind a chunk's size", chunked("1 x\r\nx\r\n0\r\n\r\n"), .malformedChunk),
  ("a chunk longer than its size", chunked("1\r\nxy\r\n0\r\n\r\n"), .malformedChunk),
  ("blanks behind a chunk", chunked("1\r\nx \r\n0\r\n\r\n"), .malformedChunk),
  ("a chunk's size beyond 32 bits", chunked("100000000\r\n"), .bodyTooLarge),
  ("a chunk's size of many zeros", chunked("0000000001\r\nx\r\n0\r\n\r\n"), .bodyTooLarge),
]

private func chunked(_ body: String, _ field: String = "") -> String {
  "HTTP/1.1 200 OK\r\n\(field)Transfer-Encoding: chunked\r\n\r\n" + body
}
