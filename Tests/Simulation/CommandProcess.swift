import Board
import Configuration
import Linux

/// A second program on the board, under the same lock: it runs in turns with the main one.
final class CommandProcess {
  private let world: SimulatedWorld
  private var coroutine: Coroutine?
  private var isRunning = false

  init(_ command: Command, _ universe: Universe) {
    world = SimulatedWorld(universe, isMain: false)
    coroutine = Coroutine { [world] _ in universe.run(command, world) }
  }

  var isFinished: Bool { coroutine?.isFinished ?? true }
  var session: Int { world.session }

  /// Lets it go on until it waits.
  func resume(_ universe: Universe) {
    isRunning = true
    coroutine?.resume()
    isRunning = false
    if isFinished { universe.commandEnded() }
  }

  /// It waits: the main program goes on.
  func pass(until end: Int64, _ world: SimulatedWorld) {
    if end <= world.universe.now { return }
    world.universe.schedule.add(.commandWakes(session: world.session), at: end)
    coroutine!.yield()
  }

  /// Ends it; its own code unwinds. That may be in the midst of what it does.
  func kill() {
    world.isDead = true
    if !isFinished, !isRunning { coroutine?.resume() }
    if isFinished { world.universe.command = nil }
  }
}

extension Universe {
  /// A second program begins, where none runs and there is power.
  func begin(_ kind: Command) {
    let isOff = now < bootedAt
    if command != nil || isOff { return }
    switch kind {
    case .token: counts[.tokenCommand] += 1
    case .signOut:
      counts[.signOutCommand] += 1
      watch.signsOut(self)
      if chance(1, of: 2) { signOutInVain() }
    case .signIn: counts[.signInCommand] += 1
    case .whoAmI: counts[.whoAmICommand] += 1
    }
    // Who begins meanwhile finds what it has sent and is not answered yet.
    if chance(1, of: 6) {
      let trouble: Trouble = chance(1, of: 2) ? .refuses : .unavailable
      schedule(.trouble(trouble, length: random(1000...60_000)), in: 0)
      schedule(.restart, in: random(0...500))
    }
    command = CommandProcess(kind, self)
    command!.resume(self)
  }

  /// Who signs out has no network as often as not.
  func signOutInVain() {
    counts[.signOutInVain] += 1
    let troubles: [Trouble] = [.refused, .hung, .nameUnknown, .unavailable, .answersLost, .gateway]
    take(.trouble(troubles[random(troubles.count)], length: random(1000...600_000)))
  }

  func commandEnded() {
    guard let ended = command else { return }
    command = nil
    watch.ended(ended.session, self)
    watch.trouble(until: now)
    if lockHolder == ended.session { lockHolder = nil }
  }

  func resumeCommand(_ session: Int) {
    if let command, command.session == session { command.resume(self) }
  }

  /// What a command's program does, on its own stack.
  func run(_ kind: Command, _ world: SimulatedWorld) {
    let memory = commandMemory
    memory.reuse()
    var log = Log(world)
    log.level = script.isVerbose ? .debug : .info
    do throws(Fault) {
      if kind == .signIn {
        var plan = configuration.plan
        plan.socket = nil
        plan.hooks = HookPrograms()
        plan.start = .automatic
        let account = try Account(
          creating: plan, memory.exchange(), memory.keeper(), isService: false, log)
        var life = Life(
          plan, account, memory.attendant(), SimulatedSources(world), SimulatedPanels(world),
          isService: false, log)
        _ = life.live()
        return
      }
      let keeper = try Keeper(opening: configuration.plan.place, memory.keeper(), log)
      var account = try Account(configuration.plan, memory.exchange(), keeper, log)
      switch kind {
      case .signOut: try account.signOut(attending: Attending())
      case .whoAmI: try account.fetchProfile(attending: Attending())
      case .token, .signIn:
        try account.load()
        try account.provide([0, 60, 3000][random(3)], attending: Attending())
      }
    } catch {
      tell("the command ends: \(error.code)")
    }
  }
}
