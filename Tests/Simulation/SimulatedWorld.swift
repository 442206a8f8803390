public import Board
internal import Bytes
public import Configuration
public import Linux
public import TLS

/// What one program sees of its universe, from its start to its end.
public final class SimulatedWorld: World {
  public typealias Screens = SimulatedPanels
  public typealias Sources = SimulatedSources

  let universe: Universe
  let session: Int
  /// When the board was switched on: the next time is not this program's.
  private let bootedAt: Int64
  /// Whether it is the board's main program.
  let isMain: Bool
  /// The power is gone, or the life is over: nothing that the program does has an effect.
  var isDead = false
  /// When the program's alarm rings, in the universe's time.
  private(set) var alarm = Int64.max
  /// What has happened and was not taken yet.
  private var events: [Event] = []
  private var wasToldOfDeath = false
  var isListening = false
  var watchesRecord = false
  /// The socket's slots, by who sits there; nil for nobody.
  var seats = [Int?](repeating: nil, count: 64)
  var ignored = [Bool](repeating: false, count: 64)
  private var nextSlot = 0
  /// Whether it waits in the midst of something: an exchange, a lock, a display that is slow.
  private(set) var isOccupied = false
  /// Waits in a row in which no time has passed.
  private var idleWaits = 0
  private var lastWait: Int64 = -1

  init(_ universe: Universe, isMain: Bool) {
    self.universe = universe
    self.isMain = isMain
    bootedAt = universe.bootedAt
    session = universe.newSession()
  }

  // MARK: Time

  /// Boots take some seconds before a program starts.
  private static let start: Int64 = 20_000

  public var milliseconds: Int64 { local(universe.now) }
  public var unixSeconds: Int64 { universe.unixSeconds }
  public var seed: UInt32 { UInt32(truncatingIfNeeded: universe.random(1 << 30)) }

  /// The program's time for the universe's.
  func local(_ time: Int64) -> Int64 { time - bootedAt + Self.start }

  /// The universe's time for the program's.
  func global(_ time: Int64) -> Int64 {
    time > Int64.max / 2 ? Int64.max : time + bootedAt - Self.start
  }

  public func rest(until deadline: Int64, attending: Attending) -> Wakeup {
    universe.counts[.wait] += 1
    let end = global(deadline)
    universe.watch.waits(until: end, self, universe)
    noteProgress()
    if isMain { return universe.pass(until: end, self, attending) }
    if !isDead { universe.command!.pass(until: end, self) }
    if isDead {
      _ = attending.attend()
      return .interrupted
    }
    return .timedOut
  }

  /// A wait in the midst of something.
  func pause(until deadline: Int64, attending: Attending) -> Wakeup {
    isOccupied = true
    defer { isOccupied = false }
    return rest(until: deadline, attending: attending)
  }

  /// Waits in which no time passes are no waits: a program that spins is stopped.
  private func noteProgress() {
    idleWaits = universe.now > lastWait ? 0 : idleWaits + 1
    lastWait = universe.now
    if idleWaits > 400 {
      universe.watch.fail(.busyWait, universe)
      isDead = true
    }
    if idleWaits > 100_000 { fatalError("a program does not end") }
  }

  // MARK: What there is one of

  public func makeConnection(trusting anchors: Path) throws(TLSError) -> SimulatedConnection {
    SimulatedConnection(self)
  }

  public func openDirectory(
    _ path: Path, making isMade: Bool
  ) throws(Errno) -> SimulatedDirectory {
    if isDead { throw .inputOutput }
    let isVolatile = path.bytes.hasPrefix("/run")
    let disk = isVolatile ? universe.volatile : universe.disk
    if disk.isRemoved {
      if !isMade { throw .noSuchFile }
      if let trouble = disk.trouble { throw trouble }
      disk.makeAgain()
    }
    return SimulatedDirectory(disk, self)
  }

  // MARK: Programs

  public func spawn(
    _ program: Path, environment: borrowing Span<UInt8>
  ) throws(Errno) -> Int32 {
    if isDead { throw .inputOutput }
    return try universe.spawn(environment)
  }

  public func reap(_ process: Int32) -> ExitStatus? { universe.programs.reap(process) }

  public func kill(_ process: Int32) {
    universe.programs.kill(process)
    universe.schedule(.programEnds(process), in: 1)
  }

  public func end(_ process: Int32) { universe.programs.remove(process) }

  public func acceptsConfiguration() -> Bool { universe.chance(2, of: 3) }

  // MARK: The log

  public func write(_ level: LogLevel, _ line: borrowing Span<UInt8>, isTruncated: Bool) {
    if isDead { return }
    line.withUnsafeBufferPointer { universe.log($0, self) }
  }

  @_lifetime(&attendant)
  public func lend(_ attendant: inout Attendant<SimulatedWorld>) -> Attending {
    Attending(&attendant, descriptor: -1) { context in
      context!.assumingMemoryBound(to: Attendant<SimulatedWorld>.self).pointee.attend()
    }
  }

  // MARK: Events

  func post(_ event: Event) {
    if isDead { return }
    // What is there already is not said twice, as the kernel does not.
    if !events.contains(event) { events.append(event) }
  }

  /// Whether there is something to attend to.
  var hasEvents: Bool {
    if !events.isEmpty { return true }
    if isListening, !universe.clients.visitors.isEmpty { return true }
    return universe.clients.count > 0 && readySlot() != nil
  }

  func setAlarm(_ deadline: Int64?) { alarm = deadline.map(global) ?? Int64.max }

  func ringAlarm() {
    alarm = Int64.max
    post(.alarm)
  }

  func nextEvent() -> Event? {
    if isDead {
      wasToldOfDeath.toggle()
      return wasToldOfDeath ? .signal(Signal.terminate) : nil
    }
    if !events.isEmpty { return events.removeFirst() }
    if isListening, !universe.clients.visitors.isEmpty { return .visitor }
    if universe.clients.count > 0, let slot = readySlot() {
      nextSlot = slot + 1
      return .client(slot)
    }
    return nil
  }

  /// A slot whose client has said something, or is gone; each gets its turn.
  private func readySlot() -> Int? {
    for offset in 0..<seats.count {
      let slot = (nextSlot + offset) % seats.count
      if let client = seats[slot], !ignored[slot], universe.clients.hasNews(client) {
        return slot
      }
    }
    return nil
  }
}
