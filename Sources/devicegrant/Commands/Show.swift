internal import Agent
internal import Bytes
internal import Configuration
internal import Display
internal import Linux

/// `devicegrant show`: paints one sign-in screen, without a server.
@inline(never)
func show(
  _ source: ConfigurationSource, _ arguments: borrowing Arguments, _ log: Log
) throws(Failure) {
  guard let uri = arguments.uri, let code = arguments.code else {
    throw Failure(.usage, "show needs --uri URI and --code CODE")
  }
  var screen = SignInCode()
  screen.userCode.append(code.bytes)
  screen.verificationURI.append(uri.bytes)
  if let complete = arguments.complete { screen.verificationURIComplete.append(complete.bytes) }
  if screen.userCode.isEmpty || screen.verificationURI.isEmpty {
    throw Failure(.usage, "--uri and --code can't be empty")
  }
  if screen.userCode.isTruncated || screen.verificationURI.isTruncated
    || screen.verificationURIComplete.isTruncated
  {
    throw Failure(.usage, "the code or the URI is too long for a screen")
  }
  var displays = try Displays(source, .nothing, log)
  if displays.isEmpty { log.warning("display is none: there is nothing to show the code on") }
  displays.paintLast(.code(screen))
  // Who brings up a screen wants to know of each one that does not work.
  try displays.checkForFailure()
  if displays.endsWithProgram {
    let signals = try openSignals()
    log.info("the graphics card shows this as long as the program runs: end it with a signal")
    _ = wait(
      for: .readable, on: -1, Patience(deadline: Int64.max, interrupt: signals.rawValue))
  }
}
