public import Bytes
public import HTTP

/// How a client shows that it has its secret (RFC 6749 §2.3.1, RFC 8414 §2).
public enum ClientAuthentication: UInt8, Sendable {
  /// In the Authorization header.
  case basic
  /// In the body.
  case post
  /// Not at all.
  case none

  /// The value of `client_auth`.
  var name: StaticString {
    switch self {
    case .basic: "basic"
    case .post: "post"
    case .none: "none"
    }
  }

  init?(named name: borrowing Span<UInt8>) {
    var methods = Cases<ClientAuthentication>()
    while let method = methods.next() {
      if !name.equals(method.name) { continue }
      self = method
      return
    }
    return nil
  }
}

/// The part of the configuration that says who the client is and whom it talks to. No text is
/// longer than the form of its key has it (`Key.row`).
public struct ClientConfiguration: Sendable {
  public let preset: Preset
  /// An https URL, of at most `issuerLimit` bytes; empty where there is none.
  public let issuer: PermanentBytes
  /// What the server is known by, wherever its endpoints are: its issuer, or the name of its
  /// preset; empty where the configuration names the token endpoint and nothing else.
  public let server: PermanentBytes
  /// UTF-8 (RFC 6749 §2.2).
  public let clientID: PermanentBytes
  /// What access is asked for; may be empty (RFC 6749 §3.3).
  public let scope: PermanentBytes
  /// `name=value&name=value` in form encoding for the device authorization request; may be empty.
  public let extraParameters: PermanentBytes
  public let lostAnswer: LostAnswer
  /// nil: the system's bundle.
  public let caFile: PermanentBytes?

  /// Empty for a public client. How it goes to an endpoint is told by `secret`.
  public let clientSecret: PermanentBytes
  /// nil where it is left to the server's metadata.
  var clientAuthentication: ClientAuthentication?
  var endpoints = EndpointURLs()
  /// Which of them are from metadata, a bit each; the last bit for the client's authentication.
  var discovered: UInt8 = 0
  static var authenticationBit: UInt8 { 0x80 }

  /// In bytes: what leaves room in a URL for all that is appended to an issuer.
  static let issuerLimit = 470

  /// What memory the endpoints may take, in bytes.
  public static var endpointMemory: Int { EndpointURLs.memory }

  /// - Parameters:
  ///   - secretFile: what the file named by `client_secret_file` holds, where that key counts
  ///     (`secretFilePath`).
  ///   - memory: room for `endpointMemory` bytes, which the configuration then points to: it must
  ///     outlive it, and not be written to again.
  @inline(never)
  public init(
    _ settings: borrowing Settings, secretFile: PermanentBytes?, memory: inout Buffer
  ) throws(ConfigurationError) {
    precondition(memory.capacity >= Self.endpointMemory, "less memory than the endpoints take")
    try settings.checkForms()
    let preset = try Self.preset(settings)
    var settings = copy settings
    try settings.readDefaults(of: preset)
    self.preset = preset
    issuer = try Self.issuer(settings[.issuer])
    let isPresets = settings[.tokenEndpoint]?.origin == .preset
    server = issuer.count > 0 || !isPresets ? issuer : PermanentBytes(preset.name)
    clientID = try Self.clientID(settings)
    clientSecret = try Self.clientSecret(settings, secretFile)
    clientAuthentication = try Self.clientAuthentication(settings[.clientAuth], clientSecret)
    scope = settings.text(.scope)
    extraParameters = try Self.extraParameters(settings, preset)
    lostAnswer = try Self.lostAnswer(settings[.lostAnswer])
    caFile = settings[.caFile]?.value
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
    var all = Cases<Endpoint>()
    while let endpoint = all.next() {
      let key = endpoint.key
      guard let setting = settings[key], (setting.origin == .preset) == ofPreset else { continue }
      endpoints[endpoint] = try Self.url(setting, key, settings, &memory)
    }
  }

  /// The URL as it was written; empty where there is none.
  public func text(of endpoint: Endpoint) -> PermanentBytes {
    let text = endpoints[endpoint]
    return text.count == 0 && endpoint == .refresh ? endpoints[.token] : text
  }

  /// Whether its URL is from metadata.
  public func isDiscovered(_ endpoint: Endpoint) -> Bool {
    let isTokens = endpoint == .refresh && endpoints[.refresh].count == 0
    return discovered & 1 &<< (isTokens ? Endpoint.token : endpoint).rawValue != 0
  }

  /// Forgets what metadata have told, for others to be taken.
  public mutating func forgetDiscovered() {
    var all = Cases<Endpoint>()
    while let endpoint = all.next() {
      if discovered & 1 &<< endpoint.rawValue != 0 { endpoints[endpoint] = PermanentBytes("") }
    }
    if discovered & Self.authenticationBit != 0 { clientAuthentication = nil }
    discovered = 0
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
    return file.value
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
    // RFC 8414 §2; a fragment is no part of a `URL` anyway.
    if issuer.bytes.contains(UInt8(ascii: "?")) {
      throw .badValue(.issuer, setting.origin, "holds a query (?)")
    }
    if issuer.count > issuerLimit { throw .badValue(.issuer, setting.origin, "is too long") }
    return issuer
  }

  private static func clientID(
    _ settings: borrowing Settings
  ) throws(ConfigurationError) -> PermanentBytes {
    // RFC 6749 Appendix A.1 wants printable ASCII, and servers have been seen to give more. What is
    // not UTF-8 could not stand in the token file.
    if let setting = settings[.clientID], !setting.value.bytes.isUTF8 {
      throw .badValue(.clientID, setting.origin, "is not UTF-8")
    }
    return settings.text(.clientID)
  }

  private static func clientSecret(
    _ settings: borrowing Settings, _ secretFile: PermanentBytes?
  ) throws(ConfigurationError) -> PermanentBytes {
    if let secretFile, let setting = settings[.clientSecretFile] {
      if secretFile.count == 0 {
        throw .badValue(.clientSecretFile, setting.origin, "names an empty file")
      }
      if Key.clientSecret.fault(in: secretFile.bytes) != nil {
        throw .badValue(.clientSecretFile, setting.origin, "names a file of more than 512 bytes")
      }
      return secretFile
    }
    return settings.text(.clientSecret)
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

  private static func lostAnswer(_ setting: Setting?) throws(ConfigurationError) -> LostAnswer {
    guard let setting, !setting.value.bytes.equals("retry") else { return .retry }
    if setting.value.bytes.equals("wait") { return .wait }
    throw .badValue(.lostAnswer, setting.origin, "is not retry or wait")
  }

  private static func extraParameters(
    _ settings: borrowing Settings, _ preset: Preset
  ) throws(ConfigurationError) -> PermanentBytes {
    let parameters = settings.text(.extraParameters)
    if let setting = settings[.extraParameters],
      let fault = fault(inExtraParameters: parameters.bytes, preset)
    {
      throw .badValue(.extraParameters, setting.origin, fault)
    }
    return parameters
  }

  private static func url(
    _ setting: Setting, _ key: Key, _ settings: borrowing Settings, _ memory: inout Buffer
  ) throws(ConfigurationError) -> PermanentBytes {
    guard setting.origin == .preset, setting.value.bytes.contains(UInt8(ascii: "{")) else {
      return setting.value
    }
    let value = try expand(setting.value, settings, &memory)
    if let fault = key.fault(in: value.bytes) { throw .badValue(key, setting.origin, fault) }
    return value
  }
}
