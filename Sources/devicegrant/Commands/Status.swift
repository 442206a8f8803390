internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import JSON
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant status`: what the token file says. No network but the
/// socket of `run`, and never a token.
@inline(never)
func status(_ source: borrowing ConfigurationSource, asJSON: Bool) throws(Failure) {
  let path = try source.tokenFile()
  var record = TokenRecord(tokens: Memory.tokens())
  let contents = try load(path, into: &record)
  let now = Clock.unixSeconds
  // Where there is none, it is empty, and so nobody else's.
  let isOurs = record.belongs(to: source)
  let isSignedIn = contents == .record && isOurs && isUsable(record.tokens, at: now)
  var output = Memory.tokenFile()
  if asJSON {
    writeJSON(record, isSignedIn, source, now, to: &output)
  } else {
    writeText(record, isSignedIn, source, now, to: &output)
  }
  try write(output.bytes)
  record.wipe()
  switch contents {
  case .damaged: throw Failure(.denied, "\(path) is damaged; sign in again")
  case .nothing: throw Failure(.denied, "not signed in: there is no \(path)")
  case .record where !isOurs:
    throw Failure(.denied, "not signed in: the grant in \(path) is another client's")
  case .record:
    if !isSignedIn { throw Failure(.denied, "not signed in: the grant in \(path) has expired") }
  }
}

private func load(
  _ path: borrowing Path, into record: inout TokenRecord
) throws(Failure) -> TokenStore<Directory>.Contents {
  do {
    guard let store = try TokenStore<Directory>.opening(copy path) else { return .nothing }
    var scratch = Memory.tokenFile()
    return try store.load(&record, scratch: &scratch)
  } catch {
    throw tokenFileFailure(error, path)
  }
}

/// Whether the access token is good at `now`, or can be renewed.
private func isUsable(_ tokens: borrowing Tokens, at now: Int64) -> Bool {
  if !tokens.refreshToken.isEmpty {
    guard let end = tokens.refreshTokenExpiresAt else { return true }
    if now < end { return true }
  }
  guard let end = tokens.expiresAt else { return true }
  return now < end
}

/// The configured issuer, else where the tokens came from.
private func writeIssuer<Sink: ByteSink & ~Copyable>(
  _ record: borrowing TokenRecord, _ source: borrowing ConfigurationSource, to sink: inout Sink
) {
  if let issuer = source.value(of: .issuer) {
    sink.append(issuer.bytes)
  } else if let url = try? URL(record.tokenEndpoint.bytes) {
    sink.append("https://")
    sink.append(url.authority)
  }
}

private func writeJSON(
  _ record: borrowing TokenRecord, _ isSignedIn: Bool, _ source: borrowing ConfigurationSource,
  _ now: Int64, to output: inout Buffer
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
    var issuer = Text<512>()
    writeIssuer(record, source, to: &issuer)
    object.member("issuer", issuer.bytes, to: &output)
    object.member("client_id", record.clientID.bytes, to: &output)
  }
  if let agent = askForStatus(source) { object.member("agent", agent.bytes, to: &output) }
  object.end(&output)
}

private func writeText(
  _ record: borrowing TokenRecord, _ isSignedIn: Bool, _ source: borrowing ConfigurationSource,
  _ now: Int64, to output: inout Buffer
) {
  output.append(isSignedIn ? "signed in\n" : "not signed in\n")
  if let agent = askForStatus(source) {
    output.append("agent: ")
    output.append(escaped: agent.bytes)
    output.append("\n")
  }
  if record.isEmpty { return }
  output.append("issuer: ")
  var issuer = Text<512>()
  writeIssuer(record, source, to: &issuer)
  output.append(escaped: issuer.bytes)
  output.append("\nclient_id: ")
  output.append(escaped: record.clientID.bytes)
  output.append("\nscope: ")
  output.append(escaped: record.tokens.scope.bytes)
  output.append("\naccess token: ")
  writeExpiry(record.tokens.expiresAt, now, to: &output)
  output.append("refresh token: ")
  if record.tokens.refreshToken.isEmpty {
    output.append("none\n")
  } else {
    writeExpiry(record.tokens.refreshTokenExpiresAt, now, to: &output)
  }
}

private func writeExpiry(_ end: Int64?, _ now: Int64, to output: inout Buffer) {
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
