@testable import Board
import Bytes
import OAuth
import TestSupport

private let token = "at-7f3a9c2e"

/// A life without a grant, and one with a token that lasts an hour.
nonisolated(unsafe) private var lives = [false, true].map(makeLife)

/// A life, in a place that can be kept in a list.
private final class Home {
  var life: Life<SmallWorld>

  init(_ life: consuming Life<SmallWorld>) {
    self.life = life
  }
}

private func makeLife(signedIn: Bool) -> Home {
  let world = SmallWorld()
  let home = Home(Life(world))
  home.life.attendant.standing.lost(now: world.milliseconds)
  if signedIn {
    withTokens { tokens in
      tokens.accessToken.append(Array(token.utf8).span)
      tokens.expiresAt = world.unixSeconds + 3600
      home.life.attendant.standing.granted(.hour, tokens, now: world.milliseconds)
      home.life.attendant.handOut.publish(tokens.accessToken)
    }
  }
  return home
}

/// The lines of the hand-out's clients, and the answers as another program reads them. The first
/// byte chooses whether there is a grant, and how long the pieces are.
func fuzzSocket(_ input: Input) {
  readAnswer(input)
  guard let choice = input.first else { return }
  let isSignedIn = choice & 1 == 1
  let home = lives[isSignedIn ? 1 : 0]
  let world = home.life.world
  let asked = array(input.rest.span)
  converse(home, asked, pieces: 1 + Int(choice >> 1) % 64)
  require(world.sent.count <= 1, "one answer")
  let answers = world.sent
  world.sent = []
  for answer in answers { check(answer, to: asked, isSignedIn) }
}

/// Sends what a client says, and its end, and lets the client's time pass.
private func converse(_ home: Home, _ asked: [UInt8], pieces length: Int) {
  let world = home.life.world
  world.arrivals = [SmallWorld.Arrival(at: 0, event: .visitor)]
  home.life.attendant.serve()
  // More than a line's room is of no use to anybody.
  for start in stride(from: 0, to: min(asked.count, 200), by: length) {
    let piece = Array(asked[start..<min(start + length, asked.count)])
    world.arrivals = [SmallWorld.Arrival(at: 0, event: .client(0), bytes: piece)]
    while !world.arrivals.isEmpty { home.life.attendant.serve() }
  }
  world.arrivals = [SmallWorld.Arrival(at: 0, event: .client(0))]
  home.life.attendant.serve()
  letTimePass(&home.life.attendant, until: world.milliseconds + 60_000)
}

private func letTimePass(_ attendant: inout Attendant<SmallWorld>, until now: Int64) {
  attendant.handOut.expire(now: now, &attendant.sources, attendant.standing)
  attendant.handOut.refreshEnded(&attendant.sources, attendant.standing)
  require(attendant.handOut.deadline == nil, "every client leaves")
}

private func check(_ answer: String, to asked: [UInt8], _ isSignedIn: Bool) {
  let line = Array(answer.utf8)
  require(line.last == 0x0A, "an answer ends")
  require(isPrintable(line.span.extracting(first: line.count - 1)), "an answer is one line of text")
  let asksForToken = asked.span.trimmed().hasPrefix("token")
  require(asksForToken || !answer.contains(token), "a token for who asks for one")
  require(isSignedIn || !answer.contains(token), "no token without a grant")
  require(answer.hasPrefix("ok ") || answer.hasPrefix("error "), "one of two words")
}

/// What another's line means.
private func readAnswer(_ input: Input) {
  switch SocketAnswer(PermanentBytes(input)) {
  case .token(let token, _):
    require(token.count > 0 && isPrintable(token.bytes), "a token of visible ASCII")
    require(!token.bytes.contains(0x20), "a token in one word")
  case .refused(_, let hint): require(hint.count < input.count, "a hint behind a word")
  case .junk: break
  }
}
