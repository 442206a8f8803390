internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// The grant: kept, renewed, lost, and whose it is.
extension Life {
  mutating func granted() throws(Failure) {
    // Nobody needs to see the code any more (RFC 8628 §5.5).
    session.forgetCode()
    // Before anything that may fail.
    guard keep() else { return }
    try session.displays.show(.approved(name: nil))
    isTimeFromAnswer = true
    hold(isRenewal: false)
    name.removeAll()
    wantsName = true
    wasRefused = false
    files.reportScope(session.server.client, log)
    log.info("signed in; the tokens are in \(files.path)")
    tellOfExpiry()
    board.pointee.hooks.fact("SCOPE", files.record.tokens.scope.bytes)
    board.pointee.hooks.run(.signedIn)
  }

  /// Saves the record. New tokens that are on no disk are lost with the next power cut, so this
  /// goes on until it works, or the program ends. The lock is held all the time: whoever renewed
  /// the old record meanwhile would do so with a refresh token that is used up.
  ///
  /// - Returns: whether it is saved.
  mutating func keep() -> Bool {
    let lock = files.lockToSave(exchanging.patience(for: GrantFiles.lockPatience), log)
    defer { lock.release() }
    return keepUnderLock()
  }

  @discardableResult
  mutating func keepUnderLock() -> Bool {
    var pause: Int64 = 1000
    while true {
      do {
        try files.save(for: session.server.client, log)
        return true
      } catch {
        notSaved(error, pause: pause)
      }
      if board.pointee.happenings.ending != nil { return false }
      pause = min(pause * 2, 60_000)
    }
  }

  mutating func notSaved(_ failure: Failure, pause: Int64) {
    log.warning("the tokens are not saved: \(failure); next attempt in \(pause / 1000) s")
    session.displays.showLast(.failed(failure.words, secondsToRetry: pause / 1000))
    isShown = false
    _ = wait(for: .readable, on: -1, exchanging.patience(for: pause))
    try? files.reopen()
  }

  /// Tells the agent and the clients of the record.
  mutating func hold(isRenewal: Bool) {
    let now = Clock.milliseconds
    var lease = Lease(
      files.record.tokens, unixSeconds: Clock.unixSeconds,
      isClockSet: Clock.unixSeconds >= releaseUnixSeconds)
    lease.isFresh = isTimeFromAnswer
    if isRenewal {
      board.pointee.agent.renewed(lease, now: now)
    } else {
      board.pointee.agent.granted(lease, now: now)
    }
    board.pointee.handOut.publish(
      files.record.tokens.accessToken, expiresAt: board.pointee.agent.accessExpiresAt)
    board.pointee.handOut.explain(.unavailable, "")
    board.pointee.refreshEnded()
    note.removeAll()
    idleness = .starting
    isShown = false
    warnOfEnd(lease)
  }

  /// A refresh token that ends soon, and does not live longer for being used, ends the grant.
  mutating func warnOfEnd(_ lease: Lease) {
    guard let left = lease.refreshRemaining, left < 7 * 86400,
      let end = files.record.tokens.refreshTokenExpiresAt
    else { return }
    note.append("The sign-in ends on ")
    note.append(date: max(0, end))
    log.warning("the refresh token ends on \(date: end)")
  }

  func tellOfExpiry() {
    if let end = files.record.tokens.expiresAt {
      board.pointee.hooks.fact("EXPIRES_AT", end)
    }
  }

  /// Renews the grant (RFC 6749 §6), as the only process that does.
  mutating func refresh() {
    board.pointee.errand = .refresh
    defer { board.pointee.errand = .other }
    do {
      let lock = try files.lock(exchanging.patience(for: GrantFiles.lockPatience))
      defer { lock.release() }
      try refreshUnderLock()
    } catch {
      if board.pointee.happenings.ending != nil { return }
      refreshFailed(error, isUncertain: false, retryAfter: nil)
      if error.code == .tokenFile { try? files.reopen() }
    }
  }

  private mutating func refreshUnderLock() throws(Failure) {
    let held = board.pointee.handOut.checksum
    switch try files.renew(held: held, with: &session.server, log) {
    case .refreshed:
      keepUnderLock()
      renewed()
    case .refreshedElsewhere:
      log.info("another process has renewed the grant")
      adopt(isRenewal: true)
    case .gone: lose("signed out")
    case .ended(let failure): lose("\(failure)")
    case .failed(let failure, let isUncertain, let retryAfter):
      if board.pointee.happenings.ending != nil { return }
      refreshFailed(failure, isUncertain: isUncertain, retryAfter: retryAfter)
    }
  }

  /// The access token has ended, and there is no refresh token.
  mutating func endGrant() {
    do {
      let lock = try files.lock(exchanging.patience(for: GrantFiles.lockPatience))
      defer { lock.release() }
      if try files.load(log), files.checkOwner(session.server.client, log) {
        if !board.pointee.handOut.hands(files.record.tokens.accessToken) {
          adopt(isRenewal: false)
          return
        }
        files.retire(log)
      }
    } catch {
      log.warning("\(error)")
    }
    lose("the access token has ended, and there is no refresh token")
  }

  mutating func renewed() {
    isTimeFromAnswer = true
    // What could not be asked for when the grant was new.
    if name.isEmpty { wantsName = true }
    hold(isRenewal: true)
    if let end = files.record.tokens.expiresAt {
      log.info("refreshed; the access token is good until \(date: end)")
    } else {
      log.info("refreshed")
    }
    tellOfExpiry()
    board.pointee.hooks.run(.refreshed)
  }

  /// The grant stays, and so does the access token as long as it is good.
  mutating func refreshFailed(
    _ failure: Failure, isUncertain: Bool, retryAfter: Int64?
  ) {
    let now = Clock.milliseconds
    board.pointee.agent.refreshFailed(
      isRefusal: failure.code != .unavailable, isUncertain: isUncertain, retryAfter: retryAfter,
      now: now)
    let seconds = wholeSeconds(until: board.pointee.agent.nextRefreshAt ?? now, now: now)
    log.warning("refresh failed: \(failure); next attempt in \(seconds) s")
    board.pointee.handOut.explain(.unavailable, "refresh failed: \(failure)")
    board.pointee.refreshEnded()
    note.removeAll()
    note.append("Not renewed: ")
    note.append(failure.words)
    isShown = false
  }

  /// There is no grant any more.
  mutating func lose(_ reason: Message) {
    var words = Text<2048>()
    Message.take(into: &words)
    files.withdraw(log)
    files.record.wipe()
    board.pointee.agent.lost(now: Clock.milliseconds)
    board.pointee.handOut.withdraw()
    askForSignIn()
    board.pointee.refreshEnded()
    name.removeAll()
    note.removeAll()
    idleness = .starting
    isShown = false
    log.warning("the grant is lost: \(verbatim: words)")
    board.pointee.hooks.fact("REASON", words.bytes)
    board.pointee.hooks.run(.lost)
  }

  /// Finds out what the person is called, and with that whether the access token is still taken.
  mutating func findName() {
    wantsName = false
    do {
      try session.server.discover(&files)
      guard try files.load(log), files.checkOwner(session.server.client, log) else {
        lose("it is another's")
        return
      }
      if session.server.client.text(of: .userinfo).count == 0 { return }
      try session.server.getUserinfo(files.record.tokens)
    } catch {
      wantsName = board.pointee.endsExchange
      log.debug("no name of the person: \(error)")
      return
    }
    defer { session.server.wipe() }
    let status = session.server.head.status
    if status == 401, !wasRefused {
      wasRefused = true
      wantsName = true
      log.warning("the userinfo endpoint refuses the access token: refreshing it")
      board.pointee.agent.refreshWanted(now: Clock.milliseconds)
      return
    }
    if status != 200 {
      log.debug("no name of the person: HTTP status \(status)")
      return
    }
    wasRefused = false
    name = session.server.withBody(readName)
    isShown = false
    files.saveName(name)
    if !name.isEmpty { log.info("signed in as \(name.bytes)") }
  }
}
