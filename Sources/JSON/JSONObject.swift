public import Bytes
internal import CJansson

/// Why bytes are not a JSON object.
public enum JSONError: UInt8, Error, Sendable, Equatable {
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
@safe public struct JSONObject: ~Copyable {
  private let root: UnsafeMutablePointer<json_t>

  /// Parses a document, which is copied: `bytes` may go away.
  public init(_ bytes: borrowing Span<UInt8>) throws(JSONError) {
    let parsed = try unsafe Arena.parse(bytes)
    guard unsafe cjansson_is_object(parsed) != 0 else {
      Arena.end()
      throw .notAnObject
    }
    unsafe root = parsed
  }

  deinit {
    Arena.end()
  }

  /// Whether there is a member of that name, null excepted.
  public func has(_ name: StaticString) -> Bool {
    guard let value = unsafe member(name) else { return false }
    return unsafe cjansson_is_null(value) == 0
  }

  /// The string member's bytes; nil where it is missing or of another type.
  @_lifetime(borrow self)
  public func string(_ name: StaticString) -> Span<UInt8>? {
    guard let value = unsafe member(name) else { return nil }
    return unsafe text(of: value)
  }

  /// The number in a member: an integer, a real or a string of digits, since servers send all
  /// three. Nil where it is missing or none of these.
  ///
  /// - Parameter roundedUp: which way a fraction goes. A real beyond 64 bits is the last before.
  @inline(never)
  public func integer(_ name: StaticString, roundedUp: Bool = false) -> Int64? {
    guard let value = unsafe member(name) else { return nil }
    if unsafe cjansson_is_integer(value) != 0 { return unsafe Int64(json_integer_value(value)) }
    if unsafe cjansson_is_real(value) != 0 {
      return unsafe rounded(json_real_value(value), up: roundedUp)
    }
    return unsafe text(of: value)?.parseDecimal()
  }

  /// A member as JSON, to be shown to a person; empty where it is missing or has no room.
  @inline(never)
  public func literal(_ name: StaticString) -> Text<32> {
    var space = InlineArray<32, UInt8>(repeating: 0)
    guard let value = unsafe member(name) else { return Text() }
    var span = space.mutableSpan
    let length = unsafe span.withUnsafeMutableBytes { space in
      unsafe cjansson_dump(
        value, space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count)
    }
    if length > space.count { return Text() }
    return Text(space.span.extracting(first: length))
  }

  /// The string `element` of the first object in the array `name`, as in `errors[0].description`.
  @_lifetime(borrow self)
  public func string(inFirstOf name: StaticString, _ element: StaticString) -> Span<UInt8>? {
    guard let array = unsafe member(name), let first = unsafe json_array_get(array, 0),
      let value = unsafe member(element, of: first)
    else { return nil }
    return unsafe text(of: value)
  }

  /// The elements of an array of strings, given to `body` in turn; none where it is no array.
  public func forEachString(in name: StaticString, _ body: (borrowing Span<UInt8>) -> Void) {
    guard let array = unsafe member(name) else { return }
    for index in unsafe 0..<json_array_size(array) {
      if let text = unsafe text(of: json_array_get(array, index)) { body(text) }
    }
  }

  /// Writes the object for a person, one member a line, and the line's end.
  ///
  /// - Returns: whether the buffer had room.
  public func write(to buffer: inout Buffer) -> Bool {
    let isWritten =
      unsafe buffer.append { space in
        let length = unsafe cjansson_dump(
          root, space.baseAddress?.assumingMemoryBound(to: CChar.self), space.count)
        return length <= space.count ? length : 0
      } > 0
    buffer.append("\n")
    return isWritten && !buffer.isTruncated
  }

  @inline(never)
  private func member(_ name: StaticString) -> UnsafeMutablePointer<json_t>? {
    unsafe member(name, of: root)
  }

  private func member(
    _ name: StaticString, of object: UnsafeMutablePointer<json_t>
  ) -> UnsafeMutablePointer<json_t>? {
    name.withUTF8Buffer { name in
      unsafe json_object_getn(
        object, UnsafeRawPointer(name.baseAddress!).assumingMemoryBound(to: CChar.self), name.count)
    }
  }

  @_lifetime(borrow self)
  private func text(of value: UnsafeMutablePointer<json_t>) -> Span<UInt8>? {
    guard unsafe cjansson_is_string(value) != 0, let start = unsafe json_string_value(value) else {
      return nil
    }
    let bytes = unsafe UnsafeBufferPointer(
      start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self),
      count: json_string_length(value))
    return unsafe _overrideLifetime(Span(_unsafeElements: bytes), borrowing: self)
  }
}

/// The next integer below or above a real, or the last one on its side.
private func rounded(_ value: Double, up: Bool) -> Int64 {
  if value >= 0x1p63 { return .max }
  if value < -0x1p63 { return .min }
  // Towards zero. Not `rounded`, which would need libm.
  let whole = Int64(value)
  // What has a fraction is far from the end of the integers.
  if up { return Double(whole) < value ? whole + 1 : whole }
  return Double(whole) > value ? whole - 1 : whole
}
