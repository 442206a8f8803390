/// The members of answers that may be missing, or of no use (RFC 6749 §5.1, RFC 8628 §3.2).
public enum Member: UInt8, Sendable {
  case accessToken
  case refreshToken
  case deviceCode
  case userCode
  case verificationURI
  case verificationURIComplete
  /// What Google and drafts of RFC 8628 call them.
  case verificationURL
  case verificationURLComplete
  case expiresIn
  case interval

  /// As in the JSON.
  public var name: StaticString {
    switch self {
    case .accessToken: "access_token"
    case .refreshToken: "refresh_token"
    case .deviceCode: "device_code"
    case .userCode: "user_code"
    case .verificationURI: "verification_uri"
    case .verificationURIComplete: "verification_uri_complete"
    case .verificationURL: "verification_url"
    case .verificationURLComplete: "verification_url_complete"
    case .expiresIn: "expires_in"
    case .interval: "interval"
    }
  }
}
