internal import Bytes
internal import CLinux

/// How a child process ended.
public enum ExitStatus: Sendable, Equatable {
  /// By itself, with this exit code.
  case exited(Int32)
  /// By a signal.
  case killed(Int32)
  /// Nobody can tell any more: it is no child of ours, or its end has been taken already.
  case unknown

  /// - Parameter status: as waitpid(2) gives it.
  init(_ status: Int32) {
    let signal = status & 0x7F
    self = signal == 0 ? .exited(status &>> 8 & 0xFF) : .killed(signal)
  }
}

/// Programs that this one runs beside itself. Where this process is divided, the outer one runs
/// them, so that they are not in the sandbox (`OuterProcess`).
public enum ChildProcess {
  /// Runs a program, without a shell, in a session and process group of its own. Its standard input
  /// is empty, its standard output is our standard error, its signals are as at the start of a
  /// program. It has no other descriptor, and no capability. Returns once it runs.
  ///
  /// - Parameter environment: variables, each as `NAME=value` with a zero behind it, that it gets
  ///   besides ours, of which those that are for this program alone are left out.
  /// - Returns: the child's number, which is also its group's.
  /// - Throws: what fork(2) or execve(2) said.
  public static func spawn(
    _ program: Path, environment: borrowing Span<UInt8>
  ) throws(Errno) -> Int32 {
    precondition(environment.isEmpty || environment[environment.count - 1] == 0)
    let child = unsafe environment.withUnsafeBytes { added in
      unsafe program.withCString { program in
        if OuterProcess.isThere {
          return unsafe clinux_ask(
            Int32(truncatingIfNeeded: clinux_order_spawn), 0, program, strlen(program) + 1,
            added.baseAddress, added.count)
        }
        return unsafe clinux_spawn(
          program, added.baseAddress?.assumingMemoryBound(to: CChar.self), added.count,
          { unsafe isForChildren(PermanentBytes(cString: $0!).bytes) })
      }
    }
    if child < 0 { throw .current }
    return child
  }

  /// How a child has ended, if it has. Its number means nothing afterwards.
  ///
  /// The corresponding C function is `waitpid`.
  public static func reap(_ child: Int32) -> ExitStatus? {
    do {
      if OuterProcess.isThere { return try ExitStatus(OuterProcess.ask(clinux_order_reap, child)) }
      return try status(of: child, WNOHANG).map { ExitStatus($0) }
    } catch {
      return error == .wouldBlock ? nil : .unknown
    }
  }

  /// What waitpid(2) says of a child; nil where it does not end yet.
  static func status(of child: Int32, _ flags: Int32) throws(Errno) -> Int32? {
    var status: Int32 = 0
    return try result({ unsafe waitpid(child, &status, flags) }) == 0 ? nil : status
  }

  /// Ends a child and its group (SIGKILL), and waits for its end, which is soon.
  public static func end(_ child: Int32) {
    if OuterProcess.isThere {
      _ = try? OuterProcess.ask(clinux_order_end, child)
    } else {
      kill(group: child)
      _ = try? status(of: child, 0)
    }
  }

  /// Ends a child and all that it has started in its group (SIGKILL). To be called before `reap`
  /// has told its end: afterwards the number may be another's.
  public static func kill(group child: Int32) {
    precondition(child > 1)
    if OuterProcess.isThere {
      _ = try? OuterProcess.ask(clinux_order_kill, child)
    } else {
      _ = CLinux.kill(-child, SIGKILL)
    }
  }
}

/// Whether a variable of our environment, `NAME=value`, is a child's business: not our
/// configuration, in which there may be secrets, nor what the service manager told us alone.
func isForChildren(_ variable: borrowing Span<UInt8>) -> Bool {
  if variable.hasPrefix("DEVICEGRANT_") || variable.hasPrefix("CLIENT_ID=") { return false }
  if variable.hasPrefix("CLIENT_SECRET=") || variable.hasPrefix("NOTIFY_SOCKET=") { return false }
  if variable.hasPrefix("LISTEN_FDS=") || variable.hasPrefix("LISTEN_PID=") { return false }
  return !variable.hasPrefix("WATCHDOG_USEC=") && !variable.hasPrefix("CREDENTIALS_DIRECTORY=")
}
