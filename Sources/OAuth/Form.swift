public import Bytes

/// Writes an application/x-www-form-urlencoded body (RFC 6749 Appendix B).
public struct Form: Sendable {
  private var isEmpty = true

  public init() {}

  /// Writes one parameter. One without a value counts as absent, and is left out (RFC 8628 §3.1).
  public mutating func field<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ value: borrowing Span<UInt8>, to sink: inout Sink
  ) {
    if value.count == 0 { return }
    begin(&sink)
    sink.append(name)
    sink.append(UInt8(ascii: "="))
    sink.append(formEncoded: value)
  }

  /// Writes parameters that are in form encoding already; there may be none.
  public mutating func fields<Sink: ByteSink & ~Copyable>(
    _ encoded: borrowing Span<UInt8>, to sink: inout Sink
  ) {
    if encoded.count == 0 { return }
    begin(&sink)
    sink.append(encoded)
  }

  private mutating func begin<Sink: ByteSink & ~Copyable>(_ sink: inout Sink) {
    if !isEmpty { sink.append(UInt8(ascii: "&")) }
    isEmpty = false
  }
}
