import Agent
import Bytes
import Configuration
import Foundation
import Linux
import OAuth
import TestSupport
import Testing

@testable import Board

private let birth: Int64 = 1_000_000
private let terminate = Event.signal(SIGTERM)
private let hangUp = Event.signal(SIGHUP)
private let wanted = Event.signal(SIGUSR1)

/// What ends a wait, and what is done in the midst of one.
@Suite struct AttendantTests {
  private let world = SmallWorld()

  private func attendant(isService: Bool = true) -> Attendant<SmallWorld> {
    let standing = Standing(Agent(start: .automatic, seed: 7), title: "", now: birth)
    return Attendant(
      SmallSources(world), standing, Plan(world), attendantMemory(), isService: isService,
      Log(world))
  }

  private func arrive(_ event: Event, at time: Int64 = 0, _ line: String = "") {
    world.arrivals.append(SmallWorld.Arrival(at: time, event: event, bytes: Array(line.utf8)))
  }

  // MARK: Purposes

  /// What an event does to an exchange: when it ends it, in milliseconds; nil for not at all.
  private static let ends: [(Event, Purpose, Int64?)] = [
    (terminate, .exchange, 0), (hangUp, .exchange, 0), (wanted, .exchange, 0),
    (.pressed, .exchange, nil), (.clockSet, .exchange, nil), (.recordChanged, .exchange, nil),
    (.displayChanged, .exchange, nil), (.alarm, .exchange, nil),
    (terminate, .poll, 700), (hangUp, .poll, 700), (wanted, .poll, 700), (.pressed, .poll, nil),
    (terminate, .refresh, 700), (hangUp, .refresh, nil), (wanted, .refresh, nil),
    (.recordChanged, .refresh, nil),
  ]

  @Test func whatEndsAnExchange() {
    for (event, purpose, end) in Self.ends {
      world.milliseconds = birth
      var attendant = attendant()
      arrive(event)
      _ = attendant.attending(purpose)
      attendant.serve()
      for elapsed in [0, 699, 700, 100_000] as [Int64] {
        world.milliseconds = birth + elapsed
        let isOver = attendant.endsExchange
        #expect(isOver == end.map { elapsed >= $0 } ?? false, "\(event) \(purpose) \(elapsed)")
      }
    }
  }

  @Test func whatEndsOtherWaits() {
    let events: [Event] = [
      terminate, hangUp, wanted, .pressed, .clockSet, .recordChanged, .displayChanged,
    ]
    for event in events + [.alarm, .signal(SIGCHLD)] {
      for purpose in [Purpose.idle, .showing] {
        var attendant = attendant()
        arrive(event)
        _ = attendant.attending(purpose)
        let isOver = attendant.attend()
        #expect(isOver == (purpose == .idle ? events.contains(event) : event == terminate))
      }
    }
  }

  @Test func aHookHasItsTimeAlsoWhereNothingElseHappens() {
    world.milliseconds = birth
    var attendant = attendant()
    attendant.serve()
    attendant.hooks.run(.code)
    _ = attendant.attending(.idle)
    #expect(world.alarm == birth + 10_000)
  }

  @Test func everySignalEndsASignIn() {
    for signal in [SIGTERM, SIGINT, SIGHUP, SIGUSR1] {
      var attendant = attendant(isService: false)
      arrive(.signal(signal))
      attendant.serve()
      let ending = attendant.happenings.ending
      #expect(ending == signal)
    }
  }

  @Test func whatHasHappenedIsTakenOnceButForTheEnd() {
    var attendant = attendant()
    for event in [hangUp, .pressed, terminate] { arrive(event) }
    attendant.serve()
    let taken = attendant.takeHappenings()
    let left = attendant.takeHappenings()
    #expect(taken.configurationChanged && taken.pressed && taken.ending == SIGTERM)
    #expect(!left.configurationChanged && !left.pressed && left.ending == SIGTERM)
  }

  @Test func aChangedConfigurationIsTakenByItself() {
    var attendant = attendant()
    for event in [hangUp, .recordChanged, .clockSet] { arrive(event) }
    attendant.serve()
    let isFirst = attendant.takeConfigurationChange()
    let isSecond = attendant.takeConfigurationChange()
    let left = attendant.takeHappenings()
    #expect(isFirst && !isSecond)
    #expect(left.recordChanged && left.clockChanged && !left.configurationChanged)
  }

  @Test func aRoundEndsInTimeAndAtASignalThatEndsTheProgram() {
    var attendant = attendant()
    for _ in 0..<3 { arrive(.alarm) }
    world.millisecondsPerEvent = 30
    attendant.serve()
    #expect(world.arrivals.count == 1)
    world.millisecondsPerEvent = 0
    for event in [.alarm, terminate, .alarm, .alarm] { arrive(event) }
    attendant.serve()
    #expect(world.arrivals.count == 2)
  }

  // MARK: In the midst of a wait

  @Test func aClientIsServedInTheMidstOfAnExchange() {
    var attendant = attendant()
    arrive(.visitor, at: birth + 300)
    arrive(.client(0), at: birth + 400, "status\n")
    let wakeup = world.rest(until: birth + 1000, attending: attendant.attending(.exchange))
    #expect(wakeup == .timedOut && world.milliseconds == birth + 1000)
    #expect(world.sent == ["ok login required: a code follows\n"])
  }

  @Test func anEndWaitsForAnAnswerWithTokens() {
    for (purpose, end) in [(Purpose.exchange, 100), (.poll, 800), (.refresh, 800)] {
      world.milliseconds = birth
      var attendant = attendant()
      arrive(terminate, at: birth + 100)
      let wakeup = world.rest(until: birth + 5000, attending: attendant.attending(purpose))
      #expect(wakeup == .interrupted && world.milliseconds == birth + Int64(end), "\(purpose)")
    }
  }

  /// A display has taken its time, and the next wait knows nothing of what came meanwhile.
  @Test func anEndThatIsThereAlreadyEndsAWait() {
    for purpose in [Purpose.exchange, .poll, .refresh] {
      world.milliseconds = birth
      var attendant = attendant()
      arrive(terminate)
      _ = attendant.attending(.showing)
      attendant.serve()
      let wakeup = world.rest(until: birth + 5000, attending: attendant.attending(purpose))
      #expect(wakeup == .interrupted && world.milliseconds == birth + 700, "\(purpose)")
    }
  }

  @Test func aClientThatSaysNothingLosesItsSlotMeanwhile() {
    var attendant = attendant()
    arrive(.visitor, at: birth + 100)
    _ = world.rest(until: birth + 5099, attending: attendant.attending(.exchange))
    let before = attendant.handOut.deadline
    _ = world.rest(until: birth + 6000, attending: attendant.attending(.exchange))
    let after = attendant.handOut.deadline
    #expect(before == birth + 5100 && after == nil)
  }

  /// By the kernel's wait, with a descriptor that is readable.
  @Test func theKernelsWaitAttends() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    world.waker = ends[0]
    var attendant = attendant()
    for (event, expected) in [(Event.clockSet, Wakeup.timedOut), (terminate, .interrupted)] {
      arrive(event)
      // One for each look: at what has come, and at that there is no more.
      #expect(write(ends[1], "xx", 2) == 2)
      let wakeup = wait(
        for: .readable, on: -1, until: Clock.milliseconds + 40,
        attending: attendant.attending(.exchange))
      #expect(wakeup == expected)
    }
    let hasHappened = attendant.happenings.clockChanged
    #expect(hasHappened)
  }

  @Test func aNewTokenIsWhatClientsWaitFor() {
    var life = Life<SmallWorld>(world)
    let seconds = world.unixSeconds
    withTokens { tokens in
      tokens.accessToken.append("at-1")
      tokens.expiresAt = seconds + 3600
      life.attendant.standing.granted(.hour, tokens, now: birth)
    }
    arrive(.visitor)
    arrive(.client(0), "token 3600\n")
    world.milliseconds += 600_000
    life.attendant.serve()
    let isAwaited = life.attendant.handOut.wantsRefresh
    #expect(isAwaited && world.sent == [])
    var token = buffer(16)
    token.append("at-2")
    life.attendant.handOut.publish(token)
    life.attendant.refreshEnded()
    #expect(world.sent == ["ok \(seconds + 3600) at-2\n"])
  }
}
