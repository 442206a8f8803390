import Agent
import Bytes
import Configuration
import DeviceGrant
import OAuth
import TestSupport
import Testing

private let birth: Int64 = 1_000_000
private let day: Int64 = 86_400_000

/// Agents of different boards.
private let seeds: [UInt32] = {
  var generator = SeededGenerator(seed: 5)
  return (0..<1000).map { _ in UInt32.random(in: 1...UInt32.max, using: &generator) }
}()

private func holding(
  _ lease: Lease, lostAnswer: LostAnswer = .wait, seed: UInt32 = 7
) -> Agent {
  var agent = Agent(start: .automatic, lostAnswer: lostAnswer, seed: seed)
  agent.granted(lease, now: birth)
  return agent
}

private func lease(_ remaining: Int64?, refresh: Int64? = nil, isRefreshable: Bool = true) -> Lease
{
  Lease(remaining: remaining, isRefreshable: isRefreshable, refreshRemaining: refresh)
}

@Suite struct RefreshTimeTests {
  /// How long after its beginning a grant is renewed, on each board.
  private func delays(_ lease: Lease) -> [Int64] {
    seeds.map { holding(lease, seed: $0).nextRefreshAt! - birth }
  }

  @Test(arguments: [8, 60, 600, 3600, 7200, 64799, 604_800] as [Int64])
  func itIsBetweenThirteenSixteenthsAndSevenEighths(lifetime: Int64) {
    let delays = delays(lease(lifetime))
    let (earliest, latest) = (lifetime * 13000 / 16, lifetime * 7000 / 8)
    #expect(delays.allSatisfy { $0 >= earliest && $0 <= latest })
    // Spread over all of it: each tenth of the window has something like a tenth of the boards.
    let window = latest - earliest + 1
    var tenths = [Int](repeating: 0, count: 10)
    for delay in delays { tenths[max(0, min(9, Int((delay - earliest) * 10 / window)))] += 1 }
    #expect(tenths.allSatisfy { (50...250).contains($0) }, "\(tenths)")
  }

  @Test(arguments: [8, 30, 365, 10000] as [Int64])
  func theMarginIsADayAtMost(days: Int64) {
    let delays = delays(lease(days * 86400)).map { days * day - $0 }
    #expect(delays.allSatisfy { $0 >= day && $0 <= day * 3 / 2 })
    #expect(delays.max()! - delays.min()! > day * 4 / 10)
  }

  @Test func withoutAFigureOneHourIsAssumed() {
    #expect(delays(lease(nil)) == delays(lease(3600)))
    #expect(holding(lease(nil)).accessExpiresAt == nil)
    #expect(holding(lease(3600)).accessExpiresAt == birth + 3_600_000)
  }

  @Test(arguments: [0, -1, .min] as [Int64])
  func whatHasEndedIsRenewedAtOnce(remaining: Int64) {
    var agent = holding(lease(remaining))
    #expect(agent.accessExpiresAt == birth)
    #expect(agent.next(now: birth) == .refresh)
  }

  @Test(arguments: [4_000_000_000, 4_000_000_001, 1 << 60, .max] as [Int64])
  func aLifetimeWithoutEndIsNoOverflow(remaining: Int64) {
    var agent = holding(lease(remaining, refresh: remaining))
    #expect(agent.accessExpiresAt == birth + 4_000_000_000_000)
    #expect(agent.refreshExpiresAt == birth + 4_000_000_000_000)
    guard case .wait(let instant) = agent.next(now: birth) else {
      Issue.record("no wait")
      return
    }
    #expect(instant > birth + 100 * 365 * day)
  }

  /// As where a server writes a time for a lifetime, one that has passed.
  @Test(arguments: [0, -1] as [Int64])
  func tokensThatHaveEndedAreNotRenewedWithoutPause(remaining: Int64) {
    var agent = holding(lease(3600))
    agent.refreshWanted(now: birth)
    var now = birth
    var refreshes = 0
    while now < birth + 3_600_000 {
      switch agent.next(now: now) {
      case .refresh:
        refreshes += 1
        now += 1
        agent.renewed(lease(remaining), now: now)
      case .wait(let instant): now = instant
      default: Issue.record("another step")
      }
      if refreshes > 100 { break }
    }
    #expect((10...25).contains(refreshes))
  }
}

@Suite struct RefreshTokenEndTests {
  @Test(
    arguments: [
      // Seconds of the refresh token, and its margin: an eighth, a week at most.
      (80, 10), (1800, 225), (86400, 10800), (7_776_000, 604_800), (31_536_000, 604_800),
    ] as [(Int64, Int64)])
  func theGrantIsRenewedBeforeIt(refresh: Int64, margin: Int64) {
    for seed in seeds.prefix(100) {
      let agent = holding(lease(63_072_000, refresh: refresh), seed: seed)
      let left = birth + refresh * 1000 - agent.nextRefreshAt!
      #expect(left >= margin * 1000 && left <= margin * 1500)
    }
  }

  @Test func aFleetDoesNotActAsOne() {
    let times = Set(
      seeds.map { holding(lease(63_072_000, refresh: 7_776_000), seed: $0).nextRefreshAt! })
    #expect(times.count > 900)
  }

  @Test func anAccessTokenThatEndsBeforeComesFirst() {
    let agent = holding(lease(3600, refresh: 7_776_000))
    #expect(agent.nextRefreshAt == holding(lease(3600)).nextRefreshAt)
  }

  @Test(arguments: [0, -1, .min] as [Int64])
  func oneThatHasEndedChangesNothing(refresh: Int64) {
    let alone = holding(lease(3600)).nextRefreshAt
    #expect(holding(lease(3600, refresh: refresh)).nextRefreshAt == alone)
  }

  /// Two people sign in within two seconds: the second one's refresh token ends when the first
  /// one's does, and is not one whose end does not move.
  @Test func anotherGrantsEndIsNotItsOwn() {
    var agent = holding(lease(63_072_000, refresh: 7_776_000))
    agent.granted(lease(63_072_000, refresh: 7_776_000), now: birth + 1000)
    #expect(agent.nextRefreshAt! < birth + 7_776_000_000)
  }

  /// Requests within a year of a server whose refresh token lives so long, and longer when used.
  private func refreshes(access: Int64, refresh: Int64, isMoving: Bool) -> Int {
    var agent = holding(lease(access, refresh: refresh))
    let end = birth + refresh * 1000
    var now = birth
    var count = 0
    while count < 1000, now < birth + 365 * day {
      switch agent.next(now: now) {
      case .refresh:
        count += 1
        now += 500
        if !isMoving, now >= end { return count }
        agent.renewed(
          lease(access, refresh: isMoving ? refresh : (end - now) / 1000), now: now)
      case .wait(let instant): now = instant
      default: return -1
      }
    }
    return count
  }

  @Test func anEndThatMovesIsMetEachTime() {
    let count = refreshes(access: 63_072_000, refresh: 30 * 86400, isMoving: true)
    #expect((13...16).contains(count))
  }

  @Test func anEndThatDoesNotMoveIsNotWorthARequestForEver() {
    // One for the refresh token's sake; then when the access token's time has come.
    #expect(refreshes(access: 63_072_000, refresh: 30 * 86400, isMoving: false) <= 1)
    let hourly = refreshes(access: 3600, refresh: 86400, isMoving: false)
    #expect((25...32).contains(hourly))
  }
}

@Suite struct RefreshFailureTests {
  /// The times at which refreshes are sent that all fail in that way, up to `end`.
  private func attempts(
    _ lease: Lease, isRefusal: Bool = false, isUncertain: Bool, retryAfter: Int64? = nil,
    until end: Int64, lostAnswer: LostAnswer = .wait, seed: UInt32 = 7
  ) -> [Int64] {
    var agent = holding(lease, lostAnswer: lostAnswer, seed: seed)
    var now = birth
    var times: [Int64] = []
    while now < end, times.count < 1000 {
      switch agent.next(now: now) {
      case .refresh:
        times.append(now)
        agent.refreshFailed(
          isRefusal: isRefusal, isUncertain: isUncertain, retryAfter: retryAfter, now: now)
      case .wait(let instant): now = instant
      default: Issue.record("another step")
      }
      #expect(agent.hasGrant)
    }
    return times.filter { $0 < end }
  }

  private func pauses(_ times: [Int64]) -> [Int64] {
    zip(times, times.dropFirst()).map { $1 - $0 }
  }

  @Test(arguments: [
    (false, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]), (true, [15, 30, 60, 120, 240, 300, 300]),
  ])
  func pausesDoubleAndNeverEnd(isRefusal: Bool, seconds: [Int64]) {
    let times = attempts(
      lease(3600), isRefusal: isRefusal, isUncertain: false, until: birth + 10 * day)
    #expect(times.count > 500)
    for (pause, seconds) in zip(pauses(times), seconds) {
      #expect((seconds * 1000..<seconds * 1250).contains(pause))
    }
    #expect(pauses(times).dropFirst(10).allSatisfy { (300_000..<375_000).contains($0) })
  }

  @Test func theServersPauseIsKept() {
    let times = attempts(
      lease(3600), isUncertain: false, retryAfter: 900, until: birth + day)
    #expect(pauses(times).allSatisfy { $0 == 900_000 })
    let longest = attempts(
      lease(3600), isUncertain: false, retryAfter: .max, until: birth + day)
    #expect(pauses(longest).allSatisfy { $0 == 3_600_000 })
  }

  @Test func successEndsTheBackOff() {
    var agent = holding(lease(3600))
    for _ in 0..<9 {
      agent.refreshFailed(isRefusal: false, isUncertain: false, now: birth)
    }
    agent.renewed(lease(3600), now: birth)
    agent.refreshFailed(isRefusal: false, isUncertain: false, now: birth)
    #expect((2000...2500).contains(agent.nextRefreshAt! - birth))
  }

  /// What is sent again after a lost answer may count as stolen (RFC 9700 §4.14).
  @Test(arguments: [60, 300, 3600, 86400, 2_592_000] as [Int64])
  func aLostAnswerIsFollowedByOneAttemptJustBeforeTheEnd(lifetime: Int64) {
    let end = birth + lifetime * 1000
    let margin = min(lifetime * 1000 / 8, day)
    for seed in seeds.prefix(50) {
      let times = attempts(lease(lifetime), isUncertain: true, until: end, seed: seed)
      #expect(times.count == 2)
      #expect((times.first ?? .max) <= end - margin)
      #expect(times.last == end - min(30_000, margin / 2))
    }
  }

  /// Many servers take a used refresh token again for some seconds.
  @Test(arguments: [3600, 7200, 86400] as [Int64])
  func aLostAnswerIsAskedForAgainAFewTimesAtOnce(lifetime: Int64) {
    let end = birth + lifetime * 1000
    for seed in seeds.prefix(50) {
      let times = attempts(
        lease(lifetime), isUncertain: true, until: end, lostAnswer: .retry, seed: seed)
      #expect(times.count == 6)
      #expect((1000..<2000).contains(times[1] - times[0]))
      #expect(times[4] - times[0] <= 30_000)
      #expect(times[5] == end - min(30_000, min(lifetime * 1000 / 8, day) / 2))
    }
  }

  @Test func whatTheServerAsksToWaitForIsNotAskedForWithinSeconds() {
    let times = attempts(
      lease(86400), isUncertain: true, retryAfter: 600, until: birth + day, lostAnswer: .retry)
    #expect(times.count == 2)
    #expect(times[1] - times[0] > 600_000)
  }

  /// As told by a note beside the token file: another process has sent it, or this one before.
  @Test(arguments: [
    (1, 0, LostAnswer.retry, true), (4, 14_000, .retry, true), (5, 14_000, .retry, false),
    (1, 31_000, .retry, false), (1, 0, .wait, false),
  ])
  func whatAnotherProcessHasSentFollowsTheSameRule(
    count: Int64, age: Int64, rule: LostAnswer, isSoon: Bool
  ) {
    var lease = lease(3600)
    lease.unanswered = Unanswered(count: count, age: age)
    var agent = holding(lease, lostAnswer: rule)
    agent.refreshWanted(now: birth)
    let next = agent.nextRefreshAt! - birth
    #expect(isSoon ? (1000..<15_000).contains(next) : next == 3_570_000)
    #expect(agent.supply(forSeconds: 3600, now: birth + 10) == .nothing)
  }

  @Test func afterTheEndThereIsNothingLeftToLose() {
    let end = birth + 3_600_000
    let times = attempts(lease(3600), isUncertain: true, until: birth + day).filter { $0 >= end }
    #expect((times.first ?? .max) - end < 400_000)
    #expect(pauses(times).allSatisfy { $0 < 375_000 })
  }

  @Test func withoutAFigureALostAnswerIsNotTriedAgainAtOnce() {
    let times = attempts(lease(nil), isUncertain: true, until: birth + 3_600_000)
    #expect(times.count == 2)
    #expect((times.last ?? 0) >= birth + 3_570_000)
  }

  @Test func nobodyCanHurryWhatHasJustFailed() {
    for isUncertain in [false, true] {
      var agent = holding(lease(3600))
      let now = agent.nextRefreshAt!
      #expect(agent.next(now: now) == .refresh)
      agent.refreshFailed(isRefusal: false, isUncertain: isUncertain, now: now)
      let next = agent.nextRefreshAt!
      #expect(next > now)
      for moment in stride(from: now, to: next, by: max(1, Int(next - now) / 50)) {
        agent.refreshWanted(now: moment)
        #expect(agent.supply(forSeconds: 3600, now: moment) != .renewed)
        #expect(agent.next(now: moment) == .wait(until: next))
      }
    }
  }

  @Test func aFailureWithoutAGrantIsNothing() {
    var agent = Agent(start: .onRequest, seed: 1)
    agent.refreshFailed(isRefusal: false, isUncertain: true, now: birth)
    agent.refreshWanted(now: birth)
    #expect(!agent.hasGrant)
    #expect(agent.next(now: birth) == .wait(until: .max))
  }
}

@Suite struct DemandTests {
  @Test func aRefreshIsSentWhenItIsWanted() {
    var agent = holding(lease(3600))
    agent.refreshWanted(now: birth + 10)
    #expect(agent.next(now: birth + 10) == .refresh)
  }

  @Test(
    arguments: [
      // Seconds that have passed, seconds that are needed.
      (0, 0, .present), (0, 3600, .present), (0, .max, .present), (449, .max, .present),
      (451, 60, .present), (451, 3149, .present), (451, 3600, .renewed), (451, .max, .renewed),
      // What a new token would meet is met, but for a minute after one has come.
      (59, 3600, .present), (60, 3600, .renewed), (60, 3541, .renewed), (60, 3540, .present),
      (60, 3601, .present),
      (3540, 60, .present), (3541, 60, .renewed), (3600, 60, .renewed), (3600, 0, .renewed),
      (9999, 1, .renewed), (9999, -1, .renewed), (3599, -1, .present),
    ] as [(Int64, Int64, Agent.Supply)])
  func aTokenThatIsTooShortIsRenewed(passed: Int64, needed: Int64, expected: Agent.Supply) {
    let agent = holding(lease(3600))
    #expect(agent.supply(forSeconds: needed, now: birth + passed * 1000) == expected)
  }

  @Test func whileARefreshHasJustFailedThereIsWhatThereIs() {
    var agent = holding(lease(3600))
    let now = agent.nextRefreshAt!
    agent.refreshFailed(isRefusal: false, isUncertain: true, now: now)
    #expect(agent.supply(forSeconds: 60, now: now) == .present)
    #expect(agent.supply(forSeconds: 3600, now: now) == .nothing)
    #expect(agent.supply(forSeconds: 60, now: birth + 3_545_000) == .nothing)
  }

  @Test func nobodyCanDemandMoreThanThereIs() {
    for lifetime in [1, 10, 3600, 86400, 31_536_000] as [Int64] {
      var agent = holding(lease(lifetime))
      var now = birth
      var last: Int64?
      for _ in 0..<1000 {
        now += max(1, lifetime * 1000 / 100)
        guard agent.supply(forSeconds: .max, now: now) == .renewed else { continue }
        if let last { #expect(now - last > lifetime * 1000 / 8) }
        last = now
        agent.renewed(lease(lifetime), now: now)
      }
      #expect(last != nil)
    }
  }

  /// Refreshes in a day of somebody who asks each second for so many more.
  private func refreshesInADay(life: Int64, demand: Int64?) -> Int {
    var agent = holding(lease(life))
    var now = birth
    var count = 0
    while now < birth + day {
      switch agent.next(now: now) {
      case .refresh:
        count += 1
        agent.renewed(lease(life), now: now)
      case .wait(let instant): now = min(instant, demand == nil ? instant : now + 1000)
      default: Issue.record("another step")
      }
      if let demand, agent.supply(forSeconds: demand, now: now) == .renewed {
        agent.refreshWanted(now: now)
      }
    }
    return count
  }

  @Test func noDemandAndNoShortLifeCausesRefreshesWithoutBound() {
    #expect((24...28).contains(refreshesInADay(life: 3600, demand: nil)))
    #expect((24...300).contains(refreshesInADay(life: 3600, demand: 3599)))
    // One that can be met is met.
    #expect((46...50).contains(refreshesInADay(life: 3600, demand: 1800)))
    #expect((1400...1500).contains(refreshesInADay(life: 1, demand: nil)))
    #expect((1400...1500).contains(refreshesInADay(life: 1, demand: 0)))
    #expect((3400...3900).contains(refreshesInADay(life: 30, demand: 60)))
  }

  @Test func whatCannotBeRenewedIsNotDemanded() {
    let agent = holding(lease(3600, isRefreshable: false))
    #expect(agent.supply(forSeconds: 60, now: birth) == .present)
    #expect(agent.supply(forSeconds: .max, now: birth) == .nothing)
    #expect(agent.supply(forSeconds: 60, now: birth + 3_600_000) == .nothing)
    // Of this one nobody knows how long it is good.
    #expect(holding(lease(nil)).supply(forSeconds: .max, now: birth + day) == .present)
    let nobody = Agent(start: .automatic, seed: 1)
    #expect(nobody.supply(forSeconds: 0, now: birth) == .nothing)
  }
}

/// A server that keeps answering without tokens, in words that end nothing.
@Suite struct UnrenewableTests {
  /// When a code is asked for, in seconds after the access token's end, if each refresh is answered
  /// so; nil for not within two hours.
  private func codeAfterEnd(
    _ reply: Agent.Reply, start: StartMode = .automatic, left: Int64 = 0
  ) -> Int64? {
    var agent = Agent(start: start, seed: 7)
    agent.granted(lease(left), now: birth)
    let end = birth + left * 1000
    var now = birth
    while now < end + 7_200_000 {
      switch agent.next(now: now) {
      case .refresh:
        agent.refreshFailed(
          isRefusal: reply == .refusal, isUncertain: false, reply: reply, now: now)
      case .wait(let instant): now = instant
      case .requestCode: return (now - end) / 1000
      default: Issue.record("another step")
      }
      #expect(agent.hasGrant)
    }
    return nil
  }

  @Test func twoAnswersAMinuteApartAreEnough() {
    #expect((60...62).contains(codeAfterEnd(.refusal) ?? -1))
    #expect((600...1000).contains(codeAfterEnd(.unavailable) ?? -1))
    #expect(codeAfterEnd(.none) == nil)
  }

  @Test func notBeforeTheAccessTokenHasEnded() {
    #expect(codeAfterEnd(.refusal, left: 3600) == 0)
    #expect(codeAfterEnd(.refusal, start: .onRequest, left: 3600) == nil)
  }

  private func unrenewable() -> (Agent, now: Int64) {
    var agent = holding(lease(0))
    var now = birth
    while agent.next(now: now) != .requestCode {
      agent.refreshFailed(isRefusal: true, isUncertain: false, reply: .refusal, now: now)
      now = agent.nextRefreshAt!
      if agent.isPersonNeeded { break }
    }
    agent.codeIssued(expiresIn: 600, interval: 5, requestedAt: now, now: now)
    return (agent, now)
  }

  @Test func aRefreshThatWorksMakesTheCodeSuperfluous() {
    var (agent, now) = unrenewable()
    #expect(agent.isPersonNeeded && agent.showsCode)
    agent.renewed(lease(3600), now: now)
    #expect(!agent.isPersonNeeded && !agent.showsCode)
  }

  @Test func codesFollowEachOtherAndTryingGoesOn() {
    var (agent, now) = unrenewable()
    let end = now + 3_600_000
    var (codes, refreshes) = (1, 0)
    while now < end {
      switch agent.next(now: now) {
      case .refresh:
        refreshes += 1
        agent.refreshFailed(isRefusal: true, isUncertain: false, reply: .refusal, now: now)
      case .requestCode:
        codes += 1
        agent.codeIssued(expiresIn: 600, interval: 5, requestedAt: now, now: now)
      case .poll: agent.polled(.pending(retryAfter: nil), now: now)
      case .wait(let instant): now = instant
      case .codeEnded: break
      default: Issue.record("another step")
      }
    }
    #expect((5...7).contains(codes))
    #expect(refreshes > 8)
  }

  @Test func aClockThatIsSetBringsNoHope() {
    var (agent, now) = unrenewable()
    var known = lease(0)
    known.isKnown = true
    agent.renewed(known, now: now)
    #expect(agent.isPersonNeeded && agent.showsCode)
    now = agent.nextRefreshAt!
    #expect(agent.isPersonNeeded)
  }

  @Test func whatASignalHasAskedForIsNotTakenBack() {
    var agent = holding(lease(0))
    agent.codeWanted(now: birth)
    agent.codeWanted(isInstead: true, now: birth)
    agent.renewed(lease(3600), now: birth)
    #expect(agent.nextCodeAt == birth)
    var other = holding(lease(0))
    other.codeWanted(isInstead: true, now: birth)
    other.renewed(lease(3600), now: birth)
    #expect(other.nextCodeAt == nil)
  }
}

@Suite struct EndOfGrantTests {
  @Test func withoutARefreshTokenTheGrantEndsWithTheAccessToken() {
    var agent = holding(lease(3600, isRefreshable: false))
    #expect(agent.nextRefreshAt == nil)
    agent.refreshWanted(now: birth)
    #expect(agent.next(now: birth) == .wait(until: birth + 3_600_000))
    #expect(agent.next(now: birth + 3_600_000) == .endGrant)
    agent.lost(now: birth + 3_600_000)
    #expect(agent.next(now: birth + 3_600_000) == .requestCode)
  }

  @Test func oneWithoutAnEndNeverEnds() {
    var agent = holding(lease(nil, isRefreshable: false))
    #expect(agent.next(now: birth + 1000 * day) == .wait(until: .max))
  }
}

@Suite struct LeaseTests {
  private func lease(
    _ expiresAt: Int64?, _ refreshExpiresAt: Int64?, token: String = "rt", isClockSet: Bool = true
  ) -> Lease {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
    defer { memory.deallocate() }
    var tokens = Tokens(
      accessToken: Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: memory[..<8])),
      refreshToken: Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: memory[8...])))
    for byte in token.utf8 { tokens.refreshToken.append(byte) }
    tokens.expiresAt = expiresAt
    tokens.refreshTokenExpiresAt = refreshExpiresAt
    return Lease(tokens, unixSeconds: 1_800_000_000, isClockSet: isClockSet)
  }

  @Test(
    arguments: [
      (nil, nil), (1_800_003_600, 3600), (1_800_000_000, 0), (1_799_999_999, 0), (0, 0), (-1, 0),
      (.min, 0), (.max, .max - 1_800_000_000),
    ] as [(Int64?, Int64?)])
  func timesBecomeWhatIsLeft(time: Int64?, left: Int64?) {
    #expect(
      lease(time, nil) == Lease(remaining: left, isRefreshable: true, refreshRemaining: nil))
    #expect(
      lease(nil, time) == Lease(remaining: nil, isRefreshable: true, refreshRemaining: left))
  }

  @Test func aClockThatIsNotSetTellsNothing() {
    #expect(
      lease(1_800_003_600, 1_900_000_000, isClockSet: false)
        == Lease(remaining: nil, isRefreshable: true, refreshRemaining: nil))
  }

  @Test func withoutARefreshTokenNothingIsRenewable() {
    #expect(!lease(1_800_003_600, nil, token: "").isRefreshable)
  }
}
