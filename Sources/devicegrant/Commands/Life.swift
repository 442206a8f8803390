internal import Board
internal import Bytes
internal import Configuration
internal import Display
internal import Invocation
internal import Linux

// How the commands that live a life open what it lives on: first what may fail, last what is large.

/// Opens a life, and has `body` live it.
@inline(never)
func withLife(
  _ plan: borrowing Plan, _ source: borrowing ConfigurationSource, isService: Bool,
  _ log: KernelLog,
  _ body: (inout Life<KernelWorld>) -> ExitCode
) throws(StartError) -> ExitCode {
  let rotation = try rotation(source)
  let sources = try openSources(plan, isService: isService)
  do {
    var life = try makeLife(plan, sources, source, rotation, isService, log)
    return body(&life)
  } catch {
    return report(error, plan, log)
  }
}

/// Says what ends a command before there is a life.
@inline(never)
private func report(_ fault: Fault, _ plan: Plan, _ log: KernelLog) -> ExitCode {
  log.error { plan.tell(fault, to: $0) }
  return fault.exitCode
}

/// A frame of its own for what a life is made of: the other one stays as long as the life.
@inline(never)
private func makeLife(
  _ plan: borrowing Plan, _ sources: consuming KernelSources,
  _ source: borrowing ConfigurationSource, _ rotation: Rotation, _ isService: Bool, _ log: KernelLog
) throws(Fault) -> Life<KernelWorld> {
  let account = try Account(
    creating: plan, Memory.exchange(), Memory.keeper(), isService: isService, log)
  return Life(
    plan, account, Memory.attendant(), sources, openDisplays(source, rotation),
    isService: isService, log)
}

private func openSources(
  _ plan: borrowing Plan, isService: Bool
) throws(StartError) -> KernelSources {
  do {
    return try KernelSources(watching: plan.place.tokenFile, isService: isService)
  } catch {
    throw .system(.defect, "cannot set up the event queue", error)
  }
}

/// How the displays are turned, where the paths of all of them can be used.
func rotation(_ source: borrowing ConfigurationSource) throws(StartError) -> Rotation {
  for index in 0..<source.local.displays.count {
    let path = source.local.displays[index].path
    if path.count == 0 { continue }
    guard let path = Path(path.bytes), path.appending(".new") != nil else {
      throw source.failure(.display, "holds a path that is too long")
    }
    if source.isTokenFile(path) {
      throw source.failure(.display, "holds the token file")
    }
  }
  guard let rotation = Rotation(degrees: source.local.rotation) else {
    throw source.failure(.rotate, "is not 0, 90, 180 or 270")
  }
  return rotation
}

/// Opens the configured displays. What can't be opened is reported by them.
func openDisplays(
  _ source: borrowing ConfigurationSource, _ rotation: Rotation
) -> Displays {
  let locale =
    Environment.value("LC_ALL") ?? Environment.value("LC_CTYPE") ?? Environment.value("LANG")
  let nothing = PermanentBytes("")
  return Displays(
    source.local.displays, rotation: rotation, canvas: Memory.canvas(),
    drivers: Memory.drivers(), locale: locale ?? nothing,
    term: Environment.value("TERM") ?? nothing)
}
