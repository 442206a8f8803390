internal import Bytes
internal import CLinux

/// What the kernel says about a file.
public struct FileStatus: Sendable, Equatable {
  public let device: UInt64
  /// The inode's.
  public let number: UInt64
  /// By the wall clock, in seconds since 1970, and the nanoseconds besides.
  public let writtenAt: Int64
  public let nanoseconds: UInt32
  /// The user's number.
  public let owner: UInt32
  /// What kind of file it is, and its permission bits.
  private let kindAndMode: UInt32
  /// The number of an error, or 0.
  private let obstacleNumber: Int32

  public init(
    number: UInt64, writtenAt: Int64, owner: UInt32, mode: UInt32, obstacle: Errno? = nil
  ) {
    device = 1
    self.number = number
    self.writtenAt = writtenAt
    nanoseconds = 0
    self.owner = owner
    kindAndMode = mode
    obstacleNumber = obstacle?.rawValue ?? 0
  }

  /// The corresponding C function is `statx`, whose times have 64 bits on every machine.
  ///
  /// - Parameters:
  ///   - name: in that directory; nil for what the descriptor is of.
  ///   - flags: by which a link is told about itself, unless they say otherwise.
  @inline(never)
  init(
    of name: UnsafePointer<CChar>?, in directory: Int32, flags: Int32 = AT_SYMLINK_NOFOLLOW
  ) throws(Errno) {
    var found = clinux_status()
    _ = try result { unsafe clinux_status(directory, name, flags, &found) }
    device = found.device
    number = found.number
    writtenAt = found.seconds
    nanoseconds = found.nanoseconds
    owner = found.owner
    kindAndMode = found.mode
    obstacleNumber = found.obstacle
  }

  /// The permission bits, `0o777` and below.
  public var mode: UInt32 { kindAndMode & 0o777 }

  var isSocket: Bool { kindAndMode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }

  /// Why no other file can be put in its place, as far as it is known beforehand: `.busy` where
  /// something is mounted there, `.notPermitted` where it is not to be changed (chattr(1)).
  public var obstacle: Errno? {
    obstacleNumber == 0 ? nil : Errno(rawValue: obstacleNumber)
  }

  /// Whether others than root and this process's user may change the file, or what is in the
  /// directory.
  public var isOpenToOthers: Bool {
    mode & 0o022 != 0 || owner != 0 && owner != User.number
  }
}

extension FileStatus {
  /// Whether it is the same file as it was: one that replaces it has another number, and one that
  /// is written to another time.
  public static func == (one: FileStatus, other: FileStatus) -> Bool {
    one.isSameFile(as: other) && one.writtenAt == other.writtenAt
      && one.nanoseconds == other.nanoseconds
  }

  /// Whether it is the same file, whatever became of its content.
  public func isSameFile(as other: FileStatus) -> Bool {
    number == other.number && device == other.device
  }
}

extension Path {
  /// What the kernel says about the file that this path leads to, through links.
  public func status() throws(Errno) -> FileStatus {
    try unsafe withCString { (name) throws(Errno) in
      unsafe try FileStatus(of: name, in: AT_FDCWD, flags: 0)
    }
  }

  /// Whether a file that is put at one of the paths is at the other, however they are written.
  public func leads(whereDoes other: Path) -> Bool {
    if bytes.equals(other.bytes) || isSameFile(as: other) { return true }
    return hasSameName(as: other) && directory.isSameFile(as: other.directory)
  }

  @inline(never)
  private func isSameFile(as other: Path) -> Bool {
    guard let one = try? status(), let second = try? other.status() else { return false }
    return one.isSameFile(as: second)
  }
}

extension FileDescriptor {
  /// What the kernel says about the file that is open.
  public borrowing func status() throws(Errno) -> FileStatus {
    unsafe try FileStatus(of: nil, in: rawValue)
  }
}
