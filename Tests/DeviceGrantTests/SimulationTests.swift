import Bytes
import DeviceGrant
import OAuth
import TestSupport
import Testing

/// Thousands of random servers and random devices, each life checked against what RFC 8628 asks of
/// every client, whatever the server does.
@Suite struct SimulationTests {
  /// One answer as it comes over the wire.
  private struct Wire {
    var status: Int
    var body: String
    var retryAfter: Int64?
  }

  /// What the wire said, as far as the schedule is concerned: a model apart from the code's.
  private struct Expectation {
    /// Seconds that must pass before the next poll.
    var interval: Int64
    var failures = 0
    var retryAfter: Int64 = 0

    /// The shortest pause in milliseconds that is allowed now.
    var shortestPause: Int64 { max(interval, min(retryAfter, 300)) * 1000 }

    /// The pause in milliseconds that the back-off asks for, unless the code ends before it.
    var backedOffPause: Int64 {
      let doubled = failures < 10 ? interval << Int64(failures) : 60
      return max(shortestPause, min(doubled, 60) * 1000)
    }

    /// - Parameter secondsLeft: how long the code lives on.
    mutating func take(_ answer: PollAnswer, retryAfter: Int64?, secondsLeft: Int64) {
      self.retryAfter = retryAfter ?? 0
      switch answer {
      case .pending: failures = 0
      case .slowDown(let named, _):
        failures = 0
        let isOutlasting = (named ?? 0) >= secondsLeft
        interval = max(interval + 5, isOutlasting ? secondsLeft / 2 : named ?? 0)
      case .transient: failures += 1
      default: break
      }
    }
  }

  private static let endings = [
    Wire(status: 200, body: #"{"access_token":"at","token_type":"bearer"}"#),
    Wire(status: 200, body: #"{"access_token":"at","token_type":"mac"}"#),
    Wire(status: 400, body: #"{"error":"access_denied"}"#),
    Wire(status: 400, body: #"{"error":"expired_token"}"#),
    Wire(status: 400, body: #"{"error":"invalid_grant"}"#), Wire(status: 401, body: ""),
  ]

  private static let failures = [
    Wire(status: 0, body: ""), Wire(status: 429, body: ""), Wire(status: 500, body: "oops"),
    Wire(status: 503, body: "{}"), Wire(status: 200, body: "<html>"), Wire(status: 400, body: ""),
    Wire(status: 302, body: ""), Wire(status: 200, body: #"{"access_token":5}"#),
  ]

  private static let continuations = [
    Wire(status: 400, body: #"{"error":"authorization_pending"}"#), Wire(status: 428, body: ""),
    Wire(status: 200, body: #"{"error":"authorization_pending"}"#),
    Wire(status: 400, body: #"{"error":"slow_down"}"#),
    Wire(status: 400, body: #"{"errors":[{"description":"slow_down"}]}"#),
  ]

  private static let figures: [Int64] = [
    .min, -1, 0, 1, 2, 5, 7, 30, 59, 60, 61, 299, 300, 301, 86400, 1_700_000_000, .max,
  ]

  /// How this server is: mostly waiting, mostly failing, mostly anything.
  private static func answer(
    weights: (ending: Int, failure: Int), using generator: inout SeededGenerator
  ) -> Wire {
    let roll = Int.random(in: 0..<1000, using: &generator)
    var wire =
      roll < weights.ending
      ? endings.randomElement(using: &generator)!
      : roll < weights.ending + weights.failure
        ? failures.randomElement(using: &generator)!
        : continuations.randomElement(using: &generator)!
    if Int.random(in: 0..<20, using: &generator) == 0 {
      wire.body =
        #"{"error":"slow_down","interval":\#(figures.randomElement(using: &generator)!)}"#
      wire.status = 400
    }
    if Int.random(in: 0..<20, using: &generator) == 0 {
      wire.retryAfter = max(0, figures.randomElement(using: &generator)!)
    }
    return wire
  }

  private static func read(_ wire: Wire) -> PollAnswer {
    // Status 0 stands for no answer at all.
    if wire.status == 0 { return .transient(.unreachable, retryAfter: wire.retryAfter) }
    return DeviceGrantTests.answer(wire.status, wire.body, retryAfter: wire.retryAfter).meaning
  }

  /// What may go wrong in a life, in words; nil where nothing did.
  private static func fault(seed: UInt64) -> String? {
    var generator = SeededGenerator(seed: seed)
    let expiresIn = [1, 5, 30, 300, 900, 1800].randomElement(using: &generator)! as Int64
    let interval = [1, 2, 5, 10, 60, 300].randomElement(using: &generator)! as Int64
    let weights = (
      ending: [0, 0, 5, 50].randomElement(using: &generator)!,
      failure: [0, 100, 500, 1000].randomElement(using: &generator)!
    )
    let start = Int64.random(in: 0...1_000_000_000_000, using: &generator)
    var now = start + Int64.random(in: 0...3000, using: &generator)
    var flow = DeviceFlow(expiresIn: expiresIn, interval: interval, requestedAt: start, now: now)
    let end = start + expiresIn * 1000
    var expectation = Expectation(interval: interval)
    var lastAnswerAt = now
    var ending: PollAnswer?

    for _ in 0..<20000 {
      switch flow.next(now: now) {
      case .wait(let instant):
        if ending != nil { return "waits after the end" }
        if instant <= now { return "waits for the past" }
        if instant > end { return "waits past the code's end" }
        if instant - lastAnswerAt > expectation.backedOffPause { return "waits longer than asked" }
        // Sometimes woken early, sometimes late: a suspended device.
        let jitter =
          switch Int.random(in: 0..<10, using: &generator) {
          case 0: Int64.random(in: (now - instant)...0, using: &generator)
          case 1: Int64.random(in: 0...5000, using: &generator)
          default: 0 as Int64
          }
        now = instant + jitter
      case .poll:
        if ending != nil { return "polls after the end" }
        if now >= end { return "polls after the code's end" }
        let pause = now - lastAnswerAt
        if pause < expectation.shortestPause { return "polls before its time" }
        let isLastChance = now >= end - 2000
        if pause < expectation.backedOffPause, !isLastChance { return "does not back off" }
        for later in [0, 1000, 400_000] as [Int64] {
          if flow.next(now: now + later) == .poll { return "sends a second request" }
        }
        now += Int64.random(in: 0...20000, using: &generator)
        let wire = answer(weights: weights, using: &generator)
        let answer = read(wire)
        flow.receive(answer, now: now)
        flow.receive(.granted, now: now)
        lastAnswerAt = now
        expectation.take(
          answer, retryAfter: wire.retryAfter, secondsLeft: max(0, end - now) / 1000)
        switch answer {
        case .pending, .slowDown, .transient: break
        default: ending = answer
        }
      case .ended(let outcome):
        return fault(outcome: outcome, ending: ending, isOver: now >= end)
      }
    }
    return "never ends"
  }

  private static func fault(
    outcome: DeviceFlow.Outcome, ending: PollAnswer?, isOver: Bool
  ) -> String? {
    let expected: DeviceFlow.Outcome =
      switch ending {
      case .granted: .granted
      case .denied: .denied
      case .refused, .unusable: .refused
      case .expired, nil: .expired
      default: .refused
      }
    if outcome != expected { return "ends as \(outcome) instead of \(expected)" }
    if ending == nil, !isOver { return "gives up before the code's end" }
    return nil
  }

  @Test func twentyThousandLivesKeepTheRules() {
    let faults = (UInt64(0)..<20000).compactMap { seed in
      Self.fault(seed: seed).map { "seed \(seed): \($0)" }
    }
    #expect(faults == [])
  }
}
