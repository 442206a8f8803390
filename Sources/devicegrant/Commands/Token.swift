internal import Agent
internal import Bytes
internal import DeviceGrant
internal import Linux
internal import TokenStore

/// `devicegrant token`: an access token on standard output, from `run`'s socket where there is one,
/// else from the file.
func token(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments, _ log: Log
) throws(Failure) {
  let minimum = try arguments.minimumSeconds()
  if let answer = try askSocket(source, minimum) {
    try writeToken(answer.bytes, asHeader: arguments.wantsHeader)
    return
  }
  var files = try GrantFiles(opening: source)
  if try !files.load(log) { throw notSignedIn(files.path) }
  if !isGood(files.record.tokens, for: minimum) {
    let signals = try openSignals()
    let attention = Attention(descriptor: signals.rawValue, service: nil)
    var server = try AuthorizationServer(source, attention, log)
    try renew(&files, &server, attention, log)
  }
  try writeToken(files.record.tokens.accessToken.bytes, asHeader: arguments.wantsHeader)
  files.record.wipe()
}

/// Writes the token and a newline, or a header line for curl's `-H @-`.
private func writeToken(
  _ token: borrowing Span<UInt8>, asHeader: Bool
) throws(Failure) {
  var line = Memory.answer()
  if asHeader { line.append("Authorization: Bearer ") }
  line.append(token)
  line.append("\n")
  defer { line.wipe() }
  try write(line.bytes)
}

func notSignedIn(_ path: borrowing Path) -> Failure {
  Failure(.denied, "not signed in: there is no grant in \(path); devicegrant sign-in gets one")
}

/// Whether the access token is good for that many seconds more. Where the server did not say how
/// long, only its refusal tells.
func isGood(_ tokens: borrowing Tokens, for seconds: Int64) -> Bool {
  guard let end = tokens.expiresAt else { return true }
  return end - Clock.unixSeconds > seconds
}

/// Renews the record that is loaded, as the only process that does. Where another has done so since
/// it was loaded, there is nothing better to be had.
func renew(
  _ files: inout GrantFiles, _ server: inout AuthorizationServer, _ attention: Attention,
  _ log: Log
) throws(Failure) {
  let seen = files.record.tokens.accessToken.bytes.checksum
  let lock = try files.lock(attention.patience(for: GrantFiles.lockPatience))
  defer { lock.release() }
  if try !files.load(log) { throw notSignedIn(files.path) }
  if files.record.tokens.accessToken.bytes.checksum != seen, isGood(files.record.tokens, for: 0) {
    return
  }
  if files.record.tokens.refreshToken.isEmpty {
    throw Failure(
      .denied, "the access token has ended, and there is no refresh token; sign in again")
  }
  try server.discover(files)
  switch try server.refresh(&files.record.tokens) {
  case .refreshed:
    try files.save(for: server.client, log)
    log.info("refreshed")
  case .lost:
    throw Failure(
      .denied, "the server no longer takes the refresh token: \(server.reason); sign in again")
  case .refused:
    throw Failure(.unusableAnswer, "the server refused the refresh: \(server.reason)")
  case .unusable(let fault):
    throw server.failure(fault, server.client.url(of: .refresh)!)
  case .transient: throw server.silence(.refresh)
  }
}

// MARK: The socket

/// The time to wait for the socket's answer, in milliseconds: longer than `run` takes to refresh.
private let socketPatience: Int64 = 40_000

/// Asks `run` for the token; nil where it does not listen, or not to us.
private func askSocket(
  _ source: borrowing ConfigurationSource, _ minimum: Int64
) throws(Failure) -> PermanentBytes? {
  guard let socket = source.local.socket, let path = Path(socket.bytes) else { return nil }
  let patience = Patience(deadline: Clock.milliseconds + socketPatience)
  guard let connection = connect(to: path, patience) else { return nil }
  var request: Text<64> = "token \(minimum)\n"
  defer { request.removeAll() }
  var answer = Memory.published()
  do {
    try connection.writeAll(request.bytes)
    try receiveLine(from: connection, into: &answer, patience)
  } catch {
    throw Failure(.unavailable, "socket \(path): no answer from devicegrant run: \(error)")
  }
  return try readAnswer(answer, path)
}

private func connect(to path: borrowing Path, _ patience: Patience) -> FileDescriptor? {
  do {
    return try FileDescriptor(connectingToLocal: copy path, patience)
  } catch {
    return nil
  }
}

private func receiveLine(
  from connection: borrowing FileDescriptor, into answer: inout Buffer, _ patience: Patience
) throws(Errno) {
  while true {
    switch wait(for: .readable, on: connection.rawValue, patience) {
    case .timedOut: throw .timedOut
    case .interrupted: throw .interrupted
    case .ready: if try connection.read(into: &answer) == 0 { return }
    }
  }
}

/// Reads `ok EXPIRES_AT TOKEN` or `error REASON HINT`.
private func readAnswer(
  _ answer: borrowing Buffer, _ path: borrowing Path
) throws(Failure) -> PermanentBytes {
  let whole = Memory.permanent(answer)
  guard let end = whole.bytes.firstIndex(of: 0x0A) else {
    throw Failure(.unavailable, "socket \(path): half an answer of devicegrant run")
  }
  let line = whole.extracting(0..<end)
  if line.bytes.hasPrefix("ok ") {
    let rest = line.extracting(3..<line.count)
    if let space = rest.bytes.firstIndex(of: 0x20) {
      return rest.extracting(space + 1..<rest.count)
    }
  }
  let error: StaticString = "error "
  guard line.bytes.hasPrefix(error) else {
    throw Failure(.unavailable, "socket \(path): not an answer of devicegrant run")
  }
  let words = line.extracting(error.utf8CodeUnitCount..<line.count)
  let space = words.bytes.firstIndex(of: 0x20) ?? words.count
  let hint = words.extracting(min(space + 1, words.count)..<words.count)
  let isLoginRequired = words.extracting(0..<space).bytes.equals(Refusal.loginRequired.name)
  throw Failure(isLoginRequired ? .denied : .unavailable, "\(hint.bytes)")
}
