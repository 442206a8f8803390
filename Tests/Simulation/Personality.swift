/// What a server is like, beside what can happen to any.
public struct Personality: Sendable {
  /// A kind of server.
  public enum Kind: Int, CaseIterable, Sendable {
    /// As RFC 8628, RFC 6749 and RFC 9700 have it.
    case obeying
    /// Status 428, sentences for words, an endpoint of its own for refreshes.
    case webex
    case google
    /// Found by its issuer; each refresh token is good once, and a session ends.
    case keycloak
    /// Takes a used refresh token for a while.
    case okta
    /// One that comes twice ends the grant.
    case strict
    case slow
    /// Wants to be asked less often.
    case slowingDown
    /// Says figures that can't be true, and errors with status 200.
    case lying
    /// An empty body for a grant that has ended.
    case glewlwyd
    case endingSessions
    case movingMetadata
    /// Access tokens of minutes.
    case shortLived
    /// Refresh tokens: none.
    case withoutRefresh
    /// None: nobody ever answers as a server does.
    case absent
  }

  /// How "nobody has approved yet" is said.
  enum Pending { case oauth, webex, status428, google, withStatus200 }
  /// How "the refresh token is dead" is said.
  enum Dead: CaseIterable {
    case oauth, sentence, empty
    // In no words that anybody documents.
    case otherWord, bare401, forbidden, gone, ownWordWith200, brokenForGood
  }

  public let kind: Kind

  // In seconds.
  var accessLife: Int64 = 3600
  var refreshLife: Int64?
  var codeLife: Int64 = 900
  /// nil: not said, which means 5.
  var interval: Int64? = 5
  /// How long a used refresh token is still taken.
  var grace: Int64 = 0

  /// Whether the board's configuration has it wait after a lost answer.
  var waits = false
  /// Whether a refresh token lives longer for being used.
  var isMoving = true
  /// Whether each refresh token is good for one use (RFC 9700 §4.14.2).
  var rotates = false
  /// Whether one that comes again ends the grant.
  var detectsReuse = true
  /// Whether it says how long an access token lives.
  var tellsLife = true
  var issuesRefreshTokens = true
  var hasUserinfo = true
  var hasRevocation = true
  /// Whether revoking a grant ends all that the person has given.
  var revokesAll = false
  var usesMetadata = false
  var pending = Pending.oauth
  var dead = Dead.oauth
  /// In milliseconds, to the first byte.
  var latency: ClosedRange<Int64> = 20...900
  /// Of a hundred polls.
  var slowDowns = 2
  /// Of a hundred answers.
  var strangeness = 0
  /// In bytes.
  var tokenSize = 40
  var usesBasic = false

  /// Whether it is one that can be signed in at.
  var isThere: Bool { kind != .absent }

  init<Generator: RandomNumberGenerator>(_ kind: Kind, using generator: inout Generator) {
    self.kind = kind
    let lives: [(Int64, Int64?)] = [
      (3600, 7_776_000), (3600, nil), (600, 86400), (600, nil), (1800, 7200), (86400, nil),
      (1_209_600, 7_776_000), (5_184_000, 5_184_000), (2_592_000, 604_800),
    ]
    (accessLife, refreshLife) = lives[Int.random(in: 0..<lives.count, using: &generator)]
    isMoving = Int.random(in: 0..<4, using: &generator) > 0
    rotates = Int.random(in: 0..<2, using: &generator) > 0
    grace = [0, 0, 30, 3600, 4][Int.random(in: 0..<5, using: &generator)]
    waits = Int.random(in: 0..<3, using: &generator) == 0
    tellsLife = Int.random(in: 0..<8, using: &generator) > 0
    codeLife = [120, 300, 600, 900, 1800][Int.random(in: 0..<5, using: &generator)]
    interval = [nil, 1, 5, 5, 10, 20, 60][Int.random(in: 0..<7, using: &generator)]
    usesBasic = Int.random(in: 0..<2, using: &generator) > 0
    hasUserinfo = Int.random(in: 0..<4, using: &generator) > 0
    hasRevocation = Int.random(in: 0..<2, using: &generator) > 0
    usesMetadata = Int.random(in: 0..<3, using: &generator) == 0
    revokesAll = Bool.random(using: &generator)
    if Int.random(in: 0..<16, using: &generator) == 0 { tokenSize = 3000 }
    specialise()
    if [.obeying, .endingSessions, .shortLived].contains(kind), Bool.random(using: &generator) {
      dead = Dead.allCases[Int.random(in: 2..<Dead.allCases.count, using: &generator)]
    }
  }

  private mutating func specialise() {
    switch kind {
    case .obeying, .absent: break
    case .webex:
      (accessLife, refreshLife, codeLife, interval) = (1_209_600, 7_776_000, 300, 2)
      (rotates, isMoving, tellsLife, usesMetadata, usesBasic) = (false, true, true, false, true)
      (pending, dead, hasRevocation) = (.webex, .sentence, false)
    case .google:
      (accessLife, refreshLife, codeLife, interval) = (3599, nil, 1800, 5)
      (rotates, tellsLife, usesMetadata, usesBasic) = (false, true, false, false)
      pending = .google
    case .keycloak:
      (accessLife, refreshLife, codeLife, rotates, usesMetadata) = (300, 36_000, 600, true, true)
      (isMoving, tellsLife, grace) = (true, true, 0)
    case .okta:
      (accessLife, refreshLife, rotates, grace, usesMetadata) = (3600, 604_800, true, 30, true)
    case .strict: (rotates, grace, detectsReuse) = (true, 0, true)
    case .slow: latency = 3000...25_000
    case .slowingDown: slowDowns = 40
    case .lying: (strangeness, pending) = (20, .withStatus200)
    case .glewlwyd: (dead, rotates) = (.empty, false)
    case .endingSessions: (accessLife, refreshLife, isMoving) = (600, 7200, false)
    case .movingMetadata: usesMetadata = true
    case .shortLived: (accessLife, refreshLife, tellsLife) = (60, 3600, true)
    case .withoutRefresh:
      issuesRefreshTokens = false
      accessLife = min(accessLife, 86400)
    }
  }
}
