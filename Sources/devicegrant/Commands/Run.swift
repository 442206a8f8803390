internal import Board
internal import Bytes
internal import Configuration
internal import Display
internal import Linux

/// `devicegrant run`: the board's life. Returns when a signal ends it.
@inline(never)
func run(
  _ source: borrowing ConfigurationSource, _ memory: inout ConfigurationMemory, _ log: KernelLog
) throws(StartError) -> ExitCode {
  let plan = try source.plan(&memory, log)
  let sources = try openSources(plan, isService: true)
  let displays = try openDisplays(source)
  do {
    var life = try Life(
      plan, Memory.exchange(), Memory.keeper(), Memory.attendant(), sources, displays, log)
    var ending = life.live()
    while ending == .reload {
      let error = executeAgain(log.world.commandLine.arguments)
      log.warning { $0 <- "cannot begin anew: " <- error }
      ending = life.resume()
    }
    return exitCode(ending, log)
  } catch {
    log.error { plan.tell(error, to: $0) }
    return error.exitCode
  }
}

private func exitCode(_ ending: Life<KernelWorld>.Ending, _ log: KernelLog) -> ExitCode {
  switch ending {
  case .signal(let number):
    log.info { $0 <- "ended by signal " <- number }
    return .done
  case .fault(let fault): return fault.exitCode
  case .reload, .signedIn: return .done
  }
}

func openSources(
  _ plan: borrowing Plan, isService: Bool
) throws(StartError) -> KernelSources {
  do {
    var sources = try KernelSources(watching: plan.place.tokenFile, isService: isService)
    try sources.watch()
    return sources
  } catch {
    throw .system(.defect, "cannot set up the event queue", error)
  }
}

/// Opens the configured displays. What can't be opened is reported by them.
func openDisplays(_ source: borrowing ConfigurationSource) throws(StartError) -> Displays {
  let rotation = Rotation(degrees: source.local.rotation)
  guard let rotation else { throw source.failure(.rotate, "is not 0, 90, 180 or 270") }
  let locale =
    Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG")
  let nothing = PermanentBytes("")
  return Displays(
    source.local.displays, rotation: rotation, canvas: Memory.canvas(),
    drivers: Memory.drivers(), locale: locale ?? nothing,
    term: Environment.value("TERM") ?? nothing)
}
