import Board
import Configuration
import Linux

extension Universe {
  /// Lives one life.
  ///
  /// - Returns: the invariant that did not hold; nil where all did.
  @discardableResult
  public func live() -> Invariant? {
    counts[.life] += 1
    if script.isLong { counts[.year] += 1 }
    while !isOver, watch.fault == nil {
      boot()
      // Meanwhile another program may meet with a power cut.
      while offUntil > now, !isOver, watch.fault == nil { pass(until: offUntil) }
    }
    command?.kill()
    command = nil
    return watch.fault
  }

  /// One program from its start to its end.
  private func boot() {
    counts[.boot] += 1
    let world = SimulatedWorld(self, isMain: true)
    main = world
    _ = record.read(disk)
    watch.booted(self)
    let ending = run(world)
    main = nil
    if lockHolder == world.session { lockHolder = nil }
    leave(world)
    programs.removeAll()
    if world.isDead { return }
    tell("the program ends: \(ending)")
    if case .fault = ending { watch.failed(self) }
    watch.ended(world.session, self)
    // As systemd begins it again, with growing pauses where it fails.
    switch ending {
    case .reload: return
    case .fault: failures = min(failures + 1, 10)
    case .signal, .signedIn: failures = 0
    }
    offUntil = max(offUntil, now + (random(100...2000) << failures))
  }

  private func run(_ world: SimulatedWorld) -> Life<SimulatedWorld>.Ending {
    mainMemory.reuse()
    var log = Log(world)
    log.level = script.isVerbose ? .debug : .info
    do throws(Fault) {
      let account = try Account(
        creating: configuration.plan, mainMemory.exchange(), mainMemory.keeper(), log)
      var life = Life(
        configuration.plan, account, mainMemory.attendant(), SimulatedSources(world),
        SimulatedPanels(world), log)
      var ending = life.live()
      // The next program can't always be begun.
      while ending == .reload, !world.isDead, chance(1, of: 4) { ending = life.resume() }
      return ending
    } catch {
      return .fault(error)
    }
  }
}
