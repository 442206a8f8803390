internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux

// Theory of operation.
//
// `run` is divided before it reads anything: see `OuterProcess`. When the inner process knows its
// configuration, it names the hooks, and puts on a sandbox that follows from the configuration.
// Directories are allowed, not files: most files are replaced by renaming another, for which no
// rule for the file before would hold.

/// Divides this process.
///
/// - Returns: nil in the inner process, which goes on; in one that is to check the configuration,
///   what came of it.
func divide(_ commandLine: CommandLine, _ log: KernelLog) throws(StartError) -> ExitCode? {
  do {
    if case .agent = try OuterProcess.divide(commandLine) { return nil }
  } catch {
    throw .system(.defect, "cannot begin the agent's process", error)
  }
  return ConfigurationSource.isGood(commandLine, log) ? .done : .configuration
}

/// Has no program run but the hooks, and puts the sandbox on, unless it is switched off.
///
/// - Returns: what is in force, in words.
@inline(never)
func confine(
  _ plan: inout Plan, _ source: borrowing ConfigurationSource
) -> StaticString {
  plan.hooks.forEach { OuterProcess.permit($0.bytes) }
  OuterProcess.seal()
  if !source.local.isSandboxed { return "off" }
  // Where it is missing it is made first: what is above it may not be allowed, as the root.
  let directory = plan.place.tokenFile.directory
  plan.place.isVolatile = (try? Directory(creating: directory))?.isVolatile ?? false
  let sandbox = Sandbox()
  sandbox.allow(besides: plan.trustAnchors.bytes, changing: false)
  // Somebody may remove it, as a factory reset does, and then it is made again: what was allowed is
  // gone with it, and there may be tokens that are in no file yet.
  if directory.directory.bytes.count > 1 { sandbox.allow(besides: directory.bytes) }
  sandbox.allow(besides: plan.place.tokenFile.bytes)
  if let file = plan.place.accessTokenFile { sandbox.allow(besides: file.bytes) }
  if let socket = plan.socket { sandbox.allow(besides: socket.bytes) }
  let displays = source.local.displays
  for index in 0..<displays.count {
    if case .pbm = displays[index].kind { sandbox.allow(besides: displays[index].path.bytes) }
  }
  return sandbox.close()
}
