internal import Agent
internal import Bytes
internal import Configuration
internal import Display
internal import HTTP
internal import Linux
internal import TokenStore

// Theory of operation.
//
// A life is what happened, a step that the agent decides on, and the step performed through the
// world, over and over. It owns four things side by side, so that the compiler can tell them apart:
// the account (server and files), the attendant (how things stand, and who asks), the screens, and
// the log. A wait gets the attendant lent and can touch nothing else.
//
//   Life+Code     until somebody has approved
//   Life+Grant    from then on
//   Life+Events   what others did meanwhile
//
// One sign-in, as the command of that name has it, is a short life: it takes up no grant, ends with
// its code, and what a service goes on after ends it.

/// The agent's life, from its start to its end.
public struct Life<W: World>: ~Copyable {
  /// Why a life is over.
  public enum Ending: Sendable, Equatable {
    /// A signal ended it.
    case signal(Int32)
    /// The configuration has changed: another life is to begin with it.
    case reload
    /// A fault that nothing mends; it has been told.
    case fault(Fault)
    /// Somebody has signed in, and that was all there was to do.
    case signedIn
  }

  /// How often new input devices are looked for while a person is to press something, in
  /// milliseconds.
  private static var inputPause: Int64 { 2000 }

  /// How often the name servers are looked at while there is no way to the server, in milliseconds.
  private static var nameServerPause: Int64 { 1000 }

  var account: Account<W>
  var attendant: Attendant<W>
  var screens: W.Screens
  /// What the displays show: the revision, and the seconds that it counts down.
  private var shown: (revision: Int64, seconds: Int64) = (-1, 0)
  /// Whether the person's name is to be asked for.
  var wantsName = true
  /// Whether the profile has refused an access token that was new.
  var wasRefused = false
  /// Whether the grant's time is from an answer in this life, not from the file: then it is right
  /// whatever the wall clock was.
  var isTimeFromAnswer = false
  /// When what waits to be revoked is revoked, in milliseconds since boot, and the pause where that
  /// fails.
  var revokesAt: Int64
  var revocationPause = Self.firstRevocationPause
  let log: Log<W>

  var world: W { log.world }
  var now: Int64 { log.world.milliseconds }
  var isService: Bool { attendant.isService }

  /// - Parameters:
  ///   - account: one whose files have been found writable: else a code would be a trap.
  ///   - isService: whether it is to go on for ever; else it is one sign-in's, which every signal
  ///     ends.
  public init(
    _ plan: borrowing Plan, _ account: consuming Account<W>, _ memory: consuming AttendantMemory,
    _ sources: consuming W.Sources, _ screens: consuming W.Screens, isService: Bool = true,
    _ log: Log<W>
  ) {
    self.account = account
    self.screens = screens
    self.log = log
    let agent = Agent(
      start: plan.start, lostAnswer: plan.client.lostAnswer, seed: log.world.seed)
    let standing = Standing(agent, title: plan.title, now: log.world.milliseconds)
    // One sign-in does that once, at its end.
    revokesAt = isService ? 0 : .max
    attendant = Attendant(sources, standing, plan, memory, isService: isService, log)
  }

  /// Lives: signs in when needed, keeps the grant fresh, hands the access token out. A life that is
  /// one sign-in's ends when somebody has signed in, or at the first fault.
  @inline(never)
  public mutating func live() -> Ending {
    do {
      try open()
      try begin()
      try show(now)
      attendant.ready()
      return try goOn()
    } catch {
      return end(error)
    }
  }

  /// Goes on with a life that was to be followed by another, which could not begin.
  public mutating func resume() -> Ending {
    do {
      return try goOn()
    } catch {
      return end(error)
    }
  }

  private mutating func goOn() throws(Fault) -> Ending {
    while true {
      if try attend() { return .reload }
      if let signal = attendant.happenings.ending {
        leave(.blank)
        attendant.hooks.endAll()
        return .signal(signal)
      }
      if !isService, attendant.standing.agent.hasGrant, !wantsName {
        revokeWaiting()
        leaveStanding()
        return .signedIn
      }
      try step()
    }
  }

  @inline(never)
  private mutating func open() throws(Fault) {
    try checkScreens()
    if !isService { return }
    try listen()
    attendant.sources.watchRecord()
    attendant.sources.watchNetwork()
    if screens.mayChange { attendant.sources.watchDevices() }
    attendant.sources.findInputs()
  }

  /// Listens at the socket. A program that was killed may take a moment to be gone.
  private mutating func listen() throws(Fault) {
    let deadline = now + 1000
    while true {
      do {
        return try attendant.open()
      } catch {
        if error != .socket(.inUse) || now >= deadline || attendant.happenings.ending != nil {
          throw error
        }
      }
      _ = world.rest(until: now + 20, attending: attendant.attending(.idle))
    }
  }

  @inline(never)
  private mutating func end(_ fault: Fault) -> Ending {
    let words = words(fault)
    if !isService {
      account.keeper.record.wipe()
      attendant.standing.end(fault, words, now: now)
      leaveStanding()
    }
    log.error { $0 <- words }
    return .fault(fault)
  }

  /// Takes up the grant that is there; one sign-in makes another.
  private mutating func begin() throws(Fault) {
    if !isService {
      try account.keeper.setDamagedAside()
      attendant.standing.lost(now: now)
      return
    }
    account.takeCachedMetadata()
    guard try account.keeper.load(), account.keeper.checkOwner(account.server.client) else {
      account.keeper.withdraw()
      attendant.standing.lost(now: now)
      return
    }
    attendant.standing.named(account.keeper.loadName(), now: now)
    log.info { $0 <- "there is a grant in " <- account.keeper.path }
    adoptFound(isRenewal: false)
    guard let fault = account.keeper.hindrance else { return }
    let words = account.words(fault)
    log.warning { $0 <- words <- "; handing out the access token that there is" }
    attendant.standing.hindered(fault, words, now: now)
  }

  @inline(never)
  mutating func step() throws(Fault) {
    if attendant.handOut.wantsRefresh {
      if attendant.standing.agent.hasGrant {
        attendant.standing.refreshWanted(now: now)
      } else {
        attendant.refreshEnded()
      }
    }
    let now = now
    let step = attendant.standing.next(now: now)
    // Before anything that takes time: who asks meanwhile is told what is to be seen.
    if case .codeEnded = step {} else { try show(now) }
    switch step {
    case .wait(let instant): try rest(until: instant, now)
    case .codeEnded(let end): try codeEnded(end)
    case .requestCode: try requestCode()
    case .poll:
      switch poll() {
      case .open: break
      case .granted: try granted()
      case .refused(let fault): try pollRefused(fault)
      }
    case .refresh: refresh()
    case .endGrant: endGrant()
    }
  }

  // MARK: Waiting

  mutating func rest(until instant: Int64, _ now: Int64) throws(Fault) {
    if wantsName, attendant.standing.agent.hasGrant {
      findName()
      return
    }
    // A display takes its time: somebody may have asked for a new token meanwhile.
    if !attendant.happenings.isEmpty || attendant.handOut.wantsRefresh { return }
    if now >= revokesAt {
      revokeWaiting()
      return
    }
    var deadline = min(instant, revokesAt)
    if attendant.standing.state == .invitation {
      // A keyboard or a touch panel may be found late at boot, or plugged in.
      attendant.sources.findInputs()
      deadline = min(deadline, now + Self.inputPause)
    }
    if let countdown = attendant.standing.endsAt, screens.showsTime {
      deadline = min(deadline, nextSecond(before: countdown, now: now))
    }
    if let look = screens.followsUpAt { deadline = min(deadline, look) }
    if isService, attendant.standing.agent.isUnreached {
      if attendant.sources.haveNameServersChanged() {
        attendant.standing.surroundingsChanged(now: now)
        return
      }
      deadline = min(deadline, now + Self.nameServerPause)
    }
    _ = world.rest(until: deadline, attending: attendant.attending(.idle))
  }

  // MARK: Showing

  /// Shows how things stand, where that is another screen than before.
  ///
  /// A screen takes 4 KB of the stack, in a frame that does not stay.
  @inline(never)
  mutating func show(_ now: Int64) throws(Fault) {
    let seconds = attendant.standing.secondsLeft(now)
    let revision = attendant.standing.revision
    let isNews = screens.followsUp(now: now)
    if !isNews, shown == (revision, seconds) { return }
    shown = (revision, seconds)
    let screen = attendant.standing.screen(host: host.bytes, now: now)
    screens.show(screen, attending: attendant.attending(.showing))
    try checkScreens()
  }

  /// Shows a screen that is to stay, and gives the text console back.
  mutating func leave(_ screen: borrowing Screen) {
    screens.showLast(screen, attending: attendant.attending(.showing))
    reportScreens()
    shown.revision = -1
  }

  /// Shows how things stand now as what stays.
  @inline(never)
  mutating func leaveStanding() {
    leave(attendant.standing.screen(host: host.bytes, now: now))
  }

  /// Whom it could not talk to, or is to talk to.
  private var host: Text<256> {
    account.server.host(of: attendant.standing.fault?.party ?? .deviceAuthorization)
  }

  /// - Throws: `.display` where there were displays and none is left.
  mutating func checkScreens() throws(Fault) {
    // What ends the program is said then, and not before.
    let isOver = screens.isEmpty && screens.takeFailure() != nil
    reportScreens()
    if isOver { throw Fault(.display) }
  }

  private mutating func reportScreens() {
    while let report = screens.nextReport() {
      switch report {
      case .came(let name): log.info { $0 <- "display " <- name.bytes <- " is there now" }
      case .stopped(let name):
        log.warning {
          $0 <- "display " <- name.bytes <- " is stopped: it gets the next screen that it takes"
        }
      case .givenUp(let name, let error):
        log.warning {
          $0 <- "display " <- name.bytes <- " given up: " <- error
          if error.mayPass { $0 <- "; it is taken when it can be had" }
        }
      case .terminalUnknown(let error):
        log.debug { $0 <- "cannot find the text console: " <- error }
      case .terminalDraws(let error):
        log.debug { $0 <- "cannot keep the text console from drawing: " <- error }
      }
    }
  }

  // MARK: Words

  /// What a fault is, as a text.
  @inline(never)
  func words(_ fault: Fault) -> Phrase { Phrase { tell(fault, to: $0) } }

  /// Says what a fault is.
  @inline(never)
  func tell(_ fault: Fault, to line: Line) {
    if account.tell(fault, to: line) { return }
    switch fault.kind {
    case .display:
      guard let (name, error) = screens.failure else { return }
      line <- "display " <- name.bytes <- ": " <- error
    case .socket:
      guard let path = attendant.handOut.socket, let error = fault.socketError else { return }
      line <- "socket " <- path <- ": " <- error
    default: break
    }
  }
}
