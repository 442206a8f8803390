internal import Bytes

/// The keys of the configuration.
public enum Key: UInt8, Sendable {
  case provider
  case issuer
  case clientID
  case clientSecret
  case clientSecretFile
  case scope
  case deviceAuthorizationEndpoint
  case tokenEndpoint
  case refreshEndpoint
  case userinfoEndpoint
  case revocationEndpoint
  case caFile
  case tokenFile
  case accessTokenFile
  case display
  case rotate
  case logLevel

  public static let count = 17

  /// As in the file; an option has hyphens for the underscores, a variable capitals behind
  /// `DEVICEGRANT_`.
  public var name: StaticString {
    switch self {
    case .provider: "provider"
    case .issuer: "issuer"
    case .clientID: "client_id"
    case .clientSecret: "client_secret"
    case .clientSecretFile: "client_secret_file"
    case .scope: "scope"
    case .deviceAuthorizationEndpoint: "device_authorization_endpoint"
    case .tokenEndpoint: "token_endpoint"
    case .refreshEndpoint: "refresh_endpoint"
    case .userinfoEndpoint: "userinfo_endpoint"
    case .revocationEndpoint: "revocation_endpoint"
    case .caFile: "ca_file"
    case .tokenFile: "token_file"
    case .accessTokenFile: "access_token_file"
    case .display: "display"
    case .rotate: "rotate"
    case .logLevel: "log_level"
    }
  }

  public init?(named name: borrowing Span<UInt8>) {
    for index in 0..<UInt8(Key.count) {
      guard let key = Key(rawValue: index), name.equals(key.name) else { continue }
      self = key
      return
    }
    return nil
  }

  /// Finds the key of an option, without its leading hyphens: "ca-file".
  public init?(option: borrowing Span<UInt8>) {
    var name = Text<64>()
    for index in option.indices {
      let byte = option[index]
      if byte == UInt8(ascii: "_") { return nil }
      name.append(byte == UInt8(ascii: "-") ? UInt8(ascii: "_") : byte)
    }
    if name.isTruncated { return nil }
    self.init(named: name.bytes)
  }

  /// Finds the key of an environment variable: "DEVICEGRANT_CA_FILE", or one of the two that
  /// Webex's sample reads.
  public init?(environment name: borrowing Span<UInt8>) {
    if name.equals("CLIENT_ID") {
      self = .clientID
      return
    }
    if name.equals("CLIENT_SECRET") {
      self = .clientSecret
      return
    }
    let prefix: StaticString = "DEVICEGRANT_"
    guard name.hasPrefix(prefix) else { return nil }
    var key = Text<64>()
    for index in prefix.utf8CodeUnitCount..<name.count { key.append(lowercased(name[index])) }
    if key.isTruncated { return nil }
    self.init(named: key.bytes)
  }
}
