public import Bytes
public import HTTP
public import JSON

// Theory of operation.
//
// A server's metadata is one JSON document at an address that follows from its issuer. It is read
// into a `Metadata` once it is known to be this issuer's, and that fills in what the configuration
// leaves open. A `Metadata` can be written to a cache and read back for a day, so that a restart
// needs no request.

/// Where an issuer's metadata may lie: servers know one of these addresses, or both.
public enum MetadataLocation: UInt8, Sendable {
  /// Between the host and the path (RFC 8414 §3).
  case authorizationServer
  /// Behind the path (OpenID Connect Discovery 1.0 §4).
  case openIDProvider
}

extension ClientConfiguration {
  /// The address of the issuer's metadata; nil where there is no issuer.
  public func metadataURL(_ location: MetadataLocation) -> URL? {
    guard let issuer = try? URL(issuer.bytes) else { return nil }
    var path = issuer.pathAndQuery
    if path.count > 0, path[path.count - 1] == UInt8(ascii: "/") {
      path = path.extracting(first: path.count - 1)
    }
    var text = Text<512>()
    text.append("https://")
    text.append(issuer.authority)
    switch location {
    case .authorizationServer:
      text.append("/.well-known/oauth-authorization-server")
      text.append(path)
    case .openIDProvider:
      text.append(path)
      text.append("/.well-known/openid-configuration")
    }
    return try? URL(text.bytes)
  }

  /// Takes from the metadata what the configuration leaves open. After an error everything is as it
  /// was. Where tokens that have been issued are to be revoked is not taken where that is another
  /// site than the issuer's and the token endpoint's.
  ///
  /// - Returns: what is to be told of an endpoint at another site; nil where none is.
  @discardableResult
  public mutating func complete(with metadata: Metadata) throws(MetadataError) -> MetadataError? {
    if text(of: .deviceAuthorization).count == 0, metadata[.deviceAuthorization].count == 0 {
      throw .missing("device_authorization_endpoint")
    }
    if text(of: .token).count == 0, metadata[.token].count == 0 {
      throw .missing("token_endpoint")
    }
    var stray: MetadataError?
    var all = Cases<Endpoint>()
    while let endpoint = all.next() {
      if endpoints[endpoint].count > 0 || metadata[endpoint].count == 0 { continue }
      if endpoint == .userinfo || endpoint == .revocation, !isAtHome(metadata[endpoint]) {
        stray = .elsewhere(endpoint, metadata[endpoint])
        // Of a provider that people know, userinfo alone is elsewhere.
        if endpoint == .revocation { continue }
      }
      endpoints[endpoint] = metadata[endpoint]
      discovered |= 1 &<< endpoint.rawValue
    }
    if clientAuthentication == nil {
      clientAuthentication = metadata.clientAuthentication
      discovered |= Self.authenticationBit
    }
    return stray
  }

  /// Whether a URL is at the site of the issuer or of the token endpoint, which is known by now.
  private func isAtHome(_ text: PermanentBytes) -> Bool {
    guard let url = try? URL(text.bytes) else { return false }
    if let token = self.url(of: .token), url.isAtSite(of: token) { return true }
    guard let issuer = try? URL(issuer.bytes) else { return false }
    return url.isAtSite(of: issuer)
  }
}

/// Why a document is of no use as an issuer's metadata.
public enum MetadataError: Error, Sendable, Equatable {
  case notJSON(JSONError)
  /// The document says that it is another issuer's, or does not say whose (RFC 8414 §3.3).
  case anotherIssuer
  /// A member that is no string.
  case wrongType(StaticString)
  /// A member that is no URL for a request.
  case badURL(StaticString, URLError)
  /// There is no such member, and the configuration does not have it either.
  case missing(StaticString)
  /// An endpoint, with its URL, that gets tokens at another site than the server's.
  case elsewhere(Endpoint, PermanentBytes)

  /// Whether what it is about is used all the same.
  public var isWarning: Bool {
    if case .elsewhere(.userinfo, _) = self { return true }
    return false
  }

  public static func == (left: MetadataError, right: MetadataError) -> Bool {
    switch (left, right) {
    case (.notJSON(let one), .notJSON(let other)): one == other
    case (.anotherIssuer, .anotherIssuer): true
    case (.wrongType(let one), .wrongType(let other)): one.bytes.equals(other)
    case (.badURL(let one, let reason), .badURL(let other, let otherReason)):
      one.bytes.equals(other) && reason == otherReason
    case (.missing(let one), .missing(let other)): one.bytes.equals(other)
    case (.elsewhere(let one, let url), .elsewhere(let other, let otherURL)):
      one == other && url.bytes.equals(otherURL.bytes)
    default: false
    }
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends what is wrong with a document, to follow its address.
  public mutating func append(_ error: MetadataError) {
    switch error {
    case .notJSON(let error):
      append("the metadata is ")
      append(error.description)
    case .anotherIssuer:
      append("the metadata's issuer is not the configured one, to the byte")
    case .wrongType(let name):
      append("the metadata's ")
      append(name)
      append(" is no text")
    case .badURL(let name, let error):
      append("the metadata's ")
      append(name)
      append(" ")
      append(error.description)
    case .missing(let name):
      append("the metadata has no ")
      append(name)
      append("; set it, or ask for the device grant to be enabled")
    case .elsewhere(let endpoint, let url):
      let name = endpoint.member ?? ""
      append("the metadata's ")
      append(name)
      append(", ")
      append(url.bytes)
      append(", would get tokens at another site than the issuer's and the token endpoint's; set ")
      append(name)
      append(" if that is right")
    }
  }
}

/// What an issuer says of itself, as far as this program asks.
public struct Metadata: Sendable {
  /// For how long a cached one counts, in seconds.
  public static let lifetime: Int64 = 86_400

  private var endpoints = EndpointURLs()
  fileprivate let clientAuthentication: ClientAuthentication

  /// What is wrong with an endpoint that signing in does not take and that was left out for it.
  public private(set) var ignored: MetadataError?

  fileprivate subscript(_ endpoint: Endpoint) -> PermanentBytes { endpoints[endpoint] }

  /// Reads an issuer's metadata (RFC 8414 §3.2, §3.3).
  ///
  /// - Parameter memory: as for `ClientConfiguration`, which does not use its own where there is
  ///   something to discover. Nothing is written to it where this throws.
  public init(
    _ document: borrowing Span<UInt8>, issuer: PermanentBytes, memory: inout Buffer
  ) throws(MetadataError) {
    let object = try parse(document)
    try self.init(object, issuer, preferredAuthentication(object), &memory)
  }

  /// Reads what `writeCache` wrote; nil where that is of no use: another issuer's, of the future,
  /// too old or damaged.
  ///
  /// - Parameter memory: as above.
  public init?(
    cache: borrowing Span<UInt8>, issuer: PermanentBytes, unixSeconds: Int64,
    memory: inout Buffer
  ) {
    guard let object = try? JSONObject(cache),
      let authentication = cachedAuthentication(object, unixSeconds)
    else { return nil }
    do {
      try self.init(object, issuer, authentication, &memory)
    } catch {
      return nil
    }
    // What was left out is not in a cache.
    if ignored != nil { return nil }
  }

  private init(
    _ object: borrowing JSONObject, _ issuer: PermanentBytes,
    _ authentication: ClientAuthentication, _ memory: inout Buffer
  ) throws(MetadataError) {
    guard let found = object.string("issuer"), found.equals(issuer.bytes) else {
      throw .anotherIssuer
    }
    clientAuthentication = authentication
    var checked = Cases<Endpoint>()
    while let endpoint = checked.next() {
      guard let name = endpoint.member, let fault = fault(name, of: object) else { continue }
      if endpoint == .deviceAuthorization || endpoint == .token { throw fault }
      ignored = fault
    }
    var taken = Cases<Endpoint>()
    while let endpoint = taken.next() {
      guard let name = endpoint.member, let url = object.string(name),
        fault(name, of: object) == nil
      else { continue }
      let start = memory.count
      memory.append(url)
      precondition(!memory.isTruncated, "less memory than the endpoints take")
      endpoints[endpoint] = memory.permanent(from: start)
    }
  }

  /// Writes one JSON object, to be kept for the next start.
  ///
  /// - Parameter fetchedAt: when the issuer was asked, in seconds since 1970.
  public func writeCache<Sink: ByteSink & ~Copyable>(
    issuer: PermanentBytes, fetchedAt: Int64, to sink: inout Sink
  ) {
    var object = JSONWriter()
    object.member("issuer", issuer.bytes, to: &sink)
    var all = Cases<Endpoint>()
    while let endpoint = all.next() {
      guard endpoints[endpoint].count > 0, let name = endpoint.member else { continue }
      object.member(name, endpoints[endpoint].bytes, to: &sink)
    }
    object.member("client_auth", clientAuthentication.name.bytes, to: &sink)
    object.member("fetched_at", fetchedAt, to: &sink)
    object.end(&sink)
  }
}

extension Endpoint {
  /// The member of the metadata that names it (RFC 8414 §2, RFC 8628 §4).
  fileprivate var member: StaticString? {
    switch self {
    case .deviceAuthorization: "device_authorization_endpoint"
    case .token: "token_endpoint"
    case .refresh: nil
    case .userinfo: "userinfo_endpoint"
    case .revocation: "revocation_endpoint"
    }
  }
}

private func parse(_ document: borrowing Span<UInt8>) throws(MetadataError) -> JSONObject {
  do {
    return try JSONObject(document)
  } catch {
    throw .notJSON(error)
  }
}

/// What a cache says of the client's secret; nil where its time is not now.
private func cachedAuthentication(
  _ cache: borrowing JSONObject, _ unixSeconds: Int64
) -> ClientAuthentication? {
  guard let fetchedAt = cache.integer("fetched_at"), fetchedAt >= 0, fetchedAt <= unixSeconds,
    unixSeconds - fetchedAt < Metadata.lifetime, let name = cache.string("client_auth")
  else { return nil }
  return ClientAuthentication(named: name)
}

/// What is wrong with a member that may be missing and else holds a URL.
private func fault(_ name: StaticString, of object: borrowing JSONObject) -> MetadataError? {
  if !object.has(name) { return nil }
  guard let value = object.string(name) else { return .wrongType(name) }
  do {
    _ = try URL(value)
    return nil
  } catch {
    return .badURL(name, error)
  }
}

/// How the server wants a secret: in the header, unless it takes it in the body only (RFC 8414 §2).
private func preferredAuthentication(_ object: borrowing JSONObject) -> ClientAuthentication {
  var takesHeader = false
  var takesBody = false
  object.forEachString(in: "token_endpoint_auth_methods_supported") { method in
    if method.equals("client_secret_basic") { takesHeader = true }
    if method.equals("client_secret_post") { takesBody = true }
  }
  return takesBody && !takesHeader ? .post : .basic
}
