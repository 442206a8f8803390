internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Display
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant run`: the board's life. Returns when a signal ends it.
@inline(never)
func run(
  _ source: borrowing ConfigurationSource, _ arguments: borrowing Arguments, _ log: Log
) throws(Failure) {
  let agent = Agent(start: source.local.start, seed: randomSeed())
  background = Memory.place(try Background(source, agent, log))
  defer { background.deinitialize(count: 1) }
  var life = try Life(source, log)
  let ending = try life.live(source, arguments)
  log.info("ended by signal \(ending)")
}

/// Where `Background` lies, for the waits.
nonisolated(unsafe) var background: UnsafeMutablePointer<Background>!

/// Serves in the midst of an exchange.
let serveDuringExchange: Patience.Service = {
  background.pointee.serve()
  return background.pointee.endsExchange
}

/// Serves while a display takes its time. A picture that is not finished is of no use, so only the
/// program's end ends it.
let serveWhileShowing: Patience.Service = {
  background.pointee.serve()
  return background.pointee.happenings.ending != nil
}

/// Serves while there is nothing else to do.
let serveWhileIdle: Patience.Service = {
  background.pointee.serve()
  return !background.pointee.happenings.isEmpty || background.pointee.handOut.wantsRefresh
}

private func randomSeed() -> UInt32 {
  var seed: UInt32 = 0
  withUnsafeMutableBytes(of: &seed) { try? fillWithRandom($0) }
  return seed
}
