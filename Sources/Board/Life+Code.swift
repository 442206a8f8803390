internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import OAuth
internal import TokenStore

/// The code: asked for, shown, polled for, ended.
extension Life {
  @inline(never)
  mutating func requestCode() throws(Fault) {
    let requestedAt: Int64
    do {
      if isService {
        attendant.sources.findInputs()
        try account.keeper.checkWritable()
      }
      try account.discover(attending: attendant.attending(.exchange))
      requestedAt = try askForCode()
    } catch {
      if attendant.endsExchange {
        attendant.standing.codePutOff(now: now)
      } else {
        try codeFailed(error)
      }
      return
    }
    attendant.standing.codeIssued(requestedAt: requestedAt, now: now)
    announce()
    tellOfCode()
  }

  /// Asks for a code (RFC 8628 §3.1).
  ///
  /// - Returns: when the request was made, in milliseconds since boot.
  private mutating func askForCode() throws(Fault) -> Int64 {
    var authorization = DeviceAuthorization()
    let requestedAt = try account.follow(
      .deviceAuthorization, attending: attendant.attending(.exchange)
    ) { (account, attending) throws(Fault) in
      let start = account.world.milliseconds
      try account.server.requestCode(into: &authorization, attending: attending)
      return start
    }
    attendant.standing.take(authorization)
    return requestedAt
  }

  @inline(never)
  private mutating func codeFailed(_ fault: Fault) throws(Fault) {
    if !isService { throw fault }
    let words = account.words(fault)
    attendant.standing.codeFailed(
      fault, words, retryAfter: account.server.retryAfterSeconds, now: now)
    let seconds = wholeSeconds(until: attendant.standing.agent.nextCodeAt ?? now, now: now)
    log.warning { $0 <- "no code: " <- words <- "; next attempt in " <- seconds <- " s" }
  }

  private mutating func tellOfCode() {
    Self.tellOfCode(attendant.standing, &attendant.hooks)
    attendant.hooks.run(.code)
  }

  private static func tellOfCode(_ standing: borrowing Standing, _ hooks: inout Hooks<W>) {
    hooks.fact("USER_CODE", standing.authorization.userCode.bytes)
    hooks.fact("VERIFICATION_URI", standing.authorization.verificationURI.bytes)
    hooks.fact(
      "VERIFICATION_URI_COMPLETE", standing.authorization.verificationURIComplete.bytes)
    hooks.fact("EXPIRES_IN", standing.authorization.expiresIn)
  }

  /// What a poll has brought.
  enum Verdict {
    /// Nothing yet, or an end that the agent tells of.
    case open
    /// Tokens, which are in the record and on no disk.
    case granted
    /// The end of the code: no further poll can succeed.
    case refused(Fault)
  }

  /// Asks whether somebody has approved (RFC 8628 §3.4).
  @inline(never)
  mutating func poll() -> Verdict {
    guard let before = attendant.standing.agent.flow else { return .open }
    let answer: PollAnswer
    do {
      // That takes two exchanges at most, and the code is not to be seen after its end.
      if before.expiresAt - now > 2 * Exchange<W>.timeLimit {
        _ = try account.hasMoved(.token, attending: attendant.attending(.poll))
      }
      let code = attendant.standing.authorization.deviceCode
      answer = try account.server.poll(
        code.bytes, until: before.pollDeadline(now: now), into: &account.keeper.record.tokens,
        attending: attendant.attending(.poll))
    } catch {
      // Tokens may be in what can't be read: they won't come again.
      if error.kind == .http, HTTPError(rawValue: UInt8(error.detail))!.losesContent {
        attendant.standing.polled(.refused, now: now)
        return .refused(error)
      }
      pollFailed(error)
      return .open
    }
    let now = now
    attendant.standing.polled(answer, now: now)
    if let after = attendant.standing.agent.flow {
      report(answer, before: before, after: after, now: now)
    }
    switch answer {
    case .granted: return .granted
    case .refused, .unusable: return .refused(account.server.fault(answer))
    case .pending, .slowDown, .denied, .expired, .transient: return .open
    }
  }

  mutating func pollRefused(_ fault: Fault) throws(Fault) {
    if !isService { throw fault }
    let words = account.words(fault)
    attendant.standing.pollRefused(fault, words)
    log.warning { $0 <- words }
  }

  /// A poll that brought no answer.
  private mutating func pollFailed(_ fault: Fault) {
    let now = now
    if attendant.endsExchange {
      attendant.standing.polled(.pending(retryAfter: nil), now: now)
      return
    }
    attendant.standing.polled(.transient(.unreachable, retryAfter: nil), now: now)
    guard let after = attendant.standing.agent.flow else { return }
    let isLast = (after.nextPollAt ?? now) >= after.expiresAt
    log.warning {
      $0 <- "poll failed: "
      tell(fault, to: $0)
      if !isLast { $0 <- "; next attempt in " <- after.secondsToPoll(now: now) <- " s" }
    }
  }

  /// Says in the log what the answer to a poll changes.
  private func report(
    _ answer: PollAnswer, before: DeviceFlow, after: DeviceFlow, now: Int64
  ) {
    if after.interval != before.interval {
      log.info {
        $0 <- "the server asked to slow down: polling every " <- after.interval
        $0 <- " s from now on"
      }
    }
    switch answer {
    case .pending: log.debug { $0 <- "not approved yet" }
    case .transient:
      log.warning {
        $0 <- "poll failed: "
        tell(account.server.silence(.token), to: $0)
        $0 <- "; next attempt in " <- after.secondsToPoll(now: now) <- " s"
      }
    case .granted, .slowDown, .denied, .expired, .refused, .unusable: break
    }
  }

  mutating func codeEnded(_ end: Agent.CodeEnd) throws(Fault) {
    if !isService { throw Fault(end == .denied ? .denied : .expired) }
    switch end {
    case .denied: log.warning { $0 <- "the sign-in was denied by the user" }
    case .expired: log.warning { $0 <- "the code expired before anybody approved" }
    // Its words are in the log.
    case .refused: break
    }
    if let next = attendant.standing.agent.nextCodeAt {
      let seconds = wholeSeconds(until: next, now: now)
      log.info { $0 <- "a new code in " <- seconds <- " s" }
    }
  }

  /// Says in the log what code there is.
  private func announce() { announce(attendant.standing) }

  private func announce(_ standing: borrowing Standing) {
    let life = standing.authorization.expiresIn
    if !standing.authorization.refusedInterval.isEmpty {
      log.warning {
        $0 <- "interval = " <- standing.authorization.refusedInterval.bytes
        $0 <- " from the server cannot be kept: polling every " <- standing.authorization.interval
        $0 <- " s, for a code of " <- life <- " s"
      }
    }
    if !standing.authorization.refusedExpiresIn.isEmpty {
      log.warning {
        $0 <- "expires_in = " <- standing.authorization.refusedExpiresIn.bytes
        $0 <- " from the server is absurd: the code gets " <- life <- " s"
      }
    }
    if standing.authorization.hasUnusableComplete {
      log.warning {
        $0 <- "verification_uri_complete from the server is unusable: going on without it"
      }
    }
    log.info {
      $0 <- "sign in with user_code=" <- standing.authorization.userCode.bytes
      $0 <- " verification_uri=" <- standing.authorization.verificationURI.bytes
      $0 <- " expires_in=" <- life
      if standing.authorization.verificationURIComplete.isEmpty { return }
      $0 <- " verification_uri_complete=" <- standing.authorization.verificationURIComplete.bytes
    }
  }
}

extension DeviceFlow {
  /// Until the next poll.
  func secondsToPoll(now: Int64) -> Int64 { wholeSeconds(until: nextPollAt ?? now, now: now) }
}
