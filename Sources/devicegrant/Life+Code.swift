internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// The code: asked for, shown, polled for, ended.
extension Life {
  mutating func requestCode() throws(Failure) {
    if idleness == .starting, !board.pointee.agent.hasGrant { try session.showHost() }
    board.pointee.findInputs()
    do {
      try files.checkWritable()
      try session.server.discover(&files)
      try session.requestCode()
    } catch {
      if board.pointee.endsExchange {
        board.pointee.agent.codeFailed(isRefusal: false, now: Clock.milliseconds)
      } else {
        codeFailed(error)
      }
      return
    }
    board.pointee.agent.codeIssued(
      expiresIn: session.authorization.expiresIn, interval: session.authorization.interval,
      requestedAt: session.requestedAt, now: Clock.milliseconds)
    isShown = false
    tellOfCode()
  }

  mutating func codeFailed(_ failure: Failure) {
    let now = Clock.milliseconds
    board.pointee.agent.codeFailed(
      isRefusal: failure.code != .unavailable, retryAfter: session.server.retryAfterSeconds,
      now: now)
    // Somebody may have removed the directory of the tokens, as a factory reset does.
    if failure.code == .tokenFile { try? files.reopen() }
    cause = failure.words
    idleness = .failed
    isShown = false
    let seconds = wholeSeconds(until: board.pointee.agent.nextCodeAt ?? now, now: now)
    log.warning("no code: \(failure); next attempt in \(seconds) s")
    if !board.pointee.agent.hasGrant {
      board.pointee.handOut.explain(.loginRequired, "login required: no code: \(failure)")
    }
  }

  func tellOfCode() {
    let code = session.authorization.userCode.bytes
    let uri = session.authorization.verificationURI.bytes
    if !board.pointee.agent.hasGrant {
      board.pointee.handOut.explain(
        .loginRequired, "login required: code \(code) at \(uri)")
    }
    board.pointee.hooks.fact("USER_CODE", code)
    board.pointee.hooks.fact("VERIFICATION_URI", uri)
    board.pointee.hooks.fact(
      "VERIFICATION_URI_COMPLETE", session.authorization.verificationURIComplete.bytes)
    board.pointee.hooks.fact("EXPIRES_IN", session.authorization.expiresIn)
    board.pointee.hooks.run(.code)
  }

  mutating func poll() throws(Failure) {
    guard let before = board.pointee.agent.flow else { return }
    let answer: PollAnswer
    board.pointee.errand = .poll
    defer { board.pointee.errand = .other }
    do {
      answer = try session.poll(before, into: &files.record.tokens)
    } catch {
      if board.pointee.endsExchange {
        board.pointee.agent.polled(.pending(retryAfter: nil), now: Clock.milliseconds)
        return
      }
      let now = Clock.milliseconds
      board.pointee.agent.polled(.transient(.unreachable, retryAfter: nil), now: now)
      if let after = board.pointee.agent.flow { session.report(error, after: after, now: now) }
      return
    }
    let now = Clock.milliseconds
    board.pointee.agent.polled(answer, now: now)
    if let after = board.pointee.agent.flow {
      session.report(answer, before: before, after: after, now: now)
    }
    switch answer {
    case .granted: try granted()
    case .refused, .unusable: cause = session.server.failure(answer).words
    case .pending, .slowDown, .denied, .expired, .transient: return
    }
  }

  mutating func codeEnded(_ end: Agent.CodeEnd, _ now: Int64) {
    session.forgetCode()
    isShown = false
    switch end {
    case .denied:
      idleness = .denied
      log.warning("the sign-in was denied by the user")
    case .expired:
      idleness = .expired
      log.warning("the code expired before anybody approved")
    case .refused:
      idleness = .failed
      log.warning("\(verbatim: cause)")
    }
    if let next = board.pointee.agent.nextCodeAt {
      log.info("a new code in \(wholeSeconds(until: next, now: now)) s")
    }
    if !board.pointee.agent.hasGrant { askForSignIn() }
  }
}
