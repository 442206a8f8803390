internal import Bytes

/// The words of the screens, the same on every display.
extension Screen {
  /// What happened, in two or three words; empty for a blank screen and for a code.
  var headline: StaticString {
    switch self {
    case .blank, .code: ""
    case .starting: "Starting"
    case .waiting: "Please wait"
    case .approved: "Signed in"
    case .denied: "Sign-in denied"
    case .expired: "Code expired"
    case .failed: "Sign-in failed"
    }
  }

  /// The sentence below the headline, made harmless.
  var detail: Text<1024> {
    var text = Text<1024>()
    switch self {
    case .blank, .code:
      break
    case .starting(let status):
      text.append(legible: status.bytes)
    case .waiting(let cause):
      text.append(legible: cause.bytes)
    case .approved(let name):
      if let name {
        text.append("as ")
        text.append(legible: name.bytes)
      }
    case .denied(let newCodeFollows):
      text.append(newCodeFollows ? "A new code follows." : "The request was refused.")
    case .expired(let newCodeFollows):
      text.append(newCodeFollows ? "A new code follows." : "Nobody approved in time.")
    case .failed(let cause):
      text.append(legible: cause.bytes)
    }
    return text
  }
}

extension SignInCode {
  var shownTitle: Text<256> {
    var text = Text<256>()
    if title.isEmpty { text.append("Sign in") } else { text.append(legible: title.bytes) }
    return text
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends words for a person: printable ASCII as it is, accented Latin letters without their
  /// accent, one `?` for every other character, control characters included.
  mutating func append(legible bytes: borrowing Span<UInt8>) {
    // U+00C0 to U+00FF; the signs for multiplication and division have no letter.
    let plain: StaticString = "AAAAAAACEEEEIIIIDNOOOOOxOUUUUYTsaaaaaaaceeeeiiiidnooooo/ouuuuyty"
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      let next = index + 1 < bytes.count ? bytes[index + 1] : 0
      index += 1
      if byte.isPrintableASCII {
        append(byte)
      } else if byte == 0xC3, next & 0xC0 == 0x80 {
        append(plain.bytes[Int(next & 0x3F)])
        index += 1
      } else {
        append(UInt8(ascii: "?"))
        while index < bytes.count, bytes[index] & 0xC0 == 0x80 { index += 1 }
      }
    }
  }

  /// Appends "4:32", or with hours "1:04:32".
  mutating func append(timeLeft seconds: Int64) {
    let left = max(0, seconds)
    let hours = left / 3600
    if hours > 0 {
      append(decimal: hours)
      append(":")
    }
    append(decimal: left / 60 % 60, width: hours > 0 ? 2 : 1, padding: UInt8(ascii: "0"))
    append(":")
    append(decimal: left % 60, width: 2, padding: UInt8(ascii: "0"))
  }
}
