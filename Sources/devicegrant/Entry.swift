internal import Board
internal import Bytes
internal import Invocation
internal import Linux

// Theory of operation.
//
// The other targets decide; this one meets the kernel. `entry` has the command line read by the
// library `Invocation`, gathers the configuration, and gives both to one command. Each command is
// one file. The agent's life is the library `Board`'s; here is the world that it lives in.
//
//   Commands/             the commands
//   Confinement           how `run` is divided, and its sandbox
//   KernelWorld           the world: clocks, connections, directories, programs
//   KernelSources         where the kernel tells of events: signals, timers, files, the socket
//   Journal               the log on standard error
//   SocketClient          the other end of `run`'s socket
//   ConfigurationFiles    the environment and the files that the configuration is gathered from
//   TrustAnchors          the certificates that a server is checked against
//   Memory                the program's static memory

typealias KernelLog = Log<KernelWorld>

/// The program. SwiftPM makes `main` an alias of this name.
@c(devicegrant_main)
public func entry(
  _ argumentCount: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
) -> Int32 {
  ProcessMemory.forbidDumps()
  StandardDescriptors.occupy()
  SignalQueue.ignoreFailedWrites()
  let commandLine = unsafe CommandLine(count: argumentCount, words: arguments)
  var (lost, pace): (Int64, Int64) = (0, 0)
  return unsafe withUnsafeMutablePointer(to: &lost) { lost in
    unsafe withUnsafeMutablePointer(to: &pace) { pace in
      unsafe start(commandLine, Journal(countingIn: SharedCount(lost), SharedCount(pace)))
    }
  }
}

private func start(_ commandLine: CommandLine, _ journal: Journal) -> Int32 {
  var log = Log(KernelWorld(journal: journal))
  do throws(StartError) {
    return try run(commandLine, &log).rawValue
  } catch {
    log.error { error.tell(to: $0) }
    return error.exitCode.rawValue
  }
}

private func run(
  _ commandLine: CommandLine, _ log: inout KernelLog
) throws(StartError) -> ExitCode {
  let arguments = try Arguments(commandLine)
  let command: Command
  switch try arguments.action() {
  case .help(let text):
    try write(text.bytes)
    return .done
  case .version:
    let line: Text<64> = "devicegrant \(version)\n"
    try write(line.bytes)
    return .done
  case .command(let given): command = given
  }
  if case .run = command, let verdict = try divide(commandLine, log) { return verdict }
  var memory = Memory.configuration()
  let source = try ConfigurationSource(arguments, &memory, &log)
  switch command {
  case .run: return try run(source, &memory, log)
  case .signIn: return try signIn(source, &memory, log)
  case .token: return try token(source, arguments, &memory, log)
  case .whoami: return try whoAmI(source, &memory, log)
  case .signOut: return try signOut(source, isLocal: arguments.isLocal, &memory, log)
  case .status: return try status(source, &memory, asJSON: arguments.wantsJSON, log)
  case .show: return try show(source, arguments, log)
  }
}

/// Writes what a command is for to standard output.
@inline(never)
func write(_ output: borrowing Span<UInt8>) throws(StartError) {
  do {
    try StandardOutput.write(output)
  } catch {
    throw .system(.cannotCreate, "cannot write to standard output", error)
  }
}

/// Takes over the signals that end a command.
func openSignals() throws(StartError) -> SignalQueue {
  do {
    return try SignalQueue()
  } catch {
    throw .system(.defect, "cannot take over signals", error)
  }
}
