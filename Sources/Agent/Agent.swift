internal import Bytes
public import Configuration
public import DeviceGrant
public import OAuth

// Theory of operation.
//
// An `Agent` is the life of a board, from power-on for years: when a code is asked for, when a poll
// is sent, when the grant is renewed. It holds no descriptor and reads no clock. The caller asks
// `next(now:)` what to do, does it, and reports what came of it; it may report at any time what
// happened meanwhile (a key was pressed, another process renewed the tokens).
//
// Two things go on side by side and know nothing of each other, since a person may ask for a new
// code while a grant is good:
//
//   the grant    none       a code is asked for, by itself or on request
//                held       until its refresh time, with a margin before the access token's end
//                           refreshing at that time; after a failure again later and later
//                           unrenewable: the access token has ended, and the server keeps answering
//                           without tokens; a code is asked for beside it
//                           lost where the server says so, or where it has ended for good
//
//   the code     none       until somebody asks, where there is a grant or `start = on-request`
//                due        at a time: the pause after a code that nobody approved, a back-off
//                requested  the request for a code is under way
//                shown      a `DeviceFlow` says when to poll
//
// Times are milliseconds on a clock that is never set back.

/// What is known of a grant's time, at the moment at which it is told.
public struct Lease: Sendable, Equatable {
  /// Seconds that the access token is still good; nil where the server did not say.
  public var remaining: Int64?
  /// Whether there is a refresh token.
  public var isRefreshable: Bool
  /// Seconds that the refresh token is still good; nil where the server did not say.
  public var refreshRemaining: Int64?
  /// Whether the server has just given it: what is left is then its whole life.
  public var isFresh = true
  /// Whether it is of the tokens that are held already, reckoned anew: by a clock that was set.
  public var isKnown = false
  /// What was sent for it and not answered; nil where nothing was.
  public var unanswered: Unanswered?

  public init(remaining: Int64?, isRefreshable: Bool, refreshRemaining: Int64?) {
    self.remaining = remaining
    self.isRefreshable = isRefreshable
    self.refreshRemaining = refreshRemaining
  }
}

extension Lease {
  /// What tokens have left, by the wall clock. One that is not set tells nothing.
  public init(_ tokens: borrowing Tokens, unixSeconds: Int64, isClockSet: Bool) {
    isRefreshable = !tokens.refreshToken.isEmpty
    remaining = isClockSet ? tokens.expiresAt.map { left(until: $0, unixSeconds) } : nil
    refreshRemaining =
      isClockSet ? tokens.refreshTokenExpiresAt.map { left(until: $0, unixSeconds) } : nil
  }
}

/// Refreshes that were sent and not answered: the server may have taken the refresh token.
public struct Unanswered: Sendable, Equatable {
  /// How many there were in a row.
  public var count: Int64
  /// Milliseconds since the first was given up.
  public var age: Int64

  public init(count: Int64, age: Int64) {
    self.count = count
    self.age = age
  }
}

/// Seconds until `end`, none once it has passed. What a file says may be any number.
private func left(until end: Int64, _ now: Int64) -> Int64 {
  end > now ? end - now : 0
}

/// What a program does at a board for as long as the board lives.
public struct Agent: Sendable {
  /// What the caller is to do.
  public enum Step: Sendable, Equatable {
    /// Nothing before that time; `Int64.max` for nothing at all.
    case wait(until: Int64)
    /// Send a device authorization request, then call `codeIssued` or `codeFailed`.
    case requestCode
    /// Send a device access token request, then call `polled`.
    case poll
    /// Renew the grant, then call `granted`, `refreshFailed` or `lost`.
    case refresh
    /// The grant has ended and can't be renewed: forget it, then call `lost`.
    case endGrant
    /// The code that was shown has ended, and nobody has approved. Told once; the pause before the
    /// next one has begun, or the wait for a person.
    case codeEnded(CodeEnd)
  }

  /// How one code's life ended.
  public enum CodeEnd: Sendable, Equatable {
    case denied
    case expired
    /// An error that no further poll can mend.
    case refused
  }

  /// How a server has answered that brought no tokens.
  public enum Reply: Sendable {
    /// Not at all.
    case none
    /// That it can't now: HTTP status 5xx and the like.
    case unavailable
    /// In any other way.
    case refusal
  }

  enum Code: Sendable {
    case none
    case due(at: Int64)
    case requested
    case shown(DeviceFlow)
  }

  private let start: StartMode
  private let lostAnswer: LostAnswer
  private(set) var code = Code.none
  private(set) var grant: Grant?
  /// Whether a person is needed although there is a grant: it can't be renewed, as it seems.
  public private(set) var isPersonNeeded = false
  /// Whether the code was asked for since the access token was not good: a refresh that works makes
  /// it superfluous.
  private var isCodeInstead = false
  /// Before that time the server wants no request for a code, whoever asks.
  private var codeNotBefore: Int64 = 0
  /// Whether the last request for a code did not reach the server.
  private var isCodeUnreached = false
  /// How far what was brought forward has used up what may be (see `surroundingsChanged`).
  private var hurriedUntil: Int64 = 0
  /// Whether a key has asked for the next code, and when one was last requested for that.
  private var isAskedFor = false
  private var askedAt = -Agent.pauseByHand
  /// Codes in a row that nobody approved, and requests for one that failed.
  private var disappointments: Int64 = 0
  private var failures: Int64 = 0
  /// Codes in a row that the server refused to be polled for.
  private var refusals: Int64 = 0
  private var random: Jitter

  /// - Parameter seed: of no secret; different on each board.
  public init(start: StartMode, lostAnswer: LostAnswer = .retry, seed: UInt32) {
    self.start = start
    self.lostAnswer = lostAnswer
    random = Jitter(seed: seed)
  }

  /// The first pause after a code that nobody approved, in milliseconds, which doubles each time.
  static let firstPause: Int64 = 2000
  /// The longest such pause: somebody who comes to the screen does not wait longer.
  static let pauseLimit: Int64 = 60_000
  /// The first back-off after a request that brought no code, in milliseconds; it doubles.
  static let firstBackOff: Int64 = 2000
  /// After a refusal: a server that does not know the client will not learn it within seconds.
  static let firstBackOffAfterRefusal: Int64 = 15_000
  static let backOffLimit: Int64 = 300_000
  /// Between two requests for a code that a key has asked for, at least, in milliseconds.
  static let pauseByHand: Int64 = 5000
  /// How soon something is tried again once the network has changed, in milliseconds: addresses,
  /// routes and name servers come one after the other.
  static let hurryPause: Int64 = 1000
  /// Anyone on the network can make it change without end: five attempts at once, and one more for
  /// each minute that passes, in milliseconds.
  static let hurryShare: Int64 = 60_000
  static let hurryLimit: Int64 = 4 * hurryShare
  /// The longest pause that a server's Retry-After can cause, in milliseconds.
  static let serverPauseLimit: Int64 = 3_600_000

  public var hasGrant: Bool { grant != nil }

  /// When the next code is asked for by itself; nil while there is one, or nobody has asked.
  public var nextCodeAt: Int64? {
    guard case .due(let instant) = code else { return nil }
    return instant
  }

  /// When the grant is renewed next; nil without one, or where nothing is to be done.
  public var nextRefreshAt: Int64? {
    guard let grant, grant.refreshAt < Int64.max else { return nil }
    return grant.refreshAt
  }

  /// When the access token ends; nil without one, or where nobody knows.
  public var accessExpiresAt: Int64? { grant?.expiresAt }

  /// When the refresh token ends; nil without one, or where nobody knows.
  public var refreshExpiresAt: Int64? { grant?.refreshExpiresAt }

  /// When the shown code ends, when it is polled for next, and how often.
  public var flow: DeviceFlow? {
    guard case .shown(let flow) = code else { return nil }
    return flow
  }

  /// Whether nothing happens before a person asks for a code.
  public var waitsForPerson: Bool {
    guard case .none = code else { return false }
    return needsCode
  }

  /// Whether only a code leads to tokens, as far as anybody can tell.
  private var needsCode: Bool { grant == nil || isPersonNeeded }

  /// Whether there is an access token that is good, as far as anybody knows.
  public func hasGoodToken(now: Int64) -> Bool { grant.map { !$0.hasEnded(now: now) } ?? false }

  /// Whether a code is on the screen.
  public var showsCode: Bool { flow != nil }

  /// Whether something did not reach the server and is tried again later.
  public var isUnreached: Bool {
    switch code {
    case .due where isCodeUnreached: true
    case .shown(let flow) where flow.isUnreached: true
    default: grant?.isUnsent == true
    }
  }

  /// What to do at `now`.
  public mutating func next(now: Int64) -> Step {
    var earliest = Int64.max
    if let grant, !isPersonNeeded, grant.isUnrenewable(now: now) {
      isPersonNeeded = true
      if case .none = code { isCodeInstead = true }
      askForCode(now: now)
    }
    switch code {
    case .none: break
    case .requested: break
    case .due(let instant):
      if now >= instant {
        if isAskedFor { askedAt = now }
        isAskedFor = false
        code = .requested
        return .requestCode
      }
      earliest = instant
    case .shown(var flow):
      let step = flow.next(now: now)
      code = .shown(flow)
      switch step {
      case .poll: return .poll
      case .wait(let instant): earliest = instant
      case .ended(.denied): return .codeEnded(end(.denied, now: now))
      case .ended(.expired): return .codeEnded(end(.expired, now: now))
      case .ended(.refused): return .codeEnded(end(.refused, now: now))
      // `granted` is on its way.
      case .ended(.granted): return .wait(until: now)
      }
    }
    guard let grant else { return .wait(until: earliest) }
    if let step = grant.due(now: now) { return step }
    if !isPersonNeeded { earliest = min(earliest, grant.hopelessAt) }
    return .wait(until: min(earliest, grant.wakeAt))
  }

  // MARK: The code

  /// Takes what the request for a code brought.
  public mutating func codeIssued(
    expiresIn: Int64, interval: Int64, requestedAt: Int64, now: Int64
  ) {
    failures = 0
    code = .shown(
      DeviceFlow(expiresIn: expiresIn, interval: interval, requestedAt: requestedAt, now: now))
  }

  /// Takes that the request for a code brought none.
  ///
  /// - Parameters:
  ///   - isRefusal: whether the server answered, and said no.
  ///   - isUnreached: whether something outside is missing, and nobody answered.
  public mutating func codeFailed(
    isRefusal: Bool, isUnreached: Bool = false, retryAfter: Int64? = nil, now: Int64
  ) {
    isCodeUnreached = isUnreached
    let first = isRefusal ? Self.firstBackOffAfterRefusal : Self.firstBackOff
    code = .due(at: now + backOff(first, failures, retryAfter))
    codeNotBefore = now + demanded(retryAfter)
    failures += 1
  }

  /// Takes that the request for a code was given up for something more urgent, which is no failure.
  public mutating func codePutOff(now: Int64) {
    code = .due(at: now + Self.firstBackOff)
  }

  /// Takes the answer to the poll. Where it ends the code, `next` says so.
  public mutating func polled(_ answer: PollAnswer, now: Int64) {
    guard case .shown(var flow) = code else { return }
    flow.receive(answer, now: now)
    code = .shown(flow)
  }

  private mutating func end(_ end: CodeEnd, now: Int64) -> CodeEnd {
    if !needsCode || start == .onRequest {
      // A code that can't be polled for is not the person's fault: they need not ask again.
      code = end == .refused && needsCode ? .due(at: now + pause(refused: true)) : .none
    } else {
      code = .due(at: now + pause(refused: end == .refused))
    }
    return end
  }

  /// A person asked for a code: by a key or a touch where there is no grant, by a signal always.
  ///
  /// - Parameter isInstead: whether it is for want of a good access token, and superfluous once
  ///   there is one.
  public mutating func codeWanted(isInstead: Bool = false, now: Int64) {
    disappointments = 0
    failures = 0
    refusals = 0
    // What a signal has asked for is not taken back.
    if case .none = code { isCodeInstead = true }
    if !isInstead { isCodeInstead = false }
    switch code {
    case .requested: return
    case .none, .due, .shown: break
    }
    isAskedFor = isInstead
    let earliest = isInstead ? max(codeNotBefore, askedAt + Self.pauseByHand) : codeNotBefore
    code = .due(at: max(now, earliest))
  }

  /// Has a code be asked for by itself, where that is how it starts and there is none.
  private mutating func askForCode(now: Int64) {
    if case .none = code, start == .automatic { code = .due(at: now) }
  }

  // MARK: The grant

  /// Takes that there is a grant: loaded, approved or renewed, by this process or another.
  @inline(never)
  public mutating func granted(_ lease: Lease, now: Int64) {
    disappointments = 0
    failures = 0
    refusals = 0
    code = .none
    // What the one before has shown is nothing of this one's.
    grant = nil
    renewed(lease, now: now)
  }

  /// Takes that the grant was renewed; a code that somebody asked for while the access token was
  /// good stays on the screen.
  @inline(never)
  public mutating func renewed(_ lease: Lease, now: Int64) {
    grant = Grant(lease, lostAnswer, replacing: grant, now: now, &random)
    if lease.isKnown { return }
    isPersonNeeded = false
    if isCodeInstead { code = .none }
    isCodeInstead = false
  }

  /// Takes that a refresh brought nothing.
  ///
  /// - Parameters:
  ///   - isRefusal: whether the server answered, and refused otherwise than as lost.
  ///   - isUncertain: whether the request was sent and the answer is missing: the server may have
  ///     taken the refresh token already.
  ///   - unanswered: what another process has sent without an answer, where it is that.
  ///   - reply: what there was of an answer.
  @inline(never)
  public mutating func refreshFailed(
    isRefusal: Bool, isUncertain: Bool, unanswered: Unanswered? = nil, reply: Reply = .none,
    retryAfter: Int64? = nil, now: Int64
  ) {
    guard var held = grant else { return }
    let first = isRefusal ? Self.firstBackOffAfterRefusal : Self.firstBackOff
    if let unanswered { held.take(unanswered, now: now) }
    held.failed(
      pause: backOff(first, held.failures, nil), demanded: demanded(retryAfter),
      isUncertain: isUncertain, now: now, &random)
    held.note(reply, demanded: demanded(retryAfter), now: now)
    grant = held
  }

  /// The access token is needed for longer, or was refused by the server it is for.
  public mutating func refreshWanted(now: Int64) {
    grant?.want(now: now)
  }

  /// What somebody gets who needs the access token for `seconds` more.
  public enum Supply: Sendable, Equatable {
    /// The token as it is: it is good for that long, or no token would be.
    case present
    /// A new one, after a refresh.
    case renewed
    /// None: it ends too soon, and can't be renewed now.
    case nothing
  }

  /// What there is for somebody who needs the access token for `seconds` more.
  public func supply(forSeconds seconds: Int64, now: Int64) -> Supply {
    grant?.supply(forSeconds: seconds, now: now) ?? .nothing
  }

  /// Takes that there is no grant any more, or none yet.
  public mutating func lost(now: Int64) {
    grant = nil
    isPersonNeeded = false
    isCodeInstead = false
    askForCode(now: now)
  }

  /// Takes that addresses, routes, name servers or the clock have changed: what did not reach the
  /// server is tried again soon.
  ///
  /// - Returns: whether anything is done sooner.
  @inline(never)
  public mutating func surroundingsChanged(now: Int64) -> Bool {
    if hurriedUntil > now + Self.hurryLimit { return false }
    let soon = now + Self.hurryPause
    var isSooner = grant?.retry(at: soon) == true
    switch code {
    case .due(let planned) where isCodeUnreached && planned > soon:
      code = .due(at: soon)
      isSooner = true
    case .shown(var flow):
      isSooner = flow.retry(at: soon) || isSooner
      code = .shown(flow)
    case .none, .due, .requested: break
    }
    if isSooner { hurriedUntil = max(hurriedUntil, now) + Self.hurryShare }
    return isSooner
  }

  // MARK: Pauses

  /// The pause after a code that brought nothing.
  private mutating func pause(refused: Bool) -> Int64 {
    if refused {
      refusals += 1
      return backOff(Self.firstBackOffAfterRefusal, refusals - 1, nil)
    }
    refusals = 0
    disappointments += 1
    return doubled(Self.firstPause, disappointments - 1, limit: Self.pauseLimit)
  }

  /// The pause after a failure, longer each time, a little different on each board.
  private mutating func backOff(_ first: Int64, _ failures: Int64, _ retryAfter: Int64?) -> Int64 {
    let pause = doubled(first, failures, limit: Self.backOffLimit)
    return max(pause + random.below(pause / 4), demanded(retryAfter))
  }

  /// The pause that a server asks for, in milliseconds.
  private func demanded(_ retryAfter: Int64?) -> Int64 {
    min(min(retryAfter ?? 0, 86_400) * 1000, Self.serverPauseLimit)
  }
}

/// `first` doubled `times` times, up to a limit.
func doubled(_ first: Int64, _ times: Int64, limit: Int64) -> Int64 {
  var value = first
  for _ in 0..<min(times, 30) where value < limit { value *= 2 }
  return min(value, limit)
}

/// Numbers that differ from board to board and need not be secret (xorshift32).
struct Jitter: Sendable {
  private var state: UInt32

  init(seed: UInt32) {
    state = seed == 0 ? 0x9E37_79B9 : seed
  }

  /// A number from zero to `limit`, exclusive; zero where the limit is.
  mutating func below(_ limit: Int64) -> Int64 {
    state ^= state &<< 13
    state ^= state &>> 17
    state ^= state &<< 5
    if limit <= 0 { return 0 }
    // Limits are milliseconds of at most days: far from overflowing.
    return Int64(state &>> 8) * (limit / 1024 + 1) / 16384 % limit
  }
}
