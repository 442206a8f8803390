import Bytes
import Linux
import TestSupport
import TokenStore

/// A directory on a disk whose power can be cut before any step of any operation.
///
/// It is worse than a disk may be: until `synchronize` each name may hold, after a cut, whatever it
/// has held since the last one, independently of all others; a file's data, until it is flushed,
/// may be missing, a part, zeros or something else.
final class SimulatedDisk: TokenDirectory {
  private struct File {
    var visible: [UInt8]
    /// What may be found after a cut; one once flushed.
    var possible: [[UInt8]]
  }

  private var files: [File] = []
  /// For each name what it has been since the last flush, today's last; nil: not there.
  private var names: [String: [Int?]] = [:]

  /// The step before which the power goes; every step fails from there on.
  var cut: Int?
  /// A step that fails, alone, and how.
  var failure: (step: Int, error: Errno)?
  var hasHardLinks = true
  /// The files that others can get at.
  var exposures: [String: Exposure] = [:]
  private(set) var steps = 0

  init(_ contents: [String: [UInt8]] = [:]) {
    for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
      names[name] = [files.count]
      files.append(File(visible: bytes, possible: [bytes]))
    }
  }

  /// What is there for programs to see.
  var contents: [String: [UInt8]] {
    names.compactMapValues { $0.last!.map { files[$0].visible } }
  }

  private func step() throws(Errno) {
    defer { steps += 1 }
    if let cut, steps >= cut { throw .inputOutput }
    if let failure, steps == failure.step { throw failure.error }
  }

  private func set(_ name: String, _ file: Int?) {
    names[name, default: [nil]].append(file)
  }

  private func file(_ name: String) -> Int? { names[name]?.last ?? nil }

  func read(_ name: Path, into buffer: inout Buffer) throws(Errno) {
    guard let file = file(string(name.bytes)) else { throw .noSuchFile }
    for byte in files[file].visible { buffer.append(byte) }
    if buffer.count == buffer.capacity { throw .fileTooLarge }
  }

  /// The size of the largest file that was ever there.
  var largest: Int { files.flatMap(\.possible).map(\.count).max() ?? 0 }

  func write(
    _ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32, group: UInt32?
  ) throws(Errno) {
    let (name, bytes) = (string(name.bytes), array(bytes))
    if file(name) != nil {
      try step()
      set(name, nil)
    }
    try step()
    let file = files.count
    files.append(File(visible: [], possible: [[]]))
    set(name, file)
    for end in [bytes.count / 2, bytes.count] {
      try step()
      let part = Array(bytes[..<end])
      files[file].visible = part
      files[file].possible += [
        part, Array(repeating: 0, count: end), Array(part.dropLast()), part.reversed(),
      ]
    }
    try step()
    files[file].possible = [bytes]
  }

  func link(_ name: Path, to other: Path) throws(Errno) {
    try step()
    if !hasHardLinks { throw .notPermitted }
    guard let file = file(string(name.bytes)) else { throw .noSuchFile }
    if self.file(string(other.bytes)) != nil { throw .exists }
    set(string(other.bytes), file)
  }

  func rename(_ name: Path, to other: Path) throws(Errno) {
    try step()
    guard let file = file(string(name.bytes)) else { throw .noSuchFile }
    set(string(other.bytes), file)
    set(string(name.bytes), nil)
  }

  func writingTime(of name: Path) throws(Errno) -> Int64 { 0 }

  func hasDirectory(_ name: Path) -> Bool { false }

  func identity(of name: Path) throws(Errno) -> FileIdentity {
    guard let file = file(string(name.bytes)) else { throw .noSuchFile }
    return FileIdentity(device: 1, number: UInt64(file), writtenAt: 0, nanoseconds: 0)
  }

  /// There is one process here.
  struct Lock: TokenLock {
    static func absent() -> Lock { Lock() }
    func release() {}
  }

  func lock(_ name: Path, until: Int64, attending: Attending) throws(LockError) -> Lock { Lock() }
  func checkLock(_ name: Path) throws(LockError) {}

  func exposure(of name: Path) throws(Errno) -> Exposure? {
    if file(string(name.bytes)) == nil { throw .noSuchFile }
    return exposures[string(name.bytes)]
  }

  func removeIfPresent(_ name: Path) throws(Errno) {
    try step()
    if file(string(name.bytes)) != nil { set(string(name.bytes), nil) }
  }

  func synchronize() throws(Errno) {
    try step()
    names = names.mapValues { [$0.last!] }
  }

  /// Every disk that may be found when the power is back.
  func afterPowerCut() -> [SimulatedDisk] {
    var disks: [[String: [UInt8]]] = [[:]]
    for (name, history) in names.sorted(by: { $0.key < $1.key }) {
      // Not there, or one of these.
      var choices: Set<[UInt8]?> = []
      for file in history {
        if let file {
          for bytes in files[file].possible { choices.insert(bytes) }
        } else {
          choices.insert(nil)
        }
      }
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
}
