internal import CLinux

/// The signals of a program that ends when it is told to, as a descriptor to wait on (signalfd(2)):
/// no handler runs in the middle of anything.
public struct SignalQueue: ~Copyable {
  private let descriptor: FileDescriptor

  /// Takes SIGTERM, SIGINT and SIGHUP from now on, and makes a write to a closed pipe an error
  /// instead of a death.
  public init() throws(Errno) {
    clinux_ignore_signal(SIGPIPE)
    let signals: InlineArray<3, Int32> = [SIGTERM, SIGINT, SIGHUP]
    descriptor = FileDescriptor(
      owning: try signals.span.withUnsafeBufferPointer { (signals) throws(Errno) in
        try result { clinux_block_signals(signals.baseAddress, Int32(signals.count)) }
      })
  }

  /// What `Patience.interrupt` wants.
  public var rawValue: Int32 { descriptor.rawValue }

  /// The number of the signal that arrived first, if one did.
  public borrowing func next() -> Int32? {
    var information = signalfd_siginfo()
    let size = MemoryLayout<signalfd_siginfo>.size
    return read(descriptor.rawValue, &information, size) == size
      ? Int32(information.ssi_signo) : nil
  }

  /// Ends the process as the signal would have: so its parent sees what happened.
  public static func die(of signal: Int32) -> Never {
    clinux_unblock_signal(signal)
    raise(signal)
    _exit(128 + signal)
  }
}
