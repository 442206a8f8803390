public import Bytes
public import Linux
public import OAuth

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
  /// The right to do what one process may do at a time, until it is dropped or released.
  associatedtype Lock: TokenLock & ~Copyable

  /// Reads a whole file, and tells whose it is. Throws `.fileTooLarge` where the buffer can't hold
  /// it.
  func read(_ name: Path, into buffer: inout Buffer) throws(Errno) -> FileStatus
  /// Writes a whole new file and waits until its data is on the disk.
  ///
  /// - Parameter group: the number of the group that it is to belong to; nil for the process's own.
  func write(
    _ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32, group: UInt32?
  ) throws(Errno)
  /// Whether there is a directory of that name, which no file can replace.
  func hasDirectory(_ name: Path) -> Bool
  func link(_ name: Path, to other: Path) throws(Errno)
  /// Replaces `other` in one step.
  func rename(_ name: Path, to other: Path) throws(Errno)
  /// Makes a file another user's, by number.
  func give(_ name: Path, to user: UInt32) throws(Errno)
  func removeIfPresent(_ name: Path) throws(Errno)
  /// Which file a name leads to at the moment, and whose it is.
  func status(of name: Path) throws(Errno) -> FileStatus
  /// What is said about the directory itself.
  func status() throws(Errno) -> FileStatus
  /// Whether all of it is gone when the power is.
  var isVolatile: Bool { get }
  /// Waits until the names are on the disk.
  func synchronize() throws(Errno)
  /// Waits until nobody else holds the lock of that name, and takes it.
  ///
  /// - Parameter deadline: in milliseconds since boot.
  func lock(_ name: Path, until deadline: Int64, attending: Attending) throws(LockError) -> Lock
  /// Finds out whether that lock could be taken.
  func checkLock(_ name: Path) throws(LockError)
}

/// A lock that is held.
public protocol TokenLock: ~Copyable {
  /// In the place of a lock that is not to be had.
  static func absent() -> Self
  /// Lets the next one have it.
  func release()
}

extension Directory: TokenDirectory {}
extension FileLock: TokenLock {}

/// Why a file is no place for secrets.
public enum Exposure: Sendable, Equatable {
  /// It belongs to another user, of that number.
  case owner(UInt32)
  /// Its permission bits let others in.
  case mode(UInt32)
}

extension FileStatus {
  /// Who else than this process's user can get at the file; nil for nobody.
  public var exposure: Exposure? {
    if owner != User.number { return .owner(owner) }
    return mode & 0o077 == 0 ? nil : .mode(mode)
  }
}

/// Why the token file could not be used: what was tried, and what the kernel said.
public enum TokenStoreError: Error, Sendable {
  case nameTooLong
  case openDirectory(Errno)
  case read(Errno)
  case write(Errno)
  case replace(Errno)
  case remove(Errno)
  /// The file holds tokens that others could have read or written.
  case exposed(Exposure)
  case lock(LockError)
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
      if error == .busy { append("; mount its directory, not the file alone") }
    case .remove(let error):
      append("it can't be removed: ")
      append(error)
    case .exposed(.owner(let user)):
      append("it belongs to user ")
      append(decimal: Int64(user))
      append(": run this as that user, or give the file to this one with chown")
    case .exposed(.mode(let mode)):
      append("other users can get at it, its mode is 0")
      append(octal: mode)
      append(": sign in again if they may have, else chmod 600 it; on vfat, mount with umask=077")
    case .lock(.timedOut): append("another process has kept it locked all the time")
    case .lock(.interrupted): append("interrupted by a signal")
    case .lock(.failed(let error)):
      append("it can't be locked: ")
      append(error)
      if error == .notPermitted || error == .accessDenied {
        append("; remove its .lock, which is another user's")
      }
    }
  }
}

/// The token file and its companions, whose names are its own with something behind it.
public struct TokenStore<Storage: TokenDirectory & ~Copyable>: ~Copyable {
  /// What a load found.
  public enum Contents: Sendable, Equatable {
    case nothing
    case record
    /// A file that is no record, or a link.
    case damaged
  }

  /// A file beside the token file.
  enum Companion: UInt8 {
    /// While a record is being written.
    case new
    /// The generation before.
    case previous
    /// What could not be read.
    case damaged
    /// Held while the record is being renewed.
    case lock
    case name
    case metadata
    // Of a note that was cut off.
    case newName
    case newMetadata
    case newPerson
    /// What was sent and is not answered.
    case sent
    /// Whose the grant is.
    case person
    /// To find out whether anything can be written.
    case probe

    var suffix: StaticString {
      switch self {
      case .new: ".new"
      case .previous: ".previous"
      case .damaged: ".damaged"
      case .lock: ".lock"
      case .name: ".name"
      case .metadata: ".metadata"
      case .newName: ".name.new"
      case .newMetadata: ".metadata.new"
      case .newPerson: ".person.new"
      case .sent: ".sent"
      case .person: ".person"
      case .probe: ".probe"
      }
    }
  }

  /// What is kept beside the tokens so that it need not be asked for again: no secret.
  public enum Note: UInt8, Sendable {
    /// What the person is called.
    case name
    /// The issuer's metadata.
    case metadata
    /// What was sent to renew the record and is not answered; see `keepSent`.
    case sent
    /// A number that tells the person from others.
    case person

    var companion: Companion {
      switch self {
      case .name: .name
      case .metadata: .metadata
      case .sent: .sent
      case .person: .person
      }
    }
  }

  /// The mode of every file here.
  static var mode: UInt32 { 0o600 }

  let directory: Storage
  let current: Path

  /// - Parameter name: the token file's name inside `directory`.
  public init(in directory: consuming Storage, name: Path) throws(TokenStoreError) {
    if name.appending(".metadata.new") == nil { throw .nameTooLong }
    self.directory = directory
    current = name
  }

  /// The initialiser has made sure that it is not too long.
  @inline(never)
  borrowing func path(_ companion: Companion) -> Path {
    current.appending(companion.suffix)!
  }

  /// Finds out now whether a record could be saved later, and loaded again: by writing a file as
  /// `save` does, by looking at it as `load` does, and by what is known of the one to be replaced.
  ///
  /// - Parameters:
  ///   - size: of that record, in bytes.
  ///   - scratch: memory for the whole file; wiped before this returns.
  public borrowing func checkWritable(
    size: Int, scratch: inout Buffer
  ) throws(TokenStoreError) {
    scratch.removeAll()
    defer { scratch.wipe() }
    scratch.append(UInt8(ascii: " "), count: size)
    let exposure: Exposure?
    do {
      // Not as `.new`: another process may be saving at this moment.
      try directory.write(path(.probe), scratch.bytes, mode: Self.mode, group: nil)
      exposure = try directory.status(of: path(.probe)).exposure
      try directory.removeIfPresent(path(.probe))
      try directory.synchronize()
    } catch {
      try? directory.removeIfPresent(path(.probe))
      throw .write(error)
    }
    if let exposure { throw .exposed(exposure) }
    if let obstacle = status()?.obstacle { throw .replace(obstacle) }
  }

  /// Whether others may put files beside the record, or take it away.
  public borrowing func isOpenToOthers() -> Bool {
    (try? directory.status().isOpenToOthers) ?? false
  }

  /// Whether the record is gone when the power is.
  public borrowing func isVolatile() -> Bool { directory.isVolatile }

  /// Reads the record.
  ///
  /// - Parameter scratch: memory for the whole file; wiped before this returns.
  public borrowing func load(
    _ record: inout TokenRecord, scratch: inout Buffer
  ) throws(TokenStoreError) -> Contents {
    record.wipe()
    scratch.removeAll()
    defer { scratch.wipe() }
    let status: FileStatus
    do {
      status = try directory.read(current, into: &scratch)
    } catch {
      if error == .noSuchFile { return .nothing }
      // What a link leads to would outlive a sign-out: tokens are not read through one.
      if error == .fileTooLarge || error == .isLink { return .damaged }
      throw .read(error)
    }
    guard record.read(scratch.bytes) else { return .damaged }
    record.writtenAt = status.writtenAt
    guard let exposure = status.exposure else { return .record }
    // Tokens that others could have put there, or taken, are not used.
    record.wipe()
    throw .exposed(exposure)
  }

  /// Replaces the record. When this returns, the new one survives a power cut; when it throws, the
  /// old one is still there, or the new one where only the last flush has failed.
  ///
  /// - Parameter scratch: memory for the whole file; wiped before this returns.
  /// - Returns: what tells the new file from others; nil where that can't be told.
  @discardableResult
  public borrowing func save(
    _ tokens: borrowing Tokens, issuer: borrowing Span<UInt8>,
    tokenEndpoint: borrowing Span<UInt8>, clientID: borrowing Span<UInt8>, scratch: inout Buffer
  ) throws(TokenStoreError) -> FileStatus? {
    scratch.removeAll()
    defer { scratch.wipe() }
    writeRecord(tokens, issuer, tokenEndpoint, clientID, to: &scratch)
    if scratch.isTruncated { throw .write(.fileTooLarge) }
    do {
      try directory.write(path(.new), scratch.bytes, mode: Self.mode, group: nil)
    } catch {
      try? directory.removeIfPresent(path(.new))
      throw .write(error)
    }
    keepPrevious()
    // Before it has the name by which others look for it, and may put theirs.
    let status = try? directory.status(of: path(.new))
    do {
      try directory.rename(path(.new), to: current)
      try directory.synchronize()
    } catch {
      try? directory.removeIfPresent(path(.new))
      throw .replace(error)
    }
    return status
  }

  /// Which file it is at the moment; nil where there is none, or that can't be told.
  public borrowing func status() -> FileStatus? {
    try? directory.status(of: current)
  }

  /// Moves a record out of the way whose tokens are dead: it becomes the generation before. A
  /// person can put it back, should the server have been wrong.
  public borrowing func retire() throws(TokenStoreError) {
    do {
      try directory.rename(current, to: path(.previous))
      try directory.removeIfPresent(path(.name))
      try directory.removeIfPresent(path(.sent))
      try directory.removeIfPresent(path(.person))
      try directory.synchronize()
    } catch {
      if error != .noSuchFile { throw .replace(error) }
    }
  }

  /// Removes everything that holds or held tokens, and the notes. Whatever can't be removed, the
  /// rest is.
  ///
  /// - Parameter keepsWaiting: whether tokens that wait to be revoked stay.
  public borrowing func erase(keepsWaiting: Bool = false) throws(TokenStoreError) {
    var failure: Errno?
    // The record last: as long as it is there, this can be tried again.
    let companions: InlineArray<11, Companion> = [
      .new, .previous, .damaged, .name, .newName, .metadata, .newMetadata, .sent, .person,
      .newPerson, .probe,
    ]
    for index in companions.indices {
      failure = remove(path(companions[index])) ?? failure
    }
    if !keepsWaiting {
      for place in 0..<Self.places { failure = remove(path(waiting: place)) ?? failure }
    }
    failure = remove(current) ?? failure
    do { try directory.synchronize() } catch { failure = error }
    if let failure { throw .remove(failure) }
  }

  private borrowing func remove(_ name: Path) -> Errno? {
    do {
      try directory.removeIfPresent(name)
      return nil
    } catch {
      return error
    }
  }

  /// Reads a note; false where there is none that can be read.
  public borrowing func load(_ note: Note, into buffer: inout Buffer) -> Bool {
    do {
      // What another may have written is not believed: it says where secrets are sent.
      return try directory.read(path(note.companion), into: &buffer).exposure == nil
    } catch {
      return false
    }
  }

  /// Keeps a note, or removes it where it is empty. Best effort: without it, the network is asked
  /// again.
  public borrowing func save(_ note: Note, _ bytes: borrowing Span<UInt8>) {
    let name = path(note.companion)
    // Not the record's: nobody holds the lock here.
    guard let new = name.appending(".new") else { return }
    do {
      if bytes.count == 0 {
        try directory.removeIfPresent(name)
        return
      }
      try directory.write(new, bytes, mode: Self.mode, group: nil)
      try directory.rename(new, to: name)
    } catch {
      try? directory.removeIfPresent(new)
    }
  }

  /// Keeps a note of what is about to be sent. When this returns, it survives a power cut: whoever
  /// loads the record next has to know that its refresh token may be used up.
  public borrowing func keepSent(_ bytes: borrowing Span<UInt8>) throws(TokenStoreError) {
    do {
      try directory.write(path(.new), bytes, mode: Self.mode, group: nil)
      try directory.rename(path(.new), to: path(.sent))
      try directory.synchronize()
    } catch {
      throw .write(error)
    }
  }

  /// Forgets what was sent: it is answered.
  ///
  /// - Returns: whether the note is gone.
  public borrowing func forgetSent() -> Bool {
    (try? directory.removeIfPresent(path(.sent))) != nil
  }

  /// Moves a damaged file out of the way, for a person to look at.
  public borrowing func setDamagedAside() throws(TokenStoreError) {
    do {
      try directory.rename(current, to: path(.damaged))
      try directory.synchronize()
    } catch {
      throw .replace(error)
    }
  }

  /// Gives the current file its second name, where the file system has hard links and room: what
  /// fails here costs the generation before, never the new one.
  private borrowing func keepPrevious() {
    do {
      try directory.removeIfPresent(path(.previous))
      try directory.link(current, to: path(.previous))
    } catch {}
  }
}

extension TokenStore where Storage: ~Copyable {
  /// Finds out whether the lock could be had later.
  public borrowing func checkLock() throws(TokenStoreError) {
    do {
      try directory.checkLock(path(.lock))
    } catch {
      throw .lock(error)
    }
  }

  /// Waits for the right to renew the record: a refresh token may be good for one use only.
  ///
  /// - Parameter deadline: in milliseconds since boot.
  public borrowing func lock(
    until deadline: Int64, attending: Attending
  ) throws(TokenStoreError) -> Storage.Lock {
    do {
      return try directory.lock(path(.lock), until: deadline, attending: attending)
    } catch {
      throw .lock(error)
    }
  }
}
