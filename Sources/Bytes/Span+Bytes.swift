extension StaticString {
  /// The literal's UTF-8 bytes, which live as long as the program.
  public var bytes: Span<UInt8> {
    @_lifetime(immortal)
    get {
      let pointer = unsafe UnsafeBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
      return unsafe _overrideLifetime(Span(_unsafeElements: pointer), copying: ())
    }
  }
}

/// `byte` with an ASCII capital letter made small.
public func lowercased(_ byte: UInt8) -> UInt8 {
  byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte + 32 : byte
}

extension Span where Element == UInt8 {
  /// Whether the bytes are the same. Not in constant time: no secret is compared here.
  @inline(never)
  public func equals(_ other: borrowing Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where self[index] != other[index] { return false }
    return true
  }

  @inline(__always)
  public func equals(_ literal: StaticString) -> Bool {
    unsafe equals(terminated: literal.utf8Start)
  }

  /// Compares with the bytes before a zero, which a literal ends with.
  @inline(never)
  public func equals(terminated other: UnsafePointer<UInt8>) -> Bool {
    for index in indices where unsafe other[index] == 0 || self[index] != other[index] {
      return false
    }
    return unsafe other[count] == 0
  }

  /// Compares without regard to the case of ASCII letters.
  @inline(never)
  public func equalsIgnoringCase(_ other: borrowing Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for index in indices where lowercased(self[index]) != lowercased(other[index]) { return false }
    return true
  }

  @inline(never)
  public func equalsIgnoringCase(_ literal: StaticString) -> Bool {
    equalsIgnoringCase(literal.bytes)
  }

  /// FNV-1a: tells texts apart, and proves nothing.
  public var checksum: UInt32 {
    var sum: UInt32 = 0x811C_9DC5
    for index in indices { sum = (sum ^ UInt32(self[index])) &* 0x0100_0193 }
    return sum
  }

  /// Whether the bytes begin with those of `literal`.
  @inline(__always)
  public func hasPrefix(_ literal: StaticString) -> Bool {
    unsafe hasPrefix(terminated: literal.utf8Start)
  }

  /// Whether the bytes begin with those before a zero.
  @inline(never)
  public func hasPrefix(terminated other: UnsafePointer<UInt8>) -> Bool {
    var index = 0
    while unsafe other[index] != 0 {
      if unsafe index == count || self[index] != other[index] { return false }
      index += 1
    }
    return true
  }

  /// Whether `byte` occurs.
  public func contains(_ byte: UInt8) -> Bool {
    firstIndex(of: byte) != nil
  }

  /// The offset at which `byte` first occurs, at `start` or behind it.
  public func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    var index = start
    while index < count {
      if self[index] == byte { return index }
      index += 1
    }
    return nil
  }

  /// The offset at which `literal` first occurs.
  public func firstIndex(of literal: StaticString) -> Int? {
    let length = literal.utf8CodeUnitCount
    guard length <= count else { return nil }
    for start in 0...(count - length) where extracting(start..<(start + length)).equals(literal) {
      return start
    }
    return nil
  }

  /// The bytes from `start` to the end.
  @_lifetime(copy self)
  public func suffix(from start: Int) -> Span<UInt8> {
    extracting(start..<count)
  }

  /// The bytes without spaces, tabs and carriage returns at either end.
  @_lifetime(copy self)
  public func trimmed() -> Span<UInt8> {
    var start = 0
    var end = count
    while start < end, self[start].isBlank { start += 1 }
    while end > start, self[end - 1].isBlank { end -= 1 }
    return extracting(start..<end)
  }

  /// The value of an unsigned number in base ten: digits only, at least one, no overflow.
  public func parseDecimal() -> Int64? {
    guard count > 0 else { return nil }
    var value: Int64 = 0
    for index in indices {
      guard self[index].isDigit else { return nil }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.addingReportingOverflow(Int64(self[index] - UInt8(ascii: "0")))
      if overflow || carry { return nil }
      value = sum
    }
    return value
  }
}

extension Span where Element == UInt8 {
  /// Whether the bytes are well-formed UTF-8 (RFC 3629 §4). The standard library's check is three
  /// times the size.
  public var isUTF8: Bool {
    var index = 0
    while index < count {
      let lead = self[index]
      index += 1
      if lead < 0x80 { continue }
      guard lead >= 0xC2, lead <= 0xF4 else { return false }
      // The second byte's range rules out overlong forms, surrogates and what is beyond Unicode.
      var lowest: UInt8 = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80
      var highest: UInt8 = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF
      for _ in 0..<(lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3) {
        guard index < count, self[index] >= lowest, self[index] <= highest else { return false }
        index += 1
        lowest = 0x80
        highest = 0xBF
      }
    }
    return true
  }
}

extension UInt8 {
  public var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

  public var isLetter: Bool {
    let lower = lowercased(self)
    return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z")
  }

  /// Space, tab or carriage return.
  public var isBlank: Bool { self == 0x20 || self == 0x09 || self == 0x0D }

  public var isPrintableASCII: Bool { self >= 0x20 && self < 0x7F }

  /// The value of a hexadecimal digit in either case.
  public var hexadecimalValue: UInt8? {
    if isDigit { return self - UInt8(ascii: "0") }
    let lower = lowercased(self)
    guard lower >= UInt8(ascii: "a"), lower <= UInt8(ascii: "f") else { return nil }
    return lower - UInt8(ascii: "a") + 10
  }
}
