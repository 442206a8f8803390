internal import Bytes

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
  /// that lives longer has it replaced: at most, and no longer than an eighth of its life.
  static let demandPause: Int64 = 5000

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

  init(_ lease: Lease, replacing old: Grant?, now: Int64, _ random: inout Jitter) {
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
    guard lease.isRefreshable else {
      refreshAt = Int64.max
      return
    }
    refreshAt = now + life - margin - random.below(margin / 2)
    if life == 0, let old { putOff(after: old, now) }
    renewForRefreshToken(lease, old, now, &random)
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

  /// Puts the next refresh off.
  ///
  /// After an answer that was lost the server may have taken the refresh token and issued another.
  /// Sent again, the old one then counts as stolen, and a server may end the whole grant (RFC 9700
  /// §4.14). So the access token stays in service to its end, and only then is the old refresh
  /// token tried once more: by then there is nothing left to lose. Should that answer be lost too,
  /// the next attempt is after the end.
  mutating func failed(pause: Int64, isUncertain: Bool, now: Int64) {
    failures += 1
    refreshAt = now + pause
    if isUncertain {
      // With a little time left for that last attempt.
      let last = presumedEnd - min(30_000, margin / 2)
      refreshAt = max(refreshAt, now < last ? last : presumedEnd)
    }
    notBefore = refreshAt
  }

  mutating func want(now: Int64) {
    if isRefreshable { refreshAt = min(refreshAt, max(now, notBefore)) }
  }

  /// What somebody gets who needs the token for `seconds` more. Where no token lives that long, a
  /// new one has to do for an eighth of its life, else each demand would be a request.
  func supply(forSeconds seconds: Int64, now: Int64) -> Agent.Supply {
    guard let expiresAt else { return .present }
    let left = expiresAt - now
    let needed = min(seconds, 4_000_000_000) * 1000
    if left >= needed, left > 0 { return .present }
    if !isRefreshable || now < notBefore { return .nothing }
    // Of a token that was loaded, nobody knows how long it lived.
    if !isFresh { return .renewed }
    let part = life / Grant.marginPart
    return life - left < (needed > life ? part : min(part, Grant.demandPause))
      ? .present : .renewed
  }
}
