internal import Bytes
internal import CLinux

/// How long a call may wait, and what ends the wait early.
///
/// One value is passed down through everything that waits for one purpose, so that the parts of an
/// exchange (name, connection, handshake, answer) share one budget.
public struct Patience: Sendable {
  /// The end of the wait on `Clock.milliseconds`.
  public let deadline: Int64

  /// The descriptor whose readability means "stop", or "call `service`" where there is one: a
  /// `SignalQueue`'s or an `EventQueue`'s, or -1.
  public let interrupt: Int32

  /// Does in the midst of the wait what can't be put off. True ends the wait as interrupted.
  public let service: Service?

  /// What a wait calls when its interrupt is readable. Where it returns false it must have taken
  /// all that made the interrupt readable: otherwise the wait calls it again and again.
  ///
  /// A C function, since a closure with a context would need the heap.
  public typealias Service = @convention(c) @Sendable () -> Bool

  public init(deadline: Int64, interrupt: Int32 = -1, service: Service? = nil) {
    self.deadline = deadline
    self.interrupt = interrupt
    self.service = service
  }

  /// The same, but with an end that comes no later than `other`.
  public func ending(by other: Int64) -> Patience {
    Patience(deadline: min(deadline, other), interrupt: interrupt, service: service)
  }

  /// What to do about an interrupt that is readable.
  fileprivate var endsWhenInterrupted: Bool {
    guard let service else { return true }
    return service()
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

/// Waits until `descriptor` is ready, the deadline has passed or the interrupt is there. The
/// patience's service is called from here, so what it does must not touch what the caller is at.
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
    if entries[1].revents != 0, patience.endsWhenInterrupted { return .interrupted }
    if entries[0].revents != 0 { return .ready }
  }
}

/// Calls `body` until it no longer throws `.wouldBlock`, with pauses that grow from 10 to 100 ms:
/// for what has no descriptor to wait on.
func retry(
  _ patience: Patience, _ body: () throws(Errno) -> Void
) throws(Errno) -> Wakeup {
  var pause: Int64 = 10
  while true {
    do {
      try body()
      return .ready
    } catch {
      if error != .wouldBlock { throw error }
    }
    let end = patience.ending(by: Clock.milliseconds + pause)
    if wait(for: .readable, on: -1, end) == .interrupted { return .interrupted }
    if Clock.milliseconds >= patience.deadline { return .timedOut }
    pause = min(pause * 2, 100)
  }
}
