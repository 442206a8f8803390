import Linux
import TestSupport

// Theory of operation.
//
// A `Universe` is one board with all that it lives among: a server, a network, a disk, people,
// other programs. Time is a number; it passes only where a program waits, from one happening to the
// next, and who waits is told of each as the kernel would tell. One seed gives one universe: there
// is one generator, one thread runs at a time, and nothing depends on an address or a hash.
//
// A program sees the universe through a `SimulatedWorld`: the board's main program through one that
// is made anew at each boot, a second program (`token`, `sign-out`) through another. When the power
// goes, the worlds are dead: whatever their programs still do has no effect, each wait ends at once
// with SIGTERM, and the programs unwind by their own code; the next boot is on what the disk kept.
//
// The `Watch` looks on, and says which invariant does not hold.

/// One board and its surroundings. Times are milliseconds since it was first switched on.
public final class Universe {
  var now: Int64 = 0
  private(set) var generator: SeededGenerator
  var schedule = Schedule()
  public var counts = Counts()
  public internal(set) var watch = Watch()
  let script: Script
  private(set) var server: SimulatedServer!
  let network: Network
  var person = Person()
  /// Where the tokens lie, and what is gone with the power.
  var disk = SimulatedDisk()
  var volatile = SimulatedDisk()
  var clients = Clients()
  var programs = Programs()
  var record = RecordOnDisk()
  let configuration: BoardConfiguration
  let mainMemory: ProcessMemory
  let commandMemory: ProcessMemory

  /// The board's main program; nil while there is none.
  var main: SimulatedWorld?
  var command: CommandProcess?
  /// Who holds the token file's lock, by their session.
  var lockHolder: Int?
  private var lastSession = 0

  /// When the board was switched on last, and how long the next program has to wait.
  private(set) var bootedAt: Int64 = 0
  var offUntil: Int64 = 0
  /// How often in a row the main program could not begin.
  var failures = 0
  /// By how many seconds the wall clock is wrong; nil where it has not been set since the boot.
  var clockError: Int64? = 0
  var diskTroubleSince: Int64 = 0
  var diskTroubleUntil: Int64 = 0
  var displaysGoneUntil: Int64 = 0
  /// Whether the life is over: the time that was planned for it.
  var isOver = false
  /// What the disk has done by each thousandth refresh.
  public var wear: [Int] = []
  /// What happens is told, and how deep the log goes.
  public let isLogged: Bool
  public var digest: UInt64 = 0xCBF2_9CE4_8422_2325

  /// - Parameter seed: as the script's.
  public init(
    _ script: Script, seed: UInt64, _ memory: UniverseMemory = UniverseMemory(),
    isLogged: Bool = false
  ) {
    self.script = script
    configuration = BoardConfiguration(script)
    mainMemory = memory.main
    commandMemory = memory.command
    self.isLogged = isLogged
    generator = SeededGenerator(seed: seed)
    network = Network(script.personality)
    server = SimulatedServer(script.personality, self)
    disk.hasHardLinks = script.hasHardLinks
    script.plan(self)
    connectDisk()
  }

  // MARK: Chance

  func chance(_ count: Int, of all: Int) -> Bool { random(all) < count }

  /// A number from zero to `limit`, exclusive.
  func random(_ limit: Int) -> Int { Int(generator.next() >> 33) % limit }

  func random(_ range: ClosedRange<Int64>) -> Int64 {
    range.lowerBound
      + Int64(generator.next() >> 1) % (range.upperBound - range.lowerBound + 1)
  }

  // MARK: Clocks

  private static let epoch: Int64 = 1_800_000_000

  var unixSeconds: Int64 {
    guard let clockError else { return (now - bootedAt) / 1000 }
    return Self.epoch + now / 1000 + clockError
  }

  /// Whether certificates are good by the wall clock.
  var isClockGoodEnough: Bool { abs(clockError ?? Int64.max) < 30 * 86_400 }

  /// Whether the program can take the wall clock for set: it is no time before its release.
  var isClockPlausible: Bool { unixSeconds >= 1_793_491_200 }

  // MARK: Programs

  func newSession() -> Int {
    lastSession += 1
    return lastSession
  }

  func schedule(_ happening: Happening, in delay: Int64) {
    schedule.add(happening, at: now + delay)
  }

  /// Lets time pass for the main program until `end`, or until who is attended to ends the wait.
  func pass(until end: Int64, _ world: SimulatedWorld, _ attending: borrowing Attending) -> Wakeup {
    var rounds = 0
    var pause = Self.glance
    while true {
      if world.isDead {
        _ = attending.attend()
        return .interrupted
      }
      if world.hasEvents {
        if attending.attend() { return .interrupted }
        rounds += 1
        if rounds > 2000 { watch.fail(.busyWait, self) }
        if watch.fault != nil { world.isDead = true }
        continue
      }
      let next = min(schedule.next, world.alarm)
      if min(next, end, script.life) - now > pause {
        go(to: now + pause)
        look(world)
        pause *= 2
        continue
      }
      if end <= now || next > end, end <= script.life {
        go(to: end)
        look(world)
        return world.isDead ? .interrupted : .timedOut
      }
      if next > script.life {
        go(to: script.life)
        look(world)
        isOver = true
        world.isDead = true
        continue
      }
      rounds = next > now ? 0 : rounds + 1
      go(to: next)
      if world.alarm <= now { world.ringAlarm() } else { take(schedule.removeFirst()) }
      look(world)
    }
  }

  /// After how long the watch looks where nothing happens: what is due may not come. Then after
  /// twice that, and so on: a wait may be one of months.
  private static let glance: Int64 = 420_000

  private func look(_ world: SimulatedWorld) {
    watch.look(self)
    if watch.fault != nil { world.isDead = true }
  }

  /// Lets time pass while there is no main program.
  func pass(until end: Int64) {
    let end = min(end, script.life)
    while schedule.next <= end {
      go(to: schedule.next)
      take(schedule.removeFirst())
    }
    go(to: end)
    isOver = now >= script.life
  }

  private func go(to time: Int64) {
    now = max(now, time)
    disk.unixSeconds = unixSeconds
    volatile.unixSeconds = disk.unixSeconds
  }

  // MARK: The power

  /// The power goes, now, for so long.
  func cutPower(off: Int64) {
    main?.isDead = true
    command?.kill()
    lockHolder = nil
    disk.cut = disk.steps
    volatile.cut = volatile.steps
    disk = disk.afterPowerCut(using: &generator)
    volatile = SimulatedDisk()
    connectDisk()
    endDiskTrouble()
    programs.removeAll()
    offUntil = max(offUntil, now + off)
    bootedAt = offUntil
    clockError = chance(1, of: 3) ? nil : 0
    if clockError == nil {
      counts[.clockUnset] += 1
      schedule.add(.clockRight, at: offUntil + random(1000...600_000))
    }
    watch.powerCut(self)
  }

  func connectDisk() {
    disk.unixSeconds = unixSeconds
    disk.onCut = { [unowned self] in
      guard let off = plannedOff else { return }
      plannedOff = nil
      counts[.powerCutInWrite] += 1
      cutPower(off: off)
    }
    disk.onFailure = { [unowned self] in
      counts[.diskStepFailed] += 1
      watch.diskFailed(self)
    }
  }

  /// How long the power is off where it goes in the midst of a write.
  var plannedOff: Int64?

  func endDiskTrouble() {
    disk.trouble = nil
    disk.mounted = nil
    diskTroubleUntil = now
  }
}
