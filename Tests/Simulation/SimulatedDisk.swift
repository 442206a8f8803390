public import Bytes
public import Linux
public import TokenStore

/// A directory on a disk whose power can be cut before any step of any operation.
///
/// It is worse than a disk may be: until `synchronize` each name may hold, after a cut, whatever it
/// has held since the last one, independently of all others; a file's data, until it is flushed,
/// may be missing, a part, zeros or something else.
public final class SimulatedDisk: TokenDirectory {
  private struct File {
    /// What it is to hold once it is whole.
    let bytes: [UInt8]
    /// How much of it programs see.
    var count: Int
    /// How much of it may be found after a cut, in one form or another; nil once it is flushed.
    var partial: [Int]?
    /// By the wall clock, in seconds since 1970.
    var writtenAt: Int64
    /// The inode's.
    var number: UInt64
    /// Another user's number, where it is another's.
    var owner: UInt32?

    var visible: [UInt8] { count == bytes.count ? bytes : Array(bytes[..<count]) }
  }

  private struct Entry {
    let name: [UInt8]
    /// What the name has been since the last flush, today's last; nil: not there.
    var history: [Int?]

    var file: Int? { history[history.count - 1] }
  }

  private var files: [File] = []
  private var lastNumber: UInt64 = 0
  /// In the order in which the names came up, so that nothing depends on a hash.
  private var entries: [Entry] = []

  /// The step before which the power goes; every step fails from there on.
  public var cut: Int?
  /// A step that fails, alone, and how.
  public var failure: (step: Int, error: Errno)?
  /// What every step that writes fails with, while that lasts.
  public var trouble: Errno?
  public var hasHardLinks = true
  /// Whether somebody has removed the directory.
  public private(set) var isRemoved = false
  /// What was in the directory that was removed.
  private var removed: [Entry] = []
  /// Which directory it is: who has one open that was removed finds nothing in it.
  private(set) var generation = 0
  /// The files that others can get at.
  public var exposures: [String: Exposure] = [:]
  /// The names of files that were given to other users.
  public private(set) var owners: [[UInt8]: UInt32] = [:]
  /// A file that is a mount of its own, and can't be replaced.
  public var mounted: StaticString?
  public private(set) var steps = 0
  /// Grows with each change that programs can see.
  public private(set) var revision = 0
  /// The wall clock, as the files' times are by it.
  public var unixSeconds: Int64 = 0
  /// Called where a step finds the power gone.
  var onCut: (() -> Void)?
  /// Called where a step has failed alone.
  var onFailure: (() -> Void)?

  public init(_ contents: [String: [UInt8]] = [:]) {
    for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
      add(Array(name.utf8), bytes, writtenAt: 0)
    }
  }

  private func add(_ name: [UInt8], _ bytes: [UInt8], writtenAt: Int64, of owner: UInt32? = nil) {
    entries.append(Entry(name: name, history: [files.count]))
    files.append(newFile(bytes, writtenAt, of: owner))
  }

  private func newFile(_ bytes: [UInt8], _ writtenAt: Int64, of owner: UInt32? = nil) -> File {
    lastNumber += 1
    return File(
      bytes: bytes, count: bytes.count, partial: nil, writtenAt: writtenAt, number: lastNumber,
      owner: owner)
  }

  /// Another user puts a file there.
  func plant(_ name: String, _ bytes: [UInt8], of user: UInt32) {
    let path = Path(Array(name.utf8).span)!
    set(path.bytes, files.count)
    files.append(newFile(bytes, unixSeconds, of: user))
  }

  /// What is there for programs to see.
  public var contents: [String: [UInt8]] {
    var contents: [String: [UInt8]] = [:]
    for entry in entries {
      if let file = entry.file {
        contents[String(decoding: entry.name, as: UTF8.self)] = files[file].visible
      }
    }
    return contents
  }

  /// The number of files that are there.
  public var count: Int {
    var count = 0
    for entry in entries where entry.file != nil { count += 1 }
    return count
  }

  /// The size of the largest file that was ever there.
  public var largest: Int { files.map(\.bytes.count).max() ?? 0 }

  /// Removes the directory with all that is in it.
  public func remove() {
    if isRemoved { return }
    isRemoved = true
    mounted = nil
    removed = entries
    entries = []
    generation += 1
    revision += 1
  }

  /// Makes the directory that somebody has removed.
  func makeAgain() {
    isRemoved = false
    removed = []
    revision += 1
  }

  /// Puts the directory back that was removed, with what was in it, where there is no other.
  func putBack() {
    if !isRemoved { return }
    isRemoved = false
    entries = removed
    removed = []
    revision += 1
  }

  /// Lends what a file holds; nil where there is none.
  func withFile<Result>(_ name: StaticString, _ body: ([UInt8]?) -> Result) -> Result {
    let index = index(name.bytes)
    return body(index.flatMap { entries[$0].file }.map { files[$0].visible })
  }

  /// When a file was written last, by the wall clock; nil where there is none.
  func writingTime(_ name: StaticString) -> Int64? {
    index(name.bytes).flatMap { entries[$0].file }.map { files[$0].writtenAt }
  }

  // MARK: Names

  private func index(_ name: borrowing Span<UInt8>) -> Int? {
    for index in entries.indices where entries[index].name.count == name.count {
      var isSame = true
      for position in name.indices where entries[index].name[position] != name[position] {
        isSame = false
        break
      }
      if isSame { return index }
    }
    return nil
  }

  private func file(_ name: borrowing Span<UInt8>) -> Int? {
    index(name).flatMap { entries[$0].file }
  }

  private func set(_ name: borrowing Span<UInt8>, _ file: Int?) {
    revision += 1
    if let index = index(name) {
      entries[index].history.append(file)
      // A directory that nobody flushes: what it was long ago is on the disk.
      if entries[index].history.count > 8 { entries[index].history.removeFirst() }
      return
    }
    var copy: [UInt8] = []
    for index in name.indices { copy.append(name[index]) }
    entries.append(Entry(name: copy, history: [nil, file]))
  }

  // MARK: Steps

  /// Counts a step that writes, and has it fail where it is to.
  private func step() throws(Errno) {
    defer { steps += 1 }
    if let cut, steps >= cut {
      onCut?()
      throw .inputOutput
    }
    if isRemoved { throw .noSuchFile }
    if let failure, steps == failure.step {
      onFailure?()
      throw failure.error
    }
    if let trouble { throw trouble }
  }

  private func checkPower() throws(Errno) {
    if let cut, steps >= cut {
      onCut?()
      throw .inputOutput
    }
    if isRemoved { throw .noSuchFile }
  }

  public func read(_ name: Path, into buffer: inout Buffer) throws(Errno) -> FileStatus {
    let status = try status(of: name)
    let file = file(name.bytes)!
    let bytes = files[file].visible
    buffer.append(bytes.span)
    if buffer.count == buffer.capacity { throw .fileTooLarge }
    return status
  }

  public func write(
    _ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32, group: UInt32?
  ) throws(Errno) {
    let bytes = bytes.withUnsafeBufferPointer { Array($0) }
    if file(name.bytes) != nil {
      try step()
      set(name.bytes, nil)
    }
    try step()
    if files.count > 64 { forget() }
    let file = files.count
    files.append(newFile(bytes, unixSeconds))
    files[file].count = 0
    files[file].partial = [0]
    set(name.bytes, file)
    for end in [bytes.count / 2, bytes.count] {
      try step()
      files[file].count = end
      files[file].partial!.append(end)
      revision += 1
    }
    try step()
    files[file].partial = nil
  }

  public func hasDirectory(_ name: Path) -> Bool { false }

  public func link(_ name: Path, to other: Path) throws(Errno) {
    try step()
    if !hasHardLinks { throw .notPermitted }
    guard let file = file(name.bytes) else { throw .noSuchFile }
    if self.file(other.bytes) != nil { throw .exists }
    set(other.bytes, file)
  }

  public func rename(_ name: Path, to other: Path) throws(Errno) {
    try step()
    guard let file = file(name.bytes) else { throw .noSuchFile }
    if isMounted(name) || isMounted(other) { throw .busy }
    set(other.bytes, file)
    set(name.bytes, nil)
  }

  public func give(_ name: Path, to user: UInt32) throws(Errno) {
    try step()
    owners[name.bytes.withUnsafeBufferPointer { Array($0) }] = user
  }

  public func removeIfPresent(_ name: Path) throws(Errno) {
    try step()
    if isMounted(name) { throw .busy }
    if file(name.bytes) != nil { set(name.bytes, nil) }
  }

  public func status(of name: Path) throws(Errno) -> FileStatus {
    try checkPower()
    guard let file = file(name.bytes) else { throw .noSuchFile }
    var (owner, mode) = (User.number, UInt32(0o600))
    switch exposure(of: name) {
    case .owner(let user): owner = user
    case .mode(let bits): mode = bits
    case nil: break
    }
    return FileStatus(
      number: files[file].number, writtenAt: files[file].writtenAt, owner: owner, mode: mode,
      obstacle: isMounted(name) ? .busy : nil)
  }

  public func status() throws(Errno) -> FileStatus {
    try checkPower()
    return FileStatus(number: 1, writtenAt: 0, owner: User.number, mode: 0o700)
  }

  public var isVolatile: Bool { false }

  /// Whether something is mounted over a file that is there.
  public var isMounted: Bool { mounted.map { file($0.bytes) != nil } ?? false }

  private func isMounted(_ name: Path) -> Bool {
    isMounted && name.bytes.equals(mounted!)
  }

  private func exposure(of name: Path) -> Exposure? {
    if let file = file(name.bytes), let owner = files[file].owner { return .owner(owner) }
    if exposures.isEmpty { return nil }
    return exposures[name.bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }]
  }

  public func synchronize() throws(Errno) {
    try step()
    for index in entries.indices where entries[index].history.count > 1 {
      entries[index].history = [entries[index].file]
    }
  }

  // MARK: The lock, of one process that is alone

  /// The lock of a process that is alone.
  public struct Lock: TokenLock, ~Copyable {
    public static func absent() -> Lock { Lock() }
    public borrowing func release() {}
  }

  public func lock(
    _ name: Path, until deadline: Int64, attending: Attending
  ) throws(LockError) -> Lock {
    try checkLock(name)
    return Lock()
  }

  public func checkLock(_ name: Path) throws(LockError) {
    do {
      try checkPower()
      if file(name.bytes) != nil { return }
      try step()
    } catch {
      throw .failed(error)
    }
    set(name.bytes, files.count)
    files.append(newFile([], unixSeconds))
  }

  // MARK: Power cuts

  /// What may be found of a file whose data was not flushed.
  private func outcomes(_ file: Int) -> [[UInt8]] {
    let bytes = files[file].bytes
    guard let partial = files[file].partial else { return [bytes] }
    return partial.flatMap { end -> [[UInt8]] in
      let part = Array(bytes[..<end])
      return [
        part, Array(repeating: 0, count: part.count), Array(part.dropLast()), part.reversed(),
      ]
    }
  }

  /// Every disk that may be found when the power is back.
  public func afterPowerCut() -> [SimulatedDisk] {
    var disks: [[String: [UInt8]]] = [[:]]
    for entry in entries {
      // Not there, or one of these.
      var choices: Set<[UInt8]?> = []
      for file in entry.history {
        if let file {
          for bytes in outcomes(file) { choices.insert(bytes) }
        } else {
          choices.insert(nil)
        }
      }
      let name = String(decoding: entry.name, as: UTF8.self)
      disks = disks.flatMap { disk in
        choices.map { choice in
          var disk = disk
          disk[name] = choice
          return disk
        }
      }
    }
    return disks.map { SimulatedDisk($0) }
  }

  /// One of the disks that may be found when the power is back.
  func afterPowerCut<Generator: RandomNumberGenerator>(
    using generator: inout Generator
  ) -> SimulatedDisk {
    let disk = SimulatedDisk()
    disk.hasHardLinks = hasHardLinks
    disk.revision = revision + 1
    disk.isRemoved = isRemoved
    for entry in entries {
      let history = entry.history
      guard let file = history[Int.random(in: 0..<history.count, using: &generator)] else {
        continue
      }
      let outcomes = outcomes(file)
      let bytes = outcomes[Int.random(in: 0..<outcomes.count, using: &generator)]
      disk.add(entry.name, bytes, writtenAt: files[file].writtenAt, of: files[file].owner)
    }
    return disk
  }

  /// Lets go of files that no name leads to any more: a year has thousands.
  private func forget() {
    var kept: [File] = []
    var places = [Int?](repeating: nil, count: files.count)
    for index in entries.indices {
      for position in entries[index].history.indices {
        guard let file = entries[index].history[position] else { continue }
        if places[file] == nil {
          places[file] = kept.count
          kept.append(files[file])
        }
        entries[index].history[position] = places[file]
      }
    }
    files = kept
  }
}
