/// What begins each secret of a server's, so that it is known wherever it turns up.
let secretMark: [UInt8] = Array("Zq7".utf8)

extension [UInt8] {
  mutating func append(_ literal: StaticString) {
    literal.withUTF8Buffer { append(contentsOf: $0) }
  }

  mutating func append(decimal number: Int64) {
    if number < 0 { append(UInt8(ascii: "-")) }
    var digits: [UInt8] = []
    var rest = number.magnitude
    repeat {
      digits.append(UInt8(ascii: "0") + UInt8(rest % 10))
      rest /= 10
    } while rest > 0
    append(contentsOf: digits.reversed())
  }

  /// Where `other` begins at or after `start`; nil where it does not.
  func firstRange(of other: [UInt8], from start: Int = 0) -> Range<Int>? {
    withUnsafeBufferPointer { bytes in
      other.withUnsafeBufferPointer { find($0, in: bytes, from: start) }
    }
  }

  func firstRange(of other: StaticString, from start: Int = 0) -> Range<Int>? {
    withUnsafeBufferPointer { bytes in
      other.withUTF8Buffer { find($0, in: bytes, from: start) }
    }
  }

  func hasPrefix(_ prefix: StaticString) -> Bool {
    prefix.withUTF8Buffer { count >= $0.count && self[..<$0.count].elementsEqual($0) }
  }

  /// The number whose digits begin at `start`, and the place behind them.
  func decimal(at start: Int) -> (value: Int64, end: Int)? {
    var index = start
    var value: Int64 = 0
    while index < count, self[index] >= 0x30, self[index] <= 0x39, value < 1 << 58 {
      value = value * 10 + Int64(self[index] - 0x30)
      index += 1
    }
    return index > start ? (value, index) : nil
  }
}

func find(
  _ other: UnsafeBufferPointer<UInt8>, in bytes: UnsafeBufferPointer<UInt8>, from start: Int
) -> Range<Int>? {
  if other.isEmpty || bytes.count < other.count { return nil }
  var index = start
  let last = bytes.count - other.count
  let first = other[0]
  while index <= last {
    if bytes[index] == first {
      var length = 1
      while length < other.count, bytes[index + length] == other[length] { length += 1 }
      if length == other.count { return index..<index + length }
    }
    index += 1
  }
  return nil
}

/// Which token it is, as its text says: `Zq7` with a letter, two numbers and padding.
struct TokenName: Equatable {
  var family: Int
  /// Of an access token its number, of a refresh token its generation.
  var number: Int
}

/// Writes a token's text of at least that many bytes.
func writeToken(_ letter: UInt8, _ name: TokenName, size: Int, to bytes: inout [UInt8]) {
  let start = bytes.count
  bytes.append(contentsOf: secretMark)
  bytes.append(letter)
  bytes.append(decimal: Int64(name.family))
  bytes.append(UInt8(ascii: "x"))
  bytes.append(decimal: Int64(name.number))
  bytes.append(UInt8(ascii: "."))
  while bytes.count - start < size { bytes.append(UInt8(ascii: "p")) }
}

/// The first token with that letter at or after `start`; nil where there is none.
func findToken(_ letter: UInt8, in bytes: [UInt8], from start: Int = 0) -> TokenName? {
  guard let mark = bytes.firstRange(of: secretMark + [letter], from: start),
    let family = bytes.decimal(at: mark.upperBound), family.end < bytes.count,
    bytes[family.end] == UInt8(ascii: "x"),
    let number = bytes.decimal(at: family.end + 1), number.end < bytes.count,
    bytes[number.end] == UInt8(ascii: ".")
  else { return nil }
  return TokenName(family: Int(family.value), number: Int(number.value))
}

/// A request as it has arrived.
struct Request {
  var bytes: [UInt8]
  private var bodyStart: Int

  /// nil where there is more to come.
  init?(_ bytes: [UInt8]) {
    guard let end = bytes.firstRange(of: "\r\n\r\n") else { return nil }
    var length = 0
    if let field = bytes.firstRange(of: "\r\nContent-Length: "), field.lowerBound < end.lowerBound,
      let number = bytes.decimal(at: field.upperBound)
    {
      length = Int(number.value)
    }
    if bytes.count < end.upperBound + length { return nil }
    self.bytes = bytes
    bodyStart = end.upperBound
  }

  var isPost: Bool { bytes.hasPrefix("POST ") }

  /// Whether it asks for a code.
  var isForCode: Bool { isPost && !form("grant_type=") && !isFor("/revoke") }

  /// Whether the request's target begins so.
  func isFor(_ path: StaticString) -> Bool {
    let start = isPost ? 5 : 4
    return path.withUTF8Buffer {
      bytes.count > start + $0.count && bytes[start..<start + $0.count].elementsEqual($0)
    }
  }

  func has(_ text: StaticString) -> Bool { bytes.firstRange(of: text) != nil }

  /// Whether the form has that parameter with that value, or one that begins so.
  func form(_ pair: StaticString) -> Bool {
    bytes.firstRange(of: pair, from: bodyStart) != nil
  }

  func token(_ letter: UInt8) -> TokenName? { findToken(letter, in: bytes) }
}

/// A response before it is on its way.
struct Answer {
  var status = 200
  var body: [UInt8] = []
  var isHTML = false
  /// In seconds.
  var retryAfter: Int64?
  /// The tokens in it, where there are new ones.
  var issue: IssuedTokens?
  /// What it asks for, once it has arrived.
  var demand: Demand?

  init(_ status: Int) {
    self.status = status
  }

  init(_ status: Int, _ body: StaticString, isHTML: Bool = false) {
    self.status = status
    self.body.append(body)
    self.isHTML = isHTML
  }
}

/// Tokens on their way to the board.
struct IssuedTokens {
  var access: TokenName
  /// nil where the answer brings none: the one that was sent stays.
  var refresh: TokenName?
  /// The code that they were issued for; nil for a refresh.
  var code: Int?
}

/// How often a server wants to be asked for a code's tokens, and whether at all.
struct Demand {
  var code: Int
  /// Whether no further poll can succeed.
  var isEnd = false
  /// In milliseconds.
  var pause: Int64
  var notBefore: Int64
}
