public import Board
internal import Bytes
public import Linux

/// Where a program's events come from.
public struct SimulatedSources: EventSources, ~Copyable {
  private let world: SimulatedWorld
  private var nameServers: Int

  private var universe: Universe { world.universe }

  public init(_ world: SimulatedWorld) {
    self.world = world
    nameServers = world.universe.network.nameServers
  }

  deinit {
    world.universe.leave(world)
  }

  public mutating func next() -> Event? { world.nextEvent() }
  public mutating func setAlarm(_ deadline: Int64?) { world.setAlarm(deadline) }
  public mutating func watchRecord() { world.watchesRecord = true }
  public mutating func watchDevices() {}
  public mutating func watchNetwork() {}
  public mutating func haveNameServersChanged() -> Bool {
    defer { nameServers = universe.network.nameServers }
    return nameServers != universe.network.nameServers
  }
  public mutating func findInputs() {}
  public mutating func ready() { universe.watch.ready(universe) }
  public mutating func ping(now: Int64) -> Int64? { nil }

  // MARK: The socket

  public mutating func listen(at path: Path, group: UInt32?) throws(LocalSocketError) {
    world.isListening = true
  }

  public mutating func setListening(_ isOn: Bool) { world.isListening = isOn }

  public mutating func accept() throws(Errno) -> Visitor? {
    guard let client = universe.clients.visitors.first else { return nil }
    if universe.chance(1, of: 100) { throw Errno(rawValue: 24) }
    universe.clients.visitors.removeFirst()
    universe.clients.newcomer = client
    let isKnown = universe.chance(3, of: 4)
    let user: UInt32 = universe.clients[client].manner == .signOut ? 0 : 1000
    return Visitor(
      credentials: isKnown ? PeerCredentials(process: 1234, user: user, group: 100) : nil)
  }

  public mutating func seat(at slot: Int) {
    guard let client = universe.clients.newcomer else { return }
    if world.seats[slot] != nil { universe.watch.fail(.growth, universe) }
    universe.clients.newcomer = nil
    world.seats[slot] = client
    world.ignored[slot] = false
    universe.clients.seat(client, universe.now)
  }

  public mutating func receive(
    from slot: Int, into space: inout InlineArray<64, UInt8>
  ) -> FileDescriptor.Transfer {
    guard let client = world.seats[slot] else { return .failed(Errno(rawValue: 104)) }
    return universe.clients.receive(client, into: &space)
  }

  public mutating func send(to slot: Int, _ bytes: borrowing Span<UInt8>) {
    guard let client = world.seats[slot], !world.isDead else { return }
    let answer = bytes.withUnsafeBufferPointer { Array($0) }
    universe.take(answer, client)
  }

  public mutating func ignore(_ slot: Int) { world.ignored[slot] = true }

  public mutating func close(_ slot: Int) {
    guard let client = world.seats[slot] else { return }
    world.seats[slot] = nil
    universe.closed(client, world)
  }
}
