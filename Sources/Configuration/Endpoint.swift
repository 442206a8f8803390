internal import Bytes
internal import HTTP

/// The URLs that requests go to.
public enum Endpoint: UInt8, Sendable {
  case deviceAuthorization
  case token
  /// The token endpoint unless it is set.
  case refresh
  case userinfo
  case revocation

  public static var count: Int { Cases<Endpoint>.count }

  /// The key that sets it.
  public var key: Key {
    switch self {
    case .deviceAuthorization: .deviceAuthorizationEndpoint
    case .token: .tokenEndpoint
    case .refresh: .refreshEndpoint
    case .userinfo: .userinfoEndpoint
    case .revocation: .revocationEndpoint
    }
  }
}

/// What each endpoint's URL is: empty or good. They stay text until a request is made: a `URL` is
/// half a KiB.
struct EndpointURLs: Sendable {
  /// What memory for all of them takes, in bytes.
  static let memory = Endpoint.count * URL.capacity

  // Takes a literal, which `init` compares.
  private var urls = InlineArray<5, PermanentBytes>(repeating: PermanentBytes(""))

  init() {
    precondition(urls.count == Endpoint.count, "an endpoint without a place for its URL")
  }

  subscript(_ endpoint: Endpoint) -> PermanentBytes {
    get { urls[Int(endpoint.rawValue)] }
    set { urls[Int(endpoint.rawValue)] = newValue }
  }
}
