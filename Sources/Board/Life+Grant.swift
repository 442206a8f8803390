internal import Agent
internal import Bytes
internal import Configuration
internal import HTTP
internal import OAuth
internal import TokenStore

/// The grant: kept, renewed, lost, and whose it is.
extension Life {
  mutating func granted() throws(Fault) {
    // Nobody needs to see the code any more (RFC 8628 §5.5).
    attendant.standing.forgetCode()
    // Before anything that may fail.
    guard try keep() else { return }
    isTimeFromAnswer = true
    attendant.standing.named(Text(), now: now)
    hold(isRenewal: false)
    if isService { try show(now) } else { leaveStanding() }
    wantsName = true
    wasRefused = false
    account.keeper.reportScope(account.server.client)
    log.info { $0 <- "signed in; the tokens are in " <- account.keeper.path }
    tellOfExpiry()
    Self.tellOfScope(account.keeper, &attendant.hooks)
    attendant.hooks.run(.signedIn)
  }

  private static func tellOfScope(_ keeper: borrowing Keeper<W>, _ hooks: inout Hooks<W>) {
    hooks.fact("SCOPE", keeper.record.tokens.scope.bytes)
  }

  /// Saves the record. New tokens that are on no disk are lost with the next power cut, so this
  /// goes on until it works, or the program ends. The lock is held all the time: whoever renewed
  /// the old record meanwhile would do so with a refresh token that is used up.
  ///
  /// - Returns: whether it is saved.
  /// - Throws: where that is one sign-in's to do, which a person may try again.
  private mutating func keep() throws(Fault) -> Bool {
    let lock = account.keeper.lockToSave(attending: attendant.attending(.refresh))
    defer { lock.release() }
    if isService { return keepUnderLock(isNew: true) }
    try account.keeper.save(for: account.server.client, isNew: true)
    return true
  }

  private mutating func keepUnderLock(isNew: Bool = false) -> Bool {
    var pause: Int64 = 1000
    var offset = clockOffset
    while true {
      account.keeper.record.move(by: clockOffset - offset)
      offset = clockOffset
      do {
        try account.keeper.save(for: account.server.client, isNew: isNew)
        return true
      } catch {
        // Not before one more attempt: much may have changed since the last one.
        if attendant.happenings.ending != nil { return false }
        notSaved(error, pause: pause)
      }
      pause = min(pause * 2, 60_000)
    }
  }

  /// What the wall clock is ahead of the time since boot, in seconds: another where somebody has
  /// set it.
  private var clockOffset: Int64 { world.unixSeconds - now / 1000 }

  private mutating func notSaved(_ fault: Fault, pause: Int64) {
    let words = account.words(fault)
    log.warning {
      $0 <- "the tokens are not saved: " <- words <- "; next attempt in " <- pause / 1000 <- " s"
    }
    let next = now + pause
    attendant.standing.notSaved(fault, words, savesAgainAt: next, now: now)
    leaveStanding()
    // Whatever else is wanted, these tokens come first.
    _ = world.rest(until: next, attending: attendant.attending(.refresh))
  }

  /// Tells the agent and the clients of the record.
  mutating func hold(isRenewal: Bool) {
    var lease = account.keeper.lease()
    lease.isFresh = isTimeFromAnswer
    lease.isKnown = isRenewal && account.keeper.holdsRecord
    if isRenewal {
      attendant.standing.renewed(lease, account.keeper.record.tokens, now: now)
    } else {
      attendant.standing.granted(lease, account.keeper.record.tokens, now: now)
    }
    account.keeper.hold()
    // What waits may be this grant's own by now.
    if isService { revokesAt = now }
    attendant.handOut.publish(account.keeper.record.tokens.accessToken)
    attendant.refreshEnded()
    if let end = attendant.standing.signInEndsOn {
      log.warning { $0 <- "the refresh token ends on " <- Instant(end) }
    }
  }

  private mutating func tellOfExpiry() {
    if let end = account.keeper.record.tokens.expiresAt {
      attendant.hooks.fact("EXPIRES_AT", end)
    }
  }

  // MARK: Renewal

  /// Renews the grant (RFC 6749 §6), as the only process that does.
  mutating func refresh() {
    do {
      let lock = try account.keeper.lock(attending: attendant.attending(.refresh))
      defer { lock.release() }
      try refreshUnderLock()
    } catch {
      if attendant.happenings.ending != nil { return }
      refreshFailed(error, isUncertain: false, retryAfter: nil)
      if error.exitCode == .tokenFile { try? account.keeper.reopen() }
    }
  }

  private mutating func refreshUnderLock() throws(Fault) {
    let held = account.keeper.held
    switch try account.renew(held, attending: attendant.attending(.refresh)) {
    case .refreshed:
      // Where the program is to end: what is on no disk is nobody's to use.
      if keepUnderLock() { renewed() }
    case .refreshedElsewhere:
      log.info { $0 <- "another process has renewed the grant" }
      adopt(isRenewal: true)
    case .gone: lose(Fault(.signedOut))
    case .ended(let fault): lose(fault)
    case .failed(let fault, let isUncertain, let retryAfter):
      if attendant.happenings.ending != nil { return }
      refreshFailed(fault, isUncertain: isUncertain, retryAfter: retryAfter)
    }
  }

  private mutating func renewed() {
    isTimeFromAnswer = true
    // What could not be asked for when the grant was new.
    if attendant.standing.person.isEmpty { wantsName = true }
    hold(isRenewal: true)
    log.info {
      $0 <- "refreshed"
      guard let end = account.keeper.record.tokens.expiresAt else { return }
      $0 <- "; the access token is good until " <- Instant(end)
    }
    tellOfExpiry()
    attendant.hooks.run(.refreshed)
  }

  /// The grant stays, and so does the access token as long as it is good.
  private mutating func refreshFailed(
    _ fault: Fault, isUncertain: Bool, retryAfter: Int64?
  ) {
    let words = account.words(fault)
    // What was sent before stays without an answer, whatever has failed now.
    let isUncertain = isUncertain || account.keeper.sent != nil
    attendant.standing.refreshFailed(
      fault, words, isUncertain: isUncertain,
      unanswered: fault.kind == .unanswered ? account.keeper.lease().unanswered : nil,
      retryAfter: retryAfter, now: now)
    let seconds = wholeSeconds(until: attendant.standing.agent.nextRefreshAt ?? now, now: now)
    log.warning { $0 <- "refresh failed: " <- words <- "; next attempt in " <- seconds <- " s" }
    attendant.refreshEnded()
  }

  // MARK: The end of the grant

  /// The access token has ended, and there is no refresh token.
  mutating func endGrant() {
    do {
      if try takeEnd() { return }
    } catch {
      log.warning { tell(error, to: $0) }
    }
    lose(Fault(.accessEnded))
  }

  /// - Returns: whether another process has put another grant there.
  private mutating func takeEnd() throws(Fault) -> Bool {
    let lock = try account.keeper.lock(attending: attendant.attending(.exchange))
    defer { lock.release() }
    guard try account.keeper.load(), account.keeper.checkOwner(account.server.client) else {
      return false
    }
    if !account.keeper.holdsRecord {
      adopt(isRenewal: false)
      return true
    }
    account.keeper.retire()
    return false
  }

  /// There is no grant any more.
  mutating func lose(_ fault: Fault) {
    let words = account.words(fault)
    account.keeper.withdraw()
    account.keeper.record.wipe()
    account.keeper.letGo()
    if isService { revokesAt = now }
    attendant.standing.lost(now: now)
    attendant.handOut.withdraw()
    attendant.refreshEnded()
    log.warning { $0 <- "the grant is lost: " <- words }
    attendant.hooks.fact("REASON", words.bytes)
    attendant.hooks.fact("FAULT", fault.code.bytes)
    attendant.hooks.run(.lost)
  }

  // MARK: The person

  /// Finds out what the person is called, and with that whether the access token is still taken.
  mutating func findName() {
    wantsName = false
    do {
      try account.discover(attending: attendant.attending(.exchange))
      if try !account.keeper.hasHeld(for: account.server.client) {
        lose(Fault(.otherClient))
        return
      }
      if !account.server.has(.userinfo) { return }
      try account.server.getUserinfo(
        account.keeper.record.tokens, attending: attendant.attending(.exchange))
    } catch {
      wantsName = attendant.endsExchange
      nameFailed(error)
      return
    }
    defer { account.server.wipe() }
    takeProfile()
  }

  private func nameFailed(_ fault: Fault) {
    let words = Phrase {
      $0 <- "no name of the person: "
      tell(fault, to: $0)
    }
    if isService { log.debug { $0 <- words } } else { log.warning { $0 <- words } }
  }

  private mutating func takeProfile() {
    let status = account.server.head.status
    if status == 401, !wasRefused, isService {
      wasRefused = true
      wantsName = true
      log.warning { $0 <- "the userinfo endpoint refuses the access token: refreshing it" }
      attendant.standing.refreshWanted(now: now)
      return
    }
    let name = status == 200 ? account.server.withBody(readName) : Text<256>()
    if status == 200, let person = account.server.withBody(readPerson) {
      account.keeper.savePerson(person)
    }
    if status == 200 { wasRefused = false }
    if status != 200, isService {
      log.debug { $0 <- "no name of the person: HTTP status " <- status }
      return
    }
    attendant.standing.named(name, now: now)
    account.keeper.saveName(name)
    if name.isEmpty {
      log.debug { $0 <- "no name of the person: HTTP status " <- status }
    } else {
      log.info { $0 <- "signed in as " <- name.bytes }
    }
  }
}
