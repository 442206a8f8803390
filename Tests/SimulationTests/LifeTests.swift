import TestSupport
import Testing

@testable import Simulation

/// Lives of boards with every kind of server; `board/simulate` lives many more.
@Suite struct LifeTests {
  private static let lives = 12

  @Test(arguments: Personality.Kind.allCases)
  func allInvariantsHold(at kind: Personality.Kind) {
    let memory = UniverseMemory()
    for life in 0..<Self.lives {
      let seed = derivedSeed(4, life: life)
      let fault = Universe(Script(seed: seed, kind), seed: seed, memory).live()
      #expect(fault == nil, "board/simulate --lives 1 --seed \(seed) --kind \(kind) --log")
    }
  }

  /// What happens is the seed's alone.
  @Test func theSameSeedGivesTheSameLife() {
    func digest(_ seed: UInt64) -> UInt64 {
      let universe = Universe(Script(seed: seed), seed: seed)
      universe.live()
      return universe.digest
    }
    for seed in 1...8 as ClosedRange<UInt64> { #expect(digest(seed) == digest(seed)) }
    #expect(Set((1...8 as ClosedRange<UInt64>).map(digest)).count == 8)
  }

  /// Whoever changes the worlds shall notice when something does not occur any more.
  @Test func enoughOccurs() {
    var counts = Counts()
    let memory = UniverseMemory()
    for life in 0..<150 {
      let seed = derivedSeed(5, life: life)
      let universe = Universe(Script(seed: seed), seed: seed, memory)
      universe.live()
      counts.add(universe.counts)
    }
    let often: [Occurrence] = [
      .codeIssued, .poll, .slowDown, .tokensIssued, .refresh, .rotation, .invalidGrant, .userinfo,
      .metadata, .answerLost, .answerCut, .answerInPieces, .chunkedAnswer, .powerCut, .restart,
      .clockSet, .tokenCommand, .clientToken, .hook, .hookHung, .approval, .denial, .walkAway,
      .keyPress, .outage, .clientCrowd, .suspension, .directoryRemoved,
    ]
    for occurrence in often { #expect(counts[occurrence] > 5, "\(occurrence)") }
  }
}
