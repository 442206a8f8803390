import Agent
import Configuration
import TestSupport
import Testing

/// Boards that live for up to a year with a model of a server, and with all that can happen to
/// them. At every instant the token file holds a pair that the server takes, or a code is shown.
@Suite struct YearTests {
  private static let hour: Int64 = 3_600_000
  private static let day = 24 * hour

  private static func figures(using generator: inout SeededGenerator) -> ModelServer.Figures {
    let lives: [(Int64, Int64?)] = [
      (3600, 7_776_000), (3600, nil), (600, 86400), (600, nil), (1800, 7200), (86400, nil),
      (1_209_600, 7_776_000), (5_184_000, 5_184_000), (2_592_000, 604_800),
    ]
    let life = lives.randomElement(using: &generator)!
    return ModelServer.Figures(
      accessLife: life.0, refreshLife: life.1,
      isMoving: Int.random(in: 0..<4, using: &generator) > 0,
      rotates: Int.random(in: 0..<4, using: &generator) > 0,
      grace: [0, 0, 30, 3600].randomElement(using: &generator)!,
      tellsLife: Int.random(in: 0..<8, using: &generator) > 0)
  }

  private static func happening(using generator: inout SeededGenerator) -> Happening {
    switch Int.random(in: 0..<16, using: &generator) {
    case 0...3:
      let kinds = [
        ModelBoard.Exchange.unreachable, .unavailable, .unavailable, .refused, .unprocessed,
      ]
      let lengths = [60_000, hour / 2, hour, 8 * hour, 3 * day]
      return .outage(
        kinds.randomElement(using: &generator)!, lengths.randomElement(using: &generator)!)
    case 4: return .disconnected
    case 5: return .powerCut(off: Int64.random(in: 1000...2 * day, using: &generator))
    case 6, 7: return .restart
    case 8, 9: return .renewedByAnother
    case 10: return .signedOutByAnother
    case 11:
      let jumps: [Int64] = [-315_360_000, -600, -5, 5, 600, 315_360_000]
      return .clockJump(jumps.randomElement(using: &generator)!)
    case 12: return .pressed
    case 13: return .codeWanted
    default:
      return .clientWants([0, 60, 600, 3600, .max].randomElement(using: &generator)!)
    }
  }

  /// What many lives came to.
  private struct Sum {
    var faults: [String] = []
    var refreshes = 0
    var losses = 0
    var reuses = 0
  }

  private static func live(
    seed: UInt64, _ start: StartMode, _ figures: ModelServer.Figures, life: Int64, events: Int,
    into sum: inout Sum
  ) {
    var generator = SeededGenerator(seed: seed &+ 1_000_000)
    var board = ModelBoard(start, figures, seed: seed)
    for _ in 0..<events {
      board.schedule(
        happening(using: &generator), at: Int64.random(in: 0..<life, using: &generator))
    }
    if let fault = board.live(until: life) {
      sum.faults.append("seed \(seed): \(fault); \(figures)")
    }
    sum.refreshes += board.watch.refreshes
    sum.losses += board.watch.losses
    sum.reuses += board.watch.reuses
  }

  @Test func threeThousandLives() {
    var sum = Sum()
    for seed in 0..<3000 as Range<UInt64> {
      var generator = SeededGenerator(seed: seed &+ 9_000_000)
      let figures = Self.figures(using: &generator)
      // Where nobody says how long a token lives, an hour is assumed.
      let accessLife = figures.tellsLife ? figures.accessLife : 3600
      Self.live(
        seed: seed, seed % 4 == 0 ? .onRequest : .automatic, figures,
        life: min(365 * Self.day, accessLife * 50_000),
        events: Int.random(in: 0...10, using: &generator), into: &sum)
    }
    #expect(sum.faults.count == 0, "\(sum.faults.prefix(5).joined(separator: "\n"))")
    // Whoever changes the model shall notice when nothing happens in it any more.
    #expect(sum.refreshes > 50_000 && sum.losses > 1000 && sum.reuses > 100, "\(sum)")
  }

  /// With the figures of most servers: an hour, ninety days, each refresh token good for one use.
  @Test func aWholeYear() {
    let figures = ModelServer.Figures(
      accessLife: 3600, refreshLife: 7_776_000, isMoving: true, rotates: true, grace: 0,
      tellsLife: true)
    var sum = Sum()
    for seed in 0..<8 as Range<UInt64> {
      Self.live(
        seed: seed, .automatic, figures, life: 365 * Self.day, events: 100, into: &sum)
    }
    #expect(sum.faults.count == 0, "\(sum.faults.prefix(5).joined(separator: "\n"))")
    #expect(sum.refreshes > 50_000)
  }
}
