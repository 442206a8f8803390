internal import Linux

// Theory of operation.
//
// There is one thread. While it waits, for the next poll or in the midst of a handshake, others
// want something: a signal arrives, a program asks for a token, a hook ends, a key is pressed. The
// attendant holds all that they need and nothing else; the `Life` owns it beside the server, the
// keeper and the displays, and lends it to each wait (`Attending`). What can't be done in the midst
// of a wait is noted in `happenings`, and the life sees to it when it comes round.

/// What has happened that the life has to see to.
struct Happenings {
  /// The signal that ends the program.
  var ending: Int32?
  /// When the first signal came, in milliseconds since boot.
  var urgentSince: Int64 = 0
  var configurationChanged = false
  /// Somebody asked for a code with a signal.
  var codeWanted = false
  /// Somebody signs out at the socket.
  var signOutWanted = false
  /// A key, a button or a touch.
  var pressed = false
  /// The token file has been replaced or removed, by whomever.
  var recordChanged = false
  /// Somebody has set the wall clock.
  var clockChanged = false
  /// A display may have come or gone.
  var displayChanged = false
  /// An address, a route or a name server may have come or gone.
  var networkChanged = false

  /// Whether somebody waits for it who can't see what goes on.
  var isUrgent: Bool { ending != nil || codeWanted || configurationChanged || signOutWanted }

  var isEmpty: Bool {
    ending == nil && !configurationChanged && !codeWanted && !pressed && !recordChanged
      && !clockChanged && !displayChanged && !networkChanged && !signOutWanted
  }
}

/// What a wait is for, and with that what ends it.
enum Purpose: Sendable {
  /// There is nothing else to do.
  case idle
  /// A display takes its time. A picture that is not finished is of no use, so only the program's
  /// end ends it.
  case showing
  /// A request whose answer can be asked for again.
  case exchange
  /// Its answer may bring the first tokens.
  case poll
  /// Its answer brings tokens, or the old ones may be dead.
  case refresh
}

/// Everything that is attended to while something else is waited for, with how things stand, which
/// those ask for.
public struct Attendant<W: World>: ~Copyable {
  var happenings = Happenings()
  var standing: Standing
  var handOut: HandOut<W>
  var hooks: Hooks<W>
  /// Where events come from; the kernel's world watches its descriptor.
  public var sources: W.Sources

  private var purpose = Purpose.exchange
  /// Whether it is noted, or under way, that somebody signs out: who else wants it waits for that.
  private var isSigningOut = false
  /// When the service manager is to hear of this next, and for which end of a hook the alarm is.
  private var pingsAt: Int64?
  private var hooksEndAt: Int64?
  let isService: Bool
  private let log: Log<W>

  private var world: W { log.world }

  /// How many events are attended to in one go.
  private static var turns: Int { 64 }
  /// For how long, in milliseconds: a log on a slow line makes each of them take its time.
  private static var round: Int64 { 50 }

  /// How long the end is put off for an answer with tokens, in milliseconds.
  private static var grace: Int64 { 700 }

  init(
    _ sources: consuming W.Sources, _ standing: consuming Standing, _ plan: borrowing Plan,
    _ memory: consuming AttendantMemory, isService: Bool, _ log: Log<W>
  ) {
    self.isService = isService
    self.sources = sources
    self.standing = standing
    self.log = log
    hooks = Hooks(plan.hooks, memory.facts, log)
    handOut = HandOut(plan, memory.token, memory.answer, log)
    self.standing.sandbox = plan.sandbox
  }

  /// Lends this to a wait.
  @_lifetime(&self)
  mutating func attending(_ purpose: Purpose) -> Attending {
    self.purpose = purpose
    // A program that was begun since the last event is to be ended in time; so is this wait, by a
    // signal that is there already.
    if hooks.deadline != hooksEndAt || happenings.isUrgent { setAlarm() }
    return world.lend(&self)
  }

  /// Attends to what there is; for the world's C function.
  ///
  /// - Returns: whether that ends the wait.
  public mutating func attend() -> Bool {
    serve()
    switch purpose {
    case .idle: return !happenings.isEmpty || handOut.wantsRefresh
    case .showing: return happenings.ending != nil
    case .exchange, .poll, .refresh: return endsExchange
    }
  }

  /// Whether what has happened can't wait for the exchange that is under way.
  var endsExchange: Bool {
    if !happenings.isUrgent { return false }
    switch purpose {
    // Only the end of the program cuts a refresh short.
    case .refresh: return happenings.ending != nil && world.milliseconds >= graceEnd
    case .poll: return world.milliseconds >= graceEnd
    case .idle, .showing, .exchange: return true
    }
  }

  private var graceEnd: Int64 { happenings.urgentSince + Self.grace }

  /// When an exchange that was given some grace is given up.
  private var end: Int64? {
    switch purpose {
    case .exchange, .poll: return happenings.isUrgent ? graceEnd : nil
    // Nothing but the end of the program; an alarm for more would ring again and again.
    case .refresh: return happenings.ending == nil ? nil : graceEnd
    case .idle, .showing: return nil
    }
  }

  /// Says that the program does what it was started for.
  mutating func ready() {
    sources.ready()
    serve()
  }

  /// Attends to everything that is ready.
  mutating func serve() {
    // What is left is reported again: nobody keeps the life from its own work.
    let roundEnd = world.milliseconds + Self.round
    for _ in 0..<Self.turns {
      guard let event = sources.next() else { break }
      take(event)
      if happenings.ending != nil || world.milliseconds >= roundEnd { break }
    }
    let now = world.milliseconds
    pingsAt = sources.ping(now: now)
    hooks.attend(now: now)
    handOut.expire(now: now, &sources, standing)
    if handOut.wantsSignOut, !isSigningOut {
      isSigningOut = true
      if !happenings.isUrgent { happenings.urgentSince = now }
      happenings.signOutWanted = true
    }
    setAlarm()
  }

  private mutating func setAlarm() {
    hooksEndAt = hooks.deadline
    sources.setAlarm(earlier(earlier(end, pingsAt), earlier(handOut.deadline, hooksEndAt)))
  }

  private mutating func take(_ event: Event) {
    switch event {
    case .signal(let signal): note(signal)
    case .alarm: break
    case .clockSet: happenings.clockChanged = true
    case .recordChanged: happenings.recordChanged = true
    case .displayChanged: happenings.displayChanged = true
    case .networkChanged: happenings.networkChanged = true
    case .pressed: happenings.pressed = true
    case .visitor: handOut.accept(now: world.milliseconds, &sources, standing)
    case .client(let slot): handOut.read(slot, &sources, standing)
    }
  }

  private mutating func note(_ signal: Int32) {
    if !happenings.isUrgent { happenings.urgentSince = world.milliseconds }
    switch signal {
    case Signal.hangUp where isService: happenings.configurationChanged = true
    case Signal.user1 where isService: happenings.codeWanted = true
    // Every program is looked at after each round.
    case Signal.child: break
    default:
      if happenings.ending == nil { happenings.urgentSince = world.milliseconds }
      happenings.ending = signal
    }
  }

  /// Whether another configuration is to be taken up; asked twice, it is not.
  mutating func takeConfigurationChange() -> Bool {
    defer { happenings.configurationChanged = false }
    return happenings.configurationChanged
  }

  /// Takes what has happened, but for the signal that ends the program, which stays.
  mutating func takeHappenings() -> Happenings {
    let taken = happenings
    happenings = Happenings()
    happenings.ending = taken.ending
    happenings.urgentSince = taken.urgentSince
    return taken
  }

  /// Listens at the configured socket from now on.
  mutating func open() throws(Fault) {
    try handOut.open(&sources)
  }

  /// Answers the clients that have signed out.
  ///
  /// - Parameter words: what did not work; none where all did.
  mutating func signOutEnded(_ words: Phrase) {
    isSigningOut = false
    handOut.signOutEnded(words, &sources)
  }

  /// Answers the clients that waited for a refresh, which has ended.
  mutating func refreshEnded() {
    handOut.refreshEnded(&sources, standing)
  }
}

private func earlier(_ one: Int64?, _ other: Int64?) -> Int64? {
  guard let one else { return other }
  guard let other else { return one }
  return min(one, other)
}
