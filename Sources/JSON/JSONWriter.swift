public import Bytes

/// Writes one JSON object, member by member, to one sink.
public struct JSONWriter: Sendable {
  private var isEmpty = true

  public init() {}

  /// Writes a member with a string, which must be UTF-8.
  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ value: borrowing Span<UInt8>, to sink: inout Sink
  ) {
    begin(name, &sink)
    sink.append(jsonString: value)
  }

  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ value: Int64, to sink: inout Sink
  ) {
    begin(name, &sink)
    sink.append(decimal: value)
  }

  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ value: Bool, to sink: inout Sink
  ) {
    begin(name, &sink)
    sink.append(value ? "true" : "false")
  }

  /// Writes a member with a string, or with `null`.
  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ value: borrowing Span<UInt8>, orNullAt isNull: Bool,
    to sink: inout Sink
  ) {
    begin(name, &sink)
    if isNull { sink.append("null") } else { sink.append(jsonString: value) }
  }

  /// Writes a member with a number, or with `null`.
  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, orNull value: Int64?, to sink: inout Sink
  ) {
    begin(name, &sink)
    guard let value else {
      sink.append("null")
      return
    }
    sink.append(decimal: value)
  }

  /// Writes a member whose value is JSON already.
  @inline(never)
  public mutating func member<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, json value: borrowing Span<UInt8>, to sink: inout Sink
  ) {
    begin(name, &sink)
    sink.append(value)
  }

  /// Begins a member whose value another writer writes, and ends with `endMember`.
  public mutating func beginMember<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, to sink: inout Sink
  ) {
    begin(name, &sink)
  }

  /// Ends an object that is a member's value, or a part of a line.
  public func endMember<Sink: ByteSink & ~Copyable>(_ sink: inout Sink) {
    sink.append(isEmpty ? "{}" : "}")
  }

  /// Ends the object and the line.
  public func end<Sink: ByteSink & ~Copyable>(_ sink: inout Sink) {
    sink.append(isEmpty ? "{}\n" : "}\n")
  }

  @inline(never)
  private mutating func begin<Sink: ByteSink & ~Copyable>(
    _ name: StaticString, _ sink: inout Sink
  ) {
    sink.append(isEmpty ? "{" : ",")
    isEmpty = false
    sink.append(jsonString: name.bytes)
    sink.append(UInt8(ascii: ":"))
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends a JSON string with its quotes (RFC 8259 §7). The bytes must be UTF-8.
  public mutating func append(jsonString bytes: borrowing Span<UInt8>) {
    append(UInt8(ascii: "\""))
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      // C1 controls are bare commands to some terminals: U+0080 to U+009F, C2 and the same byte.
      let isControl = byte == 0xC2 && index < bytes.count && bytes[index] < 0xA0
      if isControl { index += 1 }
      if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
        append(UInt8(ascii: "\\"))
        append(byte)
      } else if isControl || byte < 0x20 || byte == 0x7F {
        append("\\u")
        append(hexadecimal: UInt64(bytes[index - 1]), width: 4)
      } else {
        append(byte)
      }
    }
    append(UInt8(ascii: "\""))
  }
}
