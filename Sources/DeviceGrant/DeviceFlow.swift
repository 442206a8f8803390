// Theory of operation.
//
// A `DeviceFlow` is the life of one user code, from the answer that brought it to its end. It holds
// no descriptor and reads no clock: the caller asks `next(now:)` what to do, does it, and hands
// what came of a poll to `receive(_:now:)`. Everything that decides when the server is asked is
// here.
//
//   state      what comes                      then
//   waiting    the next poll's time            polling (the one request is under way)
//   waiting    the code's end                  ended: expired
//   polling    granted, denied, expired        ended, as it says
//   polling    refused, unusable               ended: refused
//   polling    pending                         waiting one interval; the back-off is over
//   polling    slow_down                       waiting one interval, longer by 5 s or the server's
//   polling    no answer, 5xx, unreadable      waiting twice as long as the last time
//
// A wait begins when the answer is there, so the gap between two requests at the server is never
// shorter than the interval, however long an answer took.

internal import OAuth

/// One sign-in attempt as RFC 8628 §3.3 to §3.5 has it. Times are milliseconds on a clock that is
/// never set back.
public struct DeviceFlow: Sendable {
  /// How a flow ended.
  public enum Outcome: Sendable, Equatable {
    case granted
    case denied
    case expired
    /// An error that no further poll can mend.
    case refused
  }

  /// What the caller is to do.
  public enum Step: Sendable, Equatable {
    /// Nothing to do before that time.
    case wait(until: Int64)
    /// Send one device access token request, then call `receive`.
    case poll
    case ended(Outcome)
  }

  /// What each `slow_down` adds, in seconds (RFC 8628 §3.5).
  static let slowDownStep: Int64 = 5

  /// The longest pause that a failing network or an absurd server can cause, in seconds: short
  /// enough to find an approval soon after the network is back.
  static let backOffLimit: Int64 = 60

  /// The longest pause that a server's Retry-After can cause, in seconds.
  static let serverPauseLimit: Int64 = 300

  /// How long before the code's end the last poll is sent, in milliseconds: time for its answer.
  static let lastChanceMargin: Int64 = 2000

  private enum State: Sendable, Equatable {
    case waiting(until: Int64)
    case polling
    case ended(Outcome)
  }

  /// Seconds between polls as things stand.
  public private(set) var interval: Int64

  /// The code's end.
  public let expiresAt: Int64

  /// How many polls in a row brought no answer.
  public private(set) var failures: Int64 = 0

  private var state: State
  /// When the next poll may be sent at the earliest, where the last one did not reach the server;
  /// else nil.
  private var retriesAt: Int64?

  /// - Parameters:
  ///   - requestedAt: when the device authorization request was sent; the code's life is counted
  ///     from here, since the server's count began between then and the answer.
  ///   - now: when its answer was there.
  public init(expiresIn: Int64, interval: Int64, requestedAt: Int64, now: Int64) {
    self.interval = interval
    expiresAt = requestedAt + expiresIn * 1000
    state = .waiting(until: now + interval * 1000)
  }

  /// What to do at `now`. Asked again while a poll is under way, it asks for no second one.
  public mutating func next(now: Int64) -> Step {
    switch state {
    case .ended(let outcome):
      return .ended(outcome)
    case .polling:
      return .wait(until: expiresAt)
    case .waiting(let instant):
      if now >= expiresAt {
        state = .ended(.expired)
        return .ended(.expired)
      }
      if now < instant { return .wait(until: min(instant, expiresAt)) }
      state = .polling
      return .poll
    }
  }

  /// Takes the answer to the poll that `next` asked for.
  public mutating func receive(_ answer: PollAnswer, now: Int64) {
    guard state == .polling else { return }
    retriesAt = nil
    switch answer {
    case .granted: state = .ended(.granted)
    case .denied: state = .ended(.denied)
    case .expired: state = .ended(.expired)
    case .refused, .unusable: state = .ended(.refused)
    case .pending(let retryAfter):
      failures = 0
      pause(interval, retryAfter, now: now)
    case .slowDown(let newInterval, let retryAfter):
      failures = 0
      // Kept as it is, unless the code would end before the next poll.
      let left = max(0, expiresAt - now) / 1000
      let demanded = newInterval ?? 0
      interval = max(interval + Self.slowDownStep, demanded < left ? demanded : left / 2)
      pause(interval, retryAfter, now: now)
    case .transient(let cause, let retryAfter):
      failures += 1
      if cause == .unreachable { retriesAt = now + interval * 1000 }
      backOff(retryAfter, now: now)
    }
  }

  /// Brings the next poll forward, where the last one did not reach the server: never closer to it
  /// than the interval.
  ///
  /// - Returns: whether it is sooner now.
  public mutating func retry(at instant: Int64) -> Bool {
    guard let retriesAt, case .waiting(let planned) = state else { return false }
    let next = max(instant, retriesAt)
    if next >= planned { return false }
    state = .waiting(until: next)
    return true
  }

  /// Whether the last poll did not reach the server.
  public var isUnreached: Bool { retriesAt != nil }

  /// When the next poll is due; nil while one is under way and after the end.
  public var nextPollAt: Int64? {
    guard case .waiting(let instant) = state else { return nil }
    return instant
  }

  /// When a poll that is sent at `now` is given up: at the code's end, but not before its answer
  /// had some time.
  public func pollDeadline(now: Int64) -> Int64 {
    max(expiresAt, now + Self.lastChanceMargin)
  }

  private mutating func pause(_ seconds: Int64, _ retryAfter: Int64?, now: Int64) {
    let demanded = min(retryAfter ?? 0, Self.serverPauseLimit)
    state = .waiting(until: now + max(seconds, demanded) * 1000)
  }

  /// Doubles the interval for each failure in a row (RFC 8628 §3.5), up to a limit. A back-off that
  /// would outlast the code is cut to one last poll before its end: the person may have approved
  /// while the network was away.
  private mutating func backOff(_ retryAfter: Int64?, now: Int64) {
    var seconds = interval
    for _ in 0..<failures where seconds < Self.backOffLimit { seconds *= 2 }
    pause(max(interval, min(seconds, Self.backOffLimit)), retryAfter, now: now)
    let lastChance = expiresAt - Self.lastChanceMargin
    guard retryAfter == nil, case .waiting(let instant) = state, instant > lastChance,
      lastChance >= now + interval * 1000
    else { return }
    state = .waiting(until: lastChance)
  }
}
