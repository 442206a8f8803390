import Bytes
import DeviceGrant
import OAuth
import TestSupport
import Testing

private let pending = PollAnswer.pending(retryAfter: nil)
private let slowDown = PollAnswer.slowDown(interval: nil, retryAfter: nil)
private let unreachable = PollAnswer.transient(.unreachable, retryAfter: nil)

/// A server that gives the answers in turn and the last of them for ever.
private func script(_ answers: PollAnswer...) -> (Int, Int64) -> PollAnswer {
  { poll, _ in answers[min(poll, answers.count - 1)] }
}

/// The requirements of RFC 8628 §3.5 by the numbers of the project's checklist.
@Suite struct DeviceFlowTests {
  @Test(
    "row 18: the interval passes before each request, the first one too", arguments: [1, 2, 5, 30])
  func interval(seconds: Int64) {
    let life = VirtualLife(
      expiresIn: 300, interval: seconds, server: script(pending, pending, pending, .granted))
    #expect(life.outcome == .granted)
    #expect(life.pauses == Array(repeating: Double(seconds), count: 4))
  }

  @Test("row 18: the interval is counted from the answer, however late it is")
  func slowAnswers() {
    let life = VirtualLife(
      expiresIn: 300, interval: 5, codeTakes: 7000, latency: 20000,
      server: script(pending, pending, .granted))
    #expect(life.polls == [1_012_000, 1_037_000, 1_062_000])
  }

  @Test("row 18: asking early or often brings no early poll") func impatience() {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    for now in Int64(0)..<5000 {
      let step = flow.next(now: now)
      #expect(step == .wait(until: 5000))
    }
    let due = flow.next(now: 5000)
    #expect(due == .poll)
  }

  @Test("row 18: never two requests for one") func oneRequest() {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    let first = flow.next(now: 5000)
    let again = [flow.next(now: 5000), flow.next(now: 60000), flow.next(now: 299_999)]
    #expect(first == .poll)
    #expect(again == Array(repeating: .wait(until: 300_000), count: 3))
    #expect(flow.nextPollAt == nil)
  }

  @Test(
    "row 18: a network that is back ends the back-off, and not the interval",
    arguments: [(36_000, 40_000), (40_000, 40_000), (50_000, 50_000), (75_000, 75_000)])
  func retry(instant: Int64, expected: Int64) {
    var flow = DeviceFlow(expiresIn: 900, interval: 5, requestedAt: 0, now: 0)
    for now in [5000, 15_000, 35_000] as [Int64] {
      let step = flow.next(now: now)
      #expect(step == .poll)
      flow.receive(unreachable, now: now)
    }
    #expect(flow.isUnreached && flow.nextPollAt == 75_000)
    let isSooner = flow.retry(at: instant)
    #expect(isSooner == (expected < 75_000))
    #expect(flow.nextPollAt == expected)
  }

  @Test("row 18: a server that answers is not asked sooner for a network that is back")
  func noRetry() {
    var flow = DeviceFlow(expiresIn: 900, interval: 5, requestedAt: 0, now: 0)
    for (now, answer) in [(5000, unreachable), (15_000, pending)] as [(Int64, PollAnswer)] {
      let step = flow.next(now: now)
      #expect(step == .poll)
      flow.receive(answer, now: now)
    }
    let isSooner = flow.retry(at: 16_000)
    #expect(!isSooner && !flow.isUnreached && flow.nextPollAt == 20_000)
  }

  @Test("row 18: an answer that nobody asked for changes nothing") func unaskedAnswer() {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    flow.receive(.granted, now: 1)
    flow.receive(slowDown, now: 2)
    let step = flow.next(now: 3)
    #expect(step == .wait(until: 5000))
    #expect(flow.interval == 5)
  }

  @Test("row 19: authorization_pending goes on") func pendingGoesOn() {
    let life = VirtualLife(
      expiresIn: 3600, interval: 5, server: { poll, _ in poll < 500 ? pending : .granted })
    #expect(life.outcome == .granted)
    #expect(life.polls.count == 501)
  }

  @Test("row 20: slow_down adds five seconds, for good") func slowDownIsCumulative() {
    let life = VirtualLife(
      expiresIn: 300, interval: 5,
      server: script(pending, slowDown, pending, slowDown, pending, pending, .granted))
    #expect(life.pauses == [5, 5, 10, 10, 15, 15, 15])
    #expect(life.flow.interval == 15)
  }

  @Test(
    "row 20: the server's new interval counts where it is larger",
    arguments: [
      (nil, 10), (10, 10), (8, 10), (30, 30), (300, 300), (301, 301), (0, 10), (-1, 10),
      (Int64.min, 10),
    ] as [(Int64?, Int64)])
  func newInterval(named: Int64?, expected: Int64) {
    let life = VirtualLife(
      expiresIn: 3600, interval: 5,
      server: script(.slowDown(interval: named, retryAfter: nil), pending, .granted))
    #expect(life.pauses == [5, Double(expected), Double(expected)])
  }

  @Test(
    "row 20: a new interval that outlasts the code is cut, so that there is a poll",
    arguments: [(3593, [3593]), (3594, [3594]), (3595, [1797, 1797]), (Int64.max, [1797, 1797])]
      as [(Int64, [Double])])
  func newIntervalThatOutlastsTheCode(named: Int64, expected: [Double]) {
    let life = VirtualLife(
      expiresIn: 3600, interval: 5,
      server: script(.slowDown(interval: named, retryAfter: nil), pending))
    #expect(life.pauses == [5] + expected)
    #expect(life.outcome == .expired)
  }

  @Test("row 20: a hundred slow_downs do not trap and do not shorten the interval")
  func manySlowDowns() {
    let life = VirtualLife(expiresIn: 86400, interval: 5, server: { _, _ in slowDown })
    #expect(life.pauses == life.pauses.sorted())
    #expect(life.outcome == .expired)
  }

  @Test(
    "rows 21 to 23: an answer that ends the flow ends it at once",
    arguments: [
      (#"{"error":"access_denied"}"#, DeviceFlow.Outcome.denied),
      (#"{"error":"authorization_declined"}"#, .denied),
      (#"{"error":"expired_token"}"#, .expired),
      (#"{"error":"invalid_grant"}"#, .refused),
      (#"{"error":"invalid_client"}"#, .refused),
      (#"{"error":"invalid_request"}"#, .refused),
      (#"{"error":"never_heard_of"}"#, .refused),
    ])
  func endings(body: String, expected: DeviceFlow.Outcome) {
    let life = VirtualLife(
      expiresIn: 300, interval: 5, server: script(pending, answer(400, body).meaning))
    #expect(life.outcome == expected)
    #expect(life.polls.count == 2)
  }

  @Test("rows 21 to 23: tokens that are of no use end the flow") func unusableTokens() {
    let life = VirtualLife(
      expiresIn: 300, interval: 5,
      server: script(answer(200, #"{"access_token":"at","token_type":"mac"}"#).meaning))
    #expect(life.outcome == .refused)
    #expect(life.polls.count == 1)
  }

  @Test(
    "rows 21 to 23: nothing follows the end",
    arguments: [
      PollAnswer.granted, .denied, .expired, pending, slowDown, unreachable,
    ])
  func afterTheEnd(late: PollAnswer) {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    _ = flow.next(now: 5000)
    flow.receive(.denied, now: 5100)
    flow.receive(late, now: 5200)
    let steps = [flow.next(now: 5200), flow.next(now: 400_000), flow.next(now: Int64.max)]
    #expect(steps == Array(repeating: .ended(.denied), count: 3))
    #expect(flow.nextPollAt == nil)
  }

  @Test(
    "rows 24 and 25: each failure in a row doubles the pause, up to a minute",
    arguments: [
      (5, [5, 10, 20, 40, 60, 60, 60]), (2, [2, 4, 8, 16, 32, 60, 60]),
      (1, [1, 2, 4, 8, 16, 32, 60]), (40, [40, 60, 60]), (60, [60, 60, 60]),
      // A longer interval is the server's will.
      (90, [90, 90, 90]),
    ] as [(Int64, [Double])])
  func backOff(interval: Int64, expected: [Double]) {
    let life = VirtualLife(
      expiresIn: 1800, interval: interval,
      server: { poll, _ in poll < expected.count - 1 ? unreachable : .denied })
    #expect(life.pauses == expected)
  }

  @Test("row 25: an answer of the server ends the back-off", arguments: [pending, slowDown])
  func backOffEnds(answer: PollAnswer) {
    let life = VirtualLife(
      expiresIn: 1800, interval: 5,
      server: script(unreachable, unreachable, answer, pending, unreachable, .granted))
    let step: Double = life.flow.interval == 5 ? 0 : 5
    #expect(life.pauses == [5, 10, 20, 5 + step, 5 + step, 10 + 2 * step])
    #expect(life.flow.failures == 1)
  }

  @Test(
    "row 25: every kind of missing answer counts",
    arguments: [
      (500, ""), (503, "{}"), (408, ""), (429, ""), (200, "<html></html>"), (400, ""), (302, ""),
    ])
  func kindsOfFailure(status: Int, body: String) {
    let life = VirtualLife(
      expiresIn: 1800, interval: 5,
      server: script(
        answer(status, body).meaning, answer(status, body).meaning, .granted))
    #expect(life.pauses == [5, 10, 20])
    #expect(life.outcome == .granted)
  }

  @Test("row 26: the code's own end is kept", arguments: [0, 900, 30000])
  func ownDeadline(latency: Int64) throws {
    let life = VirtualLife(
      expiresIn: 300, interval: 5, latency: latency, server: { _, _ in pending })
    #expect(life.outcome == .expired)
    #expect(try #require(life.polls.last) < 1_300_000)
    #expect(life.endedAt == (latency == 30000 ? try #require(life.answers.last) : 1_300_000))
  }

  @Test("row 26: no poll is waited for beyond the code's end, but for a last short while")
  func pollDeadlines() {
    let flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    #expect(flow.pollDeadline(now: 5000) == 300_000)
    #expect(flow.pollDeadline(now: 298_000) == 300_000)
    #expect(flow.pollDeadline(now: 299_900) == 301_900)
  }

  @Test("row 26: the code's life counts from the request that brought it") func lifeBegins() {
    let life = VirtualLife(
      expiresIn: 60, interval: 5, codeTakes: 50000, server: { _, _ in pending })
    #expect(life.polls == [1_055_000])
    #expect(life.endedAt == 1_060_000)
  }

  @Test("row 26: a device that slept past the end does not poll") func sleptThrough() {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 0)
    let step = flow.next(now: 300_000)
    #expect(step == .ended(.expired))
  }

  @Test("row 26: tokens that come late are taken all the same") func lateGrant() {
    let life = VirtualLife(
      expiresIn: 300, interval: 290, latency: 20000, server: script(.granted))
    #expect(life.outcome == .granted)
  }

  @Test(
    "row 26: a code that ends before the first poll is not polled for", arguments: [5, 10, 300])
  func shortLife(interval: Int64) {
    let life = VirtualLife(expiresIn: 5, interval: interval, server: script(.granted))
    #expect(life.outcome == .expired)
    #expect(life.polls.isEmpty)
    #expect(life.endedAt == 1_005_000)
  }

  @Test(
    "row 90: Retry-After is waited for where it is longer",
    arguments: [
      (0, 5), (3, 5), (30, 30), (300, 300), (301, 300), (Int64.max, 300),
    ] as [(Int64, Double)])
  func retryAfter(seconds: Int64, expected: Double) {
    for answer in [
      PollAnswer.pending(retryAfter: seconds),
      .transient(.unavailable, retryAfter: seconds),
      .slowDown(interval: nil, retryAfter: seconds),
    ] {
      let life = VirtualLife(expiresIn: 1800, interval: 5, server: script(answer, .granted))
      let own: Double = if case .pending = answer { 5 } else { 10 }
      #expect(life.pauses == [5, max(expected, own)])
    }
  }

  @Test("row 90: Retry-After is for once") func retryAfterPasses() {
    let life = VirtualLife(
      expiresIn: 1800, interval: 5, server: script(.pending(retryAfter: 77), pending, .granted))
    #expect(life.pauses == [5, 77, 5])
  }

  @Test func aLastPollIsSentBeforeTheEndWhenTheNetworkWasAway() throws {
    let life = VirtualLife(
      expiresIn: 300, interval: 5,
      server: { _, elapsed in elapsed < 290_000 ? unreachable : .granted })
    #expect(life.outcome == .granted)
    #expect(life.polls.last == 1_298_000)
  }

  @Test func thereIsOneLastPollOnly() {
    let life = VirtualLife(expiresIn: 300, interval: 5, server: { _, _ in unreachable })
    #expect(life.outcome == .expired)
    #expect(life.polls.filter { $0 >= 1_290_000 } == [1_298_000])
  }

  @Test func theLastPollKeepsTheInterval() throws {
    let life = VirtualLife(expiresIn: 100, interval: 30, server: { _, _ in unreachable })
    // 30 s, then 60 s; from 90 s on there is no room for another 30.
    #expect(life.polls == [1_030_000, 1_090_000])
    #expect(life.outcome == .expired)
  }

  @Test func theLastPollDoesNotOverruleTheServer() {
    let busy = PollAnswer.transient(.unavailable, retryAfter: 120)
    let life = VirtualLife(expiresIn: 200, interval: 5, server: { _, _ in busy })
    #expect(life.polls == [1_005_000, 1_125_000])
  }

  @Test func theNextPollIsToldWhileThereIsOne() {
    var flow = DeviceFlow(expiresIn: 300, interval: 5, requestedAt: 0, now: 700)
    #expect(flow.nextPollAt == 5700)
    #expect(flow.expiresAt == 300_000)
    _ = flow.next(now: 5700)
    flow.receive(unreachable, now: 6000)
    #expect(flow.nextPollAt == 16000)
    #expect(flow.failures == 1)
  }
}
