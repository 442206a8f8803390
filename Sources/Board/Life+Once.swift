internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import JSON
internal import Linux
internal import OAuth
internal import TLS
internal import TokenStore

/// A life of one code, as `sign-in` lives it: it ends with the code, whatever comes of it.
extension Life {
  /// Signs in once.
  @inline(never)
  public mutating func signIn() -> Ending {
    do {
      try takeCode()
      leaveStanding()
      greet()
      return .signedIn
    } catch {
      return endOnce(error)
    }
  }

  private mutating func takeCode() throws(Fault) {
    try checkScreens()
    try account.keeper.setDamagedAside()
    attendant.standing.lost(now: now)
    try show(now)
    try account.discover(attending: attendant.attending(.exchange))
    try askForCode()
    attendant.standing.codeIssued(requestedAt: requestedAt, now: now)
    announce()
    while !attendant.standing.agent.hasGrant {
      try stepOnce()
      if attendant.happenings.ending != nil { throw Fault(.interrupted) }
    }
  }

  private mutating func stepOnce() throws(Fault) {
    let now = now
    switch attendant.standing.next(now: now) {
    case .wait(let instant): try rest(until: instant, now)
    case .poll:
      switch poll() {
      case .open: break
      case .granted: try grantedOnce()
      case .refused(let fault): throw fault
      }
    case .codeEnded(.denied): throw Fault(.denied)
    case .codeEnded: throw Fault(.expired)
    case .requestCode, .refresh, .endGrant: break
    }
  }

  private mutating func grantedOnce() throws(Fault) {
    attendant.standing.forgetCode()
    let lock = account.keeper.lockToSave(attending: attendant.attending(.exchange))
    defer { lock.release() }
    try account.keeper.save(for: account.server.client)
    account.keeper.reportScope(account.server.client)
    log.info { $0 <- "signed in; the tokens are in " <- account.keeper.path }
    isTimeFromAnswer = true
    hold(isRenewal: false)
  }

  /// Finds out what the person is called, where the provider tells, and greets them.
  private mutating func greet() {
    if !account.server.has(.userinfo) { return }
    do {
      try account.server.getUserinfo(
        account.keeper.record.tokens, attending: attendant.attending(.exchange))
    } catch {
      log.warning {
        $0 <- "no name of the person: "
        tell(error, to: $0)
      }
      return
    }
    defer { account.server.wipe() }
    takeName()
    if !attendant.standing.person.isEmpty { leaveStanding() }
  }

  private mutating func endOnce(_ fault: Fault) -> Ending {
    account.keeper.record.wipe()
    if let signal = attendant.happenings.ending {
      leave(.blank)
      return .signal(signal)
    }
    let words = words(fault)
    attendant.standing.end(fault, words, now: now)
    if fault.kind != .display { leaveStanding() }
    log.error { $0 <- words }
    return .fault(fault)
  }
}
