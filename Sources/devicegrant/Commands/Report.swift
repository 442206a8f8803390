internal import Board
internal import Bytes

/// Says what ends a command.
///
/// - Returns: its exit code.
func report(
  _ fault: Fault, _ account: borrowing Account<KernelWorld>, _ log: KernelLog
) -> ExitCode {
  log.error {
    account.tell(fault, to: $0)
    if fault.kind == .grantEnded { $0 <- "; sign in again" }
  }
  return fault.exitCode
}

/// The same, before there is an account.
func report(_ fault: Fault, _ place: GrantPlace, _ log: KernelLog) -> ExitCode {
  log.error { if !place.tell(fault, to: $0) { $0 <- fault.code } }
  return fault.exitCode
}
