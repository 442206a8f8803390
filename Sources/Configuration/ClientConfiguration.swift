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

/// How a client shows that it has its secret (RFC 6749 §2.3.1, RFC 8414 §2).
public enum ClientAuthentication: UInt8, Sendable {
  /// In the Authorization header.
  case basic
  /// In the body.
  case post
  /// Not at all.
  case none

  private static let count: UInt8 = 3

  /// The value of `client_auth`.
  var name: StaticString {
    switch self {
    case .basic: "basic"
    case .post: "post"
    case .none: "none"
    }
  }

  init?(named name: borrowing Span<UInt8>) {
    for index in 0..<ClientAuthentication.count {
      guard let method = ClientAuthentication(rawValue: index), name.equals(method.name) else {
        continue
      }
      self = method
      return
    }
    return nil
  }
}

/// The part of the configuration that says who the client is and whom it talks to.
public struct ClientConfiguration: Sendable {
  public let preset: Preset
  /// An https URL, of at most `issuerLimit` bytes; empty where there is none.
  public let issuer: PermanentBytes
  /// Of at most 512 bytes of UTF-8 (RFC 6749 §2.2).
  public let clientID: PermanentBytes
  /// What access is asked for, of at most 1024 bytes; may be empty (RFC 6749 §3.3).
  public let scope: PermanentBytes
  /// `name=value&name=value` in form encoding for the device authorization request, of at most 1024
  /// bytes; may be empty.
  public let extraParameters: PermanentBytes
  /// nil: the system's bundle.
  public let caFile: PermanentBytes?

  /// Of at most 512 bytes; empty for a public client.
  let clientSecret: PermanentBytes
  /// nil where it is left to the server's metadata.
  var clientAuthentication: ClientAuthentication?
  /// Each is empty or a good URL. They stay text until a request is made: a `URL` is half a KiB.
  var endpoints = InlineArray<5, PermanentBytes>(repeating: PermanentBytes(""))

  /// In bytes: what leaves room in a URL for all that is appended to an issuer.
  static let issuerLimit = 470

  /// - Parameters:
  ///   - secretFile: what the file named by `client_secret_file` holds, where that key counts
  ///     (`secretFilePath`).
  ///   - memory: room for five URLs of 512 bytes, which the configuration then points to: it must
  ///     outlive it, and not be written to again.
  @inline(never)
  public init(
    _ settings: borrowing Settings, secretFile: PermanentBytes?, memory: inout Buffer
  ) throws(ConfigurationError) {
    let preset = try Self.preset(settings)
    var settings = copy settings
    try settings.readDefaults(of: preset)
    self.preset = preset
    issuer = try Self.issuer(settings[.issuer])
    clientID = try Self.clientID(settings[.clientID])
    clientSecret = try Self.clientSecret(settings, secretFile)
    clientAuthentication = try Self.clientAuthentication(settings[.clientAuth], clientSecret)
    scope = try Self.text(settings[.scope], .scope, limit: 1024)
    extraParameters = try Self.extraParameters(settings[.extraParameters], preset)
    caFile = try settings.name(.caFile)
    if let setting = settings[.tenant] { _ = try tenant(setting) }
    try takeEndpoints(settings, ofPreset: false, &memory)
    // From here on, what is missing: what is wrong has been found.
    if clientID.count == 0 {
      throw .missing(.clientID, "the authorization server must know which client asks")
    }
    if clientSecret.count == 0, preset.requiresSecret {
      throw .missing(.clientSecret, "this provider has no clients without a secret")
    }
    try takeEndpoints(settings, ofPreset: true, &memory)
    if issuer.count == 0, let key = missingEndpoint?.key {
      throw .missing(key, "provider = custom has no endpoints of its own, and no issuer is set")
    }
  }

  /// Checks what is set, and not that all is there: for those who need no client.
  ///
  /// - Parameter memory: as above, of no use afterwards.
  public static func check(
    _ settings: borrowing Settings, memory: inout Buffer
  ) throws(ConfigurationError) {
    do {
      _ = try secretFilePath(settings)
      _ = try ClientConfiguration(settings, secretFile: nil, memory: &memory)
    } catch {
      if case .missing = error { return }
      throw error
    }
  }

  @inline(never)
  private mutating func takeEndpoints(
    _ settings: borrowing Settings, ofPreset: Bool, _ memory: inout Buffer
  ) throws(ConfigurationError) {
    for index in 0..<Endpoint.count {
      let key = Endpoint(rawValue: UInt8(index))!.key
      guard let setting = settings[key], (setting.origin == .preset) == ofPreset else { continue }
      endpoints[index] = try Self.endpoint(setting, key, settings, &memory)
    }
  }

  /// The URL as it was written; empty where there is none.
  public func text(of endpoint: Endpoint) -> PermanentBytes {
    let text = endpoints[Int(endpoint.rawValue)]
    if text.count == 0, endpoint == .refresh { return endpoints[Int(Endpoint.token.rawValue)] }
    return text
  }

  /// Where to send a request; nil where the provider has no such endpoint.
  public func url(of endpoint: Endpoint) -> URL? {
    try? URL(text(of: endpoint).bytes)
  }

  /// The secret, if that is how it goes to an endpoint; else empty. So it never goes there both
  /// ways (RFC 6749 §2.3).
  public func secret(
    for endpoint: Endpoint, by method: ClientAuthentication
  ) -> PermanentBytes {
    let isAsked = endpoint != .deviceAuthorization || preset.authenticatesAuthorization
    let isMethod = method == clientAuthentication ?? .basic
    return isAsked && isMethod ? clientSecret : PermanentBytes("")
  }

  /// The scope as it goes with each poll: empty for most providers.
  public var pollScope: PermanentBytes {
    preset.hasOwnScopeParameter ? scope : PermanentBytes("")
  }

  /// Whether the endpoints have to be taken from the issuer's metadata before there can be a
  /// request: one that the device grant needs is not known.
  public var needsDiscovery: Bool { missingEndpoint != nil }

  /// An endpoint without which there is no device grant, and that is not known.
  var missingEndpoint: Endpoint? {
    if text(of: .deviceAuthorization).count == 0 { return .deviceAuthorization }
    return text(of: .token).count == 0 ? .token : nil
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
    return try settings.name(.clientSecretFile)
  }

  private static func preset(_ settings: borrowing Settings) throws(ConfigurationError) -> Preset {
    let setting = settings[.provider]
    // Who names an issuer and nothing else means that one.
    let standard = PermanentBytes(settings[.issuer] == nil ? "webex" : Preset.custom)
    guard let preset = Preset(named: (setting?.value ?? standard).bytes) else {
      throw .badValue(.provider, setting?.origin ?? .preset, Preset.names)
    }
    return preset
  }

  private static func issuer(_ setting: Setting?) throws(ConfigurationError) -> PermanentBytes {
    guard let setting else { return PermanentBytes("") }
    let issuer = setting.value
    do {
      _ = try URL(issuer.bytes)
    } catch {
      throw .badValue(.issuer, setting.origin, error.description)
    }
    // RFC 8414 §2; a fragment is no part of a `URL` anyway.
    if issuer.bytes.contains(UInt8(ascii: "?")) {
      throw .badValue(.issuer, setting.origin, "holds a query (?)")
    }
    if issuer.count > issuerLimit { throw .badValue(.issuer, setting.origin, "is too long") }
    return issuer
  }

  private static func clientID(
    _ setting: Setting?
  ) throws(ConfigurationError) -> PermanentBytes {
    // RFC 6749 Appendix A.1 wants printable ASCII, and servers have been seen to give more. What is
    // not UTF-8 could not stand in the token file.
    if let setting, !setting.value.bytes.isUTF8 {
      throw .badValue(.clientID, setting.origin, "is not UTF-8")
    }
    return try text(setting, .clientID, limit: 512)
  }

  private static func clientSecret(
    _ settings: borrowing Settings, _ secretFile: PermanentBytes?
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
    return try text(settings[.clientSecret], .clientSecret, limit: 512)
  }

  private static func clientAuthentication(
    _ setting: Setting?, _ clientSecret: PermanentBytes
  ) throws(ConfigurationError) -> ClientAuthentication? {
    guard let setting else { return nil }
    guard let method = ClientAuthentication(named: setting.value.bytes) else {
      throw .badValue(.clientAuth, setting.origin, "is not basic, post or none")
    }
    if method == .none, clientSecret.count > 0 {
      throw .badValue(
        .clientAuth, setting.origin, "is none, which stands beside a client secret; keep one")
    }
    return method
  }

  private static func extraParameters(
    _ setting: Setting?, _ preset: Preset
  ) throws(ConfigurationError) -> PermanentBytes {
    guard let setting else { return PermanentBytes("") }
    let parameters = try text(setting, .extraParameters, limit: 1024)
    if let fault = fault(inExtraParameters: parameters.bytes, preset) {
      throw .badValue(.extraParameters, setting.origin, fault)
    }
    return parameters
  }

  private static func endpoint(
    _ setting: Setting, _ key: Key, _ settings: borrowing Settings, _ memory: inout Buffer
  ) throws(ConfigurationError) -> PermanentBytes {
    var value = setting.value
    if setting.origin == .preset, value.bytes.contains(UInt8(ascii: "{")) {
      value = try expand(value, settings, &memory)
    }
    do {
      _ = try URL(value.bytes)
    } catch {
      throw .badValue(key, setting.origin, error.description)
    }
    return value
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
