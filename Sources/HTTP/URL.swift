public import Bytes

/// Why a text is not a URL that this program would send a request to.
public enum URLError: Error, Sendable {
  case tooLong
  case notHTTPS
  case invalidCharacter
  case userInformation
  case fragment
  case invalidHost
  case invalidPort

  /// The fault in words, to follow the name of what holds the URL.
  public var description: StaticString {
    switch self {
    case .tooLong: "is longer than 512 bytes"
    case .notHTTPS: "does not begin with https:// (RFC 8628 section 3.1 asks for TLS)"
    case .invalidCharacter: "holds a space, a control character or a byte that is not ASCII"
    case .userInformation: "holds a user name or password"
    case .fragment: "holds a fragment (#)"
    case .invalidHost: "has no valid host name or address"
    case .invalidPort: "has a port that is not between 1 and 65535"
    }
  }
}

/// An absolute https URL (RFC 3986, RFC 9110 §4.2.2).
public struct URL: Sendable {
  /// In bytes. The endpoints that providers document have less than 120.
  public static let capacity = 512

  /// The URL as it was written.
  public let text: Text<512>

  /// 443 unless written.
  public let port: Int

  private let hostStart: Int
  private let hostEnd: Int
  private let authorityEnd: Int

  /// Takes the URL as written: nothing is decoded, normalised or guessed.
  public init(_ bytes: borrowing Span<UInt8>) throws(URLError) {
    guard let text = Text<512>(exactly: bytes) else { throw .tooLong }
    let scheme: StaticString = "https://"
    let authorityStart = scheme.utf8CodeUnitCount
    guard bytes.count > authorityStart,
      bytes.extracting(first: authorityStart).equalsIgnoringCase(scheme)
    else { throw .notHTTPS }
    for index in bytes.indices where !bytes[index].isURLByte { throw .invalidCharacter }
    if bytes.contains(UInt8(ascii: "#")) { throw .fragment }

    var end = authorityStart
    while end < bytes.count, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?") {
      if bytes[end] == UInt8(ascii: "@") { throw .userInformation }
      end += 1
    }
    let authority = bytes.extracting(authorityStart..<end)
    let host = try Self.hostLength(authority)
    let bracket = authority[0] == UInt8(ascii: "[") ? 1 : 0
    self.text = text
    self.port = try Self.parsePort(authority.suffix(from: host))
    self.hostStart = authorityStart + bracket
    self.hostEnd = authorityStart + host - bracket
    self.authorityEnd = end
  }

  /// The URL as it was written.
  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { text.bytes }
  }

  /// The host's name or address, an IPv6 address without its brackets.
  public var host: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { text.bytes.extracting(hostStart..<hostEnd) }
  }

  /// Host and port as written: the Host field's value.
  public var authority: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { text.bytes.extracting(8..<authorityEnd) }
  }

  /// Path and query as written, which may be empty.
  public var pathAndQuery: Span<UInt8> {
    @_lifetime(borrow self)
    @_addressableSelf
    borrowing get { text.bytes.suffix(from: authorityEnd) }
  }

  /// Whether the hosts are the same, or names of the same site: their last two labels are the same,
  /// or three where the last ones look like a registry's, such as `co.uk`.
  public func isAtSite(of other: borrowing URL) -> Bool {
    if host.equalsIgnoringCase(other.host) { return true }
    let site = host.suffix(from: siteStart)
    if site.isEmpty { return false }
    return site.equalsIgnoringCase(other.host.suffix(from: other.siteStart))
  }

  /// Where the host's site begins; at its end where it has none, as an address.
  private var siteStart: Int {
    let host = host
    var (labels, wanted, end) = (0, 2, host.count)
    var start = host.count
    while start > 0 {
      start -= 1
      if host[start] == UInt8(ascii: ":") { return host.count }
      if start > 0, host[start - 1] != UInt8(ascii: ".") { continue }
      labels += 1
      let length = end - start
      end = start - 1
      // The last label of an address begins with a digit, that of a name does not.
      if length == 0 || labels == 1 && host[start].isDigit { return host.count }
      if labels == 1, length == 2 { wanted = 3 }
      if labels == 2, length > 3 { wanted = 2 }
      if labels == wanted { return start }
    }
    return host.count
  }

  /// The length of the host at the front of `authority`, brackets included.
  private static func hostLength(_ authority: borrowing Span<UInt8>) throws(URLError) -> Int {
    guard authority.count > 0 else { throw .invalidHost }
    if authority[0] == UInt8(ascii: "[") {
      // The longest address of IPv6 in words has 45 bytes.
      guard let end = authority.firstIndex(of: UInt8(ascii: "]")), end > 2, end <= 46 else {
        throw .invalidHost
      }
      for index in 1..<end where !authority[index].isAddressByte { throw .invalidHost }
      return end + 1
    }
    let length = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.count
    guard length > 0, length <= 253 else { throw .invalidHost }
    for index in 0..<length where !authority[index].isHostByte { throw .invalidHost }
    return length
  }

  /// Reads what follows the host: nothing, or a colon and a number.
  private static func parsePort(_ suffix: borrowing Span<UInt8>) throws(URLError) -> Int {
    if suffix.count == 0 { return 443 }
    guard suffix[0] == UInt8(ascii: ":"), suffix.count <= 6,
      let port = suffix.suffix(from: 1).parseDecimal(), port >= 1, port <= 65535
    else { throw .invalidPort }
    return Int(port)
  }
}

extension UInt8 {
  fileprivate var isURLByte: Bool { self > 0x20 && self < 0x7F }

  fileprivate var isAddressByte: Bool {
    hexadecimalValue != nil || self == UInt8(ascii: ":") || self == UInt8(ascii: ".")
  }

  /// A letter, digit, hyphen, dot or underscore: what certificates and resolvers agree on.
  fileprivate var isHostByte: Bool {
    isLetter || isDigit || self == UInt8(ascii: "-") || self == UInt8(ascii: ".")
      || self == UInt8(ascii: "_")
  }
}
