internal import Bytes
internal import Linux
internal import TokenStore

/// The file that gives the access token to the other programs on the board.
struct Publication<W: World> {
  let path: Path

  private let name: Path
  /// The number of the group that may read it; nil: the process's own.
  private let group: UInt32?
  private let log: Log<W>

  private static var mode: UInt32 { 0o640 }

  /// - Returns: nil where the path is no file's.
  init?(at path: Path, group: UInt32?, _ log: Log<W>) {
    guard let name = path.name, name.appending(".new") != nil else { return nil }
    self.path = path
    self.name = name
    self.group = group
    self.log = log
  }

  /// - Throws: `.publication` where the file could not be made.
  func checkWritable() throws(Fault) {
    do {
      try probe()
    } catch {
      throw Fault(.publication, .nobody, error.rawValue)
    }
  }

  private func probe() throws(Errno) {
    let nothing: StaticString = ""
    let directory = try log.world.openDirectory(path.directory, making: false)
    if directory.hasDirectory(name) { throw .isDirectory }
    if let obstacle = (try? directory.status(of: name))?.obstacle { throw obstacle }
    let new = name.appending(".new")!
    try directory.write(new, nothing.bytes, mode: Self.mode, group: group)
    try directory.removeIfPresent(new)
  }

  /// Replaces the file. What fails is said, and costs nothing else.
  ///
  /// - Parameter line: memory for the token and its newline; wiped before this returns.
  func publish(_ accessToken: borrowing Buffer, _ line: inout Buffer) {
    // They are written as one: never half a line.
    line.removeAll()
    line.append(accessToken.bytes)
    line.append("\n")
    defer { line.wipe() }
    do {
      try replace(line.bytes)
    } catch {
      log.warning { $0 <- "cannot write access_token_file " <- path <- ": " <- error }
    }
  }

  private func replace(_ bytes: borrowing Span<UInt8>) throws(Errno) {
    let directory = try log.world.openDirectory(path.directory, making: false)
    let new = name.appending(".new")!
    do {
      try directory.write(new, bytes, mode: Self.mode, group: group)
      try directory.rename(new, to: name)
    } catch {
      try? directory.removeIfPresent(new)
      throw error
    }
  }

  func withdraw() {
    do {
      let directory = try log.world.openDirectory(path.directory, making: false)
      // A power cut may have left it half-way.
      if let new = name.appending(".new") { try directory.removeIfPresent(new) }
      try directory.removeIfPresent(name)
    } catch {
      log.warning { $0 <- "cannot remove access_token_file " <- path <- ": " <- error }
    }
  }
}
