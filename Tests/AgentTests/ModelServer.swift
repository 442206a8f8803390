/// An authorization server as far as its tokens go. Times are milliseconds of its own clock.
struct ModelServer {
  /// What it does, in seconds.
  struct Figures {
    var accessLife: Int64
    /// nil: for ever.
    var refreshLife: Int64?
    /// Whether a refresh token lives longer for being used.
    var isMoving: Bool
    /// Whether each refresh token is good for one use only (RFC 9700 §4.14.2).
    var rotates: Bool
    /// How long a used one is still taken.
    var grace: Int64
    /// Whether it says how long an access token lives.
    var tellsLife: Bool
  }

  struct AccessToken {
    var number: Int
    var family: Int
    var end: Int64
  }

  struct RefreshToken {
    var family: Int
    var generation: Int
  }

  struct Pair {
    var access: AccessToken
    var refresh: RefreshToken
    var refreshEnd: Int64?
  }

  let figures: Figures
  /// How often a refresh token came that counts as stolen.
  private(set) var reuses = 0

  private var family = 0
  private var isAlive = false
  private var generation = 0
  private var rotatedAt: Int64 = 0
  private var refreshEnd = Int64.max
  private var lastNumber = 0

  init(_ figures: Figures) {
    self.figures = figures
  }

  /// A new grant, which a person has approved.
  mutating func issue(now: Int64) -> Pair {
    family += 1
    generation = 0
    isAlive = true
    refreshEnd = figures.refreshLife.map { now + $0 * 1000 } ?? .max
    return pair(now)
  }

  /// Whether a refresh with that token would bring a new pair.
  func accepts(_ token: RefreshToken, now: Int64) -> Bool {
    guard isAlive, token.family == family, now < refreshEnd else { return false }
    return token.generation == generation
      || token.generation == generation - 1 && now - rotatedAt <= figures.grace * 1000
  }

  func accepts(_ token: AccessToken, now: Int64) -> Bool {
    isAlive && token.family == family && now < token.end
  }

  /// Answers a refresh; nil for `invalid_grant`.
  mutating func refresh(_ token: RefreshToken, now: Int64) -> Pair? {
    guard accepts(token, now: now) else {
      if isAlive, token.family == family, now < refreshEnd {
        reuses += 1
        isAlive = false
      }
      return nil
    }
    if figures.rotates, token.generation == generation {
      generation += 1
      rotatedAt = now
    }
    if figures.isMoving, let life = figures.refreshLife { refreshEnd = now + life * 1000 }
    return pair(now)
  }

  /// Ends the grant, as the person can.
  mutating func revoke() {
    isAlive = false
  }

  /// Whether the person, or time itself, has ended the grant.
  func hasEnded(now: Int64) -> Bool { !isAlive || now >= refreshEnd }

  private mutating func pair(_ now: Int64) -> Pair {
    lastNumber += 1
    return Pair(
      access: AccessToken(
        number: lastNumber, family: family, end: now + figures.accessLife * 1000),
      refresh: RefreshToken(family: family, generation: generation),
      refreshEnd: figures.refreshLife == nil ? nil : refreshEnd)
  }
}
