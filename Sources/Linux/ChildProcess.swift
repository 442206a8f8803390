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
}

/// Programs that this one runs beside itself.
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
        unsafe clinux_spawn(
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
    var status: Int32 = 0
    do {
      if try result({ unsafe waitpid(child, &status, WNOHANG) }) == 0 { return nil }
    } catch {
      return .unknown
    }
    let signal = status & 0x7F
    return signal == 0 ? .exited(status &>> 8 & 0xFF) : .killed(signal)
  }

  /// Ends a child and its group (SIGKILL), and waits for its end, which is soon.
  public static func end(_ child: Int32) {
    kill(group: child)
    _ = try? result { waitpid(child, nil, 0) }
  }

  /// Ends a child and all that it has started in its group (SIGKILL). To be called before `reap`
  /// has told its end: afterwards the number may be another's.
  public static func kill(group child: Int32) {
    precondition(child > 1)
    _ = CLinux.kill(-child, SIGKILL)
  }
}

/// Whether a variable of our environment, `NAME=value`, is a child's business: not our
/// configuration, in which there may be secrets, nor what the service manager told us alone.
private func isForChildren(_ variable: borrowing Span<UInt8>) -> Bool {
  if variable.hasPrefix("DEVICEGRANT_") || variable.hasPrefix("CLIENT_ID=") { return false }
  if variable.hasPrefix("CLIENT_SECRET=") || variable.hasPrefix("NOTIFY_SOCKET=") { return false }
  if variable.hasPrefix("LISTEN_FDS=") || variable.hasPrefix("LISTEN_PID=") { return false }
  return !variable.hasPrefix("WATCHDOG_USEC=") && !variable.hasPrefix("CREDENTIALS_DIRECTORY=")
}
