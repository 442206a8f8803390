internal import Agent
internal import Bytes
internal import Configuration
internal import Linux

/// The programs of the operator's that are run when something happens, none of which can hold the
/// loop up: at most eight at a time, each for at most ten seconds.
struct Hooks: ~Copyable {
  private static let timeLimit: Int64 = 10_000

  private struct Running {
    var process: Int32 = 0
    var deadline: Int64 = 0
    var hook = Hook.code
    var wasKilled = false
  }

  private var running = InlineArray<8, Running>(repeating: Running())
  private var facts = Memory.facts()
  private let configuration: LocalConfiguration
  private let log: Log

  init(_ configuration: LocalConfiguration, _ log: Log) {
    self.configuration = configuration
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
    guard let program = configuration.program(for: hook), let path = Path(program.bytes) else {
      return
    }
    guard let slot = freeSlot else {
      log.warning("\(hook.name): too many programs are still running; \(path) is not run")
      return
    }
    fact("EVENT", hook.event.bytes)
    do {
      running[slot] = Running(
        process: try Self.spawn(path, facts), deadline: Clock.milliseconds + Self.timeLimit,
        hook: hook)
    } catch {
      log.warning("\(hook.name): cannot run \(path): \(error)")
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
      if let status = ChildProcess.reap(process) {
        report(running[index], status)
        running[index].process = 0
      } else if now >= running[index].deadline, !running[index].wasKilled {
        running[index].wasKilled = true
        ChildProcess.kill(group: process)
      }
    }
  }

  /// Ends every program that still runs.
  mutating func endAll() {
    for index in running.indices where running[index].process != 0 {
      ChildProcess.end(running[index].process)
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
      log.warning("\(name): ended after \(Self.timeLimit / 1000) s, its time limit")
      return
    }
    switch status {
    case .exited(0), .unknown: return
    case .exited(let code): log.warning("\(name): failed with exit code \(code)")
    case .killed(let signal): log.warning("\(name): ended by signal \(signal)")
    }
  }

  private static func spawn(_ path: Path, _ facts: borrowing Buffer) throws(Errno) -> Int32 {
    try ChildProcess.spawn(path, environment: facts.bytes)
  }
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
