public import Bytes
public import JSON

/// The tokens of a grant (RFC 6749 §5.1), in memory of the caller's: secrets.
public struct Tokens: ~Copyable {
  /// The largest access or refresh token that is accepted, in bytes.
  public static let limit = 16 * 1024

  /// What resource servers take (RFC 6750).
  public var accessToken: Buffer
  /// Empty where the server issued none.
  public var refreshToken: Buffer
  /// As the server wrote it; it is `bearer` in some case.
  public var tokenType = Text<32>()
  /// What was granted; empty where the server did not say, which means what was asked for.
  public var scope = Text<2048>()
  /// Seconds since 1970; nil where the server did not say.
  public var expiresAt: Int64?
  /// Seconds since 1970; nil where the server did not say.
  public var refreshTokenExpiresAt: Int64?

  /// - Parameters: memory for one token each, of `limit` bytes.
  public init(accessToken: consuming Buffer, refreshToken: consuming Buffer) {
    self.accessToken = accessToken
    self.refreshToken = refreshToken
  }

  /// Overwrites everything.
  public mutating func wipe() {
    accessToken.wipe()
    refreshToken.wipe()
    tokenType.removeAll()
    scope.removeAll()
    expiresAt = nil
    refreshTokenExpiresAt = nil
  }
}

/// Why tokens that arrived are of no use.
public enum UnusableTokens: Sendable {
  /// `token_type` is not bearer (RFC 6749 §7.1).
  case tokenType
  /// A token is larger than `Tokens.limit`.
  case tooLong(Member)
  /// A token holds a byte that would end a line or a header field.
  case malformed(Member)
  /// There is no access token, or something else in its place.
  case missing
}

extension Tokens {
  /// Whether the bytes can be a token of a grant: visible ASCII of at most `limit` bytes.
  public static func allow(_ token: borrowing Span<UInt8>) -> Bool {
    token.count > 0 && fault(of: token, .accessToken) == nil
  }

  /// What a success turned out to hold.
  public enum Reading: Sendable {
    case read
    case unusable(UnusableTokens)
  }

  /// Takes the tokens of a success. What the answer does not hold stays as it is: a refresh
  /// need not bring a new refresh token (RFC 6749 §6). Nothing changes unless this is `.read`.
  public mutating func read(
    _ object: borrowing JSONObject, status: Int, unixSeconds: Int64, reason: inout ServerError
  ) -> Reading {
    guard let accessToken = object.string("access_token"), accessToken.count > 0 else {
      return .unusable(.missing)
    }
    // There is no other type here, and servers forget to say it.
    var type: Text<32> = "Bearer"
    if object.has("token_type") {
      type.removeAll()
      if let told = object.string("token_type") { type.append(told) }
      if !type.bytes.equalsIgnoringCase("bearer") {
        reason.set(code: type.bytes, status: status)
        return .unusable(.tokenType)
      }
    }
    let refreshToken = object.string("refresh_token")
    if let fault = fault(of: accessToken, .accessToken) { return .unusable(fault) }
    if let refreshToken, let fault = fault(of: refreshToken, .refreshToken) {
      return .unusable(fault)
    }

    tokenType = type
    self.accessToken.wipe()
    self.accessToken.append(accessToken)
    expiresAt = expiry(object.integer("expires_in"), after: expiresAt, unixSeconds: unixSeconds)
    readRefreshToken(object, unixSeconds: unixSeconds)
    readScope(object)
    return .read
  }

  private mutating func readRefreshToken(_ object: borrowing JSONObject, unixSeconds: Int64) {
    var isNew = false
    if let token = object.string("refresh_token"), token.count > 0 {
      isNew = true
      refreshToken.wipe()
      refreshToken.append(token)
    }
    let lifetime =
      object.integer("refresh_token_expires_in") ?? object.integer("refresh_expires_in")
    // Of a new token without a figure nothing is known; an old one keeps its time.
    if isNew || lifetime != nil {
      refreshTokenExpiresAt = expiry(
        lifetime, after: refreshTokenExpiresAt, unixSeconds: unixSeconds)
    }
  }

  /// Reads the granted scope: a string with spaces (RFC 6749 §3.3), or Twitch's array of strings.
  private mutating func readScope(_ object: borrowing JSONObject) {
    if let text = object.string("scope") {
      scope.removeAll()
      scope.append(text)
      return
    }
    var joined = Text<2048>()
    object.forEachString(in: "scope") { name in
      if !joined.isEmpty { joined.append(UInt8(ascii: " ")) }
      joined.append(name)
    }
    if !joined.isEmpty { scope = joined }
  }
}

/// Why a token is of no use; nil where it may be. Visible ASCII only (RFC 6750 §2.1; RFC 6749
/// Appendix A has the space too, which would not fit into a header field).
private func fault(
  of token: borrowing Span<UInt8>, _ name: Member
) -> UnusableTokens? {
  if token.count > Tokens.limit { return .tooLong(name) }
  for index in token.indices where !token[index].isPrintableASCII || token[index] == 0x20 {
    return .malformed(name)
  }
  return nil
}

/// The time at which something ends that lives for `lifetime` seconds. A figure as large as a time
/// of today is one. Zero and less mean that the server does not know; where it knew of the one
/// before, that this one has ended, as near a session's end.
///
/// - Parameter before: when the one before ends; nil where there is none, or nobody knows.
private func expiry(_ lifetime: Int64?, after before: Int64?, unixSeconds: Int64) -> Int64? {
  guard let lifetime else { return nil }
  if lifetime <= 0 { return before.map { _ in unixSeconds } }
  // 2001 as a time, 31 years as a lifetime.
  return lifetime >= 1_000_000_000 ? lifetime : unixSeconds + lifetime
}
