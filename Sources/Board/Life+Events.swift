internal import Agent
internal import Display
internal import OAuth
internal import TokenStore

/// What others did meanwhile: signals, keys, clocks, other processes.
extension Life {
  /// Sees to what has happened.
  ///
  /// - Returns: whether another life is to begin.
  /// - Throws: where no display is left.
  @inline(never)
  mutating func attend() throws(Fault) -> Bool {
    if attendant.happenings.isEmpty || attendant.happenings.ending != nil { return false }
    // The rest is left for this life where no other one can begin.
    if attendant.takeConfigurationChange(), isOver() { return true }
    // Some of it takes time: who asks meanwhile is told what is to be seen.
    try show(now)
    let happenings = attendant.takeHappenings()
    if happenings.clockChanged { clockChanged() }
    if happenings.networkChanged || happenings.clockChanged {
      attendant.standing.surroundingsChanged(now: now)
    }
    if happenings.signOutWanted { try signOut() }
    if happenings.recordChanged { recordChanged() }
    if happenings.displayChanged { screens.deviceChanged(now: now) }
    if happenings.codeWanted {
      log.info { $0 <- "a new code is asked for by a signal" }
      attendant.standing.codeWanted(now: now)
    } else if happenings.pressed, !attendant.standing.agent.hasGoodToken(now: now),
      !attendant.standing.agent.showsCode
    {
      log.info { $0 <- "a new code is asked for at the board" }
      attendant.standing.codeWanted(isInstead: true, now: now)
    }
    attendant.sources.watchRecord()
    return false
  }

  /// Ends for a life with the configuration as it is now. One that is wrong is refused by the
  /// world, and the old one stays.
  private mutating func isOver() -> Bool {
    if !world.acceptsConfiguration() { return false }
    log.info { $0 <- "beginning anew with the configuration as it is now" }
    leave(.blank)
    attendant.hooks.endAll()
    return true
  }

  /// The wall clock counts for what is stored, not for what is going on.
  private mutating func clockChanged() {
    log.info { $0 <- "the wall clock has been set to " <- Instant(world.unixSeconds) }
    guard attendant.standing.agent.hasGrant else {
      // What failed for want of the time may work now.
      if attendant.standing.failedWithoutGrant { attendant.standing.codeWanted(now: now) }
      return
    }
    guard isTimeFromAnswer, let end = attendant.standing.agent.accessExpiresAt else {
      reckonAnew()
      return
    }
    do {
      try correctExpiry(end)
    } catch {
      log.warning {
        $0 <- "the stored expiry is not corrected: "
        tell(error, to: $0)
      }
    }
  }

  /// Stores when the tokens end by the clock as it is now.
  private mutating func correctExpiry(_ end: Int64) throws(Fault) {
    let lock = try account.keeper.lock(attending: attendant.attending(.exchange))
    defer { lock.release() }
    guard try account.keeper.load(), account.keeper.checkOwner(account.server.client),
      account.keeper.holdsRecord
    else { return }
    account.keeper.record.tokens.expiresAt = world.unixSeconds + (end - now) / 1000
    if let refreshEnd = attendant.standing.agent.refreshExpiresAt {
      account.keeper.record.tokens.refreshTokenExpiresAt =
        world.unixSeconds + (refreshEnd - now) / 1000
    }
    try account.keeper.save(for: account.server.client)
  }

  /// Takes the time that the record says the grant has left, by the clock as it is now.
  private mutating func reckonAnew() {
    do {
      if try account.keeper.load(), account.keeper.checkOwner(account.server.client) {
        adoptFound(isRenewal: true)
      }
    } catch {
      log.warning { tell(error, to: $0) }
    }
  }

  /// Another process, or this one, has replaced or removed the token file.
  mutating func recordChanged() {
    let isThere: Bool
    do {
      guard let found = try account.keeper.loadNews() else { return }
      isThere = found
      revokesAt = min(revokesAt, now + Self.othersTime)
    } catch {
      log.warning { tell(error, to: $0) }
      return
    }
    if isThere, account.keeper.checkOwner(account.server.client) {
      if account.keeper.holdsRecord { return }
      log.info { $0 <- "another process has renewed the grant" }
      adoptFound(isRenewal: attendant.standing.agent.hasGrant)
    } else if attendant.standing.agent.hasGrant {
      lose(Fault(.signedOut))
    }
  }

  /// Takes the record for the grant that was loaded without the lock.
  mutating func adoptFound(isRenewal: Bool) {
    account.keeper.awaitAnswer(attending: attendant.attending(.exchange))
    adopt(isRenewal: isRenewal)
  }

  /// Takes the record as loaded for the grant.
  mutating func adopt(isRenewal: Bool) {
    isTimeFromAnswer = false
    hold(isRenewal: isRenewal)
    account.keeper.publish()
  }
}
