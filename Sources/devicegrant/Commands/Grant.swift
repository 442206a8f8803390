internal import Board
internal import Bytes
internal import Invocation
internal import Linux

// How the commands that live no life get at the grant, and say what ends them.

/// Opens the server and the files, and has `body` use them. Signals end every wait.
@inline(never)
func withAccount(
  _ keeper: consuming Keeper<KernelWorld>, _ plan: borrowing Plan, _ log: KernelLog,
  _ body: (inout Account<KernelWorld>, Attending) throws(Fault) -> StartError?
) throws(StartError) -> ExitCode {
  let signals = try openSignals()
  var account: Account<KernelWorld>
  do {
    account = try Account(plan, Memory.exchange(), keeper, log)
  } catch {
    return report(error, plan.place, log)
  }
  let failure: StartError?
  do {
    failure = try body(&account, Attending(descriptor: signals.rawValue))
  } catch {
    log.error {
      account.tell(error, to: $0)
      if error.kind == .grantEnded { $0 <- "; sign in again" }
    }
    return error.exitCode
  }
  if let failure { throw failure }
  return .done
}

/// Says what ends a command before there is an account.
@inline(never)
func report(_ fault: Fault, _ place: GrantPlace, _ log: KernelLog) -> ExitCode {
  log.error { if !place.tell(fault, to: $0) { $0 <- fault.code } }
  return fault.exitCode
}
