public import Bytes

/// The keys of the configuration. What is to be known of each is in its `row`.
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
  case onCode
  case onSignedIn
  case onRefreshed
  case onLost
  case start
  case display
  case rotate
  case lostAnswer
  case sandbox
  case logLevel

  public static var count: Int { Cases<Key>.count }

  /// As in the file; an option has hyphens for the underscores, a variable capitals behind
  /// `DEVICEGRANT_`.
  public var name: PermanentBytes {
    @inline(never) get { PermanentBytes(row.name) }
  }

  public init?(named name: borrowing Span<UInt8>) {
    var keys = Cases<Key>()
    while let key = keys.next() {
      if !name.equals(key.name.bytes) { continue }
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
    if !row.isOption { return nil }
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
