public import Bytes
public import Linux
public import TokenStore

/// A directory as one program has it open, with a lock that others may hold.
public struct SimulatedDirectory: TokenDirectory, ~Copyable {
  private let disk: SimulatedDisk
  private let world: SimulatedWorld
  private let generation: Int

  init(_ disk: SimulatedDisk, _ world: SimulatedWorld) {
    self.disk = disk
    self.world = world
    generation = disk.generation
  }

  /// Says that a name has changed: a program that watches the directory is told where it is the
  /// record's.
  private func changed(_ name: Path) {
    if !name.bytes.equals("tokens.json") { return }
    let universe = world.universe
    if disk !== universe.disk { return }
    universe.recordMayHaveChanged()
  }

  private func checkLife() throws(Errno) {
    if world.isDead { throw .inputOutput }
    if generation != disk.generation { throw .noSuchFile }
  }

  public func read(_ name: Path, into buffer: inout Buffer) throws(Errno) -> FileStatus {
    try checkLife()
    return try disk.read(name, into: &buffer)
  }

  public func write(
    _ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32, group: UInt32?
  ) throws(Errno) {
    try checkLife()
    try disk.write(name, bytes, mode: mode, group: group)
    try checkLife()
  }

  public func hasDirectory(_ name: Path) -> Bool { disk.hasDirectory(name) }

  public func link(_ name: Path, to other: Path) throws(Errno) {
    try checkLife()
    try disk.link(name, to: other)
  }

  public func rename(_ name: Path, to other: Path) throws(Errno) {
    try checkLife()
    try disk.rename(name, to: other)
    changed(name)
    changed(other)
  }

  public func give(_ name: Path, to user: UInt32) throws(Errno) {
    try disk.give(name, to: user)
  }

  public func removeIfPresent(_ name: Path) throws(Errno) {
    try checkLife()
    try disk.removeIfPresent(name)
    changed(name)
  }

  public func status(of name: Path) throws(Errno) -> FileStatus {
    try checkLife()
    return try disk.status(of: name)
  }

  public func status() throws(Errno) -> FileStatus {
    try checkLife()
    return try disk.status()
  }

  public var isVolatile: Bool { disk.isVolatile }

  public func synchronize() throws(Errno) {
    try checkLife()
    try disk.synchronize()
  }

  // MARK: The lock

  /// The lock while it is held.
  public struct Lock: TokenLock, ~Copyable {
    private let world: SimulatedWorld?

    fileprivate init(_ world: SimulatedWorld?) {
      self.world = world
    }

    deinit {
      release()
    }

    public static func absent() -> Lock { Lock(nil) }

    public borrowing func release() {
      guard let world, world.universe.lockHolder == world.session else { return }
      world.universe.lockHolder = nil
    }
  }

  public func lock(
    _ name: Path, until deadline: Int64, attending: Attending
  ) throws(LockError) -> Lock {
    try checkLock(name)
    var hasWaited = false
    while let holder = world.universe.lockHolder, holder != world.session {
      if !hasWaited, !world.isMain { world.universe.counts[.commandWaitedForLock] += 1 }
      hasWaited = true
      let next = min(deadline, world.milliseconds + 100)
      if world.pause(until: next, attending: attending) == .interrupted { throw .interrupted }
      if world.milliseconds >= deadline { throw .timedOut }
    }
    if world.isDead { throw .interrupted }
    world.universe.lockHolder = world.session
    return Lock(world)
  }

  public func checkLock(_ name: Path) throws(LockError) {
    do { try checkLife() } catch { throw .failed(error) }
    try disk.checkLock(name)
  }
}
