import Linux
import TestSupport

/// What a life is to be like, drawn from its seed before it begins.
public struct Script {
  public let personality: Personality
  var isOnRequest: Bool
  /// In milliseconds.
  var life: Int64
  /// How many events are planned beside those of the exchanges.
  private var events: Int
  private var visits: Int
  /// Of a thousand requests that something becomes of on the way.
  private(set) var losses: Int
  /// Of a thousand exchanges in whose midst something happens.
  private(set) var disturbances: Int
  /// How many polls there are before somebody comes to the board.
  private(set) var loneliness = 0
  let hasHardLinks: Bool
  private(set) var hasScreens: Bool
  private(set) var showsTime: Bool
  let hasSocket: Bool
  let hasHooks: Bool
  let publishes: Bool
  let isVerbose: Bool
  /// Whether it is one of the few long lives, of a year where access tokens live for an hour.
  public let isLong: Bool

  private static let hour: Int64 = 3_600_000
  private static let day = 24 * hour

  /// - Parameter kind: of the server; nil for any.
  public init(seed: UInt64, _ kind: Personality.Kind? = nil) {
    var generator = SeededGenerator(seed: seed ^ 0x5C21_97_75)
    func random(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &generator) }
    let kinds = Personality.Kind.allCases
    // There is something to see at servers that are there.
    var kind = kind ?? kinds[random(kinds.count)]
    if kind == .absent, random(3) > 0 { kind = .obeying }
    personality = Personality(kind, using: &generator)
    isOnRequest = random(4) == 0
    let access = personality.tellsLife ? personality.accessLife : 3600
    let size = random(2000)
    isLong = size == 0
    let renewals: Int64 = isLong ? 9000 : size < 24 ? 120 : Int64(2 + random(6))
    life = min(365 * Self.day, max(Self.hour, access * 1000 * renewals))
    if !personality.isThere { life = min(life, Self.day) }
    events = isLong ? 60 : random(12)
    visits = random(3) == 0 ? 0 : random(12)
    losses = [0, 10, 30, 150][random(4)]
    disturbances = [0, 5, 20, 60][random(4)]
    hasHardLinks = random(8) > 0
    hasScreens = isOnRequest || random(8) > 0
    showsTime = random(16) == 0 && personality.isThere
    hasSocket = random(4) > 0
    hasHooks = random(3) > 0
    publishes = random(3) == 0
    isVerbose = random(8) == 0
  }

  /// A life that only grows old: a hundred thousand polls in vain, then ten thousand refreshes.
  public init(ofAge seed: UInt64) {
    self.init(seed: seed, .okta)
    isOnRequest = false
    (events, visits, losses, disturbances) = (0, 0, 0, 0)
    (hasScreens, showsTime) = (true, false)
    loneliness = 100_000
    life = 390 * Self.day
  }

  /// Plans what is to happen.
  func plan(_ universe: Universe) {
    for _ in 0..<events {
      // Signing in takes minutes, and there is most to disturb.
      let isEarly = universe.chance(1, of: 2)
      let time = universe.random(0...(isEarly ? min(life, 1_800_000) : life))
      universe.schedule.add(universe.event(), at: time)
    }
    guard hasSocket else { return }
    for _ in 0..<visits {
      let manner = Manner.allCases[universe.random(Manner.allCases.count)]
      universe.schedule.add(.visitor(manner), at: universe.random(0...life))
    }
  }
}

extension Universe {
  private static let hour: Int64 = 3_600_000
  private static let day = 24 * hour

  /// Something that may happen at any time.
  func event() -> Happening {
    switch random(25) {
    case 24: return .strangersNote
    case 0...4: return outage()
    case 5: return .addressChanged
    case 6: return .grantRevoked
    case 7: return .metadataMoved
    case 8: return .powerCut(off: random(1000...2 * Self.day))
    case 9: return .powerCutInWrite(steps: random(12), off: random(1000...Self.hour))
    case 10, 11: return .restart
    case 12: return .suspension(random(1000...(chance(1, of: 4) ? 3 * Self.day : Self.hour)))
    case 13:
      let jumps: [Int64] = [-315_360_000, -600, -5, 5, 600, 315_360_000]
      return .clockJump(jumps[random(6)])
    case 14: return diskEvent()
    case 15: return chance(1, of: 3) ? removal() : .diskStepFails(random(20))
    case 16: return .signal(Signal.user1)
    case 17: return .signal(Signal.hangUp)
    case 18: return .displayGone(length: random(1000...Self.hour))
    case 19: return chance(1, of: 3) ? .hammered : .pressed
    case 20, 21: return .command(.token)
    case 22: return .command(chance(1, of: 2) ? .whoAmI : .signIn)
    default: return .command(chance(1, of: 3) ? .signOut : .token)
    }
  }

  private func outage() -> Happening {
    let kinds: [Trouble] = [
      .refused, .hung, .nameUnknown, .unavailable, .unavailable, .refuses, .gateway, .portal,
      .answersLost,
    ]
    let lengths = [5000, 20_000, 60_000, 300_000, Self.hour / 2, Self.hour]
    var length = lengths[random(lengths.count)]
    // An outage of months takes as many attempts as hundreds of lives, and where a screen counts
    // the seconds until the next one, as many waits as thousands.
    if chance(1, of: 20), !script.showsTime {
      length = chance(1, of: 40) ? 90 * Self.day : Self.day
    }
    return .trouble(kinds[random(kinds.count)], length: length)
  }

  private func diskEvent() -> Happening {
    let kinds: [DiskTrouble] = [.full, .readOnly, .failing, .mounted]
    return .disk(kinds[random(4)], length: random(1000...2 * Self.hour))
  }

  /// The tokens' directory goes, for good or for a while.
  private func removal() -> Happening {
    .directoryRemoved(length: chance(1, of: 2) ? nil : random(10...600_000))
  }

  /// In the midst of some exchanges something happens: there is most to disturb.
  func exchangeBegins() {
    guard chance(script.disturbances, of: 1000) else { return }
    var happening = event()
    if chance(1, of: 3), script.hasSocket {
      happening = .visitor(Manner.allCases[random(Manner.allCases.count)])
    }
    schedule(happening, in: random(0...2500))
  }
}
