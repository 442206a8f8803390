internal import Board
internal import Bytes
internal import Invocation
internal import Linux

/// `devicegrant run`: the board's life, in the inner of two processes. Returns when a signal ends
/// it.
@inline(never)
func run(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  var plan = try source.plan(&memory, log)
  let sandbox = confine(&plan, source)
  plan.sandbox = sandbox
  log.info { $0 <- "sandbox: " <- sandbox }
  return try withLife(plan, source, isService: true, log) { life in
    var ending = life.live()
    while ending == .reload {
      let error = OuterProcess.beginAnew()
      log.warning { $0 <- "cannot begin anew: " <- error }
      ending = life.resume()
    }
    switch ending {
    case .signal(let number):
      log.info { $0 <- "ended by signal " <- number }
      return .done
    case .fault(let fault): return fault.exitCode
    case .reload, .signedIn: return .done
    }
  }
}
