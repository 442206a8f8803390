internal import Bytes

/// Finds the certificates in a PEM file (RFC 7468) that is read in pieces of any size, and decodes
/// one at a time into a buffer of the caller's.
struct PEMReader {
  private enum State {
    case outside
    case inside
  }

  private var state = State.outside
  private var line = Text<80>()
  private var bits: UInt32 = 0
  private var bitCount = 0

  /// Takes one byte of the file.
  ///
  /// - Returns: whether `certificate` now holds a whole one, to be used before the next byte.
  @inline(never)
  mutating func take(_ byte: UInt8, into certificate: inout Buffer) -> Bool {
    if byte != UInt8(ascii: "\n") {
      // Indentation hides no boundary.
      if line.isEmpty, byte.isBlank { return false }
      line.append(byte)
      if state == .inside, line.bytes[0] != UInt8(ascii: "-") { decode(byte, into: &certificate) }
      return false
    }
    defer { line.removeAll() }
    let text = line.bytes.trimmed()
    if text.equals("-----BEGIN CERTIFICATE-----") {
      state = .inside
      bits = 0
      bitCount = 0
      certificate.removeAll()
      return false
    }
    let isEnd = state == .inside && text.equals("-----END CERTIFICATE-----")
    if isEnd { state = .outside }
    return isEnd && !certificate.isTruncated
  }

  /// Takes the end of the file, which ends its last line too.
  ///
  /// - Returns: as `take`.
  mutating func finish(into certificate: inout Buffer) -> Bool {
    take(UInt8(ascii: "\n"), into: &certificate)
  }

  private mutating func decode(_ byte: UInt8, into certificate: inout Buffer) {
    guard let value = base64Value(byte) else { return }
    bits = bits &<< 6 | UInt32(value)
    bitCount += 6
    if bitCount >= 8 {
      bitCount -= 8
      certificate.append(UInt8(truncatingIfNeeded: bits &>> UInt32(bitCount)))
    }
  }
}

/// The six bits that a base64 digit stands for; nil for padding and white space.
private func base64Value(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
  case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
