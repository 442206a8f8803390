extension ByteSink where Self: ~Copyable {
  /// Appends in application/x-www-form-urlencoded form: unreserved bytes as they are, space as
  /// `+`, everything else as `%XX` (RFC 6749 Appendix B).
  public mutating func append(formEncoded bytes: borrowing Span<UInt8>) {
    for index in bytes.indices {
      let byte = bytes[index]
      if byte == UInt8(ascii: " ") {
        append(UInt8(ascii: "+"))
      } else if byte.isUnreserved {
        append(byte)
      } else {
        append(UInt8(ascii: "%"))
        append(byte.upperHexadecimalDigit(shift: 4))
        append(byte.upperHexadecimalDigit(shift: 0))
      }
    }
  }

  /// Appends in base64 with padding (RFC 4648 §4).
  public mutating func append(base64 bytes: borrowing Span<UInt8>) {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    let digits = alphabet.bytes
    var index = 0
    while index < bytes.count {
      let left = bytes.count - index
      let first = UInt32(bytes[index]) << 16
      let second = left > 1 ? UInt32(bytes[index + 1]) << 8 : 0
      let third = left > 2 ? UInt32(bytes[index + 2]) : 0
      let group = first | second | third
      append(digits[Int(group &>> 18)])
      append(digits[Int(group &>> 12 & 63)])
      append(left > 1 ? digits[Int(group &>> 6 & 63)] : UInt8(ascii: "="))
      append(left > 2 ? digits[Int(group & 63)] : UInt8(ascii: "="))
      index += 3
    }
  }

  /// Appends text that came from outside so that it is safe in a log, on a terminal and in one
  /// line: printable ASCII as it is, a backslash doubled, every other byte as `\xNN`.
  ///
  /// Escaping bytes, not characters, covers control characters, terminal escapes, bidirectional
  /// overrides and broken UTF-8 alike.
  public mutating func append(escaped bytes: borrowing Span<UInt8>) {
    for index in bytes.indices { append(escapedByte: bytes[index]) }
  }

  mutating func append(escapedByte byte: UInt8) {
    if byte == UInt8(ascii: "\\") {
      append("\\\\")
    } else if byte.isPrintableASCII {
      append(byte)
    } else {
      append("\\x")
      append(hexadecimal: UInt64(byte), width: 2)
    }
  }
}

extension UInt8 {
  /// RFC 3986 §2.3.
  public var isUnreserved: Bool {
    isDigit || isLetter || self == UInt8(ascii: "-") || self == UInt8(ascii: ".")
      || self == UInt8(ascii: "_") || self == UInt8(ascii: "~")
  }

  func upperHexadecimalDigit(shift: UInt8) -> UInt8 {
    let value = self &>> shift & 15
    return value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
  }
}
