internal import CLinux

// Theory of operation.
//
// `run` is two processes. The one that was started, the outer one, begins the inner one before
// anything has been read, and then waits: it knows no secret but those in its environment, and
// talks to nobody but the inner one, the kernel and the service manager. The inner one is the
// agent, and puts a sandbox on, which nothing takes off again. What can't be done in there is asked
// of the outer one, over a socket of which each has one end: one message with an order, one with
// what came of it. So programs are run by the outer one, and a reload replaces it, and the inner
// one with it.
//
// The inner one may be an attacker's by then. What it can have done is what the configuration says:
// it names the programs before it puts its sandbox on, and no others are run; of variables it adds
// its own alone; it ends no process but these; and devices are opened that are panels.
//
// Whoever started the agent sees one process: its number stays, it takes the signals, which it
// passes on, and it ends as the inner one has. It can't end without the inner one.

/// The process outside the sandbox, as the inner one has it: see above.
public enum OuterProcess {
  /// What a process is after it has been divided.
  public enum Role {
    /// The inner one.
    case agent
    /// One that is to say by its exit code whether the configuration is good.
    case checker
  }

  /// Whether this process is divided, and is the inner one.
  static var isThere: Bool { clinux_is_divided() }

  /// - Parameter order: see CShims/CLinux/outer.h.
  @inline(never)
  static func ask(_ order: Int, _ number: Int32 = 0) throws(Errno) -> Int32 {
    try result { clinux_ask(Int32(truncatingIfNeeded: order), number, nil, 0, nil, 0) }
  }

  /// Divides this process. The outer one never returns.
  public static func divide(_ commandLine: CommandLine) throws(Errno) -> Role {
    // Signals that come from now on wait for whichever it is.
    let signals = try SignalQueue(isForService: true)
    let role = try commandLine.divide(takingSignalsAt: signals.rawValue)
    return role == 0 ? .agent : .checker
  }

  /// Names a program that may be run.
  public static func permit(_ program: borrowing Span<UInt8>) {
    _ = unsafe program.withUnsafeBytes {
      unsafe clinux_ask(
        Int32(truncatingIfNeeded: clinux_order_permit), 0, $0.baseAddress, $0.count, nil, 0)
    }
  }

  /// From now on, no program can be named any more.
  public static func seal() { _ = try? ask(clinux_order_permit) }

  /// Whether the configuration, as it is by now, has been found good.
  public static func acceptsConfiguration() -> Bool { (try? ask(clinux_order_check)) == 0 }

  /// Runs this program again, with the same words and the same process number.
  ///
  /// - Returns: why that did not work.
  public static func beginAnew() -> Errno {
    _ = try? ask(clinux_order_renew)
    return .current
  }
}
