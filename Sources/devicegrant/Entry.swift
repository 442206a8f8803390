internal import Bytes
internal import Linux

// Theory of operation.
//
// The other targets decide; this one does. `entry` reads the command line and the configuration,
// and gives them to one command. Each command is one file. Whatever waits takes a `Patience`, so
// that a signal ends every wait; whatever fails throws a `Failure`, which ends here, as one line
// in the log and an exit code.
//
//   Commands/             the commands
//   Life                  what `run` does: +Code until somebody has approved, +Grant from then on
//   Background            what is attended to in the midst of every wait: signals, keys, clocks,
//     HandOut, Hooks      the socket's clients, the operator's programs
//   SignInSession         one code after another, with the Displays that show it
//   AuthorizationServer   one function for each request, over one Exchange: HTTP on a TLS session
//   GrantFiles            the token file with its lock, the access token's file
//   SocketClient          the other end of `run`'s socket
//   Arguments, ConfigurationSource, Help; Log, Message, Failure; Memory

/// The program. SwiftPM makes `main` an alias of this name.
@c(devicegrant_main)
public func entry(
  _ argumentCount: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
  StandardDescriptors.occupy()
  SignalQueue.ignoreFailedWrites()
  var log = Log()
  do {
    try run(argumentCount, arguments, &log)
    return ExitCode.done.rawValue
  } catch {
    log.failure()
    return error.code.rawValue
  }
}

private func run(
  _ argumentCount: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>,
  _ log: inout Log
) throws(Failure) {
  let arguments = try Arguments(argumentCount, arguments)
  if arguments.wantsHelp {
    try write((arguments.command?.help ?? Help.program).bytes)
    return
  }
  if arguments.wantsVersion {
    let line: Text<64> = "devicegrant \(version)\n"
    try write(line.bytes)
    return
  }
  guard let command = arguments.command else {
    throw Failure(.usage, "no command given; devicegrant --help lists them")
  }
  try arguments.checkOptions(of: command)
  let source = try ConfigurationSource(arguments, &log)
  switch command {
  case .run: try run(source, arguments, log)
  case .signIn: try signIn(source, log)
  case .token: try token(source, arguments, log)
  case .whoami: try whoAmI(source, log)
  case .signOut: try signOut(source, log)
  case .status: try status(source, asJSON: arguments.wantsJSON)
  case .show: try show(source, arguments, log)
  }
}

/// Writes what a command is for to standard output.
@inline(never)
func write(_ output: borrowing Span<UInt8>) throws(Failure) {
  do {
    try StandardOutput.write(output)
  } catch {
    throw Failure(.cannotCreate, "cannot write to standard output: \(error)")
  }
}
