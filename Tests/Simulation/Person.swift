/// Who comes to the board: sees what it shows, and approves, denies or walks away.
struct Person {
  /// The newest code that was seen.
  private var lastSeen = -1

  /// Sees a code, on the screen or where else it is told.
  mutating func sees(code: Int, _ universe: Universe) {
    if code <= lastSeen { return }
    lastSeen = code
    let life = universe.server.codes[code].end - universe.now
    let choice = universe.random(12)
    if choice == 1 || choice == 2 || universe.counts[.poll] < universe.script.loneliness {
      universe.counts[.walkAway] += 1
      return
    }
    // In the last seconds of the code or after them, or at any time before.
    let isLate = choice == 3
    let limit = universe.chance(1, of: 8) ? life * 3 / 4 : min(life * 3 / 4, 60_000)
    let time =
      isLate ? life + universe.random(-6000...2000) : universe.random(3000...max(3001, limit))
    universe.schedule(
      .personActs(code: code, denies: choice == 0, isLate: isLate), in: max(0, time))
  }

  /// Sees that nobody is signed in, and that a key brings a code.
  func seesInvitation(_ universe: Universe) {
    universe.schedule(.pressed, in: universe.random(2000...200_000))
  }

  func act(_ code: Int, denies: Bool, isLate: Bool, _ universe: Universe) {
    guard universe.server.decide(code, denies ? .denied : .approved) else { return }
    universe.counts[denies ? .denial : isLate ? .lateApproval : .approval] += 1
    if !denies { universe.watch.approved(code, universe) }
  }
}
