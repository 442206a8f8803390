internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// What `run` does, from its start to its end.
struct Life: ~Copyable {
  /// Whether the screen shows how things stand, up to the seconds that it counts down.
  var isShown = false
  var shownSeconds: Int64 = -1

  /// Why there is neither a code nor a grant, for the screen.
  enum Idleness {
    case starting
    case denied
    case expired
    case failed
  }

  /// How often new input devices are looked for while a person is to press something, in
  /// milliseconds.
  private static let inputPause: Int64 = 2000

  var session: SignInSession
  var files: GrantFiles
  var idleness = Idleness.starting
  /// The cause of the last failure, in words.
  var cause = Text<256>()
  /// What the person is called; empty where nobody knows.
  var name = Text<256>()
  /// A line below the name.
  var note = Text<256>()
  /// Whether the person's name is to be asked for.
  var wantsName = true
  /// Whether the profile has refused an access token that was new.
  var wasRefused = false
  /// Whether the grant's time is from an answer in this life, not from the file: then it is right
  /// whatever the wall clock was.
  var isTimeFromAnswer = false
  /// What is attended to meanwhile.
  let board: UnsafeMutablePointer<Background>
  let isOnRequest: Bool
  let log: Log
  /// What a wait for the server heeds.
  let exchanging: Attention

  init(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
    let attention = Attention(
      descriptor: background.pointee.descriptor, service: serveDuringExchange)
    let server = try AuthorizationServer(source, attention, log)
    var files = try GrantFiles(creating: source)
    try files.checkWritable()
    self.init(
      try SignInSession(
        source, server,
        Attention(descriptor: attention.descriptor, service: serveWhileShowing), log),
      files, attention,
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
    if session.displays.mayChange { board.pointee.watchDevices() }
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
  mutating func begin() throws(Failure) {
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

  mutating func step(_ now: Int64) throws(Failure) {
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

  mutating func rest(until instant: Int64, _ now: Int64) throws(Failure) {
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
    if let look = session.displays.followsUpAt { deadline = min(deadline, look) }
    _ = wait(for: .readable, on: -1, attention.patience(until: deadline))
  }

  /// Shows how things stand, where that is another screen than before.
  ///
  /// - Returns: the instant that the screen counts down to, where it does.
  mutating func show(_ now: Int64) throws(Failure) -> Int64? {
    let agent = board.pointee.agent
    let end = agent.flow?.expiresAt ?? (agent.hasGrant ? nil : agent.nextCodeAt)
    let seconds = end.map { max(0, wholeSeconds(until: $0, now: now)) } ?? -1
    if session.displays.followsUp(now: now) { isShown = false }
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

  mutating func attend(_ arguments: borrowing Arguments) {
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
    if happenings.displayChanged { session.displays.deviceChanged(now: now) }
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
  mutating func restart(_ arguments: borrowing Arguments) {
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
  mutating func clockChanged(_ now: Int64) {
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
  mutating func reckonAnew() {
    do {
      if try files.load(log), files.checkOwner(session.server.client, log) {
        adopt(isRenewal: true)
      }
    } catch {
      log.warning("\(error)")
    }
  }

  /// Another process, or this one, has replaced or removed the token file.
  mutating func recordChanged() {
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
  mutating func adopt(isRenewal: Bool) {
    isTimeFromAnswer = false
    hold(isRenewal: isRenewal)
    if let end = files.record.tokens.expiresAt, end <= Clock.unixSeconds {
      files.withdraw(log)
    } else {
      files.publish(log)
    }
  }

  /// Has the clients told what a person has to do.
  func askForSignIn() {
    if isOnRequest {
      board.pointee.handOut.explain(
        .loginRequired, "login required: ask for a code at the board, by a key or a touch")
    } else {
      board.pointee.handOut.explain(.loginRequired, "login required: a code follows")
    }
  }
}
