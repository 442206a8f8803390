public import Bytes
public import JSON
public import OAuth

/// A device authorization response (RFC 8628 §3.2).
public struct DeviceAuthorization: ~Copyable {
  /// A secret between the device and the server: never shown, logged or kept (§5.2).
  public fileprivate(set) var deviceCode = Text<4096>()

  /// What the person types, exactly as it came. Text from outside.
  public fileprivate(set) var userCode = Text<256>()

  /// An absolute http or https URI. Text from outside.
  public fileprivate(set) var verificationURI = Text<1024>()

  /// The address that holds the code, for the QR code, on the same host; empty where the server has
  /// none.
  public fileprivate(set) var verificationURIComplete = Text<2048>()

  /// Whether the server sent such an address that is of no use: empty, too long, no text or another
  /// host's.
  public fileprivate(set) var hasUnusableComplete = false

  /// Seconds that the codes live, after `expiresInLimit`.
  public fileprivate(set) var expiresIn: Int64 = 0

  /// Whole seconds between polls; 5 where the server says nothing.
  public fileprivate(set) var interval: Int64 = 5

  /// The figure that the server sent, in JSON, where it is not `expiresIn`; else empty.
  public fileprivate(set) var refusedExpiresIn = Text<32>()
  /// As above.
  public fileprivate(set) var refusedInterval = Text<32>()

  private let resident = Resident()

  public init() {}

  /// Forgets everything, the device code for good.
  public mutating func clear() {
    deviceCode.wipe()
    userCode.removeAll()
    verificationURI.removeAll()
    verificationURIComplete.removeAll()
    hasUnusableComplete = false
    expiresIn = 0
    interval = intervalDefault
    refusedExpiresIn.removeAll()
    refusedInterval.removeAll()
  }
}

/// Why a device authorization request brought no code.
public enum DeviceAuthorizationError: Error, Sendable {
  /// The server said why.
  case refused
  /// The server can't answer now: HTTP status 408, 429 or 5xx, or `slow_down`.
  case unavailable
  /// An answer, but not JSON.
  case notJSON(JSONError)
  /// An answer that is neither a success nor an error that says anything.
  case unexpectedStatus
  /// A required member is not there, or of the wrong type.
  case missing(Member)
  /// A member is larger than this client can hold.
  case tooLong(Member)
}

/// A day. What lives longer is an absolute time sent by mistake, or nobody's intention.
private let expiresInLimit: Int64 = 86400

/// Half an hour, the longest life that providers document, instead of a figure that is too large.
private let expiresInDefault: Int64 = 1800

/// Five minutes, instead of a life of zero or less.
private let expiresInMinimum: Int64 = 300

/// RFC 8628 §3.2.
private let intervalDefault: Int64 = 5

/// Reads the answer to a device authorization request.
///
/// - Parameters:
///   - wording: which words are this provider's.
///   - reason: the server's words where it refused.
///   - authorization: filled where this returns.
public func readDeviceAuthorization(
  status: Int, body: borrowing Span<UInt8>, wording: Wording, reason: inout ServerError,
  into authorization: inout DeviceAuthorization
) throws(DeviceAuthorizationError) {
  let object = try parse(body, status: status)
  switch ErrorKind(object, status: status, wording, into: &reason) {
  case .unavailable, .slowDown: throw .unavailable
  case .pending, .denied, .expired, .refused, .foreign:
    throw isUnavailable(status) ? .unavailable : .refused
  case .silent: if !isSuccess(status) { throw .unexpectedStatus }
  case nil: break
  }
  authorization.clear()
  try readMembers(object, into: &authorization)
}

private func parse(
  _ body: borrowing Span<UInt8>, status: Int
) throws(DeviceAuthorizationError) -> JSONObject {
  do {
    return try JSONObject(body)
  } catch {
    if isUnavailable(status) { throw .unavailable }
    if !isSuccess(status) { throw .unexpectedStatus }
    throw .notJSON(error)
  }
}

private func readMembers(
  _ object: borrowing JSONObject, into authorization: inout DeviceAuthorization
) throws(DeviceAuthorizationError) {
  try read(.deviceCode, of: object, into: &authorization.deviceCode)
  try read(.userCode, of: object, into: &authorization.userCode)
  // Google and drafts of the RFC say "url".
  let address: Member =
    object.has(Member.verificationURI.name) ? .verificationURI : .verificationURL
  if !object.has(address.name) { throw .missing(.verificationURI) }
  try read(address, of: object, into: &authorization.verificationURI)
  if authority(of: authorization.verificationURI.bytes).isEmpty { throw .missing(address) }
  let complete: Member =
    object.has(Member.verificationURIComplete.name)
    ? .verificationURIComplete : .verificationURLComplete
  if object.has(complete.name) {
    do throws(DeviceAuthorizationError) {
      try read(complete, of: object, into: &authorization.verificationURIComplete)
      // Whoever scans it does not read it.
      guard hasOneHost(authorization) else { throw .missing(complete) }
    } catch {
      // It is optional: the QR code holds the other one then (RFC 8628 §3.2, §3.3.1).
      authorization.verificationURIComplete.removeAll()
      authorization.hasUnusableComplete = true
    }
  }
  try readFigures(object, into: &authorization)
}

private func readFigures(
  _ object: borrowing JSONObject, into authorization: inout DeviceAuthorization
) throws(DeviceAuthorizationError) {
  guard let expiresIn = object.integer("expires_in") else { throw .missing(.expiresIn) }
  authorization.expiresIn = expiresIn
  if expiresIn <= 0 { authorization.expiresIn = expiresInMinimum }
  if expiresIn > expiresInLimit { authorization.expiresIn = expiresInDefault }
  authorization.refusedExpiresIn = refused("expires_in", of: object, authorization.expiresIn)

  if object.has("interval") {
    guard let interval = object.integer("interval", roundedUp: true) else {
      throw .missing(.interval)
    }
    if interval > 0 { authorization.interval = interval }
  }
  // A code that expires before the first poll would never be of use.
  if authorization.interval >= authorization.expiresIn {
    authorization.interval = max(1, authorization.expiresIn / 2)
  }
  authorization.refusedInterval = refused("interval", of: object, authorization.interval)
}

/// A figure as the server sent it, where it is not the one that counts; else empty.
private func refused(
  _ name: StaticString, of object: borrowing JSONObject, _ figure: Int64
) -> Text<32> {
  let isTaken =
    object.integer(name) == figure && object.integer(name, roundedUp: true) == figure
  return isTaken || !object.has(name) ? Text() : object.literal(name)
}

private func read<let capacity: Int>(
  _ member: Member, of object: borrowing JSONObject, into text: inout Text<capacity>
) throws(DeviceAuthorizationError) {
  guard let value = object.string(member.name), value.isPlain else { throw .missing(member) }
  text.append(value)
  if text.isTruncated { throw .tooLong(member) }
}

private func hasOneHost(_ authorization: borrowing DeviceAuthorization) -> Bool {
  authority(of: authorization.verificationURIComplete.bytes).equalsIgnoringCase(
    authority(of: authorization.verificationURI.bytes))
}

/// Host and port of an absolute http or https URI; empty where it is none, or one that is made to
/// look like another host's.
@_lifetime(copy uri)
private func authority(of uri: borrowing Span<UInt8>) -> Span<UInt8> {
  let start = uri.extracting(first: 8).equalsIgnoringCase("https://") ? 8 : 7
  guard start == 8 || uri.extracting(first: 7).equalsIgnoringCase("http://") else {
    return uri.extracting(first: 0)
  }
  var end = start
  while end < uri.count {
    switch uri[end] {
    case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"):
      return uri.extracting(start..<end)
    case UInt8(ascii: "@"), UInt8(ascii: "\\"), 0...0x20: return uri.extracting(first: 0)
    default: end += 1
    }
  }
  return uri.extracting(start..<end)
}

extension Span where Element == UInt8 {
  /// Whether there is something, and no control character of Unicode (U+0000 to U+001F, U+007F to
  /// U+009F) in it.
  fileprivate var isPlain: Bool {
    var last: UInt8 = 0
    for index in indices {
      let byte = self[index]
      if byte < 0x20 || byte == 0x7F || last == 0xC2 && byte < 0xA0 { return false }
      last = byte
    }
    return count > 0
  }
}
