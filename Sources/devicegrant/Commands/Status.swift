internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux

/// `devicegrant status`: what the token file says, and how things stand at `run`. No network but
/// the socket of `run`, and never a token.
@inline(never)
func status(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, asJSON: Bool,
  _ log: KernelLog
) throws(StartError) -> ExitCode {
  let place = try source.place()
  var status = GrantStatus(Memory.keeper(), unixSeconds: Clock.unixSeconds)
  do {
    try status.load(place.tokenFile, log)
  } catch {
    return report(error, place, log)
  }
  if let client = try? source.client(&memory, nil) { status.compare(with: client) }
  var output = Memory.output()
  let issuer = source.value(of: .issuer)
  var words = Memory.socketWords()
  let agent = askForStanding(source, asJSON: false, &words)
  var state = Memory.socketAnswer()
  let standing = askForStanding(source, asJSON: true, &state)
  if asJSON {
    status.appendJSON(issuer: issuer, agent: agent, state: standing, to: &output)
  } else {
    status.appendText(issuer: issuer, agent: agent, state: standing, to: &output)
  }
  try write(output.bytes)
  let verdict = status.verdict
  status.wipe()
  return report(verdict, place.tokenFile, log)
}

private func report(
  _ verdict: GrantStatus.Verdict, _ path: Path, _ log: KernelLog
) -> ExitCode {
  switch verdict {
  case .signedIn: return .done
  case .damaged: log.error { $0 <- path <- " is damaged; sign in again" }
  case .nothing: log.error { $0 <- "not signed in: there is no " <- path }
  case .anotherClient:
    log.error { $0 <- "not signed in: the grant in " <- path <- " is another client's" }
  case .expired: log.error { $0 <- "not signed in: the grant in " <- path <- " has expired" }
  }
  return .denied
}
