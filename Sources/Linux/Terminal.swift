internal import Bytes
internal import CLinux

/// A terminal, or whatever a descriptor that is not ours to close leads to.
public struct Terminal: Sendable {
  public let descriptor: Int32

  public init(descriptor: Int32) {
    self.descriptor = descriptor
  }

  public var isTerminal: Bool { isatty(descriptor) == 1 }

  /// Columns and rows, where the terminal knows them: a serial line mostly does not.
  ///
  /// The corresponding request is `TIOCGWINSZ`.
  public var size: (columns: Int, rows: Int)? {
    var size = winsize()
    guard unsafe clinux_window_size(descriptor, &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Writes all of `bytes`. Where the terminal is full and does not wait, it is given until the
  /// deadline to drain.
  ///
  /// - Throws: `.timedOut` at the deadline, and where the wait is interrupted.
  public func writeAll(
    _ bytes: borrowing Span<UInt8>, until deadline: Int64, attending: Attending
  ) throws(Errno) {
    var written = 0
    while written < bytes.count {
      let wakeup = wait(for: .writable, on: descriptor, until: deadline, attending: attending)
      if wakeup != .ready { throw .timedOut }
      do {
        written += try writeSome(bytes.extracting(written..<bytes.count))
      } catch {
        if error != .wouldBlock { throw error }
      }
    }
  }

  private func writeSome(_ bytes: borrowing Span<UInt8>) throws(Errno) -> Int {
    try unsafe bytes.withUnsafeBytes { (bytes) throws(Errno) in
      try result { unsafe CLinux.write(descriptor, bytes.baseAddress, bytes.count) }
    }
  }

  /// Takes what has been typed, and says whether Enter was part of it. Never, and nothing is taken,
  /// where another process group has the terminal: reading would stop this program (SIGTTIN). So
  /// an `EventQueue` had better watch for `.arrival`.
  ///
  /// The terminal's own settings stay as they are, since others use it too.
  public func wasEntered() -> Bool {
    guard isTerminal, mayRead else { return false }
    var storage = InlineArray<64, UInt8>(repeating: 0)
    var wasEntered = false
    // What a terminal holds, were it line ends only: they may come without a pause.
    for _ in 0..<EventQueue.readLimit where isReadable {
      var space = storage.mutableSpan
      let count = unsafe space.withUnsafeMutableBytes {
        unsafe read(descriptor, $0.baseAddress, $0.count)
      }
      if count <= 0 { break }
      let typed = storage.span.extracting(first: count)
      // A terminal that leaves input as it comes has carriage returns.
      if typed.contains(0x0A) || typed.contains(0x0D) { wasEntered = true }
    }
    return wasEntered
  }

  /// Whether this process is in the terminal's foreground. One that does not control the process,
  /// as a console that init opened, never stops it.
  private var mayRead: Bool {
    let foreground = tcgetpgrp(descriptor)
    return foreground < 0 ? Errno.current.rawValue == ENOTTY : foreground == getpgrp()
  }

  /// Whether a read would return at once.
  private var isReadable: Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return unsafe poll(&entry, 1, 0) == 1
  }
}
