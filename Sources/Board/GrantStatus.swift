public import Bytes
public import Configuration
internal import HTTP
internal import JSON
public import Linux
internal import OAuth
internal import TokenStore

/// What the token file says of the grant, for `status`: never a token.
public struct GrantStatus: ~Copyable {
  /// Whether somebody is signed in, and if not, why.
  public enum Verdict: Sendable {
    case signedIn
    case nothing
    case damaged
    case anotherClient
    case expired
  }

  private var record: TokenRecord
  private var scratch: Buffer
  private var isDamaged = false
  private var isOurs = true
  /// How many tokens wait to be revoked.
  private var waiting: Int64 = 0
  private let now: Int64

  /// - Parameter unixSeconds: the wall clock.
  public init(_ memory: consuming KeeperMemory, unixSeconds: Int64) {
    record = TokenRecord(tokens: memory.tokens)
    scratch = memory.file
    now = unixSeconds
  }

  /// Reads the token file.
  ///
  /// - Parameter log: where it is said what may cost the tokens.
  public mutating func load<W: World>(_ path: Path, _ log: Log<W>) throws(Fault) {
    do throws(Fault) {
      let store = try openStore(path, log.world)
      warn(of: store, path, log)
      waiting = Int64(store.waiting)
      isDamaged = try Self.load(store, &record, &scratch)
    } catch {
      if error.kind != .notSignedIn { throw error }
    }
  }

  private static func load<Storage: TokenDirectory & ~Copyable>(
    _ store: borrowing TokenStore<Storage>, _ record: inout TokenRecord,
    _ scratch: inout Buffer
  ) throws(Fault) -> Bool {
    do {
      return try store.load(&record, scratch: &scratch) == .damaged
    } catch {
      throw .tokenFile(error)
    }
  }

  /// Takes whose the grant is to be.
  public mutating func compare(with client: borrowing ClientConfiguration) {
    let endpoint = client.text(of: .token)
    let clientID = client.clientID
    isOurs = record.belongs(
      issuer: client.server.bytes, tokenEndpoint: endpoint.bytes, clientID: clientID.bytes)
  }

  public var verdict: Verdict {
    if isDamaged { return .damaged }
    if record.isEmpty { return .nothing }
    if !isOurs { return .anotherClient }
    return isUsable ? .signedIn : .expired
  }

  private var isSignedIn: Bool {
    if case .signedIn = verdict { return true }
    return false
  }

  /// Whether the access token is good, or can be renewed.
  private var isUsable: Bool {
    if !record.tokens.refreshToken.isEmpty {
      guard let end = record.tokens.refreshTokenExpiresAt else { return true }
      if now < end { return true }
    }
    guard let end = record.tokens.expiresAt else { return true }
    return now < end
  }

  /// The configured issuer, else where the tokens came from.
  private func appendIssuer<Sink: ByteSink & ~Copyable>(
    _ issuer: PermanentBytes?, to sink: inout Sink
  ) {
    if let issuer {
      sink.append(issuer.bytes)
    } else if let url = try? URL(record.tokenEndpoint.bytes) {
      sink.append("https://")
      sink.append(url.authority)
    }
  }

  /// Appends one JSON object.
  ///
  /// - Parameters:
  ///   - issuer: the configured one; nil for none.
  ///   - agent: what `run` says in words; nil where it does not.
  ///   - state: how things stand there, as JSON; nil where it does not say.
  public func appendJSON(
    issuer: PermanentBytes?, agent: PermanentBytes?, state: PermanentBytes?,
    to output: inout Buffer
  ) {
    var object = JSONWriter()
    object.member("signed_in", isSignedIn, to: &output)
    if !record.isEmpty {
      if let end = record.tokens.expiresAt {
        object.member("expires_at", end, to: &output)
        object.member("expires_in", max(0, end - now), to: &output)
      }
      object.member("refreshable", !record.tokens.refreshToken.isEmpty, to: &output)
      if let end = record.tokens.refreshTokenExpiresAt {
        object.member("refresh_token_expires_at", end, to: &output)
      }
      object.member("scope", record.tokens.scope.bytes, to: &output)
      var name = Text<512>()
      appendIssuer(issuer, to: &name)
      object.member("issuer", name.bytes, to: &output)
      object.member("client_id", record.clientID.bytes, to: &output)
    }
    if waiting > 0 { object.member("waiting_to_be_revoked", waiting, to: &output) }
    if let agent { object.member("agent", agent.bytes, to: &output) }
    if let state { object.member("standing", json: state.bytes, to: &output) }
    object.end(&output)
  }

  /// Appends lines for a person; see `appendJSON`.
  public func appendText(
    issuer: PermanentBytes?, agent: PermanentBytes?, state: PermanentBytes? = nil,
    to output: inout Buffer
  ) {
    output.append(isSignedIn ? "signed in\n" : "not signed in\n")
    if waiting > 0 {
      output.append("waiting to be revoked: ")
      output.append(decimal: waiting)
      output.append("\n")
    }
    if let agent {
      output.append("agent: ")
      output.append(escaped: agent.bytes)
      output.append("\n")
    }
    if let state { Self.appendSandbox(state, to: &output) }
    if record.isEmpty { return }
    output.append("issuer: ")
    var name = Text<512>()
    appendIssuer(issuer, to: &name)
    output.append(escaped: name.bytes)
    output.append("\nclient_id: ")
    output.append(escaped: record.clientID.bytes)
    output.append("\nscope: ")
    output.append(escaped: record.tokens.scope.bytes)
    output.append("\naccess token: ")
    appendExpiry(record.tokens.expiresAt, to: &output)
    output.append("refresh token: ")
    if record.tokens.refreshToken.isEmpty {
      output.append("none\n")
    } else {
      appendExpiry(record.tokens.refreshTokenExpiresAt, to: &output)
    }
  }

  /// What `run` says that it is confined by.
  private static func appendSandbox(_ state: PermanentBytes, to output: inout Buffer) {
    let name: StaticString = "\"sandbox\":\""
    guard var start = state.bytes.firstIndex(of: name) else { return }
    start += name.utf8CodeUnitCount
    let end = state.bytes.firstIndex(of: UInt8(ascii: "\""), from: start) ?? start
    output.append("sandbox: ")
    output.append(escaped: state.bytes.extracting(start..<end))
    output.append("\n")
  }

  private func appendExpiry(_ end: Int64?, to output: inout Buffer) {
    guard let end else {
      output.append("the server did not say until when\n")
      return
    }
    output.append(end > now ? "until " : "expired ")
    output.append(date: max(0, end))
    if end > now {
      output.append(" (")
      output.append(decimal: end - now)
      output.append(" s)")
    }
    output.append("\n")
  }

  /// Overwrites what is in memory of the grant.
  public mutating func wipe() { record.wipe() }
}
