internal import Agent
internal import Bytes
internal import Configuration
internal import Linux
internal import TokenStore

// Theory of operation.
//
// There is one thread. While it waits, for the next poll or in the midst of a TLS handshake, others
// want something: a signal arrives, a program asks for a token, a hook ends, a key is pressed. All
// their descriptors are in one `EventQueue`, which every wait watches (`Patience.interrupt`), and
// `serve` attends to them from inside the wait. What can't be done there is noted, and the loop of
// `run` does it when it comes round.

/// What has happened that the loop has to see to.
struct Happenings {
  /// The signal that ends the program.
  var ending: Int32?
  /// When the first signal came, in milliseconds since boot.
  var urgentSince: Int64 = 0
  var configurationChanged = false
  /// Somebody asked for a code with a signal.
  var codeWanted = false
  /// A key, a button or a touch.
  var pressed = false
  /// The token file has been replaced or removed, by whomever.
  var recordChanged = false
  /// Somebody has set the wall clock.
  var clockChanged = false
  /// A display may have come or gone.
  var displayChanged = false

  /// Whether somebody waits for it who can't see what goes on.
  var isUrgent: Bool { ending != nil || codeWanted || configurationChanged }

  var isEmpty: Bool {
    ending == nil && !configurationChanged && !codeWanted && !pressed && !recordChanged
      && !clockChanged && !displayChanged
  }
}

/// What is there from the start and as long as the program runs, watched by one queue.
struct Descriptors: ~Copyable {
  let queue: EventQueue
  let signals: SignalQueue
  let timer: Timer
  let clock: ClockWatch

  enum Token {
    static let signals: UInt32 = 1
    static let timer: UInt32 = 2
    static let clock: UInt32 = 3
  }

  init() throws(Errno) {
    self.init(
      try EventQueue(), try SignalQueue(isForService: true), try Timer(), try ClockWatch())
  }

  func watch() throws(Errno) {
    try queue.add(signals.rawValue, token: Token.signals)
    try queue.add(timer.rawValue, token: Token.timer)
    try queue.add(clock.rawValue, token: Token.clock)
  }

  private init(
    _ queue: consuming EventQueue, _ signals: consuming SignalQueue, _ timer: consuming Timer,
    _ clock: consuming ClockWatch
  ) {
    self.queue = queue
    self.signals = signals
    self.timer = timer
    self.clock = clock
  }
}

private func openDescriptors() throws(Failure) -> Descriptors {
  do {
    let descriptors = try Descriptors()
    try descriptors.watch()
    return descriptors
  } catch {
    throw Failure(.defect, "cannot set up the event queue: \(error)")
  }
}

/// Everything in `run` that is attended to while something else is waited for. It is in one place
/// for the program's life, since a wait reaches it through a C function without a context.
struct Background: ~Copyable {
  var happenings = Happenings()
  var handOut = HandOut()
  var hooks: Hooks

  private let sources: Descriptors
  private var files: DirectoryWatch?
  private let directory: Path
  private let name: Path
  private var devices: DeviceWatch?
  private var inputs = InputDevices()
  private let console = Terminal(descriptor: 0)
  private let log: Log
  /// What the exchange that is under way is for.
  var errand = Errand.other

  enum Errand: Sendable {
    case other
    /// Its answer may bring the first tokens.
    case poll
    /// Its answer brings tokens, or the old ones may be dead.
    case refresh
  }

  /// How many descriptors are attended to in one go.
  private static let turns = 64

  /// What started this program, if it wants to hear from it.
  private var manager = ServiceManager()

  /// How long the end is put off for an answer with tokens, in milliseconds.
  private static let grace: Int64 = 700

  /// Whether what has happened can't wait for the exchange that is under way.
  var endsExchange: Bool {
    if !happenings.isUrgent { return false }
    // Only the end of the program cuts a refresh short.
    if errand == .refresh, happenings.ending == nil { return false }
    return errand == .other || Clock.milliseconds >= graceEnd
  }

  private var graceEnd: Int64 { happenings.urgentSince + Self.grace }

  /// Says that the program does what it was started for.
  mutating func ready() {
    manager.ready()
    serve()
  }

  /// Here, since clients ask for what it knows.
  var agent: Agent

  private enum Token {
    static let files: UInt32 = 4
    static let console: UInt32 = 5
    static let devices: UInt32 = 6
    static let inputs: UInt32 = 0x400
  }

  init(
    _ source: borrowing ConfigurationSource, _ agent: Agent, _ log: Log
  ) throws(Failure) {
    let path = try source.tokenFile()
    self.init(
      watching: path, Hooks(source.local, log), try openDescriptors(), agent, log)
    if console.isTerminal { try? sources.queue.add(0, token: Token.console, for: .arrival) }
  }

  /// In one step, since what is not copyable can't be given back half-way.
  private init(
    watching path: Path, _ hooks: consuming Hooks, _ sources: consuming Descriptors,
    _ agent: Agent, _ log: Log
  ) {
    directory = path.directory
    name = path.name ?? path
    self.hooks = hooks
    self.sources = sources
    self.agent = agent
    self.log = log
  }

  /// What a wait's patience takes.
  var descriptor: Int32 { sources.queue.rawValue }

  /// Hands tokens out from now on, where the configuration wants that.
  mutating func open(_ source: borrowing ConfigurationSource) throws(Failure) {
    try handOut.open(source, sources.queue, log)
  }

  /// Watches the token file's directory, which must be there by now.
  mutating func watchFiles() {
    if files != nil { return }
    do {
      let watch = try DirectoryWatch(directory)
      try sources.queue.add(watch.rawValue, token: Token.files)
      files = consume watch
    } catch {
      log.debug("cannot watch \(directory): \(error)")
    }
  }

  /// Watches for displays that come and go; those of the start have been looked for before.
  mutating func watchDevices() {
    do {
      let watch = try DeviceWatch()
      try sources.queue.add(watch.rawValue, token: Token.devices)
      devices = consume watch
    } catch {
      log.debug("cannot watch devices: \(error)")
    }
  }

  /// Looks for keys and touch panels that have been plugged in.
  mutating func findInputs() {
    inputs.rescan()
    for index in 0..<InputDevices.capacity where inputs.descriptor(index) >= 0 {
      // One that is watched already stays as it is.
      try? sources.queue.add(
        inputs.descriptor(index), token: Token.inputs + UInt32(truncatingIfNeeded: index))
    }
  }

  /// Attends to everything that is ready.
  mutating func serve() {
    // What is left is reported again: nobody keeps the loop from its own work.
    for _ in 0..<Self.turns {
      guard let token = sources.queue.next() else { break }
      serve(token)
    }
    let now = Clock.milliseconds
    let ping = manager.ping(now: now)
    hooks.attend(now: now)
    handOut.expire(now: now, sources.queue, log)
    let end = happenings.isUrgent && errand != .other ? graceEnd : nil
    sources.timer.set(
      earlier(earlier(end, ping), earlier(handOut.deadline, hooks.deadline)))
  }

  /// Answers the clients that waited for a refresh, which has ended.
  mutating func refreshEnded() {
    handOut.refreshEnded(sources.queue, agent)
  }

  private mutating func serve(_ token: UInt32) {
    switch token {
    case Descriptors.Token.signals:
      while let signal = sources.signals.next() { note(signal) }
    case Descriptors.Token.timer: sources.timer.acknowledge()
    case Descriptors.Token.clock: if sources.clock.acknowledge() { happenings.clockChanged = true }
    case Token.files: lookAtFiles()
    case Token.devices: if devices?.hasDisplayChanged() == true { happenings.displayChanged = true }
    case Token.console: if console.wasEntered() { happenings.pressed = true }
    case HandOut.listenerToken: handOut.accept(now: Clock.milliseconds, sources.queue, log)
    case HandOut.clientTokens..<Token.inputs:
      handOut.read(token, sources.queue, agent)
    default: lookAtInput(Int(token - Token.inputs))
    }
  }

  private mutating func note(_ signal: Int32) {
    if !happenings.isUrgent { happenings.urgentSince = Clock.milliseconds }
    switch signal {
    case Signal.hangUp: happenings.configurationChanged = true
    case Signal.user1: happenings.codeWanted = true
    // Every child is looked at after each round.
    case Signal.child: break
    default:
      if happenings.ending == nil { happenings.urgentSince = Clock.milliseconds }
      happenings.ending = signal
    }
  }

  private mutating func lookAtFiles() {
    if files?.hasChanged(name) == true { happenings.recordChanged = true }
    if files?.isOver == true, let number = files?.rawValue {
      sources.queue.remove(number)
      files = nil
    }
  }

  private mutating func lookAtInput(_ index: Int) {
    switch inputs.wasPressed(index) {
    case .nothing: break
    case .pressed: happenings.pressed = true
    case .gone:
      sources.queue.remove(inputs.descriptor(index))
      inputs.close(index)
    }
  }
}

private func earlier(_ one: Int64?, _ other: Int64?) -> Int64? {
  guard let one else { return other }
  guard let other else { return one }
  return min(one, other)
}
