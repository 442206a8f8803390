internal import CLinux

/// Why a file could not be locked.
public enum LockError: Error, Sendable, Equatable {
  /// Somebody else has held it until the deadline.
  case timedOut
  case interrupted
  /// The file can't be opened, made or locked.
  case failed(Errno)
}

/// The right to do what one process may do at a time, until it is dropped.
public struct FileLock: ~Copyable {
  private let descriptor: FileDescriptor

  fileprivate init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = descriptor
  }

  deinit {
    release()
  }

  /// In the place of a lock that is not to be had.
  public static func absent() -> FileLock { FileLock(FileDescriptor(owning: -1)) }

  /// Lets the next one have the lock.
  public borrowing func release() {
    // Closing does not do: a child process may still hold a copy of the descriptor.
    _ = clinux_lock(descriptor.rawValue, LOCK_UN)
  }
}

extension Directory {
  /// Waits until nobody else holds the lock of that name, and takes it. The file is made where it
  /// is missing, with mode 0600, and stays: if it were removed, two could hold locks on two files.
  ///
  /// The corresponding C function is `flock`, which has no deadline: it is tried again and again.
  public borrowing func lock(
    _ name: Path, until deadline: Int64, attending: Attending
  ) throws(LockError) -> FileLock {
    let file = try openLock(name)
    let number = file.rawValue
    let wakeup: Wakeup
    do {
      wakeup = try retry(until: deadline, attending: attending) { () throws(Errno) in
        _ = try result { clinux_lock(number, LOCK_EX | LOCK_NB) }
      }
    } catch {
      throw .failed(error)
    }
    switch wakeup {
    case .ready: return FileLock(file)
    case .timedOut: throw .timedOut
    case .interrupted: throw .interrupted
    }
  }

  /// Finds out whether that lock could be taken, by opening its file.
  public borrowing func checkLock(_ name: Path) throws(LockError) {
    _ = try openLock(name)
  }

  private borrowing func openLock(_ name: Path) throws(LockError) -> FileDescriptor {
    do {
      // A FIFO in the file's place must not hang the program.
      return try open(name, .readWrite | .create | .noFollow | .nonBlocking, mode: 0o600)
    } catch {
      throw .failed(error)
    }
  }
}
