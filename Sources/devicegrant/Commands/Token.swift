internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant token`: an access token on standard output, from `run`'s socket where there is one,
/// else from the file.
@inline(never)
func token(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments, _ log: Log
) throws(Failure) {
  let minimum = try arguments.minimumSeconds()
  if let answer = try askForToken(source, minimum, log) {
    try writeToken(answer.bytes, asHeader: arguments.wantsHeader)
    return
  }
  var files = try GrantFiles(opening: source)
  guard try files.load(log), files.isOurs(source, log) else { throw notSignedIn(files.path) }
  if !isGood(files.record.tokens, for: minimum) {
    let signals = try openSignals()
    let attention = Attention(descriptor: signals.rawValue, service: nil)
    var server = try AuthorizationServer(source, attention, log)
    try renew(&files, &server, attention, log)
    if !isGood(files.record.tokens, for: minimum) {
      warnOfLife(minimum, log)
    }
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
  Failure(
    .denied,
    """
    not signed in: there is no grant for this configuration in \(path); devicegrant sign-in gets one
    """)
}

/// Whether the access token is good for that many seconds more. Where the server did not say how
/// long, only its refusal tells.
func isGood(_ tokens: borrowing Tokens, for seconds: Int64) -> Bool {
  guard let end = tokens.expiresAt else { return true }
  let left = end - Clock.unixSeconds
  return left > 0 && left >= seconds
}

/// Says that an access token is shorter-lived than it was asked to be.
func warnOfLife(_ seconds: Int64, _ log: Log) {
  log.warning(
    "the server's access tokens do not live for \(seconds) s; this is the newest there is")
}

/// Renews the record that is loaded, as the only process that does. Where another has done so since
/// it was loaded, there is nothing better to be had.
@inline(never)
func renew(
  _ files: inout GrantFiles, _ server: inout AuthorizationServer, _ attention: Attention,
  _ log: Log
) throws(Failure) {
  let held = files.record.tokens.accessToken.bytes.checksum
  let lock = try files.lock(attention.patience(for: GrantFiles.lockPatience))
  defer { lock.release() }
  switch try files.renew(held: held, with: &server, log) {
  case .refreshed:
    try keep(&files, server.client, attention, log)
    log.info("refreshed")
  case .refreshedElsewhere: return
  case .gone: throw notSignedIn(files.path)
  case .ended(let failure): throw Failure(failure.code, "\(failure); sign in again")
  case .failed(let failure, _, _): throw failure
  }
}

/// Saves new tokens, with some patience: the old ones may be dead by now.
private func keep(
  _ files: inout GrantFiles, _ client: borrowing ClientConfiguration, _ attention: Attention,
  _ log: Log
) throws(Failure) {
  for _ in 0..<5 {
    do {
      try files.save(for: client, log)
      return
    } catch {
      log.warning("the tokens are not saved: \(error); next attempt in 1 s")
    }
    if wait(for: .readable, on: -1, attention.patience(for: 1000)) == .interrupted { break }
  }
  try files.save(for: client, log)
}
