internal import Bytes
internal import QR

/// What a screen says, part by part, made harmless. All parts lie behind one another in one text.
struct Words: ~Copyable {
  /// The order in which they lie: the one that may be too long is the last.
  enum Part: Int {
    case title
    /// The sentence below the title: for a code, what to do with the URI.
    case sentence
    case request
    case userCode
    /// A code's time left, the time to the next code or attempt, or a note; empty for none.
    case note
    /// The time left for a narrow column.
    case shortTime
    case uri
  }

  private(set) var kind = Screen.Kind.blank
  private var text = Text<2560>()
  /// Where each part begins, and behind them where the last one ends.
  private var starts = InlineArray<8, Int>(repeating: 0)

  /// A checksum of what makes a screen another one: everything but the time left.
  private(set) var identity: UInt32 = 0
  /// What part of its lifetime a code has left, from 0 to 1000; nil where nobody knows.
  private(set) var partLeft: Int?
  private let resident = Resident()

  func count(_ part: Part) -> Int { starts[part.rawValue + 1] - starts[part.rawValue] }

  subscript(_ part: Part) -> Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      text.bytes.extracting(starts[part.rawValue]..<starts[part.rawValue + 1])
    }
  }

  /// - Parameter besideQR: whether there is something to scan.
  @inline(never)
  mutating func set(_ screen: borrowing Screen, besideQR: Bool) {
    kind = screen.kind
    text.removeAll()
    let isCode = screen.kind == .code
    // Half a name is none.
    let hasTitle = text.append(legible: screen.code.title.bytes)
    if !hasTitle { text.removeAll() }
    if text.isEmpty { text.append(headline(screen.kind)) }
    end(.title)
    if isCode {
      text.append(besideQR ? "Scan with your phone, or open" : "On your phone or computer, open")
    } else {
      appendSentence(screen)
    }
    end(.sentence)
    text.append("and enter the code")
    end(.request)
    text.append(escaped: screen.code.userCode.bytes)
    end(.userCode)
    partLeft = nil
    let seconds = isCode ? screen.code.secondsLeft : screen.secondsToNext
    let isTimed = seconds != nil
    let secondsLeft = seconds ?? 0
    if isTimed {
      text.append(announcement(screen.kind))
      text.append(timeLeft: secondsLeft)
    } else {
      text.append(legible: screen.note.bytes)
    }
    end(.note)
    if isTimed {
      text.append(timeLeft: secondsLeft)
      text.append(" left")
    }
    end(.shortTime)
    text.append(escaped: screen.code.verificationURI.bytes)
    end(.uri)
    if isTimed, let whole = screen.code.lifetimeSeconds, whole > 0 {
      let left = max(0, min(secondsLeft, whole))
      // Dividing first would lose the part, multiplying a large number first would overflow.
      partLeft = Int(
        min(1000, whole > 1_000_000_000 ? left / (whole / 1000) : left * 1000 / whole))
    }
    identity = checksum(screen.code.verificationURIComplete.bytes, UInt32(screen.kind.rawValue))
    identity = checksum(self[.title], identity)
    if !isCode { identity = checksum(self[.sentence], identity) }
    if !isTimed { identity = checksum(self[.note], identity) }
    identity = checksum(self[.userCode], identity)
    identity = checksum(self[.uri], identity)
    if isTimed { identity = ~identity }
    if partLeft != nil { identity = identity &+ 1 }
  }

  private mutating func end(_ part: Part) { starts[part.rawValue + 1] = text.count }

  /// What happened, in two or three words; empty for a blank screen.
  private func headline(_ kind: Screen.Kind) -> StaticString {
    switch kind {
    case .blank: ""
    case .code, .invitation: "Sign in"
    case .starting: "Starting"
    case .waiting: "Please wait"
    case .approved: "Signed in"
    case .denied: "Sign-in denied"
    case .expired: "Code expired"
    case .failed: "Sign-in failed"
    }
  }

  /// What stands before the time that runs down.
  private func announcement(_ kind: Screen.Kind) -> StaticString {
    switch kind {
    case .code: "Expires in "
    case .failed, .waiting: "Next attempt in "
    default: "A new code in "
    }
  }

  /// The sentence below the headline.
  private mutating func appendSentence(_ screen: borrowing Screen) {
    switch screen.kind {
    case .invitation: text.append("Press a key or touch the screen.")
    case .denied: text.append("The request was refused.")
    case .expired: text.append("Nobody approved in time.")
    case .approved:
      var name = Text<2560>()
      if !name.append(legible: screen.words.bytes) || name.isEmpty { return }
      text.append("as ")
      text.append(name.bytes)
    default: text.append(legible: screen.words.bytes)
    }
  }
}

extension SignInCode {
  /// The QR codes to try, the best one first: the complete URI, which saves typing, before the
  /// shorter one, and the medium level of error correction before the low one.
  static let symbols = 4

  /// - Returns: nil where there is no such URI, or it does not fit.
  @inline(never)
  borrowing func symbol(_ index: Int) -> QRCode? {
    index < 2
      ? SignInCode.symbol(verificationURIComplete.bytes, index)
      : SignInCode.symbol(verificationURI.bytes, index)
  }

  @inline(never)
  private static func symbol(_ bytes: borrowing Span<UInt8>, _ index: Int) -> QRCode? {
    bytes.count == 0 ? nil : try? QRCode(bytes, index & 1 == 0 ? .medium : .low)
  }
}

/// FNV-1a.
@inline(never)
func checksum(_ bytes: borrowing Span<UInt8>, _ start: UInt32 = 0x811C_9DC5) -> UInt32 {
  var sum = start
  for index in bytes.indices { sum = (sum ^ UInt32(bytes[index])) &* 0x0100_0193 }
  return sum
}

extension Text {
  /// Appends words for a person: printable ASCII as it is, Latin letters without their marks, and
  /// two letters for what is two in one, such as `ss` for a sharp s. Marks by themselves and what
  /// has no such form are left out, and a control character is a `?`.
  ///
  /// - Returns: whether no letter was left out.
  @discardableResult
  mutating func append(legible bytes: borrowing Span<UInt8>) -> Bool {
    var isWhole = true
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte < 0x80 {
        append(byte.isPrintableASCII ? byte : UInt8(ascii: "?"))
        continue
      }
      var scalar = UInt32(byte & (byte < 0xE0 ? 0x1F : 0x0F))
      while index < bytes.count, bytes[index] & 0xC0 == 0x80 {
        scalar = scalar &<< 6 | UInt32(bytes[index] & 0x3F)
        index += 1
      }
      let letter = plainLetter(scalar)
      switch letter {
      case 0: isWhole = isWhole && scalar >= 0x300 && scalar < 0x370
      case UInt8(ascii: "0")...UInt8(ascii: "8"):
        let pairs: StaticString = "AEaessThthOEoeIJij"
        let first = Int(letter - UInt8(ascii: "0")) * 2
        append(pairs.bytes.extracting(first..<first + 2))
      default: append(letter)
      }
    }
    return isWhole
  }

  /// Appends a number with at least `width` digits.
  @inline(never)
  mutating func append(number: Int64, width: Int = 1) {
    append(decimal: number, width: width, padding: UInt8(ascii: "0"))
  }

  /// Appends "4:32", or with hours "1:04:32".
  mutating func append(timeLeft seconds: Int64) {
    let left = max(0, seconds)
    let hours = left / 3600
    if hours > 0 {
      append(number: hours)
      append(":")
    }
    append(number: left / 60 % 60, width: hours > 0 ? 2 : 1)
    append(":")
    append(number: left % 60, width: 2)
  }
}

/// The ASCII letter or sign for a character beyond ASCII, a digit for two letters, 0 for none.
@inline(never)
private func plainLetter(_ scalar: UInt32) -> UInt8 {
  // U+00C0 to U+017F.
  let latin: StaticString = """
    AAAAAA0CEEEEIIIIDNOOOOOxOUUUUY32aaaaaa1ceeeeiiiidnooooo/ouuuuy4y\
    AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi78JjKkkLlLlLlL\
    lLlNnNnNnnNnOoOoOo56RrRrRrSsSsSsSsTtTtTtUuUuUuUuUuUuWwYyYZzZzZzs
    """
  // U+1E00 to U+1EFF, a capital and a small letter each.
  let additional: StaticString = """
    abbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhwas2\
    aaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyylvy
    """
  // U+0218 to U+021B, and signs from U+2010 on.
  let romanian: StaticString = "SsTt"
  let signs: StaticString = "------||''"
  switch scalar {
  case 0xC0..<0x180: return latin.bytes[Int(scalar) - 0xC0]
  case 0x218..<0x21C: return romanian.bytes[Int(scalar) - 0x218]
  case 0x1E00..<0x1F00:
    let small = additional.bytes[Int(scalar - 0x1E00) / 2]
    return scalar & 1 == 1 || small < UInt8(ascii: "a") ? small : small - 0x20
  case 0x2010..<0x201A: return signs.bytes[Int(scalar) - 0x2010]
  default: return 0
  }
}
