public import Bytes

private let statusLinePrefix: StaticString = "HTTP/1."

/// Why bytes are not an HTTP response that this program accepts.
public enum HTTPError: UInt8, Error, Sendable, Equatable {
  case malformedStatusLine
  case malformedField
  case malformedChunk
  case ambiguousLength
  case unsupportedTransferEncoding
  case headTooLarge
  /// The connection ended before the response did.
  case incomplete
  // From here on: there is a whole answer, and what it holds is lost.
  case bodyTooLarge
  case encodedContent
  case unaskedStatus

  public var description: StaticString {
    switch self {
    case .malformedStatusLine: "the answer does not begin with an HTTP/1.1 status line"
    case .malformedField: "the answer has a malformed header field"
    case .malformedChunk: "the answer's chunked encoding is broken"
    case .ambiguousLength: "the answer states its length in two ways"
    case .unsupportedTransferEncoding: "the answer's transfer encoding is not chunked"
    case .headTooLarge: "the answer's header is larger than 16 KiB"
    case .bodyTooLarge: "the answer's body is larger than 64 KiB"
    case .incomplete: "the connection ended in the middle of the answer"
    case .unaskedStatus: "the answer has a status that nobody asked for: 101, 205 or 206"
    case .encodedContent: "the answer is compressed, though nobody asked for that"
    }
  }
}

extension HTTPError {
  /// Whether there was an answer whose content is lost: what it granted does not come again.
  public var losesContent: Bool { rawValue >= HTTPError.bodyTooLarge.rawValue }
}

/// What a response says before its body.
public struct ResponseHead: Sendable {
  /// 100 to 999.
  public fileprivate(set) var status = 0

  public fileprivate(set) var retryAfter: RetryAfter?

  /// Whether the server said that the body is HTML: a captive portal, a proxy.
  public fileprivate(set) var isHTML = false

  /// The scope that the server says is missing (RFC 6750 §3), cut where it is long; empty where it
  /// says none. Text from outside.
  public fileprivate(set) var missingScope = Text<128>()

  /// Where the server says that it is to be found (RFC 9110 §10.2.2); empty where it says nothing,
  /// or more than a URL of this program's holds. Text from outside.
  public fileprivate(set) var location = Text<512>()

  /// The server's clock, in seconds since 1970 (the Date field).
  public fileprivate(set) var date: Int64?

  public init() {}

  /// Whether the server has told another place instead of an answer.
  public var isRedirect: Bool { status >= 300 && status < 400 && !location.isEmpty }

  /// Seconds to wait as the server asks (RFC 9110 §10.2.3), never negative. A date is held against
  /// the server's own clock where it says one, since ours may be wrong.
  public func retryAfterSeconds(unixSeconds: Int64) -> Int64? {
    switch retryAfter {
    case .seconds(let seconds): seconds
    case .date(let instant): max(0, instant - (date ?? unixSeconds))
    case nil: nil
    }
  }
}

/// When the server wants the next request (RFC 9110 §10.2.3).
public enum RetryAfter: Sendable, Equatable {
  case seconds(Int64)
  /// Seconds since 1970.
  case date(Int64)
}

/// Reads one response, in pieces of any size (RFC 9112).
///
/// Bytes go in with `consume`, the body comes out in a buffer of the caller's whose capacity is
/// the limit plus one. The parser holds no more than one line, and of a longer line only its
/// beginning: no field that matters here is longer.
public struct ResponseParser: Sendable {
  /// The limit on status line and fields together, in bytes; interim responses, trailers and the
  /// lines between chunks included.
  public static let headLimit = 16 * 1024

  public private(set) var head = ResponseHead()

  /// Whether the connection may carry another request after this response.
  public private(set) var keepsConnection = true

  private enum State: Sendable, Equatable {
    case statusLine
    case fields
    case body(remaining: Int64)
    case untilClose
    case chunkSize
    case chunk(remaining: Int64)
    case chunkEnd
    case trailer
    case complete
  }

  private var state = State.statusLine
  private var line = Text<512>()
  private var headCount = 0
  private var contentLength: Int64?
  private var isChunked = false
  private var isEncoded = false
  /// Whether the last byte was a carriage return, which only a line's end may follow.
  private var isReturning = false
  private var isHTTP10 = false
  /// Whether `line` is a whole field, unless the next line goes on with it.
  private var isFieldEnded = false

  public init() {}

  public var isComplete: Bool { state == .complete }

  /// Takes what `input` has for this response.
  ///
  /// - Returns: the number of bytes taken; fewer than given once the response is complete.
  public mutating func consume(
    _ input: borrowing Span<UInt8>, body: inout Buffer
  ) throws(HTTPError) -> Int {
    var index = 0
    while index < input.count {
      switch state {
      case .complete:
        return index
      case .body, .chunk, .untilClose:
        index += try takeBody(input.suffix(from: index), into: &body)
      case .statusLine, .fields, .chunkSize, .chunkEnd, .trailer:
        try takeLineByte(input[index])
        index += 1
        try checkSize(body)
      }
    }
    return index
  }

  /// Says that the connection has ended; only a response without a stated length may end so.
  public mutating func finish() throws(HTTPError) {
    if state == .untilClose { state = .complete }
    if state != .complete { throw .incomplete }
    keepsConnection = false
  }

  /// Refuses a body that states to be too large, before anybody waits for it.
  private func checkSize(_ body: borrowing Buffer) throws(HTTPError) {
    switch state {
    case .body(let remaining), .chunk(let remaining):
      if remaining >= Int64(body.capacity - body.count) { throw .bodyTooLarge }
    default: break
    }
  }

  private mutating func takeBody(
    _ input: borrowing Span<UInt8>, into body: inout Buffer
  ) throws(HTTPError) -> Int {
    var count = input.count
    switch state {
    case .body(let remaining), .chunk(let remaining):
      count = remaining < Int64(count) ? Int(remaining) : count
    default: break
    }
    body.append(input.extracting(first: count))
    if body.isTruncated || body.count == body.capacity { throw .bodyTooLarge }
    switch state {
    case .body(let remaining):
      let left = remaining - Int64(count)
      state = left == 0 ? .complete : .body(remaining: left)
    case .chunk(let remaining):
      let left = remaining - Int64(count)
      state = left == 0 ? .chunkEnd : .chunk(remaining: left)
    default: break
    }
    return count
  }

  private mutating func takeLineByte(_ byte: UInt8) throws(HTTPError) {
    headCount += 1
    if headCount > Self.headLimit { throw .headTooLarge }
    if isFieldEnded {
      isFieldEnded = false
      // What begins with a blank goes on with the field (RFC 9112 §5.2), whose line end is blanks.
      if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") {
        line.append(byte)
        return
      }
      try takeLine()
      line.removeAll()
    }
    // Garbage without an end must not wait for the deadline.
    if state == .statusLine, line.count < statusLinePrefix.utf8CodeUnitCount,
      byte != statusLinePrefix.bytes[line.count]
    {
      throw .malformedStatusLine
    }
    // Others on the way may take either for a line's end (RFC 9112 §2.2, RFC 9110 §5.5).
    if byte == 0 || isReturning && byte != UInt8(ascii: "\n") {
      throw isChunked && state != .fields ? .malformedChunk : .malformedField
    }
    isReturning = byte == UInt8(ascii: "\r")
    if byte != UInt8(ascii: "\n") {
      line.append(byte)
      return
    }
    if state == .fields, !isLineEmpty {
      isFieldEnded = true
      return
    }
    try takeLine()
    line.removeAll()
  }

  @inline(never)
  private mutating func takeLine() throws(HTTPError) {
    switch state {
    case .statusLine: try takeStatusLine()
    case .fields: try takeField()
    case .chunkSize: try takeChunkSize()
    case .chunkEnd:
      if !isLineEmpty { throw .malformedChunk }
      state = .chunkSize
    case .trailer:
      if isLineEmpty { state = .complete }
    case .body, .chunk, .untilClose, .complete: break
    }
  }

  /// Whether the line holds nothing: not even blanks, which would fold the line before it.
  private var isLineEmpty: Bool { line.isEmpty || line.bytes.equals("\r") }

  private mutating func takeStatusLine() throws(HTTPError) {
    let text = line.bytes
    guard text.hasPrefix("HTTP/1."), text.count >= 12, text[7].isDigit,
      text[8] == UInt8(ascii: " "), text.count == 12 || text[12].isBlank,
      let status = text.extracting(9..<12).parseDecimal(), status >= 100
    else { throw .malformedStatusLine }
    isHTTP10 = text[7] == UInt8(ascii: "0")
    keepsConnection = !isHTTP10
    head.status = Int(status)
    state = .fields
  }

  private mutating func takeField() throws(HTTPError) {
    if isLineEmpty {
      try endHead()
      return
    }
    // A copy, since the field's name and value are read while this parser changes.
    let line = line
    let text = line.bytes
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
      throw .malformedField
    }
    // A leading blank folds nothing here, and one before the colon is a smuggling trick (RFC 9112
    // §2.2, §5.1).
    for index in 0..<colon where text[index].isBlank { throw .malformedField }
    try takeField(text.extracting(first: colon), text.suffix(from: colon + 1).trimmed())
  }

  private mutating func takeField(
    _ name: borrowing Span<UInt8>, _ value: borrowing Span<UInt8>
  ) throws(HTTPError) {
    if name.equalsIgnoringCase("content-length") {
      // Of a line that was cut, nobody knows the rest of the number.
      guard !line.isTruncated, let length = value.parseDecimal() else { throw .malformedField }
      if let contentLength, contentLength != length { throw .ambiguousLength }
      contentLength = length
    } else if name.equalsIgnoringCase("transfer-encoding") {
      if line.isTruncated { throw .malformedField }
      guard value.equalsIgnoringCase("chunked"), !isChunked else {
        throw .unsupportedTransferEncoding
      }
      isChunked = true
    } else if name.equalsIgnoringCase("content-encoding") {
      isEncoded = value.count > 0 && !value.equalsIgnoringCase("identity")
    } else if name.equalsIgnoringCase("connection") {
      if value.containsToken("close") { keepsConnection = false }
      if isHTTP10, value.containsToken("keep-alive") { keepsConnection = true }
    } else if name.equalsIgnoringCase("retry-after") {
      head.retryAfter = parseRetryAfter(value)
    } else if name.equalsIgnoringCase("www-authenticate") {
      head.missingScope.removeAll()
      if let scope = value.quotedParameter("scope=\"") { head.missingScope.append(scope) }
    } else if name.equalsIgnoringCase("location") {
      head.location.removeAll()
      if !line.isTruncated { head.location.append(value) }
    } else if name.equalsIgnoringCase("date") {
      head.date = parseHTTPDate(value)
    } else if name.equalsIgnoringCase("content-type") {
      let html: StaticString = "text/html"
      let type = value.extracting(first: html.utf8CodeUnitCount)
      head.isHTML = type.equalsIgnoringCase(html)
    }
  }

  /// Decides how the body is delimited (RFC 9112 §6.3).
  private mutating func endHead() throws(HTTPError) {
    if isChunked, contentLength != nil { throw .ambiguousLength }
    // HTTP/1.0 has no chunks: where they come all the same, the end is in doubt (RFC 9112 §6.1).
    if isChunked, isHTTP10 { keepsConnection = false }
    // A change of protocols, or a part of what there is: not what was asked for.
    if head.status == 101 || head.status == 205 || head.status == 206 { throw .unaskedStatus }
    if head.status < 200 {
      // An interim response; the real one follows.
      head = ResponseHead()
      contentLength = nil
      isChunked = false
      isEncoded = false
      state = .statusLine
    } else if head.status == 204 || head.status == 304 {
      state = .complete
    } else if isChunked {
      state = .chunkSize
    } else if let contentLength {
      state = contentLength == 0 ? .complete : .body(remaining: contentLength)
    } else {
      keepsConnection = false
      state = .untilClose
    }
    if isEncoded, state != .complete, state != .statusLine { throw .encodedContent }
  }

  private mutating func takeChunkSize() throws(HTTPError) {
    let text = line.bytes
    var size: Int64 = 0
    var digits = 0
    while digits < text.count, let value = text[digits].hexadecimalValue {
      digits += 1
      // Far above the limit on bodies, far below overflow.
      if digits > 8 { throw .bodyTooLarge }
      size = size * 16 + Int64(value)
    }
    // The line's carriage return is among the blanks.
    let rest = text.suffix(from: digits).trimmed()
    guard digits > 0, rest.count == 0 || rest[0] == UInt8(ascii: ";") else {
      throw .malformedChunk
    }
    state = size == 0 ? .trailer : .chunk(remaining: size)
  }
}

extension Span where Element == UInt8 {
  /// Whether a comma-separated list holds `token`, in any case.
  fileprivate func containsToken(_ token: StaticString) -> Bool {
    var start = 0
    while start <= count {
      let end = firstIndex(of: UInt8(ascii: ","), from: start) ?? count
      if extracting(start..<end).trimmed().equalsIgnoringCase(token) { return true }
      start = end + 1
    }
    return false
  }
}

extension Span where Element == UInt8 {
  /// What stands between the quotes of a parameter; nil where there is none.
  ///
  /// - Parameter name: with the equals sign and the first quote, in small letters.
  @_lifetime(copy self)
  fileprivate func quotedParameter(_ name: StaticString) -> Span<UInt8>? {
    let length = name.utf8CodeUnitCount
    var start = 0
    while start + length <= count {
      if extracting(start..<start + length).equalsIgnoringCase(name) {
        let rest = suffix(from: start + length)
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        return rest.extracting(first: end)
      }
      start += 1
    }
    return nil
  }
}
