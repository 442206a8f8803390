import Agent
import Configuration
import DeviceGrant
import OAuth
import TestSupport
import Testing

/// Milliseconds at which every life here begins.
private let birth: Int64 = 1_000_000

private let never = Agent.Step.wait(until: .max)

extension Lease {
  /// One hour, with a refresh token whose end nobody knows.
  static let hour = Lease(remaining: 3600, isRefreshable: true, refreshRemaining: nil)
}

extension Agent {
  /// An agent without a grant, which has taken note of that.
  static func withoutGrant(_ start: StartMode, seed: UInt32 = 7, now: Int64 = birth) -> Agent {
    var agent = Agent(start: start, seed: seed)
    agent.lost(now: now)
    return agent
  }

  /// Goes from a due code to one that is shown, and that nobody has to wait for.
  mutating func showCode(expiresIn: Int64 = 900, interval: Int64 = 5, now: Int64) {
    #expect(next(now: now) == .requestCode)
    codeIssued(expiresIn: expiresIn, interval: interval, requestedAt: now, now: now)
    #expect(showsCode)
  }

  /// Polls once, as soon as that is allowed, and takes the answer; the time at which that was.
  mutating func poll(_ answer: PollAnswer, now: Int64) -> Int64 {
    guard case .wait(let instant) = next(now: now) else {
      Issue.record("no wait before a poll")
      return now
    }
    #expect(next(now: instant) == .poll)
    polled(answer, now: instant)
    return instant
  }
}

/// Every way for a code to end that is not the person's approval.
private let endings: [(PollAnswer?, Agent.CodeEnd)] = [
  (nil, .expired), (.expired, .expired), (.denied, .denied), (.refused, .refused),
  (.unusable(.tokenType), .refused),
]

@Suite struct CodeTests {
  /// Lets a shown code end; the time at which it has.
  private func end(_ agent: inout Agent, by answer: PollAnswer?, now: Int64) -> Int64 {
    if let answer { return agent.poll(answer, now: now) }
    return agent.flow!.expiresAt
  }

  @Test func nothingIsDoneBeforeItIsKnownHowThingsStand() {
    for start in [StartMode.automatic, .onRequest] {
      var agent = Agent(start: start, seed: 1)
      #expect(agent.next(now: birth) == never)
      #expect(!agent.hasGrant && !agent.showsCode && agent.nextCodeAt == nil)
      #expect(agent.nextRefreshAt == nil && agent.accessExpiresAt == nil)
    }
  }

  @Test func withoutAGrantACodeIsAskedForAtOnceAndOnce() {
    var agent = Agent.withoutGrant(.automatic)
    #expect(agent.nextCodeAt == birth)
    #expect(agent.next(now: birth) == .requestCode)
    for later in [0, 1, 60_000, 1_000_000_000] as [Int64] {
      #expect(agent.next(now: birth + later) == never)
    }
    agent.codeWanted(now: birth + 5)
    agent.lost(now: birth + 6)
    #expect(agent.next(now: birth + 7) == never)
  }

  @Test func onRequestACodeIsAskedForWhenSomebodyAsks() {
    var agent = Agent.withoutGrant(.onRequest)
    #expect(agent.nextCodeAt == nil)
    #expect(agent.next(now: birth + 1_000_000_000) == never)
    agent.codeWanted(now: birth + 50)
    #expect(agent.nextCodeAt == birth + 50)
    #expect(agent.next(now: birth + 49) == .wait(until: birth + 50))
    agent.showCode(now: birth + 50)
  }

  @Test func aShownCodeIsPolledForOnceAtATime() {
    var agent = Agent.withoutGrant(.automatic)
    agent.showCode(now: birth)
    #expect(agent.next(now: birth) == .wait(until: birth + 5000))
    #expect(agent.next(now: birth + 5000) == .poll)
    #expect(agent.next(now: birth + 5001) == .wait(until: birth + 900_000))
    agent.polled(.pending(retryAfter: nil), now: birth + 6000)
    #expect(agent.next(now: birth + 6000) == .wait(until: birth + 11000))
  }

  @Test func aCodeIsNotPolledForAfterItsEnd() {
    var agent = Agent.withoutGrant(.automatic)
    agent.showCode(expiresIn: 7, now: birth)
    #expect(agent.next(now: birth + 5000) == .poll)
    agent.polled(.pending(retryAfter: nil), now: birth + 6500)
    #expect(agent.next(now: birth + 6500) == .wait(until: birth + 7000))
    for later in [7000, 11500, 1_000_000] as [Int64] {
      var agent = agent
      #expect(agent.next(now: birth + later) == .codeEnded(.expired))
    }
  }

  @Test func anAnswerWithoutAPollIsNothing() {
    var agent = Agent.withoutGrant(.automatic)
    agent.polled(.denied, now: birth)
    #expect(agent.next(now: birth) == .requestCode)
    agent.polled(.denied, now: birth)
    #expect(agent.next(now: birth) == never)
    agent.codeIssued(expiresIn: 900, interval: 5, requestedAt: birth, now: birth)
    agent.polled(.denied, now: birth)
    #expect(agent.next(now: birth) == .wait(until: birth + 5000))
  }

  @Test(arguments: endings.filter { $0.1 != .refused })
  func pausesDoubleWhileNobodyApproves(answer: PollAnswer?, expected: Agent.CodeEnd) {
    var agent = Agent.withoutGrant(.automatic)
    var now = birth
    var pauses: [Int64] = []
    for _ in 0..<9 {
      agent.showCode(now: now)
      now = end(&agent, by: answer, now: now)
      #expect(agent.next(now: now) == .codeEnded(expected))
      pauses.append((agent.nextCodeAt ?? 0) - now)
      #expect(agent.next(now: now) == .wait(until: agent.nextCodeAt ?? 0))
      now = agent.nextCodeAt ?? 0
    }
    #expect(pauses == [2000, 4000, 8000, 16000, 32000, 60000, 60000, 60000, 60000])
  }

  @Test(arguments: [false, true])
  func pausesBeginAnewWhenSomebodyCares(isGrant: Bool) {
    var agent = Agent.withoutGrant(.automatic)
    var now = birth
    for expected in [2000, 4000, 8000, 2000, 4000] as [Int64] {
      agent.showCode(now: now)
      now = agent.poll(.denied, now: now)
      #expect(agent.next(now: now) == .codeEnded(.denied))
      #expect(agent.nextCodeAt == now + expected)
      now = agent.nextCodeAt ?? 0
      if expected < 8000 { continue }
      if isGrant {
        agent.granted(.hour, now: now)
        agent.lost(now: now)
      } else {
        agent.codeWanted(now: now)
      }
    }
  }

  @Test func aKeyEndsAPause() {
    var agent = Agent.withoutGrant(.automatic)
    agent.showCode(now: birth)
    let now = agent.poll(.denied, now: birth)
    #expect(agent.next(now: now) == .codeEnded(.denied))
    agent.codeWanted(now: now + 1)
    agent.showCode(now: now + 1)
  }

  @Test func anotherCodeCanBeAskedForWhileOneIsShown() {
    var agent = Agent.withoutGrant(.automatic)
    agent.showCode(now: birth)
    #expect(agent.next(now: birth + 5000) == .poll)
    agent.codeWanted(now: birth + 5001)
    #expect(!agent.showsCode)
    // The answer to the old code's poll comes too late.
    agent.polled(.denied, now: birth + 5002)
    agent.showCode(now: birth + 5002)
  }

  @Test func howACodeEndedIsToldOnce() {
    for (answer, expected) in endings {
      var agent = Agent.withoutGrant(.automatic)
      agent.showCode(now: birth)
      let now = end(&agent, by: answer, now: birth)
      #expect(agent.next(now: now) == .codeEnded(expected))
      #expect(!agent.showsCode)
      #expect(agent.next(now: now) == .wait(until: agent.nextCodeAt!))
    }
  }

  @Test func onRequestTheEndOfACodeLeadsBackToTheInvitation() {
    for (answer, expected) in endings where expected != .refused {
      var agent = Agent.withoutGrant(.onRequest)
      agent.codeWanted(now: birth)
      agent.showCode(now: birth)
      let now = end(&agent, by: answer, now: birth)
      #expect(agent.next(now: now) == .codeEnded(expected))
      #expect(agent.nextCodeAt == nil)
      #expect(agent.next(now: now + 1_000_000_000) == never)
    }
  }

  @Test func onRequestAFaultThatIsNotThePersonsIsTriedAgain() {
    var agent = Agent.withoutGrant(.onRequest)
    agent.codeWanted(now: birth)
    agent.showCode(now: birth)
    let now = agent.poll(.refused, now: birth)
    #expect(agent.next(now: now) == .codeEnded(.refused))
    #expect((15000...18750).contains((agent.nextCodeAt ?? 0) - now))
    // So is a request for a code that has brought none.
    agent.codeWanted(now: now)
    #expect(agent.next(now: now) == .requestCode)
    agent.codeFailed(isRefusal: false, now: now)
    #expect((2000...2500).contains((agent.nextCodeAt ?? 0) - now))
  }

  @Test func approvalEndsTheCode() {
    for start in [StartMode.automatic, .onRequest] {
      var agent = Agent.withoutGrant(start)
      agent.codeWanted(now: birth)
      agent.showCode(now: birth)
      let now = agent.poll(.granted, now: birth)
      // Until the tokens are saved nothing else is to be done.
      #expect(agent.next(now: now) == .wait(until: now))
      agent.granted(.hour, now: now)
      #expect(agent.hasGrant && !agent.showsCode && agent.nextCodeAt == nil)
      #expect(agent.next(now: now) == .wait(until: agent.nextRefreshAt!))
    }
  }
}

@Suite struct BackOffTests {
  /// The pauses, in milliseconds, after so many failures in a row.
  private func pauses(
    _ count: Int, isRefusal: Bool, retryAfter: Int64? = nil, seed: UInt32 = 7
  ) -> [Int64] {
    var agent = Agent.withoutGrant(.automatic, seed: seed)
    var now = birth
    return (0..<count).map { _ in
      #expect(agent.next(now: now) == .requestCode)
      agent.codeFailed(isRefusal: isRefusal, retryAfter: retryAfter, now: now)
      let pause = (agent.nextCodeAt ?? 0) - now
      #expect(agent.next(now: now) == .wait(until: now + pause))
      now += pause
      return pause
    }
  }

  @Test(arguments: [
    (false, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]), (true, [15, 30, 60, 120, 240, 300, 300]),
  ])
  func pausesDoubleUpToFiveMinutes(isRefusal: Bool, seconds: [Int64]) {
    for seed in 1...200 as ClosedRange<UInt32> {
      let pauses = pauses(seconds.count, isRefusal: isRefusal, seed: seed &* 0x9E37_79B9)
      let faults = zip(pauses, seconds).filter { $0 < $1 * 1000 || $0 >= $1 * 1250 }
      #expect(faults.isEmpty, "seed \(seed): \(pauses)")
    }
  }

  @Test func boardsDiffer() {
    let sixth = Set((1...100).map { pauses(6, isRefusal: false, seed: $0 &* 0x9E37_79B9).last! })
    #expect(sixth.count > 80)
  }

  @Test(
    arguments: [
      (-5, 2000...2500), (0, 2000...2500), (1, 2000...2500),
      (60, 60_000...60_000), (3600, 3_600_000...3_600_000), (3601, 3_600_000...3_600_000),
      (.max, 3_600_000...3_600_000),
    ] as [(Int64, ClosedRange<Int64>)])
  func aServersPauseIsKeptUpToAnHour(retryAfter: Int64, expected: ClosedRange<Int64>) {
    #expect(expected.contains(pauses(1, isRefusal: false, retryAfter: retryAfter)[0]))
  }

  /// Requests for a code that fail, until the back-off has grown to a minute and more.
  ///
  /// - Returns: when the next one is due.
  private func fail(_ agent: inout Agent, isUnreached: Bool = false) -> Int64 {
    var now = birth
    for _ in 0..<6 {
      #expect(agent.next(now: now) == .requestCode)
      agent.codeFailed(isRefusal: false, isUnreached: isUnreached, now: now)
      now = agent.nextCodeAt ?? 0
    }
    return now
  }

  @Test func aCodeEndsTheBackOff() {
    var agent = Agent.withoutGrant(.automatic)
    var now = fail(&agent)
    agent.showCode(now: now)
    now = agent.poll(.denied, now: now)
    #expect(agent.next(now: now) == .codeEnded(.denied))
    now = agent.nextCodeAt ?? 0
    #expect(agent.next(now: now) == .requestCode)
    agent.codeFailed(isRefusal: false, now: now)
    #expect((2000...2500).contains((agent.nextCodeAt ?? 0) - now))
  }

  @Test func aCodePutOffIsNoFailure() {
    var agent = Agent.withoutGrant(.automatic)
    let now = fail(&agent, isUnreached: true)
    #expect(agent.next(now: now) == .requestCode)
    agent.codePutOff(now: now)
    #expect(agent.nextCodeAt == now + 2000 && agent.isUnreached)
  }

  @Test func aKeyEndsTheBackOff() {
    var agent = Agent.withoutGrant(.automatic)
    for round in 0..<6 {
      // Requests that a person makes have a pause between them.
      let now = birth + Int64(round) * 5000
      agent.codeWanted(now: now)
      #expect(agent.next(now: now) == .requestCode)
      agent.codeFailed(isRefusal: false, now: now)
      #expect((2000...2500).contains((agent.nextCodeAt ?? 0) - now))
    }
  }

  @Test(arguments: [true, false]) func aNetworkThatIsBackEndsTheBackOff(isUnreached: Bool) {
    var agent = Agent.withoutGrant(.automatic)
    let now = fail(&agent, isUnreached: isUnreached)
    let (planned, change) = (now, now - 50_000)
    #expect(agent.isUnreached == isUnreached)
    let isSooner = agent.surroundingsChanged(now: change)
    #expect(isSooner == isUnreached)
    #expect(agent.nextCodeAt == (isUnreached ? change + 1000 : planned))
    // The second of a burst changes nothing.
    let isSoonerStill = agent.surroundingsChanged(now: change + 10)
    #expect(!isSoonerStill)
  }

  /// Whoever is on the network can have its routes change without end.
  @Test func aNetworkThatKeepsChangingCausesFewRequests() {
    var agent = Agent.withoutGrant(.automatic)
    var attempts = 0
    for second in Int64(0)..<3600 {
      let now = birth + second * 1000
      if agent.next(now: now) == .requestCode {
        attempts += 1
        agent.codeFailed(isRefusal: false, isUnreached: true, now: now)
      }
      _ = agent.surroundingsChanged(now: now)
    }
    // One for each minute and five at once, beside those of the back-off.
    #expect((60...85).contains(attempts))
  }

  @Test(arguments: [
    (false, Agent.Reply.none, true), (true, .none, false), (false, .unavailable, false),
    (false, .refusal, false),
  ])
  func aNetworkThatIsBackHasWhatWasNotSentSent(
    isUncertain: Bool, reply: Agent.Reply, expected: Bool
  ) {
    var agent = Agent.withoutGrant(.automatic)
    agent.granted(.hour, now: birth)
    var now = agent.nextRefreshAt ?? 0
    for _ in 0..<5 {
      agent.refreshFailed(isRefusal: false, isUncertain: isUncertain, reply: reply, now: now)
      now = agent.nextRefreshAt ?? 0
    }
    let planned = now
    let isSooner = agent.surroundingsChanged(now: planned - 10_000)
    #expect(isSooner == expected)
    #expect(agent.nextRefreshAt == (expected ? planned - 9000 : planned))
  }

  /// As somebody does who does not see why nothing happens.
  @Test(arguments: [(nil, 2), (600, 1)] as [(Int64?, Int)])
  func manyKeysAreNotManyRequests(retryAfter: Int64?, expected: Int) {
    var agent = Agent.withoutGrant(.automatic)
    var requests = 0
    for press in 0..<199 {
      let now = birth + Int64(press) * 50
      agent.codeWanted(isInstead: true, now: now)
      guard agent.next(now: now) == .requestCode else { continue }
      requests += 1
      agent.codeFailed(isRefusal: true, retryAfter: retryAfter, now: now)
    }
    #expect(requests == expected)
  }

  /// A server that gives codes away and then refuses to talk about them.
  @Test func pausesGrowWhereEveryCodeIsRefused() {
    var agent = Agent.withoutGrant(.automatic)
    var now = birth
    for seconds in [15, 30, 60, 120, 240, 300, 300] as [Int64] {
      agent.showCode(now: now)
      now = agent.poll(.refused, now: now)
      #expect(agent.next(now: now) == .codeEnded(.refused))
      let pause = (agent.nextCodeAt ?? 0) - now
      #expect((seconds * 1000..<seconds * 1250).contains(pause))
      now += pause
    }
    // One that is taken up again ends that.
    agent.showCode(now: now)
    now = agent.poll(.denied, now: now)
    #expect(agent.next(now: now) == .codeEnded(.denied))
    now = agent.nextCodeAt ?? 0
    agent.showCode(now: now)
    now = agent.poll(.refused, now: now)
    #expect(agent.next(now: now) == .codeEnded(.refused))
    #expect((15000...18750).contains((agent.nextCodeAt ?? 0) - now))
  }
}

/// A code that somebody asks for while there is a grant.
@Suite struct SecondCodeTests {
  private func showing(_ start: StartMode) -> Agent {
    var agent = Agent(start: start, seed: 7)
    agent.granted(.hour, now: birth)
    agent.codeWanted(now: birth + 1000)
    agent.showCode(now: birth + 1000)
    #expect(agent.hasGrant)
    return agent
  }

  @Test func itsEndLeadsBackToTheGrant() {
    for start in [StartMode.automatic, .onRequest] {
      for (answer, expected) in endings {
        var agent = showing(start)
        let refresh = agent.nextRefreshAt
        let now = answer.map { agent.poll($0, now: birth + 1000) } ?? agent.flow!.expiresAt
        #expect(agent.next(now: now) == .codeEnded(expected))
        #expect(agent.hasGrant && agent.nextCodeAt == nil && agent.nextRefreshAt == refresh)
        #expect(agent.next(now: now) == .wait(until: refresh!))
      }
    }
  }

  @Test func itsApprovalReplacesTheGrant() {
    var agent = showing(.automatic)
    let now = agent.poll(.granted, now: birth + 1000)
    agent.granted(
      Lease(remaining: nil, isRefreshable: false, refreshRemaining: nil), now: now)
    #expect(agent.accessExpiresAt == nil && agent.nextRefreshAt == nil && !agent.showsCode)
  }

  @Test func theGrantIsRenewedBesideIt() {
    var agent = showing(.automatic)
    // A code that outlives the access token's margin.
    agent.codeWanted(now: birth + 6000)
    agent.showCode(expiresIn: 7200, interval: 60, now: birth + 6000)
    var now = birth + 6000
    var refreshes = 0
    while refreshes == 0, now < birth + 3_600_000 {
      switch agent.next(now: now) {
      case .poll: agent.polled(.pending(retryAfter: nil), now: now)
      case .refresh:
        refreshes += 1
        agent.renewed(.hour, now: now)
      case .wait(let instant):
        #expect(instant > now)
        now = instant
      default: Issue.record("another step")
      }
    }
    #expect(refreshes == 1)
    #expect(agent.showsCode)
    #expect(agent.accessExpiresAt == now + 3_600_000)
  }

  @Test func whenTheGrantIsLostTheCodeStays() {
    for start in [StartMode.automatic, .onRequest] {
      var agent = showing(start)
      agent.lost(now: birth + 3000)
      #expect(agent.showsCode && !agent.hasGrant)
      #expect(agent.next(now: birth + 6000) == .poll)
    }
  }

  @Test func whenTheGrantIsLostACodeFollowsAtOnceOrOnRequest() {
    var agent = Agent(start: .automatic, seed: 7)
    agent.granted(.hour, now: birth)
    agent.lost(now: birth + 10)
    #expect(agent.next(now: birth + 10) == .requestCode)

    agent = Agent(start: .onRequest, seed: 7)
    agent.granted(.hour, now: birth)
    agent.lost(now: birth + 10)
    #expect(agent.next(now: birth + 10) == never)
    #expect(!agent.hasGrant)
  }

  @Test func aFailureToGetItIsTriedAgainAndTheGrantStays() {
    var agent = Agent(start: .onRequest, seed: 7)
    agent.granted(.hour, now: birth)
    agent.codeWanted(now: birth)
    #expect(agent.next(now: birth) == .requestCode)
    agent.codeFailed(isRefusal: true, now: birth)
    #expect(agent.hasGrant)
    #expect((15000...18750).contains((agent.nextCodeAt ?? 0) - birth))
    #expect(agent.next(now: birth) == .wait(until: agent.nextCodeAt ?? 0))
  }

  @Test func anotherProcessesGrantEndsTheCode() {
    var agent = Agent.withoutGrant(.automatic)
    agent.showCode(now: birth)
    agent.granted(.hour, now: birth + 100)
    #expect(!agent.showsCode && agent.hasGrant)
    #expect(agent.next(now: birth + 100) == .wait(until: agent.nextRefreshAt!))
  }
}

/// Random events in random order: whatever comes, the caller is not made to spin.
@Suite struct AnythingTests {
  private static let answers: [PollAnswer] = [
    .granted, .pending(retryAfter: nil), .slowDown(interval: 7, retryAfter: nil), .denied,
    .expired, .refused, .transient(.unavailable, retryAfter: 3),
  ]

  private static let figures: [Int64?] = [nil, .min, -1, 0, 1, 60, 3600, 86400, 7_776_000, .max]

  private static func lease(using generator: inout SeededGenerator) -> Lease {
    Lease(
      remaining: figures.randomElement(using: &generator)!,
      isRefreshable: Bool.random(using: &generator),
      refreshRemaining: figures.randomElement(using: &generator)!)
  }

  private static func disturb(
    _ agent: inout Agent, _ now: Int64, using generator: inout SeededGenerator
  ) {
    switch Int.random(in: 0..<12, using: &generator) {
    case 0: agent.codeWanted(now: now)
    case 1: agent.lost(now: now)
    case 2: agent.granted(lease(using: &generator), now: now)
    case 3: agent.refreshWanted(now: now)
    case 4: if agent.hasGrant { agent.renewed(lease(using: &generator), now: now) }
    default: break
    }
  }

  /// What went wrong in a life, in words; nil where nothing did.
  private static func fault(seed: UInt64) -> String? {
    var generator = SeededGenerator(seed: seed)
    let start = Bool.random(using: &generator) ? StartMode.automatic : .onRequest
    var agent = Agent(start: start, seed: UInt32(truncatingIfNeeded: generator.next()))
    var now = birth
    for _ in 0..<60 {
      disturb(&agent, now, using: &generator)
      let isApproved = agent.flow?.nextPollAt == nil && agent.showsCode
      switch agent.next(now: now) {
      case .wait(let instant):
        if instant <= now, !isApproved { return "waits for the past" }
        if isApproved { agent.granted(lease(using: &generator), now: now) }
        if instant == .max || isApproved { continue }
        let late = Int64.random(in: 0...3000, using: &generator)
        now = Bool.random(using: &generator) ? instant + late : (now + instant) / 2
      case .requestCode:
        if case .requestCode = agent.next(now: now) { return "two requests for codes" }
        now += Int64.random(in: 0...9000, using: &generator)
        if Bool.random(using: &generator) {
          agent.codeIssued(expiresIn: 30, interval: 5, requestedAt: now - 100, now: now)
        } else {
          agent.codeFailed(isRefusal: Bool.random(using: &generator), now: now)
        }
      case .poll:
        guard let end = agent.flow?.expiresAt, now < end else { return "polls after the end" }
        if case .poll = agent.next(now: now) { return "two polls" }
        now += Int64.random(in: 0...9000, using: &generator)
        agent.polled(answers.randomElement(using: &generator)!, now: now)
      case .refresh:
        if !agent.hasGrant { return "refreshes without a grant" }
        now += Int64.random(in: 1...9000, using: &generator)
        agent.refreshFailed(
          isRefusal: Bool.random(using: &generator), isUncertain: Bool.random(using: &generator),
          now: now)
      case .codeEnded:
        if agent.showsCode { return "an ended code stays" }
        if case .codeEnded = agent.next(now: now) { return "a code ends twice" }
      case .endGrant:
        if !agent.hasGrant { return "ends no grant" }
        agent.lost(now: now)
      }
    }
    return nil
  }

  @Test func nobodyWaitsForThePast() {
    let faults = (UInt64(0)..<10000).compactMap { seed in
      Self.fault(seed: seed).map { "seed \(seed): \($0)" }
    }
    #expect(faults == [])
  }
}
