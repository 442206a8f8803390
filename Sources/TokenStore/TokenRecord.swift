public import Bytes
internal import JSON
public import OAuth

/// What the token file holds: the tokens, and what they are good for.
public struct TokenRecord: ~Copyable {
  public var tokens: Tokens

  /// Where the tokens came from.
  public var tokenEndpoint = Text<512>()

  /// The server's issuer, or the name of its preset; empty where neither is known.
  public var issuer = Text<512>()

  /// Whom they were issued to.
  public var clientID = Text<512>()

  /// A number that tells the person from others, of what waits to be revoked; nil where nobody
  /// knows.
  public private(set) var person: Int64?

  /// When its file was written, by the wall clock, in seconds since 1970.
  public internal(set) var writtenAt: Int64 = 0

  private let resident = Resident()

  /// - Parameter tokens: the memory to work in.
  public init(tokens: consuming Tokens) {
    self.tokens = tokens
  }

  /// Whether there is anything in it.
  public var isEmpty: Bool { tokens.accessToken.isEmpty && tokens.refreshToken.isEmpty }

  /// Overwrites everything.
  public mutating func wipe() {
    tokens.wipe()
    tokenEndpoint.removeAll()
    issuer.removeAll()
    clientID.removeAll()
    person = nil
  }

  /// Writes the record as one JSON object.
  public borrowing func write<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    writeRecord(tokens, issuer.bytes, tokenEndpoint.bytes, clientID.bytes, to: &sink)
  }

  /// Reads a record back.
  ///
  /// - Returns: whether the bytes are a whole record; if not, this one is empty.
  public mutating func read(_ bytes: borrowing Span<UInt8>) -> Bool {
    wipe()
    guard let object = try? JSONObject(bytes) else { return false }
    return object.has("access_token") && read(object)
  }

  /// Reads what waits to be revoked: a record of which one token may be missing.
  ///
  /// - Returns: whether there is a token; if not, this one is empty.
  mutating func read(waiting bytes: borrowing Span<UInt8>) -> Bool {
    wipe()
    guard let object = try? JSONObject(bytes) else { return false }
    return readWaiting(object)
  }

  private mutating func readWaiting(_ object: borrowing JSONObject) -> Bool {
    if !read(object) { return false }
    person = object.integer("person")
    return !isEmpty
  }

  private mutating func read(_ object: borrowing JSONObject) -> Bool {
    // The same rules as for an answer of the server's: people edit files.
    let accessToken = object.string("access_token")
    if object.has("access_token"), !holdsToken("access_token", object) { return false }
    let refreshToken = object.string("refresh_token")
    if let refreshToken, refreshToken.count > 0, !Tokens.allow(refreshToken) { return false }
    guard isBearer(object), isTime("expires_at", object),
      isTime("refresh_token_expires_at", object)
    else { return false }
    if let accessToken { tokens.accessToken.append(accessToken) }
    if let refreshToken { tokens.refreshToken.append(refreshToken) }
    tokens.tokenType.append("Bearer")
    if let scope = object.string("scope") { tokens.scope.append(scope) }
    if tokens.scope.isTruncated { tokens.scope.removeAll() }
    if let endpoint = object.string("token_endpoint") { tokenEndpoint.append(endpoint) }
    if let name = object.string("issuer") { issuer.append(name) }
    if let client = object.string("client_id") { clientID.append(client) }
    // Half a name may be half a letter, with which the record could not be read again.
    if tokenEndpoint.isTruncated || issuer.isTruncated || clientID.isTruncated {
      wipe()
      return false
    }
    // Nothing before 1970: such a time is of no use but to overflow.
    tokens.expiresAt = object.integer("expires_at").map { max(0, $0) }
    tokens.refreshTokenExpiresAt = object.integer("refresh_token_expires_at").map { max(0, $0) }
    return true
  }
}

/// Whether the tokens are of the one type that there is here, which need not be said.
private func isBearer(_ object: borrowing JSONObject) -> Bool {
  guard let type = object.string("token_type") else { return !object.has("token_type") }
  return type.equalsIgnoringCase("bearer")
}

/// Whether a member holds what can be a token.
func holdsToken(_ name: StaticString, _ object: borrowing JSONObject) -> Bool {
  guard let token = object.string(name) else { return false }
  return Tokens.allow(token)
}

/// Whether a member holds a time, or is missing: another thing must not come to mean "never".
private func isTime(_ name: StaticString, _ object: borrowing JSONObject) -> Bool {
  !object.has(name) || object.integer(name) != nil
}

/// Writes the file's one JSON object.
func writeRecord<Sink: ByteSink & ~Copyable>(
  _ tokens: borrowing Tokens, _ issuer: borrowing Span<UInt8>,
  _ tokenEndpoint: borrowing Span<UInt8>, _ clientID: borrowing Span<UInt8>, to sink: inout Sink
) {
  var object = JSONWriter()
  object.member("access_token", tokens.accessToken.bytes, to: &sink)
  object.member("token_type", tokens.tokenType.bytes, to: &sink)
  if let expiresAt = tokens.expiresAt { object.member("expires_at", expiresAt, to: &sink) }
  if !tokens.refreshToken.isEmpty {
    object.member("refresh_token", tokens.refreshToken.bytes, to: &sink)
  }
  if let expiresAt = tokens.refreshTokenExpiresAt {
    object.member("refresh_token_expires_at", expiresAt, to: &sink)
  }
  // One that was cut may end in half a letter, which no reader of JSON takes.
  if !tokens.scope.isEmpty, !tokens.scope.isTruncated {
    object.member("scope", tokens.scope.bytes, to: &sink)
  }
  if issuer.count > 0 { object.member("issuer", issuer, to: &sink) }
  object.member("token_endpoint", tokenEndpoint, to: &sink)
  object.member("client_id", clientID, to: &sink)
  object.end(&sink)
}
