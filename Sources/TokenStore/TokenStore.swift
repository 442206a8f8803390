public import Bytes
public import DeviceGrant
public import Linux

// Theory of operation.
//
// The token file is never written to. A new record is written whole to another name and flushed;
// the old file gets a second name, "previous"; then the new one is renamed over the old one and the
// directory is flushed. A power cut before the rename reaches the disk leaves the old record, one
// after it the new record, and nothing leaves half of one: rename(2) is atomic, and the data it
// makes visible was on the disk before. `save` returns only when the new record would survive.

/// The operations on one directory that keeping tokens takes: the kernel's in the program, a
/// simulated disk's in the tests.
public protocol TokenDirectory: ~Copyable {
  /// Reads a whole file. Throws `.fileTooLarge` where the buffer can't hold it.
  func read(_ name: Path, into buffer: inout Buffer) throws(Errno)
  /// Writes a whole new file and waits until its data is on the disk.
  func write(_ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32) throws(Errno)
  func link(_ name: Path, to other: Path) throws(Errno)
  /// Replaces `other` in one step.
  func rename(_ name: Path, to other: Path) throws(Errno)
  func removeIfPresent(_ name: Path) throws(Errno)
  /// Waits until the names are on the disk.
  func synchronize() throws(Errno)
}

extension Directory: TokenDirectory {}

/// Why the token file could not be used: what was tried, and what the kernel said.
public enum TokenStoreError: Error, Sendable {
  case nameTooLong
  case openDirectory(Errno)
  case read(Errno)
  case write(Errno)
  case replace(Errno)
  case remove(Errno)
}

extension ByteSink where Self: ~Copyable {
  /// Appends what was tried and what came of it.
  public mutating func append(_ error: TokenStoreError) {
    switch error {
    case .nameTooLong: append("its name is too long, or no file's name")
    case .openDirectory(let error):
      append("its directory can't be opened or made: ")
      append(error)
    case .read(let error):
      append("it can't be read: ")
      append(error)
    case .write(let error):
      append("nothing can be written beside it: ")
      append(error)
    case .replace(let error):
      append("it can't be replaced: ")
      append(error)
    case .remove(let error):
      append("it can't be removed: ")
      append(error)
    }
  }
}

/// The token file and its companions: `.new` while it is being written, `.previous` with the
/// generation before, `.damaged` with what could not be read.
public struct TokenStore<Storage: TokenDirectory & ~Copyable>: ~Copyable {
  /// What a load found.
  public enum Contents: Sendable, Equatable {
    case nothing
    case record
    /// A file that is no record.
    case damaged
  }

  /// The mode of every file here.
  private static var mode: UInt32 { 0o600 }

  private let directory: Storage
  private let current: Path
  private let new: Path
  private let previous: Path
  private let damaged: Path

  /// - Parameter name: the token file's name inside `directory`.
  public init(in directory: consuming Storage, name: Path) throws(TokenStoreError) {
    guard let new = name.appending(".new"), let previous = name.appending(".previous"),
      let damaged = name.appending(".damaged")
    else { throw .nameTooLong }
    self.directory = directory
    current = name
    self.new = new
    self.previous = previous
    self.damaged = damaged
  }

  /// Finds out now whether a record could be saved later, by writing a file as `save` does.
  public borrowing func checkWritable() throws(TokenStoreError) {
    let probe: StaticString = "{}\n"
    do {
      try directory.write(new, probe.bytes, mode: Self.mode)
      try directory.removeIfPresent(new)
    } catch {
      throw .write(error)
    }
  }

  /// Reads the record.
  ///
  /// - Parameter scratch: memory for the whole file; wiped before this returns.
  public borrowing func load(
    _ record: inout TokenRecord, scratch: inout Buffer
  ) throws(TokenStoreError) -> Contents {
    record.wipe()
    scratch.removeAll()
    defer { scratch.wipe() }
    do {
      try directory.read(current, into: &scratch)
    } catch {
      if error == .noSuchFile { return .nothing }
      if error == .fileTooLarge { return .damaged }
      throw .read(error)
    }
    return record.read(scratch.bytes) ? .record : .damaged
  }

  /// Replaces the record. When this returns, the new one survives a power cut; when it throws, the
  /// old one is still there, or the new one where only the last flush has failed.
  ///
  /// - Parameter scratch: memory for the whole file; wiped before this returns.
  public borrowing func save(
    _ tokens: borrowing Tokens, tokenEndpoint: borrowing Span<UInt8>,
    clientID: borrowing Span<UInt8>, scratch: inout Buffer
  ) throws(TokenStoreError) {
    scratch.removeAll()
    defer { scratch.wipe() }
    writeRecord(tokens, tokenEndpoint, clientID, to: &scratch)
    if scratch.isTruncated { throw .write(.fileTooLarge) }
    do {
      try directory.write(new, scratch.bytes, mode: Self.mode)
    } catch {
      try? directory.removeIfPresent(new)
      throw .write(error)
    }
    keepPrevious()
    do {
      try directory.rename(new, to: current)
      try directory.synchronize()
    } catch {
      try? directory.removeIfPresent(new)
      throw .replace(error)
    }
  }

  /// Moves a damaged file out of the way, for a person to look at.
  public borrowing func setDamagedAside() throws(TokenStoreError) {
    do {
      try directory.rename(current, to: damaged)
      try directory.synchronize()
    } catch {
      throw .replace(error)
    }
  }

  /// Gives the current file its second name, where the file system has hard links and room: what
  /// fails here costs the generation before, never the new one.
  private borrowing func keepPrevious() {
    do {
      try directory.removeIfPresent(previous)
      try directory.link(current, to: previous)
    } catch {}
  }
}

extension TokenStore where Storage == Directory {
  /// Opens the store for a token file, whose directory is made where it is missing.
  public init(creating path: Path) throws(TokenStoreError) {
    guard let name = path.name else { throw .nameTooLong }
    let directory: Directory
    do {
      directory = try Directory(creating: path.directory)
    } catch {
      throw .openDirectory(error)
    }
    try self.init(in: directory, name: name)
  }

  /// Opens the store for a token file; nil where there is not even its directory.
  public static func opening(_ path: Path) throws(TokenStoreError) -> TokenStore? {
    guard let name = path.name else { throw .nameTooLong }
    let directory: Directory
    do {
      directory = try Directory(opening: path.directory)
    } catch {
      if error == .noSuchFile { return nil }
      throw .openDirectory(error)
    }
    return try TokenStore(in: directory, name: name)
  }
}
