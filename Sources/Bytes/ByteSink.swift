/// Anything that bytes can be appended to: a fixed-capacity `Text`, a caller-owned `Buffer`.
///
/// Appending never fails and never traps. What does not fit is dropped and remembered in
/// `isTruncated`, so that a writer checks once at the end instead of after every byte.
public protocol ByteSink: ~Copyable {
  /// Appends one byte, or drops it and sets `isTruncated` where there is no room.
  mutating func append(_ byte: UInt8)

  /// Whether at least one byte did not fit.
  var isTruncated: Bool { get }
}

extension ByteSink where Self: ~Copyable {
  // These three are not inlined: their calls are a large part of the program.

  @inline(never)
  public mutating func append(_ bytes: borrowing Span<UInt8>) {
    for index in bytes.indices { append(bytes[index]) }
  }

  /// Appends a literal. It is passed on by its address alone: there are hundreds of them.
  @inline(__always)
  public mutating func append(_ literal: StaticString) {
    unsafe append(terminated: literal.utf8Start)
  }

  /// Appends the bytes before a zero, which a literal ends with (`StaticString.utf8Start`).
  @inline(never)
  public mutating func append(terminated bytes: UnsafePointer<UInt8>) {
    var index = 0
    while unsafe bytes[index] != 0 {
      unsafe append(bytes[index])
      index += 1
    }
  }

  @inline(never)
  public mutating func append<let count: Int>(_ text: borrowing Text<count>) {
    // By index: see the note at `Text.bytes`.
    for index in 0..<text.count { append(text[index]) }
  }

  /// Appends a number in base ten, padded on the left with `padding` to at least `width` bytes.
  public mutating func append(
    decimal value: Int64, width: Int = 0, padding: UInt8 = UInt8(ascii: " ")
  ) {
    var magnitude = value.magnitude
    // 19 digits and a sign.
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var first = digits.count
    repeat {
      first -= 1
      digits[first] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10)
      magnitude /= 10
    } while magnitude > 0
    if value < 0 {
      first -= 1
      digits[first] = UInt8(ascii: "-")
    }
    for _ in 0..<max(0, width - (digits.count - first)) { append(padding) }
    for index in first..<digits.count { append(digits[index]) }
  }

  /// Appends a number in base sixteen, lower case, with at least `width` digits.
  public mutating func append(hexadecimal number: UInt64, width: Int = 1) {
    var digits = InlineArray<16, UInt8>(repeating: UInt8(ascii: "0"))
    var first = digits.count
    var rest = number
    while first > 0, rest > 0 || digits.count - first < width {
      first -= 1
      digits[first] = hexadecimalDigit(UInt8(truncatingIfNeeded: rest) & 15)
      rest /= 16
    }
    for index in first..<digits.count { append(digits[index]) }
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends a number in base eight, as permission bits are written.
  public mutating func append(octal number: UInt32) {
    var shift: UInt32 = 30
    while shift > 0, number &>> shift == 0 { shift -= 3 }
    while true {
      append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number &>> shift) & 7)
      if shift == 0 { return }
      shift -= 3
    }
  }
}

/// The lower-case digit for a value below sixteen.
func hexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
