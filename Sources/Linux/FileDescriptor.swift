public import Bytes
internal import CLinux

/// An open file that closes itself.
public struct FileDescriptor: ~Copyable {
  /// The number, for calls that borrow it. -1 once given up.
  public private(set) var rawValue: Int32

  /// Takes over a descriptor that is open.
  public init(owning rawValue: Int32) {
    self.rawValue = rawValue
  }

  @inline(never)
  deinit {
    if rawValue >= 0 { close(rawValue) }
  }

  /// Gives the descriptor up, to be closed by whoever takes it.
  public consuming func give() -> Int32 {
    let number = rawValue
    rawValue = -1
    return number
  }

  /// How to open, combined with `|`. Not an OptionSet: its literals are arrays, which allocate.
  public struct Flags: Sendable {
    let rawValue: Int32

    public static func | (left: Flags, right: Flags) -> Flags {
      Flags(rawValue: left.rawValue | right.rawValue)
    }

    public static let readOnly = Flags(rawValue: O_RDONLY)
    public static let writeOnly = Flags(rawValue: O_WRONLY)
    public static let readWrite = Flags(rawValue: O_RDWR)
    public static let create = Flags(rawValue: O_CREAT)
    public static let exclusive = Flags(rawValue: O_EXCL)
    public static let truncate = Flags(rawValue: O_TRUNC)
    public static let directory = Flags(rawValue: O_DIRECTORY)
    public static let noFollow = Flags(rawValue: O_NOFOLLOW)
    public static let nonBlocking = Flags(rawValue: O_NONBLOCK)
    public static let noControllingTerminal = Flags(rawValue: O_NOCTTY)
  }

  /// Opens a path; close-on-exec always.
  ///
  /// The corresponding C function is `open`.
  @inline(never)
  public init(
    opening path: borrowing Path, _ flags: Flags, mode: UInt32 = 0
  ) throws(Errno) {
    self.rawValue = try unsafe path.withCString { (name) throws(Errno) in
      try result { unsafe clinux_openat(AT_FDCWD, name, flags.rawValue | O_CLOEXEC, mode_t(mode)) }
    }
  }

  /// Opens a name inside this directory; close-on-exec always.
  ///
  /// The corresponding C function is `openat`.
  @inline(never)
  public borrowing func open(
    _ name: borrowing Path, _ flags: Flags, mode: UInt32 = 0
  ) throws(Errno) -> FileDescriptor {
    let directory = rawValue
    return unsafe FileDescriptor(
      owning: try name.withCString { (name) throws(Errno) in
        try result {
          unsafe clinux_openat(directory, name, flags.rawValue | O_CLOEXEC, mode_t(mode))
        }
      })
  }

  /// Reads into the buffer's free space. Zero: the end, or a buffer without space.
  public borrowing func read(into buffer: inout Buffer) throws(Errno) -> Int {
    let descriptor = rawValue
    return try unsafe buffer.append { (space) throws(Errno) in
      try result { unsafe CLinux.read(descriptor, space.baseAddress, space.count) }
    }
  }

  /// Reads to the end of the file.
  ///
  /// - Throws: `.fileTooLarge` where the buffer can't hold it.
  public borrowing func readAll(into buffer: inout Buffer) throws(Errno) {
    while try read(into: &buffer) > 0 {}
    if buffer.count == buffer.capacity { throw .fileTooLarge }
  }

  /// Writes all of `bytes`, in as many calls as it takes.
  public borrowing func writeAll(_ bytes: borrowing Span<UInt8>) throws(Errno) {
    try Linux.write(all: bytes, to: rawValue)
  }

  /// Writes once; a full pipe or terminal takes fewer bytes, or throws `.wouldBlock`.
  public borrowing func write(_ bytes: borrowing Span<UInt8>) throws(Errno) -> Int {
    let descriptor = rawValue
    return try unsafe bytes.withUnsafeBytes { (bytes) throws(Errno) in
      try result { unsafe CLinux.write(descriptor, bytes.baseAddress, bytes.count) }
    }
  }

  /// Waits until the file's data has reached the disk.
  public borrowing func synchronize() throws(Errno) {
    let descriptor = rawValue
    _ = try result { fsync(descriptor) }
  }

  /// Sets the permission bits, whatever the umask.
  public borrowing func setMode(_ mode: UInt32) throws(Errno) {
    let descriptor = rawValue
    _ = try result { fchmod(descriptor, mode_t(mode)) }
  }

  /// Hands the file to a group.
  ///
  /// The corresponding C function is `fchown`.
  public borrowing func setGroup(_ group: UInt32) throws(Errno) {
    let descriptor = rawValue
    _ = try result { fchown(descriptor, ~0, gid_t(group)) }
  }

  public var isTerminal: Bool { isatty(rawValue) == 1 }
}

/// The memory of this process.
public enum ProcessMemory {
  /// Has no other process of this user look into it, and no crash write it to a disk.
  ///
  /// The corresponding C functions are `prctl` and `setrlimit`.
  public static func forbidDumps() { clinux_forbid_dumps() }
}

/// The descriptors 0, 1 and 2.
public enum StandardDescriptors {
  /// Opens those that the parent has left closed: else the next file or connection that is opened
  /// gets the number, and what is meant for the log or the output goes there. A write to one of
  /// these still fails.
  public static func occupy() {
    while true {
      guard let null = try? FileDescriptor(opening: Path("/dev/null"), .readOnly) else { return }
      if null.rawValue > STDERR_FILENO { return }
      _ = null.give()
    }
  }
}

/// Standard error, which nobody closes.
public enum StandardError {
  /// Writes all of `bytes`, where what is behind it takes them in time: a terminal may be stopped,
  /// and nobody may be reading a pipe.
  public static func write(_ bytes: borrowing Span<UInt8>, until deadline: Int64) throws(Errno) {
    try Terminal(descriptor: STDERR_FILENO).writeAll(
      bytes, until: deadline, attending: Attending())
  }
}

/// Standard output, which nobody closes.
public enum StandardOutput {
  public static let rawValue: Int32 = STDOUT_FILENO

  public static func write(_ bytes: borrowing Span<UInt8>) throws(Errno) {
    try Linux.write(all: bytes, to: STDOUT_FILENO)
  }

  public static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

@inline(never)
private func write(
  all bytes: borrowing Span<UInt8>, to descriptor: Int32
) throws(Errno) {
  var written = 0
  while written < bytes.count {
    let rest = bytes.extracting(written..<bytes.count)
    unsafe written += try rest.withUnsafeBytes { (rest) throws(Errno) in
      try result { unsafe CLinux.write(descriptor, rest.baseAddress, rest.count) }
    }
  }
}
