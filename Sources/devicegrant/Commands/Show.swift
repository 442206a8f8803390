internal import Board
internal import Bytes
internal import Display
internal import Invocation
internal import Linux

/// `devicegrant show`: paints one sign-in screen, without a server.
@inline(never)
func show(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let code = try arguments.signInCode()
  var displays = openDisplays(source, try rotation(source))
  if displays.isEmpty, displays.failure == nil {
    log.warning { $0 <- "display is none: there is nothing to show the code on" }
  }
  if !displays.isEmpty { displays.showLast(.code(code), attending: Attending()) }
  // Who brings up a screen wants to know of each one that does not work.
  if let failure = displays.takeFailure() {
    log.error { $0 <- "display " <- failure.name.bytes <- ": " <- failure.error }
    return .cannotCreate
  }
  if displays.endsWithProgram {
    let signals = try openSignals()
    log.info {
      $0 <- "the graphics card shows this as long as the program runs: end it with a signal"
    }
    _ = wait(
      for: .readable, on: -1, until: .max, attending: Attending(descriptor: signals.rawValue))
  }
  return .done
}
