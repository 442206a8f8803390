internal import Bytes
internal import Configuration
internal import Linux

/// The programs of the operator's that are run when something happens, none of which can hold the
/// loop up: at most eight at a time, each for at most ten seconds.
struct Hooks<W: World>: ~Copyable {
  private static var timeLimit: Int64 { 10_000 }

  private var running = InlineArray<8, Running>(repeating: Running())
  private var facts: Buffer
  private let programs: HookPrograms
  private let resident = Resident()
  private let log: Log<W>

  private var world: W { log.world }

  init(_ programs: HookPrograms, _ facts: consuming Buffer, _ log: Log<W>) {
    self.programs = programs
    self.facts = facts
    self.log = log
  }

  /// Adds a variable for the next program. Never a secret.
  mutating func fact(_ name: StaticString, _ value: borrowing Span<UInt8>) {
    facts.append("DEVICEGRANT_")
    facts.append(name)
    facts.append("=")
    facts.append(value)
    facts.append(0)
  }

  mutating func fact(_ name: StaticString, _ value: Int64) {
    var digits = Text<20>()
    digits.append(decimal: value)
    fact(name, digits.bytes)
  }

  /// Runs the program for an event, with the facts that were added.
  mutating func run(_ hook: Hook) {
    defer { facts.removeAll() }
    guard let path = programs[hook] else { return }
    guard let slot = freeSlot else {
      log.warning {
        $0 <- hook.name <- ": too many programs are still running; " <- path <- " is not run"
      }
      return
    }
    fact("EVENT", hook.event.bytes)
    do {
      running[slot] = Running(
        process: try Self.spawn(path, facts, world),
        deadline: world.milliseconds + Self.timeLimit,
        hook: hook)
    } catch {
      log.warning { $0 <- hook.name <- ": cannot run " <- path <- ": " <- error }
    }
  }

  /// When the next program has had its time; nil where none runs.
  var deadline: Int64? {
    var earliest: Int64?
    for index in running.indices where running[index].process != 0 && !running[index].wasKilled {
      earliest = min(earliest ?? Int64.max, running[index].deadline)
    }
    return earliest
  }

  /// Takes the ends of the programs that have ended, and ends those that take too long.
  mutating func attend(now: Int64) {
    for index in running.indices where running[index].process != 0 {
      let process = running[index].process
      if let status = world.reap(process) {
        report(running[index], status)
        running[index].process = 0
      } else if now >= running[index].deadline, !running[index].wasKilled {
        running[index].wasKilled = true
        world.kill(process)
      }
    }
  }

  /// Ends every program that still runs.
  mutating func endAll() {
    for index in running.indices where running[index].process != 0 {
      world.end(running[index].process)
      running[index].process = 0
    }
  }

  private var freeSlot: Int? {
    for index in running.indices where running[index].process == 0 { return index }
    return nil
  }

  private func report(_ ended: Running, _ status: ExitStatus) {
    let name = ended.hook.name
    if ended.wasKilled {
      log.warning {
        $0 <- name <- ": ended after " <- Self.timeLimit / 1000 <- " s, its time limit"
      }
      return
    }
    switch status {
    case .exited(0), .unknown: return
    case .exited(let code): log.warning { $0 <- name <- ": failed with exit code " <- code }
    case .killed(let signal): log.warning { $0 <- name <- ": ended by signal " <- signal }
    }
  }

  private static func spawn(
    _ path: Path, _ facts: borrowing Buffer, _ world: W
  ) throws(Errno) -> Int32 {
    try world.spawn(path, environment: facts.bytes)
  }
}

private struct Running {
  var process: Int32 = 0
  var deadline: Int64 = 0
  var hook = Hook.code
  var wasKilled = false
}

extension Hook {
  /// The key that names the program.
  var name: StaticString {
    switch self {
    case .code: "on_code"
    case .signedIn: "on_signed_in"
    case .refreshed: "on_refreshed"
    case .lost: "on_lost"
    }
  }

  /// The value of `DEVICEGRANT_EVENT`.
  var event: StaticString {
    switch self {
    case .code: "code"
    case .signedIn: "signed_in"
    case .refreshed: "refreshed"
    case .lost: "lost"
    }
  }
}
