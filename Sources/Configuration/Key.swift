public import Bytes

/// The keys of the configuration.
public enum Key: UInt8, Sendable {
  case provider
  case issuer
  case tenant
  case clientID
  case clientSecret
  case clientSecretFile
  case clientAuth
  case scope
  case extraParameters

  // In the order of `Endpoint`.
  case deviceAuthorizationEndpoint
  case tokenEndpoint
  case refreshEndpoint
  case userinfoEndpoint
  case revocationEndpoint

  case caFile
  case tokenFile
  case accessTokenFile
  case accessTokenGroup
  case socket
  case socketGroup

  // In the order of `Hook`.
  case onCode
  case onSignedIn
  case onRefreshed
  case onLost

  case start
  case display
  case rotate
  case logLevel

  public static let count = 28

  /// The names in the order of the cases, with a space between two.
  private static let names: StaticString = """
    provider issuer tenant client_id client_secret client_secret_file client_auth scope \
    extra_parameters device_authorization_endpoint token_endpoint refresh_endpoint \
    userinfo_endpoint revocation_endpoint ca_file token_file access_token_file \
    access_token_group socket socket_group on_code on_signed_in on_refreshed on_lost start \
    display rotate log_level
    """

  /// As in the file; an option has hyphens for the underscores, a variable capitals behind
  /// `DEVICEGRANT_`.
  public var name: PermanentBytes {
    let names = PermanentBytes(Key.names)
    var start = 0
    for _ in 0..<rawValue { start = Key.end(of: start) + 1 }
    return names.extracting(start..<Key.end(of: start))
  }

  public init?(named name: borrowing Span<UInt8>) {
    var start = 0
    for index in 0..<UInt8(Key.count) {
      let end = Key.end(of: start)
      if Key.names.bytes.extracting(start..<end).equals(name) {
        self.init(rawValue: index)
        return
      }
      start = end + 1
    }
    return nil
  }

  /// Where the name that begins at `start` ends.
  private static func end(of start: Int) -> Int {
    names.bytes.firstIndex(of: UInt8(ascii: " "), from: start) ?? names.bytes.count
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
