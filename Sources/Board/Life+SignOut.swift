internal import Agent
internal import TokenStore

/// Signing out, and what is left to do after it.
extension Life {
  /// The first pause after an attempt to revoke that failed, in milliseconds, which doubles each
  /// time, and the longest one.
  static var firstRevocationPause: Int64 { 2000 }
  private static var revocationPauseLimit: Int64 { 3_600_000 }
  /// How long what another process has signed out of is left to that process, in milliseconds.
  static var othersTime: Int64 { 60_000 }

  /// Revokes what waits for that, or sees when to try again.
  mutating func revokeWaiting() {
    do {
      try account.revokeWaiting(attending: attendant.attending(.exchange))
      revokesAt = .max
      revocationPause = Self.firstRevocationPause
    } catch {
      revocationFailed(error)
    }
  }

  private mutating func revocationFailed(_ fault: Fault) {
    if !account.keeper.hasWaiting {
      revokesAt = .max
      return
    }
    if isService { revokesAt = now + revocationPause }
    let seconds = revocationPause / 1000
    // What is more urgent is no failure.
    if attendant.endsExchange { return }
    revocationPause = min(revocationPause * 2, Self.revocationPauseLimit)
    log.warning {
      account.tellOfFailure(fault, to: $0)
      if isService { $0 <- "; next attempt in " <- seconds <- " s" }
    }
  }

  /// Signs out for a client of the socket.
  mutating func signOut() throws(Fault) {
    if !attendant.handOut.wantsSignOut {
      attendant.signOutEnded(account.words(Fault(.interrupted)))
      return
    }
    do {
      try account.keeper.signOut(isLocal: false, attending: attendant.attending(.exchange))
    } catch {
      attendant.signOutEnded(words(error))
      // Some of it may be done.
      recordChanged()
      return
    }
    if attendant.standing.agent.hasGrant { lose(Fault(.signedOut)) }
    try show(now)
    do {
      try account.revokeWaiting(attending: attendant.attending(.exchange))
      attendant.signOutEnded(Phrase())
    } catch {
      revocationFailed(error)
      attendant.signOutEnded(
        Phrase {
          account.tellOfFailure(error, to: $0)
          $0 <- "; "
          account.keeper.tellOfWaiting(to: $0)
        })
    }
  }
}
