public import Bytes

/// The head of a request (RFC 9112 §3), to be followed by its body.
public struct RequestHead: Sendable {
  /// The methods that this program uses (RFC 9110 §9.3).
  public enum Method: Sendable {
    case get
    /// With a form body of that many bytes.
    case post(contentLength: Int)
  }

  private let method: Method

  public init(_ method: Method) {
    self.method = method
  }

  /// Writes everything but the `Authorization` field, which is the caller's to add, and the empty
  /// line, which `end` writes.
  public func begin<Sink: ByteSink & ~Copyable>(
    _ sink: inout Sink, _ url: borrowing URL, version: StaticString
  ) {
    switch method {
    case .get: sink.append("GET ")
    case .post: sink.append("POST ")
    }
    let target = url.pathAndQuery
    if target.count == 0 || target[0] != UInt8(ascii: "/") { sink.append(UInt8(ascii: "/")) }
    sink.append(target)
    sink.append(" HTTP/1.1\r\nHost: ")
    sink.append(url.authority)
    sink.append("\r\nUser-Agent: devicegrant/")
    sink.append(version)
    sink.append("\r\nAccept: application/json\r\nAccept-Encoding: identity\r\n")
    if case .post(let contentLength) = method {
      sink.append("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ")
      sink.append(decimal: Int64(contentLength))
      sink.append("\r\n")
    }
  }

  /// Writes the empty line; the body follows.
  public func end<Sink: ByteSink & ~Copyable>(_ sink: inout Sink) {
    sink.append("\r\n")
  }
}

/// Writes `Authorization: Basic …`. Id and secret are form-encoded first, since either may hold a
/// colon or bytes beyond ASCII (RFC 6749 §2.3.1).
public func appendBasicAuthorization<Sink: ByteSink & ~Copyable>(
  to sink: inout Sink, clientID: borrowing Span<UInt8>, clientSecret: borrowing Span<UInt8>
) {
  // 512 bytes each, every one of which may need three, and there is the colon.
  var credentials = Text<3073>()
  credentials.append(formEncoded: clientID)
  credentials.append(UInt8(ascii: ":"))
  credentials.append(formEncoded: clientSecret)
  sink.append("Authorization: Basic ")
  sink.append(base64: credentials.bytes)
  sink.append("\r\n")
  credentials.wipe()
}

/// Writes `Authorization: Bearer …` (RFC 6750 §2.1).
public func appendBearerAuthorization<Sink: ByteSink & ~Copyable>(
  to sink: inout Sink, accessToken: borrowing Span<UInt8>
) {
  sink.append("Authorization: Bearer ")
  sink.append(accessToken)
  sink.append("\r\n")
}
