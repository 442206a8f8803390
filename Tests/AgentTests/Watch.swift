/// Looks on as a board lives, and says what is wrong. Times are milliseconds.
struct Watch {
  var fault: String?

  /// Whether the file's refresh token may have been used up: an answer was lost, or the power went
  /// between an answer and its way to the disk.
  var isExcused = false

  /// The last refresh whose answer was lost: of which access token, and how often that was.
  var lastLoss: (number: Int, count: Int)?

  /// Since when nothing is in the way of a refresh.
  private var calmSince: Int64 = 0
  private var heldSince: Int64 = 0
  /// What an access token had left when it was taken.
  private var held: Int64 = 0
  /// Refresh tokens that counted as stolen, each for a reason that is documented.
  private(set) var reuses = 0
  /// Grants that were lost, and refreshes that were sent.
  var losses = 0
  private(set) var refreshes = 0
  /// The last requests that were no polls.
  private var requestTimes = [Int64](repeating: .min, count: Watch.requestLimit)
  private var requestCount = 0

  /// The most requests in an hour, polls excepted: two codes a minute are denied at once.
  static let requestLimit = 130

  /// The longest time that an agent may take to notice that something works again: the longest
  /// back-off and what it takes to get an answer.
  private static let noticing: Int64 = 390_000

  mutating func trouble(until time: Int64) {
    calmSince = max(calmSince, time)
  }

  mutating func held(_ token: ModelServer.AccessToken, _ now: Int64) {
    heldSince = now
    held = token.end - now
  }

  mutating func requests(_ now: Int64) {
    let index = requestCount % Self.requestLimit
    if requestTimes[index] > now - 3_600_000 { fault = "too many requests" }
    requestTimes[index] = now
    requestCount += 1
  }

  mutating func lostAnswer(of record: ModelBoard.Record, _ now: Int64) {
    trouble(until: now)
    let count = lastLoss?.number == record.access.number ? lastLoss!.count : 0
    lastLoss = (record.access.number, count + 1)
  }

  /// What was sent and not answered is sent again just before the end, and then not before it.
  mutating func refreshes(_ record: ModelBoard.Record, _ now: Int64, isTold: Bool) {
    refreshes += 1
    guard let loss = lastLoss, loss.number == record.access.number, isTold, record.error == 0,
      now < record.access.end
    else { return }
    // The stored time is of whole seconds.
    if record.access.end - now > 33_000 { fault = "sends a token again too early" }
    if loss.count > 1, record.access.end - now > 4000 { fault = "sends a token again and again" }
  }

  /// The pair in the file is good; if it is not, for a reason that is known, that is noticed soon.
  mutating func check(
    server: ModelServer, file: ModelBoard.Record?, now: Int64, isTroubled: Bool
  ) {
    defer { reuses = server.reuses }
    if isTroubled { trouble(until: now) }
    guard let file else { return }
    if server.accepts(file.refresh, now: now) { return }
    if server.reuses > reuses, !isExcused { fault = "a refresh token counts as stolen" }
    if !isExcused, !server.hasEnded(now: now) { fault = "the pair is dead without a reason" }
    // Without a figure an hour is assumed.
    let assumedEnd = server.figures.tellsLife ? 0 : heldSince + 3_600_000
    let end = max(file.access.end, assumedEnd)
    let deadline = max(end, calmSince) + abs(file.error) * 1000 + Self.noticing
    if !isTroubled, now > deadline { fault = "a dead pair is kept" }
  }

  /// The access token that is handed out is renewed before its margin is used up.
  mutating func checkHanded(_ token: ModelServer.AccessToken, _ now: Int64) {
    guard now - calmSince > Self.noticing, now - heldSince > Self.noticing else { return }
    let margin = min(held / 8, 86_400_000)
    // What one request takes, and half-seconds.
    if token.end - now < margin - 8000 { fault = "the access token's margin is used up" }
  }
}
