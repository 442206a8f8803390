import TestSupport
import Testing

@testable import Simulation

/// The parts of a world, each by itself.
@Suite struct WorldTests {
  @Test func whatIsPlannedComesInTheOrderOfTime() {
    var schedule = Schedule()
    var generator = SeededGenerator(seed: 1)
    let times = (0..<500).map { _ in Int64.random(in: 0..<50, using: &generator) }
    for (index, time) in times.enumerated() {
      schedule.add(.personActs(code: index, denies: false, isLate: false), at: time)
    }
    var found: [Int] = []
    while schedule.next < Int64.max {
      if case .personActs(let code, _, _) = schedule.removeFirst() { found.append(code) }
    }
    // What comes at the same time comes in the order in which it was planned.
    let expected = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    #expect(found == expected)
  }

  @Test func aCoroutineTakesTurnsWithItsCaller() {
    var steps: [Int] = []
    let coroutine = Coroutine { own in
      steps.append(1)
      own.yield()
      steps.append(3)
    }
    coroutine.resume()
    steps.append(2)
    coroutine.resume()
    #expect(steps == [1, 2, 3])
    #expect(coroutine.isFinished)
  }

  @Test func tokensAreKnownByTheirText() {
    var bytes = Array("access_token=".utf8)
    writeToken(UInt8(ascii: "a"), TokenName(family: 3, number: 14), size: 40, to: &bytes)
    #expect(findToken(UInt8(ascii: "a"), in: bytes) == TokenName(family: 3, number: 14))
    #expect(findToken(UInt8(ascii: "r"), in: bytes) == nil)
  }
}
