internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux

/// `devicegrant sign-in`: one code, from the request to the tokens on disk.
@inline(never)
func signIn(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  var plan = try source.plan(&memory, log)
  // What only a life that goes on has.
  plan.socket = nil
  plan.hooks = HookPrograms()
  plan.start = .automatic
  return try withLife(plan, source, isService: false, log) { life in
    switch life.live() {
    case .signal(let number):
      log.info { $0 <- "ended by signal " <- number }
      SignalQueue.die(of: number)
    case .fault(let fault): return fault.exitCode
    case .signedIn, .reload: return .done
    }
  }
}
