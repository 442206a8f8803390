internal import CLinux

/// The numbers of the signals that a `SignalQueue` takes.
public enum Signal {
  public static var terminate: Int32 { SIGTERM }
  public static var interrupt: Int32 { SIGINT }
  public static var hangUp: Int32 { SIGHUP }
  public static var user1: Int32 { SIGUSR1 }
  public static var child: Int32 { SIGCHLD }
}

/// The signals of a program that ends when it is told to, as a descriptor to wait on (signalfd(2)):
/// no handler runs in the middle of anything.
public struct SignalQueue: ~Copyable {
  private let descriptor: FileDescriptor

  /// Makes a write to a closed pipe, or beyond the largest size of a file, an error instead of a
  /// death.
  public static func ignoreFailedWrites() {
    clinux_ignore_signal(SIGPIPE)
    clinux_ignore_signal(SIGXFSZ)
  }

  /// Takes SIGTERM, SIGINT and SIGHUP from now on.
  ///
  /// - Parameter isForService: takes SIGUSR1 and SIGCHLD too.
  public init(isForService: Bool = false) throws(Errno) {
    // Ignored, as some parents leave it, it would have the kernel forget how a child ended.
    if isForService { clinux_restore_signal(SIGCHLD) }
    let signals: InlineArray<5, Int32> = [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD]
    let count: Int32 = isForService ? 5 : 3
    descriptor = unsafe FileDescriptor(
      owning: try signals.span.withUnsafeBufferPointer { (signals) throws(Errno) in
        try result { unsafe clinux_block_signals(signals.baseAddress, count) }
      })
  }

  /// What an `Attending` takes.
  public var rawValue: Int32 { descriptor.rawValue }

  /// The number of a signal that has arrived: to be called until there is none left.
  public borrowing func next() -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return unsafe read(descriptor.rawValue, &information, size) == size
      ? Int32(information.ssi_signo) : nil
  }

  /// Ends the process as the signal would have: so its parent sees what happened.
  public static func die(of signal: Int32) -> Never {
    clinux_unblock_signal(signal)
    raise(signal)
    _exit(128 + signal)
  }
}
