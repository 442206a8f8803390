internal import Bytes
internal import CLinux

/// Who is attended to in the midst of a wait: signals, clients, whoever else may want something.
///
/// It is an exclusive access to the attendant, for as long as the value lives: the compiler refuses
/// whatever else would touch the attendant meanwhile, and the attendant can reach nothing but
/// itself. So a wait deep inside an exchange can serve others, and what the caller is at stays as
/// it is. It is lent by its owner for one call, and cannot be kept.
@safe public struct Attending: ~Escapable {
  /// What does in the midst of a wait what can't be put off; true ends the wait as interrupted.
  /// Where it returns false it must have taken all that made the descriptor readable: otherwise the
  /// wait calls it again and again.
  ///
  /// A C function with its context, since a closure would need the heap, and one generic function
  /// for each attendant would double the code of everything that waits.
  public typealias Service = @convention(c) (UnsafeMutableRawPointer?) -> Bool

  fileprivate let descriptor: Int32
  /// A `Timer`'s; -1 for none.
  fileprivate let timer: Int32
  private let context: UnsafeMutableRawPointer?
  private let service: Service?

  /// Nobody: only the deadline ends the wait, or what the kernel does by itself.
  @_lifetime(immortal)
  public init() {
    self.init(descriptor: -1)
  }

  /// Nobody, but the wait ends as interrupted when the descriptor is readable: a `SignalQueue`'s.
  @_lifetime(immortal)
  public init(descriptor: Int32) {
    self.descriptor = descriptor
    timer = -1
    unsafe context = nil
    unsafe service = nil
  }

  /// - Parameters:
  ///   - descriptor: readable when there is something to attend to: an `EventQueue`'s.
  ///   - timer: a `Timer`'s that nobody else sets; -1 for none.
  ///   - service: gets the attendant's address.
  @_lifetime(&attendant)
  public init<Attendant: ~Copyable>(
    _ attendant: inout Attendant, descriptor: Int32, timer: Int32 = -1,
    service: @escaping Service
  ) {
    self.descriptor = descriptor
    self.timer = timer
    unsafe self.service = service
    unsafe context = withUnsafeMutablePointer(to: &attendant) { UnsafeMutableRawPointer($0) }
  }

  /// Attends to what there is.
  ///
  /// - Returns: whether the wait ends.
  public func attend() -> Bool {
    guard let service = unsafe service else { return true }
    return unsafe service(context)
  }

  /// Whether a wait that began now would end at once.
  public var isDue: Bool {
    wait(for: .readable, on: -1, until: Clock.milliseconds + 1, attending: self) == .interrupted
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

/// Waits until `descriptor` is ready, the deadline has passed, or who is attended to ends the wait.
///
/// - Parameters:
///   - descriptor: -1 waits for the deadline and the others alone.
///   - deadline: on `Clock.milliseconds`; `Int64.max` for none.
///
/// The corresponding C function is `poll`.
public func wait(
  for readiness: Readiness, on descriptor: Int32, until deadline: Int64, attending: Attending
) -> Wakeup {
  let events = Int16(readiness == .readable ? POLLIN : POLLOUT)
  var entries =
    [
      pollfd(fd: descriptor, events: events, revents: 0),
      pollfd(fd: attending.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: attending.timer, events: Int16(POLLIN), revents: 0),
    ] as InlineArray<3, pollfd>
  // The time of poll(2) is relative and stands still in a suspend: it would begin anew. Without a
  // timer it is looked at each second.
  let hasTimer = attending.timer >= 0
  if hasTimer { setTimer(attending.timer, deadline == Int64.max ? nil : deadline) }
  while true {
    let left = deadline - Clock.milliseconds
    if left <= 0 { return .timedOut }
    let limit: Int32 = hasTimer ? -1 : Int32(clamping: min(left, 1000))
    var span = entries.mutableSpan
    let count = unsafe span.withUnsafeMutableBufferPointer { entries in
      unsafe poll(entries.baseAddress, nfds_t(entries.count), limit)
    }
    if count <= 0 { continue }
    if entries[1].revents != 0, attending.attend() { return .interrupted }
    if entries[0].revents != 0 { return .ready }
  }
}

/// Calls `body` until it no longer throws `.wouldBlock`, with pauses that grow from 10 to 100 ms:
/// for what has no descriptor to wait on.
func retry(
  until deadline: Int64, attending: Attending, _ body: () throws(Errno) -> Void
) throws(Errno) -> Wakeup {
  var pause: Int64 = 10
  while true {
    do {
      try body()
      return .ready
    } catch {
      if error != .wouldBlock { throw error }
    }
    let end = min(deadline, Clock.milliseconds + pause)
    if wait(for: .readable, on: -1, until: end, attending: attending) == .interrupted {
      return .interrupted
    }
    if Clock.milliseconds >= deadline { return .timedOut }
    pause = min(pause * 2, 100)
  }
}
