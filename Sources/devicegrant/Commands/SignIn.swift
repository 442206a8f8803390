internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant sign-in`: one code, from the request to the tokens on disk.
@inline(never)
func signIn(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
  let signals = try openSignals()
  let attention = Attention(descriptor: signals.rawValue, service: nil)
  let server = try AuthorizationServer(source, attention, log)
  var files = try GrantFiles(creating: source)
  // Before anybody is asked for anything: a code whose tokens can't be kept is a trap.
  try files.checkWritable()
  try files.setDamagedAside(log)
  var session = try SignInSession(source, server, attention, log)
  do {
    try session.showHost()
    try signIn(&session, &files, attention, log)
    session.displays.showLast(.approved(name: nil))
    session.greet(&files, log)
  } catch {
    files.record.wipe()
    if let signal = signals.next() {
      session.displays.showLast(.blank)
      log.info("ended by signal \(signal)")
      SignalQueue.die(of: signal)
    }
    session.displays.showLast(screen(for: error))
    throw error
  }
}

func openSignals() throws(Failure) -> SignalQueue {
  do {
    return try SignalQueue()
  } catch {
    throw Failure(.defect, "cannot take over signals: \(error)")
  }
}

/// Asks for a code and waits until it is approved and the tokens are saved.
private func signIn(
  _ session: inout SignInSession, _ files: inout GrantFiles, _ attention: Attention, _ log: Log
) throws(Failure) {
  try session.server.discover(&files)
  try session.requestCode()
  var flow = DeviceFlow(
    expiresIn: session.authorization.expiresIn, interval: session.authorization.interval,
    requestedAt: session.requestedAt, now: Clock.milliseconds)
  while true {
    let now = Clock.milliseconds
    switch flow.next(now: now) {
    case .wait(let instant):
      try session.showCode(secondsLeft: max(0, wholeSeconds(until: flow.expiresAt, now: now)))
      let deadline = session.displays.showsTime
        ? min(instant, nextSecond(before: flow.expiresAt, now: now)) : instant
      if wait(for: .readable, on: -1, attention.patience(until: deadline)) == .interrupted {
        throw interruption()
      }
    case .poll: try poll(&flow, &session, &files, attention, log)
    case .ended(.granted):
      try save(&session, &files, attention, log)
      return
    case .ended(.denied): throw Failure(.denied, "the sign-in was denied by the user")
    case .ended(.expired), .ended(.refused):
      throw Failure(
        .expired, "the code expired before anybody approved; start again for a new one")
    }
  }
}

private func poll(
  _ flow: inout DeviceFlow, _ session: inout SignInSession, _ files: inout GrantFiles,
  _ attention: Attention, _ log: Log
) throws(Failure) {
  let answer: PollAnswer
  do {
    answer = try session.poll(flow, into: &files.record.tokens)
  } catch {
    if attention.isDue { throw error }
    let now = Clock.milliseconds
    flow.receive(.transient(.unreachable, retryAfter: nil), now: now)
    session.report(error, after: flow, now: now)
    return
  }
  let before = flow
  let now = Clock.milliseconds
  flow.receive(answer, now: now)
  session.report(answer, before: before, after: flow, now: now)
  switch answer {
  case .refused, .unusable: throw session.server.failure(answer)
  default: return
  }
}

private func save(
  _ session: inout SignInSession, _ files: inout GrantFiles, _ attention: Attention, _ log: Log
) throws(Failure) {
  let lock = files.lockToSave(attention.patience(for: GrantFiles.lockPatience), log)
  defer { lock.release() }
  try files.save(for: session.server.client, log)
  files.reportScope(session.server.client, log)
  log.info("signed in; the tokens are in \(files.path)")
}

/// The seconds until an instant in milliseconds, the last of them counted whole.
func wholeSeconds(until instant: Int64, now: Int64) -> Int64 { (instant - now + 999) / 1000 }

/// The instant, in milliseconds, at which the seconds that are left until `end` change next.
func nextSecond(before end: Int64, now: Int64) -> Int64 {
  now + max(1, (end - now - 1) % 1000 + 1)
}

func interruption() -> Failure { Failure(.unavailable, "interrupted by a signal") }

private func screen(for failure: Failure) -> Screen {
  switch failure.code {
  case .denied: .denied(secondsToNewCode: nil)
  case .expired: .expired(secondsToNewCode: nil)
  default: .failed(failure.words)
  }
}

extension SignInSession {
  /// Says whom it connects to.
  mutating func showHost() throws(Failure) {
    let url = server.client.url(of: .deviceAuthorization) ?? server.client.url(of: .token)
    if let url { try displays.show(.starting(Text("Connecting to \(escaped: url.host)"))) }
  }

  /// Finds out what the person is called, where the provider tells, and greets them.
  mutating func greet(_ files: inout GrantFiles, _ log: Log) {
    if server.client.text(of: .userinfo).count == 0 { return }
    do {
      try server.getUserinfo(files.record.tokens)
    } catch {
      log.warning("no name of the person: \(error)")
      return
    }
    let name = server.head.status == 200 ? server.withBody(readName) : Text<256>()
    server.wipe()
    files.saveName(name)
    if name.isEmpty {
      log.debug("no name of the person: HTTP status \(server.head.status)")
      return
    }
    log.info("signed in as \(name.bytes)")
    displays.showLast(.approved(name: name))
  }
}
