public import Bytes
internal import CJansson

/// Why bytes are not a JSON object.
public enum JSONError: Error, Sendable, Equatable {
  /// Not JSON, or a key twice (RFC 8259 §4 leaves that open; OAuth forbids it).
  case malformed
  case notAnObject
  /// More members or longer strings than the arena holds.
  case tooComplex

  public var description: StaticString {
    switch self {
    case .malformed: "not valid JSON"
    case .notAnObject: "JSON, but not an object"
    case .tooComplex: "JSON with more in it than this program has memory for"
    }
  }
}

/// One parsed JSON object, read-only. The only door to jansson, which works in a fixed arena: there
/// can be one object at a time.
public struct JSONObject: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  /// Parses a document, which is copied: `bytes` may go away.
  public init(_ bytes: borrowing Span<UInt8>) throws(JSONError) {
    let parsed = try Arena.parse(bytes)
    guard cjansson_is_object(parsed) != 0 else {
      Arena.end()
      throw .notAnObject
    }
    root = parsed
  }

  deinit {
    Arena.end()
  }

  /// Whether there is a member of that name, null excepted.
  public func has(_ name: StaticString) -> Bool {
    guard let value = member(name) else { return false }
    return cjansson_is_null(value) == 0
  }

  /// The string member's bytes; nil where it is missing or of another type.
  @_lifetime(borrow self)
  public func string(_ name: StaticString) -> Span<UInt8>? {
    guard let value = member(name) else { return nil }
    return text(of: value)
  }

  /// The number in a member: an integer, a real without a fraction or a string of digits, since
  /// servers send all three. Nil where it is missing or none of these.
  public func integer(_ name: StaticString) -> Int64? {
    guard let value = member(name) else { return nil }
    if cjansson_is_integer(value) != 0 { return Int64(json_integer_value(value)) }
    if cjansson_is_real(value) != 0 { return wholeNumber(json_real_value(value)) }
    return text(of: value)?.parseDecimal()
  }

  /// The string `element` of the first object in the array `name`, as in `errors[0].description`.
  @_lifetime(borrow self)
  public func string(inFirstOf name: StaticString, _ element: StaticString) -> Span<UInt8>? {
    guard let array = member(name), let first = json_array_get(array, 0),
      let value = member(element, of: first)
    else { return nil }
    return text(of: value)
  }

  /// The elements of an array of strings, given to `body` in turn; none where it is no array.
  public func forEachString(in name: StaticString, _ body: (borrowing Span<UInt8>) -> Void) {
    guard let array = member(name) else { return }
    for index in 0..<json_array_size(array) {
      if let text = text(of: json_array_get(array, index)) { body(text) }
    }
  }

  /// Writes the object for a person, one member a line, and the line's end.
  ///
  /// - Returns: whether the buffer had room.
  public func write(to buffer: inout Buffer) -> Bool {
    let isWritten = buffer.append { space in
      let length = cjansson_dump(
        root, space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count)
      return length <= space.count ? length : 0
    } > 0
    buffer.append("\n")
    return isWritten && !buffer.isTruncated
  }

  @inline(never)
  private func member(_ name: StaticString) -> UnsafeMutablePointer<json_t>? {
    member(name, of: root)
  }

  private func member(
    _ name: StaticString, of object: UnsafeMutablePointer<json_t>
  ) -> UnsafeMutablePointer<json_t>? {
    name.withUTF8Buffer { name in
      json_object_getn(
        object, UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self), name.count)
    }
  }

  @_lifetime(borrow self)
  private func text(of value: UnsafeMutablePointer<json_t>) -> Span<UInt8>? {
    guard cjansson_is_string(value) != 0, let start = json_string_value(value) else { return nil }
    let bytes = UnsafeBufferPointer(
      start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self),
      count: json_string_length(value))
    return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
  }
}

/// The integer that a real stands for, as long as it is exact.
private func wholeNumber(_ value: Double) -> Int64? {
  // Beyond 2^53 a real no longer tells neighbours apart.
  guard value > -9_007_199_254_740_992, value < 9_007_199_254_740_992 else { return nil }
  // Not `rounded`, which would need libm.
  let whole = Int64(value)
  return Double(whole) == value ? whole : nil
}
