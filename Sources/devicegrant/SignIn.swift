internal import Agent
internal import Bytes
internal import DeviceGrant
internal import Display
internal import HTTP
internal import JSON
internal import Linux
internal import TLS
internal import TokenStore

/// `devicegrant sign-in`: one code, from the request to the tokens on disk.
func signIn(_ source: ConfigurationSource, _ log: inout Log) throws(Failure) {
  let client = try source.client()
  let signals = try openSignals()
  let tokenFile = try source.tokenFile()
  // Before anything else is asked of anybody: a code whose tokens can't be kept is a trap.
  let store = try openStore(tokenFile, log)
  let trustAnchors = try findTrustAnchors(client, source)
  var displays = try Displays(source, log)
  var attempt = try SignInAttempt(
    client: client, trustAnchors: trustAnchors, interrupt: signals.rawValue, log: log)
  do {
    let authorization = try attempt.requestCode(&displays)
    try attempt.awaitApproval(authorization, &displays)
    try save(attempt.tokens, client, store, tokenFile, log)
    attempt.tokens.wipe()
    try displays.show(.approved(name: nil))
  } catch {
    attempt.tokens.wipe()
    if let signal = signals.next() {
      displays.showLast(.blank)
      log.info("ended by signal \(signal)")
      SignalQueue.die(of: signal)
    }
    displays.showLast(screen(for: error))
    throw error
  }
}

private func openSignals() throws(Failure) -> SignalQueue {
  do {
    return try SignalQueue()
  } catch {
    throw Failure(.defect, "cannot take over signals: \(error)")
  }
}

/// Opens the token store, moves a damaged file aside, and makes sure that it can be written.
private func openStore(_ path: Path, _ log: Log) throws(Failure) -> TokenStore<Directory> {
  do {
    let store = try TokenStore<Directory>(creating: path)
    try store.checkWritable()
    var record = TokenRecord(tokens: Memory.tokens())
    var scratch = Memory.tokenFile()
    if try store.load(&record, scratch: &scratch) == .damaged {
      try store.setDamagedAside()
      log.warning("token file \(path) was damaged; it is kept as \(path).damaged")
    }
    record.wipe()
    return store
  } catch {
    throw tokenFileFailure(error, path)
  }
}

/// The bundles of the distributions: Debian and its kin, Fedora and its kin, BSD and Buildroot.
private let systemBundles: InlineArray<3, StaticString> = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
]

/// The PEM file with the trust anchors: the configured one, which must be good, or the system's.
private func findTrustAnchors(
  _ client: ClientConfiguration, _ source: ConfigurationSource
) throws(Failure) -> Path {
  if let file = client.caFile {
    guard let path = Path(file.bytes) else { throw source.failure(.caFile, "is no path") }
    do {
      if try TLSSession.holdsTrustAnchors(path) { return path }
    } catch {
      throw Failure(.configuration, "ca_file: cannot read \(path): \(error)")
    }
    throw Failure(.configuration, "ca_file: there is no PEM certificate in \(path)")
  }
  for index in systemBundles.indices {
    let path = Path(systemBundles[index])
    if (try? FileDescriptor(opening: path, .readOnly)) != nil { return path }
  }
  throw Failure(
    .configuration, "ca_file is not set, and the system has no trust anchors; set it")
}

private func save(
  _ tokens: borrowing Tokens, _ client: ClientConfiguration,
  _ store: borrowing TokenStore<Directory>, _ path: Path, _ log: Log
) throws(Failure) {
  var scratch = Memory.tokenFile()
  do {
    try store.save(
      tokens, tokenEndpoint: client.text(of: .token).bytes, clientID: client.clientID.bytes,
      scratch: &scratch)
  } catch {
    throw tokenFileFailure(error, path)
  }
  if !tokens.scope.isEmpty, !tokens.scope.bytes.equals(client.scope.bytes) {
    log.info("granted scope: \(tokens.scope.bytes); asked for: \(client.scope.bytes)")
  }
  log.info("signed in; the tokens are in \(path)")
}

private func screen(for failure: Failure) -> Screen {
  switch failure.code {
  case .denied: .denied(secondsToNewCode: nil)
  case .expired: .expired(secondsToNewCode: nil)
  default: .failed(failureWords())
  }
}

private func failureWords() -> Text<256> {
  var words = Text<256>()
  Failure.withMessage { words.append($0) }
  return words
}

/// One code's life, with the requests that it takes.
struct SignInAttempt: ~Copyable {
  var tokens = Memory.tokens()

  private let client: ClientConfiguration
  private let interrupt: Int32
  private let log: Log
  private var exchange: Exchange
  /// When the code was asked for, in milliseconds since boot.
  private var requestedAt: Int64 = 0

  init(
    client: ClientConfiguration, trustAnchors: Path, interrupt: Int32, log: Log
  ) throws(Failure) {
    self.client = client
    self.interrupt = interrupt
    self.log = log
    do {
      exchange = try Exchange(trustAnchors: trustAnchors, interrupt: interrupt, log: log)
    } catch {
      throw Failure(.defect, "\(ExchangeError.tls(error))")
    }
  }

  /// Asks for a code (RFC 8628 §3.1).
  mutating func requestCode(
    _ displays: inout Displays
  ) throws(Failure) -> DeviceAuthorization {
    let url = client.url(of: .deviceAuthorization)!
    try displays.show(.starting(Text("Connecting to \(escaped: url.host)")))
    requestedAt = Clock.milliseconds
    let head = try send(.deviceAuthorization, to: url)
    defer { exchange.wipe() }
    do {
      return try readDeviceAuthorization(status: head.status, body: exchange.body.bytes)
    } catch {
      throw failure(error, head, url)
    }
  }

  /// Shows the code and polls until the flow has ended (RFC 8628 §3.3 to §3.5). Where this returns,
  /// the tokens are there.
  mutating func awaitApproval(
    _ authorization: DeviceAuthorization, _ displays: inout Displays
  ) throws(Failure) {
    announce(authorization)
    var flow = DeviceFlow(
      expiresIn: authorization.expiresIn, interval: authorization.interval,
      requestedAt: requestedAt, now: Clock.milliseconds)
    var code = signInCode(authorization)
    while true {
      let now = Clock.milliseconds
      switch flow.next(now: now) {
      case .wait(let instant):
        code.secondsLeft = max(0, (flow.expiresAt - now + 999) / 1000)
        try displays.show(.code(code))
        try pause(until: instant, flow.expiresAt, showsTime: displays.showsTime)
      case .poll:
        try poll(authorization.deviceCode, &flow)
      case .ended(let outcome):
        try conclude(outcome)
        return
      }
    }
  }

  /// Waits for the next poll; where the time left is on a screen, no longer than that second.
  private func pause(until instant: Int64, _ end: Int64, showsTime: Bool) throws(Failure) {
    let now = Clock.milliseconds
    let untilNextSecond = (end - now - 1) % 1000 + 1
    let deadline = showsTime ? min(instant, now + max(1, untilNextSecond)) : instant
    let patience = Patience(deadline: deadline, interrupt: interrupt)
    if wait(for: .readable, on: -1, patience) == .interrupted { throw interruption }
  }

  private mutating func poll(
    _ deviceCode: Text<2048>, _ flow: inout DeviceFlow
  ) throws(Failure) {
    let url = client.url(of: .token)!
    let head: ResponseHead
    do {
      head = try exchange.post(.deviceToken(deviceCode: deviceCode), to: url, as: client)
    } catch {
      if error.isInterruption { throw interruption }
      flow.receive(.transient(.unreachable, retryAfter: nil), now: Clock.milliseconds)
      log.warning("poll failed: \(error); next attempt in \(secondsToPoll(flow)) s")
      return
    }
    defer { exchange.wipe() }
    let answer = Self.read(head, exchange.body, into: &tokens)
    let interval = flow.interval
    flow.receive(answer, now: Clock.milliseconds)
    if flow.interval != interval {
      log.info("the server asked to slow down: polling every \(flow.interval) s from now on")
    }
    switch answer {
    case .refused(let error):
      throw Failure(.unusableAnswer, "\(url) refused the poll: \(error)")
    case .unusable(let reason): throw Self.failure(reason, url)
    case .pending: log.debug("not approved yet")
    case .transient: logTransient(head, flow)
    case .granted, .slowDown, .denied, .expired: break
    }
  }

  private static func read(
    _ head: ResponseHead, _ body: borrowing Buffer, into tokens: inout Tokens
  ) -> PollAnswer {
    let unixSeconds = Clock.unixSeconds
    return readPollAnswer(
      status: head.status, body: body.bytes,
      retryAfter: head.retryAfterSeconds(unixSeconds: unixSeconds), unixSeconds: unixSeconds,
      into: &tokens)
  }

  private func logTransient(_ head: ResponseHead, _ flow: borrowing DeviceFlow) {
    let cause: StaticString =
      head.isHTML ? "a web page (captive portal?)" : "no answer to go by"
    let seconds = secondsToPoll(flow)
    log.warning(
      "poll failed: \(cause), HTTP status \(head.status); next attempt in \(seconds) s")
  }

  private func secondsToPoll(_ flow: borrowing DeviceFlow) -> Int64 {
    let now = Clock.milliseconds
    return ((flow.nextPollAt ?? now) - now + 999) / 1000
  }

  private func conclude(_ outcome: DeviceFlow.Outcome) throws(Failure) {
    switch outcome {
    case .granted: return
    case .denied: throw Failure(.denied, "the sign-in was denied by the user")
    case .expired:
      throw Failure(.expired, "the code expired before anybody approved; start again for a new one")
    case .refused: throw Failure(.unusableAnswer, "the server refused the poll")
    }
  }

  private func announce(_ authorization: DeviceAuthorization) {
    let interval = authorization.interval
    if let figure = authorization.refusedInterval {
      log.warning("interval = \(figure) s from the server is absurd: polling every \(interval) s")
    }
    let life = authorization.expiresIn
    if let figure = authorization.refusedExpiresIn {
      log.warning("expires_in = \(figure) s from the server is absurd: the code gets \(life) s")
    }
    let code = authorization.userCode.bytes
    let uri = authorization.verificationURI.bytes
    let complete = authorization.verificationURIComplete.bytes
    if complete.count == 0 {
      log.info("sign in with user_code=\(code) verification_uri=\(uri) expires_in=\(life)")
    } else {
      log.info(
        """
        sign in with user_code=\(code) verification_uri=\(uri) expires_in=\(life) \
        verification_uri_complete=\(complete)
        """)
    }
  }

  private func signInCode(_ authorization: DeviceAuthorization) -> SignInCode {
    var code = SignInCode()
    code.userCode.append(authorization.userCode)
    code.verificationURI.append(authorization.verificationURI)
    code.verificationURIComplete.append(authorization.verificationURIComplete)
    if client.preset.title.utf8CodeUnitCount > 0 {
      code.title.append("Sign in to ")
      code.title.append(client.preset.title)
    }
    code.lifetimeSeconds = authorization.expiresIn
    return code
  }

  private mutating func send(
    _ body: RequestBody, to url: URL
  ) throws(Failure) -> ResponseHead {
    do {
      return try exchange.post(body, to: url, as: client)
    } catch {
      if error.isInterruption { throw interruption }
      throw Self.failure(error, url)
    }
  }

  private var interruption: Failure { Failure(.unavailable, "interrupted by a signal") }

  private static func failure(_ error: ExchangeError, _ url: URL) -> Failure {
    switch error {
    case .tls(let fault):
      let now = Clock.unixSeconds
      if fault.concernsTime, now < releaseUnixSeconds {
        return Failure(
          .unavailable, "clock not set (it says \(date: now)): \(url.authority): \(fault)")
      }
      return Failure(.unavailable, "\(url.authority): \(error)")
    case .http(.incomplete):
      return Failure(.unavailable, "\(url.authority): \(error)")
    case .http:
      return Failure(.unusableAnswer, "\(url.authority): \(error)")
    }
  }

  private static func failure(_ reason: UnusableTokens, _ url: URL) -> Failure {
    switch reason {
    case .tokenType(let type):
      Failure(.unusableAnswer, "\(url): token_type '\(type.bytes)' is not bearer")
    case .tooLong(let name):
      Failure(.unusableAnswer, "\(url): the \(name) is larger than 16 KiB")
    }
  }

  private func failure(
    _ error: DeviceAuthorizationError, _ head: ResponseHead, _ url: URL
  ) -> Failure {
    switch error {
    case .refused(let reason):
      return Failure(.unusableAnswer, "\(url) refused the request for a code: \(reason)")
    case .unavailable(let status):
      return Failure(.unavailable, "HTTP failed: \(url) is unavailable, HTTP status \(status)")
    case .notJSON(let reason, let status):
      if head.isHTML { return webPage(url, status) }
      return Failure(
        .unusableAnswer, "\(url) answered with \(reason.description), HTTP status \(status)")
    case .unexpectedStatus(let status):
      if head.isHTML { return webPage(url, status) }
      return Failure(.unusableAnswer, "\(url) answered with HTTP status \(status) and no reason")
    case .missing(let name):
      return Failure(.unusableAnswer, "\(url): the answer has no usable \(name)")
    case .tooLong(let name):
      return Failure(.unusableAnswer, "\(url): the answer's \(name) is too long")
    }
  }

  private func webPage(_ url: URL, _ status: Int) -> Failure {
    Failure(
      .unusableAnswer,
      "\(url) answered with a web page, HTTP status \(status): a captive portal, or a wrong URL?")
  }
}
