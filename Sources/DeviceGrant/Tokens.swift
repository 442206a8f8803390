public import Bytes

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
