/// How things stand at a board, as far as one word says it.
public enum State: UInt8, Sendable {
  /// There is no client to sign in for.
  case unconfigured
  /// Something outside is missing: the network, a name, the server, the time.
  case waiting
  /// Nothing has been asked for yet.
  case starting
  /// A code is to be had for the asking.
  case invitation
  /// A code is on the screen.
  case code
  /// The person refused; a new code follows.
  case denied
  /// Nobody approved in time; a new code follows.
  case expired
  /// It did not work; another attempt follows.
  case failed
  case signedIn
  /// Signed in, but the last attempt to renew the grant has brought nothing.
  case notRenewed

  public static let count: UInt8 = 10

  /// As programs read it.
  public var name: StaticString {
    switch self {
    case .unconfigured: "unconfigured"
    case .waiting: "waiting"
    case .starting: "starting"
    case .invitation: "invitation"
    case .code: "code"
    case .denied: "denied"
    case .expired: "expired"
    case .failed: "failed"
    case .signedIn: "signed_in"
    case .notRenewed: "not_renewed"
    }
  }

  /// Whether there is a grant.
  public var isSignedIn: Bool { self == .signedIn || self == .notRenewed }
}
