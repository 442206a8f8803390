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
  /// One that is a stranger's is refused.
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

  /// Finds out whether that lock could be taken, by taking it, unless another has it.
  public borrowing func checkLock(_ name: Path) throws(LockError) {
    do {
      _ = try lock(name, until: 0, attending: Attending())
    } catch {
      if error != .timedOut { throw error }
    }
  }

  private borrowing func openLock(_ name: Path) throws(LockError) -> FileDescriptor {
    do throws(Errno) {
      // A FIFO in the file's place must not hang the program.
      let file = try open(name, .readWrite | .create | .noFollow | .nonBlocking, mode: 0o600)
      let owner = try file.status().owner
      // Its owner can hold it for ever. Root may, and whoever could take it away altogether.
      let place = try status().owner
      if owner != User.number, owner != 0, owner != place { throw .notPermitted }
      return file
    } catch {
      throw .failed(error)
    }
  }
}
