internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth

/// One code after another with what shows it: what `sign-in` does once and `run` for ever. When
/// something is done is the `Agent`'s to say.
struct SignInSession: ~Copyable {
  var server: AuthorizationServer
  var displays: Displays

  private(set) var authorization = DeviceAuthorization()
  private(set) var code = SignInCode()

  /// When the code was asked for, in milliseconds since boot.
  private(set) var requestedAt: Int64 = 0

  private let log: Log

  /// - Parameter attention: what a wait for a display heeds.
  init(
    _ source: borrowing ConfigurationSource, _ server: consuming AuthorizationServer,
    _ attention: Attention, _ log: Log
  ) throws(Failure) {
    self.init(server, try Displays(source, attention, log), log)
    code.setTitle(self.server.client.preset)
  }

  private init(
    _ server: consuming AuthorizationServer, _ displays: consuming Displays, _ log: Log
  ) {
    self.server = server
    self.displays = displays
    self.log = log
  }

  /// Asks for a code (RFC 8628 §3.1), and says in the log what came.
  mutating func requestCode() throws(Failure) {
    requestedAt = Clock.milliseconds
    try server.requestCode(into: &authorization)
    code.take(authorization)
    announce()
  }

  /// Shows the code with the time that it has left.
  mutating func showCode(secondsLeft: Int64) throws(Failure) {
    code.secondsLeft = secondsLeft
    try displays.show(.code(code))
  }

  /// Asks whether somebody has approved (RFC 8628 §3.4).
  ///
  /// - Throws: where there was no answer: a poll that brought nothing, to the agent.
  mutating func poll(
    _ flow: DeviceFlow, into tokens: inout Tokens
  ) throws(Failure) -> PollAnswer {
    try server.poll(
      authorization.deviceCode.bytes, until: flow.pollDeadline(now: Clock.milliseconds),
      into: &tokens)
  }

  /// Says in the log what the answer to a poll changes.
  func report(_ answer: PollAnswer, before: DeviceFlow, after: DeviceFlow, now: Int64) {
    if after.interval != before.interval {
      log.info("the server asked to slow down: polling every \(after.interval) s from now on")
    }
    switch answer {
    case .pending: log.debug("not approved yet")
    case .transient:
      let cause: StaticString =
        server.isWebPage ? "a web page (captive portal?)" : "no answer to go by"
      log.warning(
        """
        poll failed: \(cause), HTTP status \(server.head.status); next attempt in \
        \(after.secondsToPoll(now: now)) s
        """)
    case .granted, .slowDown, .denied, .expired, .refused, .unusable: break
    }
  }

  /// Says in the log that a poll brought no answer.
  @inline(never)
  func report(_ failure: Failure, after: DeviceFlow, now: Int64) {
    if (after.nextPollAt ?? now) >= after.expiresAt {
      log.warning("poll failed: \(failure)")
    } else {
      log.warning("poll failed: \(failure); next attempt in \(after.secondsToPoll(now: now)) s")
    }
  }

  /// Forgets the code: it is of no use any more.
  mutating func forgetCode() {
    authorization.clear()
    code.userCode.wipe()
    code.verificationURI.removeAll()
    code.verificationURIComplete.wipe()
  }

  private func announce() {
    let interval = authorization.interval
    let life = authorization.expiresIn
    if !authorization.refusedInterval.isEmpty {
      let figure = authorization.refusedInterval.bytes
      log.warning(
        """
        interval = \(figure) from the server cannot be kept: polling every \(interval) s, for a \
        code of \(life) s
        """)
    }
    if !authorization.refusedExpiresIn.isEmpty {
      let figure = authorization.refusedExpiresIn.bytes
      log.warning("expires_in = \(figure) from the server is absurd: the code gets \(life) s")
    }
    if authorization.hasUnusableComplete {
      log.warning("verification_uri_complete from the server is unusable: going on without it")
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
}

extension DeviceFlow {
  /// Until the next poll.
  func secondsToPoll(now: Int64) -> Int64 { wholeSeconds(until: nextPollAt ?? now, now: now) }
}

extension SignInCode {
  /// "Sign in to Webex".
  mutating func setTitle(_ preset: borrowing Preset) {
    if preset.title.utf8CodeUnitCount == 0 { return }
    title.append("Sign in to ")
    title.append(preset.title)
  }

  mutating func take(_ authorization: borrowing DeviceAuthorization) {
    userCode.removeAll()
    userCode.append(authorization.userCode)
    verificationURI.removeAll()
    verificationURI.append(authorization.verificationURI)
    verificationURIComplete.removeAll()
    verificationURIComplete.append(authorization.verificationURIComplete)
    lifetimeSeconds = authorization.expiresIn
  }
}
