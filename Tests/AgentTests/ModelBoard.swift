import Agent
import Bytes
import Configuration
import DeviceGrant
import OAuth
import TestSupport

/// What happens to a board beside what it does.
enum Happening {
  /// The server can't be reached, in some way, for so many milliseconds.
  case outage(ModelBoard.Exchange, Int64)
  /// The person ends the grant at the server.
  case disconnected
  /// The power goes for so many milliseconds.
  case powerCut(off: Int64)
  /// The program ends and begins again.
  case restart
  /// `devicegrant token` renews the grant.
  case renewedByAnother
  case signedOutByAnother
  /// The token file is noticed to be another.
  case recordChanged
  /// The wall clock goes wrong by so many seconds.
  case clockJump(Int64)
  case clockRight
  case pressed
  case codeWanted
  /// A client wants a token that is good for so many seconds.
  case clientWants(Int64)
}

/// A board that lives by the agent's steps as `devicegrant run` does, with a model of its token
/// file, of the network and of its clocks. Times are milliseconds since it was first switched on.
struct ModelBoard {
  /// What becomes of a request.
  enum Exchange {
    case answered
    case unreachable
    case unavailable
    /// An error such as wrong client credentials.
    case refused
    /// Sent, and nothing came back; the server has or has not got it.
    case unprocessed
    case processed
  }

  /// The token file, with times as the board's wall clock had them.
  struct Record {
    var access: ModelServer.AccessToken
    var refresh: ModelServer.RefreshToken
    var expiresAt: Int64?
    var refreshExpiresAt: Int64?
    /// By how many seconds the wall clock was wrong then.
    var error: Int64
  }

  let start: StartMode
  var generator: SeededGenerator
  var server: ModelServer
  var agent: Agent
  var now: Int64 = 0
  var file: Record?
  /// The last is the next.
  var happenings: [(at: Int64, Happening)] = []
  var watch = Watch()

  // As in `Life` and `HandOut`.
  private var handed: ModelServer.AccessToken?
  private var isTimeFromAnswer = false
  private var wantsName = true
  private var wasRefused = false
  private var hasFailed = false
  private var wantsRefresh = false
  private var isRecordChanged = false

  private var outage = (kind: Exchange.answered, until: 0 as Int64)
  /// By how many seconds the wall clock is wrong; nil where it is not set.
  private var clockError: Int64? = 0
  private var personComesAt: Int64
  private var isCodeSpent = false

  private static let isClockRequired: Int64 = 30 * 86400

  init(_ start: StartMode, _ figures: ModelServer.Figures, seed: UInt64) {
    self.start = start
    generator = SeededGenerator(seed: seed)
    server = ModelServer(figures)
    agent = Agent(start: start, seed: UInt32(truncatingIfNeeded: generator.next()))
    personComesAt = Int64.random(in: 0...900_000, using: &generator)
    if start == .onRequest { schedule(.pressed, at: personComesAt) }
  }

  private var unixSeconds: Int64 { 1_800_000_000 + now / 1000 + (clockError ?? -1_800_000_000) }

  mutating func schedule(_ happening: Happening, at time: Int64) {
    let index = happenings.firstIndex { $0.at <= time } ?? happenings.count
    happenings.insert((time, happening), at: index)
  }

  /// Lives until `end`.
  ///
  /// - Returns: what went wrong, in words; nil where nothing did.
  mutating func live(until end: Int64) -> String? {
    begin()
    while now < end, watch.fault == nil {
      attend()
      check()
      step(end)
    }
    return watch.fault.map { "after \(now / 1000) s: \($0)" }
  }

  // MARK: As `Life` in Sources/devicegrant/Commands/Run.swift

  private mutating func begin() {
    if file == nil {
      agent.lost(now: now)
    } else {
      adopt(isRenewal: false)
    }
  }

  private mutating func step(_ end: Int64) {
    if let codeEnd = agent.takeCodeEnd(now: now) {
      hasFailed = codeEnd == .refused
      if start == .onRequest || agent.hasGrant { comeAgain() }
      return
    }
    if wantsRefresh {
      if agent.hasGrant { agent.refreshWanted(now: now) } else { wantsRefresh = false }
    }
    switch agent.next(now: now) {
    case .wait(let instant): rest(until: instant, end)
    case .requestCode: requestCode()
    case .poll: poll()
    case .refresh: refresh()
    case .endGrant: watch.fault = "ends a grant that can be renewed"
    }
  }

  private mutating func rest(until instant: Int64, _ end: Int64) {
    if wantsName, agent.hasGrant {
      findName()
      return
    }
    if instant <= now { watch.fault = "waits for the past" }
    now = min(instant, happenings.last?.at ?? end, end)
  }

  private mutating func adopt(isRenewal: Bool) {
    isTimeFromAnswer = false
    hold(isRenewal: isRenewal)
  }

  private mutating func hold(isRenewal: Bool) {
    let lease = lease()
    if isRenewal {
      agent.renewed(lease, now: now)
    } else {
      agent.granted(lease, now: now)
    }
    handed = file!.access
    wantsRefresh = false
    hasFailed = false
    watch.held(file!.access, now)
  }

  private func lease() -> Lease {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2, alignment: 1)
    defer { memory.deallocate() }
    var tokens = Tokens(
      accessToken: Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: memory[..<1])),
      refreshToken: Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: memory[1...])))
    tokens.refreshToken.append(1)
    tokens.expiresAt = file!.expiresAt
    tokens.refreshTokenExpiresAt = file!.refreshExpiresAt
    return Lease(tokens, unixSeconds: unixSeconds, isClockSet: clockError != nil)
  }

  private mutating func refresh() {
    guard let record = file else { return lose() }
    if record.access.number != handed?.number { return adopt(isRenewal: true) }
    watch.refreshes(record, now, isTold: server.figures.tellsLife)
    let result = exchange()
    switch result {
    case .answered: refreshed(server.refresh(record.refresh, now: now))
    case .unreachable, .unavailable, .refused:
      agent.refreshFailed(isRefusal: result == .refused, isUncertain: false, now: now)
    case .unprocessed, .processed:
      if result == .processed {
        let pair = server.refresh(record.refresh, now: now)
        if pair != nil, server.figures.rotates { watch.isExcused = true }
      }
      watch.lostAnswer(of: record, now)
      agent.refreshFailed(isRefusal: false, isUncertain: true, now: now)
    }
    wantsRefresh = false
  }

  private mutating func refreshed(_ pair: ModelServer.Pair?) {
    guard let pair else { return lose() }
    if chance(1, of: 300) {
      // After the answer, before the new pair is on the disk.
      if server.figures.rotates { watch.isExcused = true }
      return beginAgain(off: Int64.random(in: 0...3_600_000, using: &generator))
    }
    save(pair)
    isTimeFromAnswer = true
    hold(isRenewal: true)
  }

  private mutating func save(_ pair: ModelServer.Pair) {
    let figures = server.figures
    file = Record(
      access: pair.access, refresh: pair.refresh,
      expiresAt: figures.tellsLife ? unixSeconds + figures.accessLife : nil,
      refreshExpiresAt: pair.refreshEnd.map { unixSeconds + ($0 - now) / 1000 },
      error: clockError ?? 0)
    watch.isExcused = false
    watch.lastLoss = nil
  }

  private mutating func lose() {
    if let file, server.accepts(file.refresh, now: now) { watch.fault = "loses a good grant" }
    file = nil
    watch.losses += 1
    let before = agent.nextCodeAt
    agent.lost(now: now)
    handed = nil
    wantsRefresh = false
    let isCodeNear = agent.showsCode || agent.nextCodeAt == before ?? now
    if start == .automatic, !isCodeNear { watch.fault = "no code after the grant is lost" }
    comeAgain()
  }

  private mutating func requestCode() {
    let requestedAt = now
    let result = exchange()
    guard result == .answered else {
      agent.codeFailed(isRefusal: result == .refused, now: now)
      hasFailed = true
      return
    }
    isCodeSpent = false
    let life = [120, 300, 900].randomElement(using: &generator)! as Int64
    let interval = [5, 20, 60].randomElement(using: &generator)! as Int64
    agent.codeIssued(
      expiresIn: life, interval: interval, requestedAt: requestedAt, now: now)
  }

  private mutating func poll() {
    if now >= agent.flow!.expiresAt { watch.fault = "polls after the code's end" }
    let result = exchange(isPoll: true)
    var pair: ModelServer.Pair?
    let answer = pollAnswer(result, &pair)
    agent.polled(answer, now: now)
    guard let pair else { return }
    save(pair)
    isTimeFromAnswer = true
    hold(isRenewal: false)
    wantsName = true
    wasRefused = false
  }

  private mutating func pollAnswer(
    _ result: Exchange, _ pair: inout ModelServer.Pair?
  ) -> PollAnswer {
    switch result {
    case .refused: return .refused
    case .answered, .processed: break
    case .unreachable, .unavailable, .unprocessed:
      return .transient(.unreachable, retryAfter: nil)
    }
    if isCodeSpent { return .refused }
    if now < personComesAt { return .pending(retryAfter: nil) }
    isCodeSpent = true
    if chance(1, of: 10) {
      comeAgain()
      return .denied
    }
    // The answer is lost, and with it a grant; here a server has one at a time.
    if result == .processed { return .transient(.unreachable, retryAfter: nil) }
    pair = server.issue(now: now)
    return .granted
  }

  private mutating func findName() {
    wantsName = false
    guard let file, exchange() == .answered else { return }
    if server.accepts(file.access, now: now) {
      wasRefused = false
    } else if !wasRefused {
      wasRefused = true
      wantsName = true
      agent.refreshWanted(now: now)
    }
  }

  private mutating func clockChanged() {
    guard agent.hasGrant else {
      if hasFailed { agent.codeWanted(now: now) }
      return
    }
    guard isTimeFromAnswer, let end = agent.accessExpiresAt else {
      if file != nil { adopt(isRenewal: true) }
      return
    }
    guard var record = file else { return }
    record.expiresAt = unixSeconds + (end - now) / 1000
    if let end = agent.refreshExpiresAt {
      record.refreshExpiresAt = unixSeconds + (end - now) / 1000
    }
    record.error = clockError ?? 0
    file = record
  }

  private mutating func recordChanged() {
    if let file {
      if file.access.number != handed?.number { adopt(isRenewal: agent.hasGrant) }
    } else if agent.hasGrant {
      lose()
    }
  }

  // MARK: The world

  private mutating func chance(_ count: Int, of all: Int) -> Bool {
    Int.random(in: 0..<all, using: &generator) < count
  }

  /// The person sees that nobody is signed in, some time later.
  private mutating func comeAgain() {
    personComesAt = now + Int64.random(in: 5000...1_200_000, using: &generator)
    if start == .onRequest { schedule(.pressed, at: personComesAt) }
  }

  private mutating func exchange(isPoll: Bool = false) -> Exchange {
    if !isPoll { watch.requests(now) }
    now += Int64.random(in: 20...2000, using: &generator)
    if abs(clockError ?? .max) > Self.isClockRequired { return .unreachable }
    if now < outage.until { return outage.kind }
    if chance(99, of: 100) { return .answered }
    watch.trouble(until: now)
    let kinds = [Exchange.unreachable, .unavailable, .unprocessed, .processed]
    return kinds.randomElement(using: &generator)!
  }

  private mutating func beginAgain(off: Int64) {
    now += off
    agent = Agent(start: start, seed: UInt32(truncatingIfNeeded: generator.next()))
    handed = nil
    wantsName = true
    wasRefused = false
    hasFailed = false
    wantsRefresh = false
    isRecordChanged = false
    watch.lastLoss = nil
    watch.trouble(until: now)
    if off > 0, chance(1, of: 3) {
      clockError = nil
      schedule(.clockRight, at: now + Int64.random(in: 1000...600_000, using: &generator))
    }
    begin()
    if start == .onRequest, file == nil { comeAgain() }
  }

  private mutating func attend() {
    while let (time, happening) = happenings.last, time <= now {
      happenings.removeLast()
      take(happening)
    }
    if isRecordChanged {
      isRecordChanged = false
      recordChanged()
    }
  }

  private mutating func take(_ happening: Happening) {
    switch happening {
    case .outage(let kind, let length):
      outage = (kind, max(outage.until, now + length))
      watch.trouble(until: outage.until)
    case .disconnected: server.revoke()
    case .powerCut(let off): beginAgain(off: off)
    case .restart: beginAgain(off: 0)
    case .renewedByAnother: renewByAnother()
    case .signedOutByAnother:
      server.revoke()
      file = nil
      isRecordChanged = true
    case .recordChanged: isRecordChanged = true
    case .clockJump(let seconds):
      clockError = (clockError ?? 0) + seconds
      clockChanged()
      schedule(.clockRight, at: now + Int64.random(in: 1000...7_200_000, using: &generator))
    case .clockRight:
      clockError = 0
      watch.trouble(until: now)
      clockChanged()
    case .pressed:
      if !agent.hasGrant, !agent.showsCode { agent.codeWanted(now: now) }
    case .codeWanted: agent.codeWanted(now: now)
    case .clientWants(let seconds):
      if agent.supply(forSeconds: seconds, now: now) == .renewed { wantsRefresh = true }
    }
  }

  /// Under the lock, so between two steps of this process.
  private mutating func renewByAnother() {
    guard let record = file, now >= outage.until, clockError == 0, watch.lastLoss == nil,
      !watch.isExcused
    else { return }
    guard let pair = server.refresh(record.refresh, now: now) else {
      file = nil
      isRecordChanged = true
      return
    }
    if chance(1, of: 10) {
      if server.figures.rotates { watch.isExcused = true }
      return
    }
    save(pair)
    schedule(.recordChanged, at: now + Int64.random(in: 0...3000, using: &generator))
  }

  // MARK: What must hold at every instant

  private mutating func check() {
    let isTroubled = clockError != 0 || now < outage.until
    watch.check(server: server, file: file, now: now, isTroubled: isTroubled)
    if isTroubled || watch.isExcused || file == nil { return checkCode() }
    guard server.figures.tellsLife, file?.error == 0, let handed, !server.hasEnded(now: now),
      watch.lastLoss == nil, handed.number == file?.access.number
    else { return }
    watch.checkHanded(handed, now)
  }

  /// Where there is no grant, a code is shown, or is to be soon.
  private mutating func checkCode() {
    if file != nil || start == .onRequest { return }
    if agent.hasGrant { watch.fault = "holds a grant without a file" }
    guard let next = agent.nextCodeAt else {
      if !agent.showsCode { watch.fault = "neither a grant nor a code" }
      return
    }
    if next > now + 400_000 { watch.fault = "the next code is far away" }
  }
}
