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
    guard clinux_window_size(descriptor, &size) == 0, size.ws_col > 0, size.ws_row > 0 else {
      return nil
    }
    return (Int(size.ws_col), Int(size.ws_row))
  }

  /// Writes all of `bytes`. Where the terminal is full and does not wait, it is given the time to
  /// drain that `patience` allows.
  ///
  /// - Throws: `.timedOut` when the patience ends or is interrupted.
  public func writeAll(_ bytes: borrowing Span<UInt8>, _ patience: Patience) throws(Errno) {
    var written = 0
    while written < bytes.count {
      guard wait(for: .writable, on: descriptor, patience) == .ready else { throw .timedOut }
      let rest = bytes.extracting(written..<bytes.count)
      do {
        written += try rest.withUnsafeBytes { (rest) throws(Errno) in
          try result { CLinux.write(descriptor, rest.baseAddress, rest.count) }
        }
      } catch {
        if error != .wouldBlock { throw error }
      }
    }
  }
}
