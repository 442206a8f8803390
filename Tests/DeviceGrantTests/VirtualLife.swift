import DeviceGrant
import OAuth

/// One user code lived through in virtual time: the clock jumps to whatever the flow waits for.
struct VirtualLife {
  /// Milliseconds at which each poll was sent.
  private(set) var polls: [Int64] = []
  /// Milliseconds at which each answer was there.
  private(set) var answers: [Int64] = []
  private(set) var outcome: DeviceFlow.Outcome?
  private(set) var endedAt: Int64 = 0
  private(set) var flow: DeviceFlow

  /// The pauses between an answer (or the code) and the next poll, in seconds.
  var pauses: [Double] {
    zip(polls, [codeAt] + answers).map { Double($0 - $1) / 1000 }
  }

  private let codeAt: Int64

  /// - Parameters:
  ///   - startedAt: when the device authorization request is sent, in milliseconds.
  ///   - codeTakes: milliseconds until its answer is there.
  ///   - latency: milliseconds that the answer to a poll takes.
  ///   - server: the answer to each poll, from the first, and the time in milliseconds since start.
  init(
    expiresIn: Int64, interval: Int64, startedAt: Int64 = 1_000_000, codeTakes: Int64 = 0,
    latency: Int64 = 0, server: (_ poll: Int, _ elapsed: Int64) -> PollAnswer
  ) {
    var now = startedAt + codeTakes
    codeAt = now
    flow = DeviceFlow(
      expiresIn: expiresIn, interval: interval, requestedAt: startedAt, now: now)
    // More steps than any code can need: a flow that never ends fails instead of hanging.
    for _ in 0..<200_000 {
      switch flow.next(now: now) {
      case .wait(let instant):
        // A wait that is over already would make the caller spin.
        guard instant > now else { return }
        now = instant
      case .poll:
        polls.append(now)
        now += latency
        flow.receive(server(polls.count - 1, now - startedAt), now: now)
        answers.append(now)
      case .ended(let outcome):
        self.outcome = outcome
        endedAt = now
        return
      }
    }
  }
}
