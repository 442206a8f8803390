public import Bytes
internal import CLinux

/// An open directory, and what can be done to the names in it.
public struct Directory: ~Copyable {
  private let descriptor: FileDescriptor

  /// Opens a directory, and makes it where it is missing: itself with mode 0700, its parents as the
  /// umask says.
  public init(creating path: Path) throws(Errno) {
    do {
      descriptor = try FileDescriptor(opening: path, .readOnly | .directory)
      return
    } catch {
      if error != .noSuchFile { throw error }
    }
    try makeParentDirectories(path)
    let isMade = try makeDirectory(path, mode: 0o700)
    let made = try FileDescriptor(opening: path, .readOnly | .directory | .noFollow)
    // Whatever the umask; and that of no other that has come in between.
    if isMade { try made.setMode(0o700) }
    descriptor = made
  }

  public init(opening path: Path) throws(Errno) {
    descriptor = try FileDescriptor(opening: path, .readOnly | .directory)
  }

  /// Opens a file of this directory; close-on-exec always.
  borrowing func open(
    _ name: Path, _ flags: FileDescriptor.Flags, mode: UInt32
  ) throws(Errno) -> FileDescriptor {
    try descriptor.open(name, flags, mode: mode)
  }

  /// Reads a whole file.
  ///
  /// - Returns: what the kernel says about the very file that was read.
  /// - Throws: `.isLink` for a link, wherever it leads.
  public borrowing func read(
    _ name: Path, into buffer: inout Buffer
  ) throws(Errno) -> FileStatus {
    // A FIFO in the file's place must not hang the program.
    let file = try descriptor.open(
      name, .readOnly | .noFollow | .nonBlocking | .noControllingTerminal)
    let status = try file.status()
    try file.readAll(into: &buffer)
    return status
  }

  /// Whether there is a directory of that name, which no file can replace.
  public borrowing func hasDirectory(_ name: Path) -> Bool {
    (try? descriptor.open(name, .readOnly | .directory)) != nil
  }

  /// Writes a whole file, over what is there, and waits until its data is on the disk.
  ///
  /// - Parameter group: the number of the group that it is to belong to; nil for the process's own.
  public borrowing func write(
    _ name: Path, _ bytes: borrowing Span<UInt8>, mode: UInt32, group: UInt32?
  ) throws(Errno) {
    let file = try create(name, mode: 0o600)
    if let group { try file.setGroup(group) }
    try file.setMode(mode)
    try file.writeAll(bytes)
    try file.synchronize()
  }

  /// Makes a file in place of what is there, to be written.
  ///
  /// - Parameter mode: as far as the umask allows.
  public borrowing func create(_ name: Path, mode: UInt32) throws(Errno) -> FileDescriptor {
    // Made anew: the mode of a file that is there stays as it is, a link would be followed, and a
    // FIFO would hang the program.
    try removeIfPresent(name)
    return try descriptor.open(name, .writeOnly | .create | .exclusive, mode: mode)
  }

  /// Gives a file a second name.
  public borrowing func link(_ name: Path, to other: Path) throws(Errno) {
    let directory = descriptor.rawValue
    try unsafe name.withCString { (name) throws(Errno) in
      try unsafe other.withCString { (other) throws(Errno) in
        _ = try result { unsafe linkat(directory, name, directory, other, 0) }
      }
    }
  }

  /// Renames a file, over what is there, in one step.
  public borrowing func rename(_ name: Path, to other: Path) throws(Errno) {
    let directory = descriptor.rawValue
    try unsafe name.withCString { (name) throws(Errno) in
      try unsafe other.withCString { (other) throws(Errno) in
        _ = try result { unsafe renameat(directory, name, directory, other) }
      }
    }
  }

  /// Makes a file another user's, by number.
  ///
  /// The corresponding C function is `fchownat`.
  public borrowing func give(_ name: Path, to user: UInt32) throws(Errno) {
    let directory = descriptor.rawValue
    try unsafe name.withCString { (name) throws(Errno) in
      _ = try result { unsafe fchownat(directory, name, uid_t(user), ~0, AT_SYMLINK_NOFOLLOW) }
    }
  }

  /// Removes a name; that it is not there is as good.
  ///
  /// The corresponding C function is `unlinkat`.
  public borrowing func removeIfPresent(_ name: Path) throws(Errno) {
    let directory = descriptor.rawValue
    do {
      try unsafe name.withCString { (name) throws(Errno) in
        _ = try result { unsafe unlinkat(directory, name, 0) }
      }
    } catch {
      if error != .noSuchFile { throw error }
    }
  }

  /// What the kernel says about the directory itself.
  public borrowing func status() throws(Errno) -> FileStatus { try descriptor.status() }

  /// Whether what is in it is gone when the power is: it is in memory, or on an overlay that writes
  /// to memory.
  ///
  /// The corresponding C function is `fstatfs`.
  public var isVolatile: Bool {
    if clinux_is_volatile(descriptor.rawValue) != 0 { return true }
    guard let device = try? status().device, let upper = upperDirectory(ofOverlay: device),
      let directory = try? Directory(opening: upper)
    else { return false }
    return clinux_is_volatile(directory.descriptor.rawValue) != 0
  }

  /// What the kernel says at the moment about the file of a name; a link is one itself.
  public borrowing func status(of name: Path) throws(Errno) -> FileStatus {
    let directory = descriptor.rawValue
    return try unsafe name.withCString { (name) throws(Errno) in
      unsafe try FileStatus(of: name, in: directory)
    }
  }

  /// Waits until the names are on the disk.
  public borrowing func synchronize() throws(Errno) {
    try descriptor.synchronize()
  }
}

/// Makes the directories above `path` that are missing, with mode 0755 as far as the umask allows.
func makeParentDirectories(_ path: Path) throws(Errno) {
  let bytes = path.bytes
  for index in 1..<max(1, bytes.count) where bytes[index] == UInt8(ascii: "/") {
    if let parent = Path(bytes.extracting(first: index)) {
      _ = try makeDirectory(parent, mode: 0o755)
    }
  }
}

/// - Returns: false where there is one already.
func makeDirectory(_ path: Path, mode: UInt32) throws(Errno) -> Bool {
  do {
    try unsafe path.withCString { (path) throws(Errno) in
      _ = try result { unsafe mkdir(path, mode_t(mode)) }
    }
    return true
  } catch {
    if error != .exists { throw error }
    return false
  }
}
