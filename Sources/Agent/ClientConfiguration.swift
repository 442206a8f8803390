public import Bytes
public import HTTP

/// The URLs that requests go to.
public enum Endpoint: UInt8, Sendable {
  case deviceAuthorization
  case token
  /// The token endpoint unless it is set.
  case refresh
  case userinfo
  case revocation

  static let count = 5

  /// The key that sets it; they stand in the same order.
  var key: Key { Key(rawValue: Key.deviceAuthorizationEndpoint.rawValue + rawValue)! }
}

/// The part of the configuration that says who the client is and whom it talks to.
public struct ClientConfiguration: Sendable {
  public let preset: Preset
  /// Of at most 512 bytes of UTF-8 (RFC 6749 §2.2).
  public let clientID: PermanentBytes
  /// Of at most 512 bytes; empty for a public client.
  public let clientSecret: PermanentBytes
  /// What access is asked for, of at most 1024 bytes; may be empty (RFC 6749 §3.3).
  public let scope: PermanentBytes
  /// nil: the system's bundle.
  public let caFile: PermanentBytes?

  /// Each is nil or a good URL. They stay text until a request is made: a `URL` is half a KiB.
  private var endpoints = InlineArray<5, PermanentBytes?>(repeating: nil)

  /// - Parameter secretFile: what the file named by `client_secret_file` holds, where that key
  ///   counts (`secretFilePath`).
  public init(
    _ settings: borrowing Settings, secretFile: PermanentBytes?
  ) throws(ConfigurationError) {
    preset = try Self.preset(settings)
    clientID = try Self.clientID(settings)
    clientSecret = try Self.clientSecret(settings, preset, secretFile)
    scope = try Self.text(Self.value(settings, preset, .scope), .scope, limit: 1024)
    caFile = try LocalConfiguration.file(settings, .caFile)
    for index in 0..<Endpoint.count {
      let key = Endpoint(rawValue: UInt8(index))!.key
      endpoints[index] = try Self.endpoint(settings, preset, key)
    }
  }

  /// The URL as it was written; nil where there is none.
  public func text(of endpoint: Endpoint) -> PermanentBytes? {
    if let text = endpoints[Int(endpoint.rawValue)] { return text }
    return endpoint == .refresh ? endpoints[Int(Endpoint.token.rawValue)] : nil
  }

  /// Where to send a request; nil where the provider has no such endpoint.
  public func url(of endpoint: Endpoint) -> URL? {
    guard let text = text(of: endpoint) else { return nil }
    return try? URL(text.bytes)
  }

  /// The file to read the secret from: set, and not outranked by `client_secret` itself.
  public static func secretFilePath(
    _ settings: borrowing Settings
  ) throws(ConfigurationError) -> PermanentBytes? {
    guard let file = settings[.clientSecretFile] else { return nil }
    if let secret = settings[.clientSecret] {
      if secret.origin.rank > file.origin.rank { return nil }
      if secret.origin.rank == file.origin.rank {
        throw .badValue(.clientSecretFile, file.origin, "stands beside client_secret; keep one")
      }
    }
    return try LocalConfiguration.file(settings, .clientSecretFile)
  }

  private static func preset(_ settings: borrowing Settings) throws(ConfigurationError) -> Preset {
    let setting = settings[.provider]
    let name = setting?.value ?? PermanentBytes("webex")
    guard let preset = Preset(named: name.bytes) else {
      throw .badValue(.provider, setting?.origin ?? .preset, "is not webex or custom")
    }
    return preset
  }

  private static func clientID(
    _ settings: borrowing Settings
  ) throws(ConfigurationError) -> PermanentBytes {
    guard let setting = settings[.clientID], setting.value.count > 0 else {
      throw .missing(.clientID, "the authorization server must know which client asks")
    }
    // RFC 6749 Appendix A.1 wants printable ASCII, and servers have been seen to give more. What is
    // not UTF-8 could not stand in the token file.
    if !setting.value.bytes.isUTF8 {
      throw .badValue(.clientID, setting.origin, "is not UTF-8")
    }
    return try text(setting, .clientID, limit: 512)
  }

  private static func clientSecret(
    _ settings: borrowing Settings, _ preset: Preset, _ secretFile: PermanentBytes?
  ) throws(ConfigurationError) -> PermanentBytes {
    if let secretFile, let setting = settings[.clientSecretFile] {
      if secretFile.count == 0 {
        throw .badValue(.clientSecretFile, setting.origin, "names an empty file")
      }
      if secretFile.count > 512 {
        throw .badValue(.clientSecretFile, setting.origin, "names a file of more than 512 bytes")
      }
      return secretFile
    }
    let secret = try text(settings[.clientSecret], .clientSecret, limit: 512)
    if secret.count == 0, preset.requiresSecret {
      throw .missing(.clientSecret, "this provider has no clients without a secret")
    }
    return secret
  }

  private static func endpoint(
    _ settings: borrowing Settings, _ preset: Preset, _ key: Key
  ) throws(ConfigurationError) -> PermanentBytes? {
    guard let setting = value(settings, preset, key) else {
      if key == .deviceAuthorizationEndpoint || key == .tokenEndpoint {
        throw .missing(key, "provider = custom has no endpoints of its own")
      }
      return nil
    }
    do {
      _ = try URL(setting.value.bytes)
    } catch {
      throw .badValue(key, setting.origin, error.description)
    }
    return setting.value
  }

  private static func value(
    _ settings: borrowing Settings, _ preset: Preset, _ key: Key
  ) -> Setting? {
    if let setting = settings[key] { return setting }
    guard let value = preset.value(of: key) else { return nil }
    return Setting(value: PermanentBytes(value), origin: .preset)
  }

  /// The setting's value, which is empty where there is none.
  private static func text(
    _ setting: Setting?, _ key: Key, limit: Int
  ) throws(ConfigurationError) -> PermanentBytes {
    guard let setting else { return PermanentBytes("") }
    if setting.value.count > limit { throw .badValue(key, setting.origin, "is too long") }
    return setting.value
  }
}
