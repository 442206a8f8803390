public import Bytes
public import DeviceGrant
public import HTTP

/// How much is logged; each level holds those before it.
public enum LogLevel: UInt8, Sendable {
  case error
  case warning
  case info
  case debug

  init?(named name: borrowing Span<UInt8>) {
    if name.equals("error") {
      self = .error
    } else if name.equals("warning") {
      self = .warning
    } else if name.equals("info") {
      self = .info
    } else if name.equals("debug") {
      self = .debug
    } else {
      return nil
    }
  }
}

/// The part of the configuration that every command needs: checked without the client's.
public struct LocalConfiguration: Sendable {
  public let logLevel: LogLevel
  public let displays: DisplayChoices
  /// 0, 90, 180 or 270, clockwise.
  public let rotation: Int
  /// nil: where the program keeps its state.
  public let tokenFile: PermanentBytes?

  public init(_ settings: borrowing Settings) throws(ConfigurationError) {
    logLevel = try Self.logLevel(settings[.logLevel])
    displays = try Self.displays(settings[.display])
    rotation = try Self.rotation(settings[.rotate])
    tokenFile = try Self.file(settings, .tokenFile)
  }

  private static func logLevel(_ setting: Setting?) throws(ConfigurationError) -> LogLevel {
    guard let setting else { return .info }
    guard let level = LogLevel(named: setting.value.bytes) else {
      throw .badValue(.logLevel, setting.origin, "is not error, warning, info or debug")
    }
    return level
  }

  private static func displays(_ setting: Setting?) throws(ConfigurationError) -> DisplayChoices {
    let value = setting?.value ?? PermanentBytes("auto")
    guard let choices = DisplayChoices(value) else {
      throw .badValue(
        .display, setting?.origin ?? .preset,
        "is not a list of auto, framebuffer[:/dev/fbN], pbm:PATH[@WIDTHxHEIGHT], console, or none")
    }
    return choices
  }

  private static func rotation(_ setting: Setting?) throws(ConfigurationError) -> Int {
    guard let setting else { return 0 }
    guard let degrees = setting.value.bytes.parseDecimal(), degrees < 360, degrees % 90 == 0 else {
      throw .badValue(.rotate, setting.origin, "is not 0, 90, 180 or 270")
    }
    return Int(degrees)
  }

  static func file(
    _ settings: borrowing Settings, _ key: Key
  ) throws(ConfigurationError) -> PermanentBytes? {
    guard let setting = settings[key] else { return nil }
    if setting.value.count == 0 { throw .badValue(key, setting.origin, "is empty") }
    if setting.value.count > 500 { throw .badValue(key, setting.origin, "is too long for a path") }
    return setting.value
  }
}

/// The part of the configuration that says who the client is and whom it talks to.
public struct ClientConfiguration: Sendable {
  public let preset: Preset
  public let clientID: ClientID
  /// Empty for a public client.
  public let clientSecret: ClientSecret
  public let scope: Scope
  public let deviceAuthorizationEndpoint: URL
  public let tokenEndpoint: URL
  public let refreshEndpoint: URL
  public let userinfoEndpoint: URL?
  public let revocationEndpoint: URL?
  /// nil: the system's bundle.
  public let caFile: PermanentBytes?

  /// - Parameter secretFile: what the file named by `client_secret_file` holds, where that key
  ///   counts (`secretFilePath`).
  public init(
    _ settings: borrowing Settings, secretFile: PermanentBytes?
  ) throws(ConfigurationError) {
    preset = try Self.preset(settings)
    clientID = try Self.clientID(settings)
    clientSecret = try Self.clientSecret(settings, preset, secretFile)
    scope = try Self.scope(settings, preset)
    deviceAuthorizationEndpoint = try Self.requiredURL(
      settings, preset, .deviceAuthorizationEndpoint)
    tokenEndpoint = try Self.requiredURL(settings, preset, .tokenEndpoint)
    refreshEndpoint = try Self.url(settings, preset, .refreshEndpoint) ?? tokenEndpoint
    userinfoEndpoint = try Self.url(settings, preset, .userinfoEndpoint)
    revocationEndpoint = try Self.url(settings, preset, .revocationEndpoint)
    caFile = try LocalConfiguration.file(settings, .caFile)
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
  ) throws(ConfigurationError) -> ClientID {
    guard let setting = settings[.clientID], setting.value.count > 0 else {
      throw .missing(.clientID, "the authorization server must know which client asks")
    }
    // RFC 6749 Appendix A.1 wants printable ASCII, and servers have been seen to give more. What is
    // not UTF-8 could not stand in the token file.
    if !setting.value.bytes.isUTF8 {
      throw .badValue(.clientID, setting.origin, "is not UTF-8")
    }
    return try text(setting, .clientID)
  }

  private static func clientSecret(
    _ settings: borrowing Settings, _ preset: Preset, _ secretFile: PermanentBytes?
  ) throws(ConfigurationError) -> ClientSecret {
    if let secretFile, let setting = settings[.clientSecretFile] {
      let secret = ClientSecret(secretFile.bytes)
      if secret.isEmpty {
        throw .badValue(.clientSecretFile, setting.origin, "names an empty file")
      }
      if secret.isTruncated {
        throw .badValue(.clientSecretFile, setting.origin, "names a file of more than 512 bytes")
      }
      return secret
    }
    if let setting = settings[.clientSecret], setting.value.count > 0 {
      return try text(setting, .clientSecret)
    }
    if preset.requiresSecret {
      throw .missing(.clientSecret, "this provider has no clients without a secret")
    }
    return ClientSecret()
  }

  private static func scope(
    _ settings: borrowing Settings, _ preset: Preset
  ) throws(ConfigurationError) -> Scope {
    guard let setting = value(settings, preset, .scope) else { return Scope() }
    return try text(setting, .scope)
  }

  private static func requiredURL(
    _ settings: borrowing Settings, _ preset: Preset, _ key: Key
  ) throws(ConfigurationError) -> URL {
    guard let url = try url(settings, preset, key) else {
      throw .missing(key, "provider = custom has no endpoints of its own")
    }
    return url
  }

  private static func url(
    _ settings: borrowing Settings, _ preset: Preset, _ key: Key
  ) throws(ConfigurationError) -> URL? {
    guard let setting = value(settings, preset, key) else { return nil }
    do {
      return try URL(setting.value.bytes)
    } catch {
      throw .badValue(key, setting.origin, error.description)
    }
  }

  private static func value(
    _ settings: borrowing Settings, _ preset: Preset, _ key: Key
  ) -> Setting? {
    if let setting = settings[key] { return setting }
    guard let value = preset.value(of: key) else { return nil }
    return Setting(value: PermanentBytes(value), origin: .preset)
  }

  private static func text<let capacity: Int>(
    _ setting: Setting, _ key: Key
  ) throws(ConfigurationError) -> Text<capacity> {
    guard let text = Text<capacity>(exactly: setting.value.bytes) else {
      throw .badValue(key, setting.origin, "is too long")
    }
    return text
  }
}
