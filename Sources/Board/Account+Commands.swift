internal import Agent
public import Bytes
internal import Configuration
internal import HTTP
public import Linux
internal import OAuth
internal import TokenStore

// What the commands do that live no life: `token`, `whoami` and `sign-out`. Each is one process
// among others that may hold the lock; each works where `run` does not listen.

extension Account {
  /// Has the record hold an access token that is good for so many seconds more, renewed where it is
  /// not. A record must have been loaded.
  public mutating func provide(_ minimum: Int64, attending: Attending) throws(Fault) {
    if keeper.isGood(for: minimum) { return }
    try renewLoaded(attending: attending)
    if !keeper.isGood(for: minimum) { warnOfLife(minimum, log) }
  }

  /// Loads the grant for this client.
  ///
  /// - Throws: `.notSignedIn` where there is none.
  public mutating func load() throws(Fault) {
    if try !keeper.load() || !keeper.checkOwner(server.client) { throw Fault(.notSignedIn) }
  }

  /// Gets what the userinfo endpoint tells of the person, with an access token that is renewed once
  /// where it is refused. It is lent by `withProfile`.
  public mutating func fetchProfile(attending: Attending) throws(Fault) {
    try discover(attending: attending)
    try load()
    if !keeper.isGood(for: 0) { try renewLoaded(attending: attending) }
    do {
      try getProfile(attending: attending)
    } catch {
      guard error.kind == .accessRefused else { throw error }
      log.info { $0 <- "the access token is refused: refreshing it" }
      try renewLoaded(attending: attending)
      try getProfile(attending: attending)
    }
  }

  private mutating func getProfile(attending: Attending) throws(Fault) {
    try follow(.userinfo, attending: attending) { (account, attending) throws(Fault) in
      try account.server.getUserinfo(account.keeper.record.tokens, attending: attending)
      try account.checkStatus()
    }
  }

  /// Lends the profile that was fetched.
  public borrowing func withProfile<Result>(
    _ body: (borrowing Span<UInt8>) -> Result
  ) -> Result { server.withBody(body) }

  /// Where it came from.
  public var userinfoEndpoint: PermanentBytes { server.client.text(of: .userinfo) }

  /// Lends the access token of the record.
  public func withAccessToken<Result, Failure: Error>(
    _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result { try keeper.withAccessToken(body) }

  /// Overwrites what is in memory of the grant.
  public mutating func wipe() {
    keeper.record.wipe()
    server.wipe()
  }

  private func checkStatus() throws(Fault) {
    let status = server.head.status
    switch status {
    case 200: return
    case 401: throw Fault(.accessRefused, .userinfo, status: status)
    case 403: throw Fault(.scopeMissing, .userinfo, status: status)
    default: throw Fault(isUnavailable(status) ? .unavailable : .status, .userinfo, status: status)
    }
  }

  /// How long a command goes on after answers that are lost, in milliseconds.
  private static var patience: Int64 { 32_000 }

  /// Renews the record that is loaded. What is not answered is sent again by the rule that `run`
  /// follows, as far as that is soon, also where the access token has been refused: a gateway may
  /// have said that.
  private mutating func renewLoaded(attending: Attending) throws(Fault) {
    var agent = Agent(
      start: .automatic, lostAnswer: server.client.lostAnswer, seed: world.seed)
    keeper.awaitAnswer(attending: attending)
    agent.granted(keeper.lease(), now: world.milliseconds)
    agent.refreshWanted(now: world.milliseconds)
    let end = world.milliseconds + Self.patience
    var failure =
      keeper.record.tokens.refreshToken.isEmpty
      ? Fault(.noRefreshToken) : Fault(.unanswered, .refresh)
    while let next = agent.nextRefreshAt, next <= end {
      if world.rest(until: next, attending: attending) == .interrupted { throw Fault(.interrupted) }
      guard let fault = try renewOnce(attending: attending) else { return }
      failure = fault
      if server.client.lostAnswer == .wait { break }
      agent.refreshFailed(isRefusal: false, isUncertain: true, now: world.milliseconds)
    }
    throw failure
  }

  /// Renews the record that is loaded, as the only process that does. Where another has done so
  /// since it was loaded, there is nothing better to be had.
  ///
  /// - Returns: the fault where there was no answer; nil where the record is renewed.
  @inline(never)
  private mutating func renewOnce(attending: Attending) throws(Fault) -> Fault? {
    let held = keeper.record.generation
    let lock = try keeper.lock(attending: attending)
    defer { lock.release() }
    switch try renew(held, attending: attending) {
    case .refreshed:
      try save(attending: attending)
      log.info { $0 <- "refreshed" }
      return nil
    case .refreshedElsewhere: return nil
    case .gone: throw Fault(.notSignedIn)
    case .failed(let fault, isUncertain: true, _) where fault.isTransient: return fault
    case .ended(let fault), .failed(let fault, _, _): throw fault
    }
  }

  /// Saves new tokens, with some patience: the old ones may be dead by now.
  private mutating func save(attending: Attending) throws(Fault) {
    for _ in 0..<5 {
      do {
        try keeper.save(for: server.client)
        return
      } catch {
        log.warning {
          $0 <- "the tokens are not saved: "
          tell(error, to: $0)
          $0 <- "; next attempt in 1 s"
        }
      }
      if world.rest(until: world.milliseconds + 1000, attending: attending) == .interrupted {
        break
      }
    }
    try keeper.save(for: server.client)
  }
}

/// Says that an access token is shorter-lived than it was asked to be.
public func warnOfLife<W: World>(_ seconds: Int64, _ log: Log<W>) {
  log.warning {
    $0 <- "the server's access tokens do not live for " <- seconds
    $0 <- " s; this is the newest there is"
  }
}
