internal import Bytes
internal import Configuration

/// A grant that is held: when it ends and when it is renewed. Times are milliseconds on a clock
/// that is never set back.
struct Grant: Sendable {
  /// What part of its life an access token is renewed before its end: the margin for outages.
  static let marginPart: Int64 = 8
  /// The largest margin, in milliseconds.
  static let marginLimit: Int64 = 86_400_000
  /// What a token is taken to live for whose server does not say, in seconds: the figure that most
  /// servers use. A shorter life is found out when the token is refused.
  static let assumedLifetime: Int64 = 3600
  /// How long before its refresh token's end a grant is renewed for that reason, at most.
  static let refreshTokenMarginLimit: Int64 = 7 * 86_400_000
  /// How long a new access token is handed out, in milliseconds, before somebody's demand for one
  /// that lives longer has it replaced: at most, and no longer than three quarters of its life.
  static let floorLimit: Int64 = 60_000
  /// A life, in milliseconds, that is too short for a refresh each time.
  static let shortLife: Int64 = 2000

  /// The access token's end; nil where nobody knows.
  let expiresAt: Int64?
  /// The access token's end as far as anybody knows, or what it is taken to be.
  private let presumedEnd: Int64
  /// The access token's life, from when it came.
  private let life: Int64
  /// The access token's margin.
  private let margin: Int64
  let isRefreshable: Bool
  /// Whether the token's whole life is known.
  private let isFresh: Bool
  /// The refresh token's end; nil where nobody knows.
  let refreshExpiresAt: Int64?
  /// When the next refresh is due; `Int64.max` for never.
  private(set) var refreshAt: Int64
  /// Refreshes in a row that brought nothing.
  private(set) var failures: Int64 = 0
  /// Not before this time, whoever asks.
  private var notBefore: Int64
  private let lostAnswer: LostAnswer
  /// When the access token came, and whether somebody wanted another since.
  private let birth: Int64
  private var isWanted = false
  /// Tokens in a row that could not meet what was demanded of them, or live too short to be of use.
  private let shortfalls: Int64
  /// How old the access token has to be, in milliseconds, until somebody's demand has it replaced.
  private let floor: Int64
  /// Refreshes in a row that were not answered, and when the first of them was given up.
  private var unanswered: Int64 = 0
  private var unansweredSince: Int64 = 0
  /// When the server first answered without tokens, and when it first did so other than with "not
  /// now"; nil where it has not since the last tokens.
  private var answeredSince: Int64?
  private var refusedSince: Int64?
  /// Whether the last refresh was not sent at all.
  private(set) var isUnsent = false
  /// Whether the server keeps doing so: only a person can help, once the access token has ended.
  private var isHopeless = false

  init(
    _ lease: Lease, _ lostAnswer: LostAnswer, replacing old: Grant?, now: Int64,
    _ random: inout Jitter
  ) {
    self.lostAnswer = lostAnswer
    isRefreshable = lease.isRefreshable
    isFresh = lease.isFresh
    let remaining = lease.remaining.map { max(0, min($0, 4_000_000_000)) * 1000 }
    expiresAt = remaining.map { now + $0 }
    refreshExpiresAt = lease.refreshRemaining.map {
      now + max(0, min($0, 4_000_000_000)) * 1000
    }
    life = remaining ?? Grant.assumedLifetime * 1000
    presumedEnd = now + life
    margin = min(life / Grant.marginPart, Grant.marginLimit)
    notBefore = now
    birth = now
    if lease.isKnown, let old {
      failures = old.failures
      answeredSince = old.answeredSince
      refusedSince = old.refusedSince
      isHopeless = old.isHopeless
    }
    let isShort = isFresh && life > 0 && life < Grant.shortLife
    shortfalls = old.map { isShort || $0.fellShort(now: now) ? $0.shortfalls + 1 : 0 } ?? 0
    // It grows where a new token is no better than the one before.
    let least = min(life * 3 / 4, Grant.floorLimit)
    floor = doubled(
      max(least, 1), shortfalls, limit: isShort ? Grant.floorLimit : life * 3 / 4)
    guard lease.isRefreshable else {
      refreshAt = Int64.max
      return
    }
    refreshAt = now + life - margin - random.below(margin / 2)
    if isShort { refreshAt = max(refreshAt, now + floor) }
    if life == 0, let old { putOff(after: old, now) }
    renewForRefreshToken(lease, old, now, &random)
    guard let lost = lease.unanswered else { return }
    take(lost, now: now)
    refreshAt = repetition(now, after: 0, &random) ?? max(now, lastRepetition(now))
    notBefore = refreshAt
  }

  /// A refresh token that ends before the access token does has to be used in time. One whose end
  /// does not move when it is used is not worth another request.
  private mutating func renewForRefreshToken(
    _ lease: Lease, _ old: Grant?, _ now: Int64, _ random: inout Jitter
  ) {
    guard let end = refreshExpiresAt, end > now else { return }
    if let before = old?.refreshExpiresAt, end - before < 2000, before > now { return }
    let margin = min((end - now) / Grant.marginPart, Grant.refreshTokenMarginLimit)
    refreshAt = min(refreshAt, end - margin - random.below(margin / 2))
  }

  /// A server that answers each refresh with a token that has ended is not asked without pause.
  private mutating func putOff(after old: Grant, _ now: Int64) {
    failures = old.failures + 1
    refreshAt = now + doubled(Agent.firstBackOff, old.failures, limit: Agent.backOffLimit)
    notBefore = refreshAt
  }

  /// What is due at `now`.
  func due(now: Int64) -> Agent.Step? {
    if isRefreshable { return now >= refreshAt ? .refresh : nil }
    guard let expiresAt, now >= expiresAt else { return nil }
    return .endGrant
  }

  /// When something is due next.
  var wakeAt: Int64 { isRefreshable ? refreshAt : expiresAt ?? Int64.max }

  /// When only a person can help; `Int64.max` where there is hope.
  var hopelessAt: Int64 { isHopeless ? presumedEnd : Int64.max }

  /// Takes what another process, or this one before, has sent without an answer.
  mutating func take(_ lost: Unanswered, now: Int64) {
    unanswered = lost.count
    unansweredSince = now - lost.age
  }

  /// Puts the next refresh off.
  ///
  /// - Parameters:
  ///   - pause: the back-off.
  ///   - demanded: the server's, by Retry-After.
  mutating func failed(
    pause: Int64, demanded: Int64, isUncertain: Bool, now: Int64, _ random: inout Jitter
  ) {
    failures += 1
    isUnsent = false
    refreshAt = now + max(pause, demanded)
    if isUncertain {
      if unanswered == 0 { unansweredSince = now }
      unanswered += 1
      refreshAt = repetition(now, after: demanded, &random) ?? max(refreshAt, lastRepetition(now))
    } else {
      unanswered = 0
    }
    notBefore = refreshAt
  }

  /// Pauses before what was not answered is sent again, in milliseconds, and what chance may add to
  /// each: together, half a minute.
  static let repetitions: InlineArray<4, Int64> = [1000, 4000, 8000, 14_000]
  static let repetitionJitter: Int64 = 750
  static let repetitionTime: Int64 = 30_000

  /// When what was not answered is sent again soon; nil for no more of that.
  ///
  /// The server may have taken the refresh token and issued another. Many take the old one again
  /// for some seconds, for just this case, so it is tried a few times at once, unless the
  /// configuration knows better.
  private func repetition(
    _ now: Int64, after demanded: Int64, _ random: inout Jitter
  ) -> Int64? {
    if lostAnswer == .wait || unanswered > Int64(Grant.repetitions.count) { return nil }
    let pause = Grant.repetitions[Int(unanswered) - 1] + random.below(Grant.repetitionJitter)
    let next = now + max(pause, demanded)
    return next <= unansweredSince + Grant.repetitionTime ? next : nil
  }

  /// When it is sent again where it was not taken at once. By then the old refresh token counts as
  /// stolen, and a server may end the whole grant (RFC 9700 §4.14). So the access token stays in
  /// service to its end, and only then is the old refresh token tried once more: there is nothing
  /// left to lose. Should that answer be lost too, the next attempt is after the end.
  private func lastRepetition(_ now: Int64) -> Int64 {
    // With a little time left for that last attempt.
    let last = presumedEnd - min(30_000, margin / 2)
    return now < last ? last : presumedEnd
  }

  /// How long a server has to answer without tokens until only a person can help, in milliseconds:
  /// two answers as far apart, or "not now" for as long.
  static let refusalTime: Int64 = 60_000
  static let unavailabilityTime: Int64 = 600_000

  /// Takes how the server has answered that brought no tokens. Nothing is given up for that: a
  /// gateway may have said it, and trying goes on.
  mutating func note(_ reply: Agent.Reply, demanded: Int64, now: Int64) {
    if reply == .none {
      isUnsent = unanswered == 0
      return
    }
    let first = answeredSince ?? now
    answeredSince = first
    isHopeless = isHopeless || now - first >= Grant.unavailabilityTime
    guard reply == .refusal else { return }
    let since = refusedSince ?? now
    refusedSince = since
    isHopeless = isHopeless || now - since >= Grant.refusalTime
    // The second answer that counts is not waited for longer than that takes.
    let second = since + Grant.refusalTime
    if hasEnded(now: now), now < second, unanswered == 0 {
      refreshAt = min(refreshAt, max(second, now + demanded))
      notBefore = refreshAt
    }
  }

  /// Whether the access token has ended, as far as anybody knows.
  func hasEnded(now: Int64) -> Bool { now >= expiresAt ?? (failures > 0 ? presumedEnd : Int64.max) }

  /// Whether only a person can help.
  func isUnrenewable(now: Int64) -> Bool { isHopeless && hasEnded(now: now) }

  /// Brings the next refresh forward, where the last one was not sent.
  ///
  /// - Returns: whether it is sooner now.
  mutating func retry(at instant: Int64) -> Bool {
    if !isUnsent || instant >= refreshAt { return false }
    refreshAt = instant
    notBefore = instant
    return true
  }

  /// Whether it was to be replaced soon after it had come.
  private func fellShort(now: Int64) -> Bool { isFresh && isWanted && now - birth < life / 2 }

  mutating func want(now: Int64) {
    isWanted = true
    if isRefreshable { refreshAt = min(refreshAt, max(now, notBefore)) }
  }

  /// What somebody gets who needs the token for `seconds` more. A new one has to do for some time,
  /// and where no token lives that long for an eighth of its life: else each demand would be a
  /// request.
  func supply(forSeconds seconds: Int64, now: Int64) -> Agent.Supply {
    guard let expiresAt else { return .present }
    let left = expiresAt - now
    let needed = min(seconds, 4_000_000_000) * 1000
    if left >= needed, left > 0 { return .present }
    if !isRefreshable || now < notBefore { return .nothing }
    // Of a token that was loaded, nobody knows how long it lived.
    if !isFresh { return .renewed }
    let least = needed > life ? max(life / Grant.marginPart, floor) : floor
    if now - birth >= least { return .renewed }
    return left > 0 ? .present : .nothing
  }
}
