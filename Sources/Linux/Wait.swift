internal import Bytes
internal import CLinux

/// How long a call may wait, and what ends the wait early.
///
/// One value is passed down through everything that waits for one purpose, so that the parts of an
/// exchange (name, connection, handshake, answer) share one budget.
public struct Patience: Sendable {
  /// The end of the wait on `Clock.milliseconds`.
  public let deadline: Int64

  /// The descriptor whose readability means "stop": a `SignalQueue`'s, or -1.
  public let interrupt: Int32

  public init(deadline: Int64, interrupt: Int32 = -1) {
    self.deadline = deadline
    self.interrupt = interrupt
  }
}

/// Why a wait ended.
public enum Wakeup: Sendable {
  case ready
  case timedOut
  case interrupted
}

/// What to wait for on a descriptor.
public enum Readiness: Sendable {
  case readable
  case writable
}

/// Waits until `descriptor` is ready, the deadline has passed or the interrupt is there.
///
/// - Parameter descriptor: -1 waits for the deadline and the interrupt alone.
///
/// The corresponding C function is `poll`.
public func wait(
  for readiness: Readiness, on descriptor: Int32, _ patience: Patience
) -> Wakeup {
  let events = Int16(readiness == .readable ? POLLIN : POLLOUT)
  var entries = [
    pollfd(fd: descriptor, events: events, revents: 0),
    pollfd(fd: patience.interrupt, events: Int16(POLLIN), revents: 0),
  ] as InlineArray<2, pollfd>
  while true {
    let left = patience.deadline - Clock.milliseconds
    if left <= 0 { return .timedOut }
    var span = entries.mutableSpan
    let count = span.withUnsafeMutableBufferPointer { entries in
      poll(entries.baseAddress, nfds_t(entries.count), Int32(clamping: left))
    }
    if count <= 0 { continue }
    if entries[1].revents != 0 { return .interrupted }
    if entries[0].revents != 0 { return .ready }
  }
}
