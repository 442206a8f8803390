internal import Agent
internal import Bytes
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import TokenStore

/// `devicegrant run`: the board's life. Returns when a signal ends it.
@inline(never)
func run(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments, _ log: Log
) throws(Failure) {
  let agent = Agent(start: source.local.start, seed: randomSeed())
  background = Memory.place(try Background(source, agent, log))
  defer { background.deinitialize(count: 1) }
  var life = try Life(source, log)
  let ending = try life.live(source, arguments)
  log.info("ended by signal \(ending)")
}

/// Where `Background` lies, for the waits.
nonisolated(unsafe) private var background: UnsafeMutablePointer<Background>!

/// Serves in the midst of an exchange.
private let serveDuringExchange: Patience.Service = {
  background.pointee.serve()
  return background.pointee.endsExchange
}

/// Serves while there is nothing else to do.
private let serveWhileIdle: Patience.Service = {
  background.pointee.serve()
  return !background.pointee.happenings.isEmpty || background.pointee.handOut.wantsRefresh
}

private func randomSeed() -> UInt32 {
  var seed: UInt32 = 0
  withUnsafeMutableBytes(of: &seed) { try? fillWithRandom($0) }
  return seed
}

/// What `run` does, from its start to its end.
private struct Life: ~Copyable {
  /// Whether the screen shows how things stand, up to the seconds that it counts down.
  private var isShown = false
  private var shownSeconds: Int64 = -1

  /// Why there is neither a code nor a grant, for the screen.
  private enum Idleness {
    case starting
    case denied
    case expired
    case failed
  }

  /// How often new input devices are looked for while a person is to press something, in
  /// milliseconds.
  private static let inputPause: Int64 = 2000

  private var session: SignInSession
  private var files: GrantFiles
  private var idleness = Idleness.starting
  /// The cause of the last failure, in words.
  private var cause = Text<256>()
  /// What the person is called; empty where nobody knows.
  private var name = Text<256>()
  /// A line below the name.
  private var note = Text<256>()
  /// Whether the person's name is to be asked for.
  private var wantsName = true
  /// Whether the profile has refused an access token that was new.
  private var wasRefused = false
  /// Whether the grant's time is from an answer in this life, not from the file: then it is right
  /// whatever the wall clock was.
  private var isTimeFromAnswer = false
  /// What is attended to meanwhile.
  private let board: UnsafeMutablePointer<Background>
  private let isOnRequest: Bool
  private let log: Log
  /// What a wait for the server heeds.
  private let exchanging: Attention

  init(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
    let attention = Attention(
      descriptor: background.pointee.descriptor, service: serveDuringExchange)
    let server = try AuthorizationServer(source, attention, log)
    var files = try GrantFiles(creating: source)
    try files.checkWritable()
    self.init(
      try SignInSession(source, server, log), files, attention,
      isOnRequest: source.local.start == .onRequest, log)
  }

  private init(
    _ session: consuming SignInSession, _ files: consuming GrantFiles, _ attention: Attention,
    isOnRequest: Bool, _ log: Log
  ) {
    self.isOnRequest = isOnRequest
    self.session = session
    self.files = files
    board = background
    exchanging = attention
    self.log = log
  }

  /// - Returns: the signal that ended it.
  @inline(never)
  mutating func live(
    _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments
  ) throws(Failure) -> Int32 {
    try board.pointee.open(source)
    board.pointee.watchFiles()
    board.pointee.findInputs()
    try begin()
    _ = try show(Clock.milliseconds)
    board.pointee.ready()
    while true {
      attend(arguments)
      if let signal = board.pointee.happenings.ending {
        session.displays.showLast(.blank)
        board.pointee.hooks.endAll()
        return signal
      }
      try step(Clock.milliseconds)
    }
  }

  /// Takes up the grant that is there.
  private mutating func begin() throws(Failure) {
    let now = Clock.milliseconds
    session.server.takeCachedMetadata(&files)
    guard try files.load(log), files.checkOwner(session.server.client, log) else {
      files.withdraw(log)
      askForSignIn()
      board.pointee.agent.lost(now: now)
      return
    }
    name = files.loadName()
    log.info("there is a grant in \(files.path)")
    adopt(isRenewal: false)
  }

  private mutating func step(_ now: Int64) throws(Failure) {
    if let end = board.pointee.agent.takeCodeEnd(now: now) {
      codeEnded(end, now)
      return
    }
    if board.pointee.handOut.wantsRefresh {
      if board.pointee.agent.hasGrant {
        board.pointee.agent.refreshWanted(now: now)
      } else {
        board.pointee.refreshEnded()
      }
    }
    switch board.pointee.agent.next(now: now) {
    case .wait(let instant): try rest(until: instant, now)
    case .requestCode: try requestCode()
    case .poll: try poll()
    case .refresh: refresh()
    case .endGrant: endGrant()
    }
  }

  // MARK: Waiting

  private mutating func rest(until instant: Int64, _ now: Int64) throws(Failure) {
    if wantsName, board.pointee.agent.hasGrant {
      findName()
      return
    }
    let countdown = try show(now)
    if !board.pointee.happenings.isEmpty { return }
    var deadline = instant
    if isOnRequest, !board.pointee.agent.hasGrant, !board.pointee.agent.showsCode {
      // A keyboard or a touch panel may be found late at boot, or plugged in.
      board.pointee.findInputs()
      deadline = min(deadline, now + Self.inputPause)
    }
    if let countdown, session.displays.showsTime {
      deadline = min(deadline, nextSecond(before: countdown, now: now))
    }
    let attention = Attention(descriptor: exchanging.descriptor, service: serveWhileIdle)
    _ = wait(for: .readable, on: -1, attention.patience(until: deadline))
  }

  /// Shows how things stand, where that is another screen than before.
  ///
  /// - Returns: the instant that the screen counts down to, where it does.
  private mutating func show(_ now: Int64) throws(Failure) -> Int64? {
    let agent = board.pointee.agent
    let end = agent.flow?.expiresAt ?? (agent.hasGrant ? nil : agent.nextCodeAt)
    let seconds = end.map { max(0, ($0 - now + 999) / 1000) } ?? -1
    if isShown, seconds == shownSeconds { return end }
    isShown = true
    shownSeconds = seconds
    if agent.showsCode {
      try session.showCode(secondsLeft: seconds)
    } else if agent.hasGrant {
      try session.displays.show(.approved(name: name, note: note))
    } else if end == nil {
      try session.displays.show(.invitation(title: session.code.title))
    } else {
      switch idleness {
      case .starting: try session.showHost()
      case .denied: try session.displays.show(.denied(secondsToNewCode: seconds))
      case .expired: try session.displays.show(.expired(secondsToNewCode: seconds))
      case .failed: try session.displays.show(.failed(cause, secondsToRetry: seconds))
      }
    }
    return end
  }

  // MARK: What has happened meanwhile

  private mutating func attend(_ arguments: borrowing Arguments) {
    let happenings = board.pointee.happenings
    if happenings.isEmpty { return }
    board.pointee.happenings = Happenings()
    board.pointee.happenings.ending = happenings.ending
    board.pointee.happenings.urgentSince = happenings.urgentSince
    if happenings.ending != nil { return }
    let now = Clock.milliseconds
    if happenings.configurationChanged { restart(arguments) }
    if happenings.clockChanged { clockChanged(now) }
    if happenings.recordChanged { recordChanged() }
    if happenings.codeWanted {
      log.info("a new code is asked for by a signal")
      board.pointee.agent.codeWanted(now: now)
    } else if happenings.pressed, !board.pointee.agent.hasGrant,
      !board.pointee.agent.showsCode
    {
      log.info("a new code is asked for at the board")
      board.pointee.agent.codeWanted(now: now)
    }
    board.pointee.watchFiles()
  }

  /// Takes the new configuration by beginning anew, in the same process. One that is wrong is
  /// refused here, and the old one stays.
  private mutating func restart(_ arguments: borrowing Arguments) {
    do {
      try ConfigurationSource.check(arguments, log)
    } catch {
      log.warning("the configuration stays as it was: \(error)")
      return
    }
    log.info("beginning anew with the configuration as it is now")
    session.displays.showLast(.blank)
    board.pointee.hooks.endAll()
    let error = executeAgain(arguments.vector)
    log.warning("cannot begin anew: \(error)")
    isShown = false
  }

  /// The wall clock counts for what is stored, not for what is going on.
  private mutating func clockChanged(_ now: Int64) {
    log.info("the wall clock has been set to \(date: Clock.unixSeconds)")
    guard board.pointee.agent.hasGrant else {
      // What failed for want of the time may work now.
      if idleness == .failed { board.pointee.agent.codeWanted(now: now) }
      return
    }
    guard isTimeFromAnswer, let end = board.pointee.agent.accessExpiresAt else {
      reckonAnew()
      return
    }
    do {
      let lock = try files.lock(exchanging.patience(for: GrantFiles.lockPatience))
      defer { lock.release() }
      guard try files.load(log), files.checkOwner(session.server.client, log),
        board.pointee.handOut.hands(files.record.tokens.accessToken)
      else { return }
      files.record.tokens.expiresAt = Clock.unixSeconds + (end - now) / 1000
      if let refreshEnd = board.pointee.agent.refreshExpiresAt {
        files.record.tokens.refreshTokenExpiresAt = Clock.unixSeconds + (refreshEnd - now) / 1000
      }
      try files.save(for: session.server.client, log)
    } catch {
      log.warning("the stored expiry is not corrected: \(error)")
    }
  }

  /// Takes the time that the record says the grant has left, by the clock as it is now.
  private mutating func reckonAnew() {
    do {
      if try files.load(log), files.checkOwner(session.server.client, log) {
        adopt(isRenewal: true)
      }
    } catch {
      log.warning("\(error)")
    }
  }

  /// Another process, or this one, has replaced or removed the token file.
  private mutating func recordChanged() {
    let isThere: Bool
    do {
      // One that is damaged may be on its way: somebody copies it there.
      guard let found = try files.loadIfWhole() else { return }
      isThere = found
    } catch {
      log.warning("\(error)")
      return
    }
    if isThere, files.checkOwner(session.server.client, log) {
      if board.pointee.handOut.hands(files.record.tokens.accessToken) { return }
      log.info("another process has renewed the grant")
      adopt(isRenewal: board.pointee.agent.hasGrant)
    } else if board.pointee.agent.hasGrant {
      lose("signed out")
    }
  }

  /// Takes the record as loaded for the grant.
  private mutating func adopt(isRenewal: Bool) {
    isTimeFromAnswer = false
    hold(isRenewal: isRenewal)
    if let end = files.record.tokens.expiresAt, end <= Clock.unixSeconds {
      files.withdraw(log)
    } else {
      files.publish(log)
    }
  }

  /// Has the clients told what a person has to do.
  private func askForSignIn() {
    if isOnRequest {
      board.pointee.handOut.explain(
        .loginRequired, "login required: ask for a code at the board, by a key or a touch")
    } else {
      board.pointee.handOut.explain(.loginRequired, "login required: a code follows")
    }
  }

  // MARK: The code

  private mutating func requestCode() throws(Failure) {
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

  private mutating func codeFailed(_ failure: Failure) {
    let now = Clock.milliseconds
    board.pointee.agent.codeFailed(
      isRefusal: failure.code != .unavailable, retryAfter: session.server.retryAfterSeconds,
      now: now)
    // Somebody may have removed the directory of the tokens, as a factory reset does.
    if failure.code == .tokenFile { try? files.reopen() }
    cause = failure.words
    idleness = .failed
    isShown = false
    let seconds = ((board.pointee.agent.nextCodeAt ?? now) - now + 999) / 1000
    log.warning("no code: \(failure); next attempt in \(seconds) s")
    if !board.pointee.agent.hasGrant {
      board.pointee.handOut.explain(.loginRequired, "login required: no code: \(failure)")
    }
  }

  private func tellOfCode() {
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

  private mutating func poll() throws(Failure) {
    guard let before = board.pointee.agent.flow else { return }
    let answer: PollAnswer
    board.pointee.errand = .poll
    defer { board.pointee.errand = .other }
    do {
      answer = try session.poll(into: &files.record.tokens)
    } catch {
      if board.pointee.endsExchange {
        board.pointee.agent.polled(.pending(retryAfter: nil), now: Clock.milliseconds)
        return
      }
      let now = Clock.milliseconds
      board.pointee.agent.polled(.transient(.unreachable, retryAfter: nil), now: now)
      let seconds = board.pointee.agent.flow?.secondsToPoll(now: now) ?? 0
      log.warning("poll failed: \(error); next attempt in \(seconds) s")
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

  private mutating func codeEnded(_ end: Agent.CodeEnd, _ now: Int64) {
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
      log.info("a new code in \((next - now + 999) / 1000) s")
    }
    if !board.pointee.agent.hasGrant { askForSignIn() }
  }

  // MARK: The grant

  private mutating func granted() throws(Failure) {
    // Nobody needs to see the code any more (RFC 8628 §5.5).
    session.forgetCode()
    try session.displays.show(.approved(name: nil))
    keep()
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
  private mutating func keep() {
    while board.pointee.happenings.ending == nil {
      do {
        let lock = try files.lock(exchanging.patience(for: GrantFiles.lockPatience))
        defer { lock.release() }
        keepUnderLock()
        return
      } catch {
        notSaved(error, pause: 1000)
      }
    }
  }

  private mutating func keepUnderLock() {
    var pause: Int64 = 1000
    while true {
      do {
        try files.save(for: session.server.client, log)
        return
      } catch {
        notSaved(error, pause: pause)
      }
      if board.pointee.happenings.ending != nil { return }
      pause = min(pause * 2, 60_000)
    }
  }

  private mutating func notSaved(_ failure: Failure, pause: Int64) {
    log.warning("the tokens are not saved: \(failure); next attempt in \(pause / 1000) s")
    session.displays.showLast(.failed(failure.words, secondsToRetry: pause / 1000))
    isShown = false
    _ = wait(for: .readable, on: -1, exchanging.patience(for: pause))
    try? files.reopen()
  }

  /// Tells the agent and the clients of the record.
  private mutating func hold(isRenewal: Bool) {
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
  private mutating func warnOfEnd(_ lease: Lease) {
    guard let left = lease.refreshRemaining, left < 7 * 86400,
      let end = files.record.tokens.refreshTokenExpiresAt
    else { return }
    note.append("The sign-in ends on ")
    note.append(date: max(0, end))
    log.warning("the refresh token ends on \(date: end)")
  }

  private func tellOfExpiry() {
    if let end = files.record.tokens.expiresAt {
      board.pointee.hooks.fact("EXPIRES_AT", end)
    }
  }

  /// Renews the grant (RFC 6749 §6), as the only process that does.
  private mutating func refresh() {
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
    // First, since it tells whose grant the record is.
    try session.server.discover(&files)
    guard try files.load(log), files.checkOwner(session.server.client, log) else {
      lose("signed out")
      return
    }
    if !board.pointee.handOut.hands(files.record.tokens.accessToken) {
      log.info("another process has renewed the grant")
      adopt(isRenewal: true)
      return
    }
    let sent = files.record.tokens.refreshToken.bytes.checksum
    let answer: RefreshAnswer
    do {
      answer = try session.server.refresh(&files.record.tokens)
    } catch {
      if board.pointee.happenings.ending != nil { return }
      refreshFailed(error, isUncertain: session.server.wasSent, retryAfter: nil)
      return
    }
    switch answer {
    case .refreshed:
      keepUnderLock()
      renewed()
    case .lost:
      // Somebody who does not know of the lock may have been faster.
      if try files.load(log), files.record.tokens.refreshToken.bytes.checksum != sent {
        adopt(isRenewal: true)
      } else {
        retire()
        lose("the server no longer takes the refresh token: \(session.server.reason)")
      }
    case .refused:
      refreshFailed(
        Failure(.unusableAnswer, "the server refused the refresh: \(session.server.reason)"),
        isUncertain: false, retryAfter: nil)
    case .unusable(let fault):
      let url = session.server.client.url(of: .refresh)!
      refreshFailed(session.server.failure(fault, url), isUncertain: true, retryAfter: nil)
    case .transient(_, let retryAfter):
      refreshFailed(
        session.server.silence(.refresh), isUncertain: session.server.mayHaveRefreshed,
        retryAfter: retryAfter)
    }
  }

  /// The access token has ended, and there is no refresh token.
  private mutating func endGrant() {
    do {
      let lock = try files.lock(exchanging.patience(for: GrantFiles.lockPatience))
      defer { lock.release() }
      if try files.load(log), files.checkOwner(session.server.client, log) {
        if !board.pointee.handOut.hands(files.record.tokens.accessToken) {
          adopt(isRenewal: false)
          return
        }
        retire()
      }
    } catch {
      log.warning("\(error)")
    }
    lose("the access token has ended, and there is no refresh token")
  }

  /// Moves the record out of the way, whose tokens are dead.
  private mutating func retire() {
    do {
      try files.retire(log)
    } catch {
      log.warning("\(error)")
    }
  }

  private mutating func renewed() {
    isTimeFromAnswer = true
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
  private mutating func refreshFailed(
    _ failure: Failure, isUncertain: Bool, retryAfter: Int64?
  ) {
    let now = Clock.milliseconds
    board.pointee.agent.refreshFailed(
      isRefusal: failure.code != .unavailable, isUncertain: isUncertain, retryAfter: retryAfter,
      now: now)
    let seconds = ((board.pointee.agent.nextRefreshAt ?? now) - now + 999) / 1000
    log.warning("refresh failed: \(failure); next attempt in \(seconds) s")
    board.pointee.handOut.explain(.unavailable, "refresh failed: \(failure)")
    board.pointee.refreshEnded()
    note.removeAll()
    note.append("Not renewed: ")
    note.append(failure.words)
    isShown = false
  }

  /// There is no grant any more.
  private mutating func lose(_ reason: Message) {
    var words = Text<2048>()
    Message.keep(in: &words)
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
  private mutating func findName() {
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
