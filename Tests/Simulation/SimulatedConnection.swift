public import Board
public import Bytes
public import Linux
public import TLS

/// A connection to the universe's server, or to what stands in its place: real HTTP in both
/// directions, in pieces of any size, that may end at any byte.
public struct SimulatedConnection: Transport, ~Copyable {
  /// How the connection goes on behind the last byte that comes.
  private enum Ending {
    case stays, closes, breaks
  }

  private let world: SimulatedWorld
  public private(set) var isConnected = false
  public private(set) var resumptions: Int64 = 0
  private var epoch = 0
  private var outgoing: [UInt8] = []
  private var incoming: [UInt8] = []
  private var taken = 0
  /// The length of what is there at some time, in order.
  private var pieces: [(end: Int, at: Int64)] = []
  private var piece = 0
  private var ending = Ending.stays
  /// Tokens that are on their way.
  private var issue: IssuedTokens?
  private var demand: Demand?
  /// For how many seconds the server wants no request for a code.
  private var retryAfter: Int64?
  private var isCut = false
  /// Whether what comes tells what became of the request.
  private var isAnswer = false
  /// When the server, or a router on the way, forgets the connection.
  private var idleEnd: Int64 = 0
  private var isForgotten = false

  private var universe: Universe { world.universe }

  init(_ world: SimulatedWorld) {
    self.world = world
  }

  deinit {
    if let issue { world.universe.watch.lost(issue, world.universe) }
  }

  public var isStale: Bool {
    isConnected && !isForgotten && universe.now >= idleEnd && epoch == universe.network.epoch
  }

  public mutating func close() {
    if let lost = issue { universe.watch.lost(lost, universe) }
    issue = nil
    isConnected = false
    outgoing = []
    incoming = []
  }

  // MARK: Connecting

  public mutating func connect(
    to host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    close()
    if world.isDead { throw .interrupted }
    if host.equals("strangers.example") { universe.watch.fail(.strangersServer, universe) }
    if world.isMain { universe.watch.connects(universe) }
    universe.exchangeBegins()
    let trouble = universe.network.present(universe.now)
    switch trouble {
    case .refused:
      universe.counts[.connectionRefused] += 1
      try wait(20...900, deadline, attending)
      throw .connect(.connection(Errno(rawValue: 111)))
    case .hung:
      universe.counts[.connectionHung] += 1
      if world.pause(until: deadline, attending: attending) == .interrupted {
        throw .connect(.interrupted)
      }
      throw universe.chance(1, of: 2) ? .connect(.timedOut) : .timedOut(duringHandshake: true)
    case .nameUnknown:
      universe.counts[.nameUnknown] += 1
      try wait(20...5000, deadline, attending)
      throw .connect(.name(-3))
    default: break
    }
    try wait(20...900, deadline, attending)
    if !universe.isClockGoodEnough {
      universe.counts[.certificateRefused] += 1
      throw .certificate(CertificateFault(flags: universe.unixSeconds < 1_700_000_000 ? 0x200 : 1))
    }
    isConnected = true
    epoch = universe.network.epoch
    isForgotten = universe.chance(1, of: 10)
    idleEnd = universe.now + universe.random(5000...180_000)
    if universe.chance(1, of: 2) { resumptions += 1 }
  }

  /// Takes some time, within the time that there is.
  private func wait(
    _ length: ClosedRange<Int64>, _ deadline: Int64, _ attending: Attending
  ) throws(TLSError) {
    let end = world.milliseconds + universe.random(length)
    if world.pause(until: min(end, deadline), attending: attending) == .interrupted {
      throw .connect(.interrupted)
    }
    if end >= deadline { throw .connect(.timedOut) }
  }

  // MARK: The request

  public mutating func send(
    _ bytes: borrowing Span<UInt8>, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    if world.isDead { throw .interrupted }
    if !isConnected { throw .closed }
    bytes.withUnsafeBufferPointer { outgoing.append(contentsOf: $0) }
    guard let request = Request(outgoing) else { return }
    outgoing = []
    universe.counts[.exchange] += 1
    universe.exchangeBegins()
    universe.watch.sent(request, world, universe)
    let isDeaf = epoch != universe.network.epoch || isForgotten && universe.now >= idleEnd
    if isDeaf {
      universe.counts[.connectionForgotten] += 1
      universe.watch.trouble(until: universe.now)
      expect([], .stays)
      return
    }
    // The other end has said so, and who looked has seen it.
    if universe.now >= idleEnd {
      universe.watch.fail(.closedConnectionUsed, universe)
      return
    }
    take(request)
  }

  private mutating func take(_ request: Request) {
    let trouble = universe.network.present(universe.now)
    let fate = universe.fate(trouble)
    if case .requestLost(let closes) = fate {
      universe.counts[.requestLost] += 1
      universe.watch.trouble(until: universe.now)
      expect([], closes ? .closes : .stays)
      return
    }
    var answer: Answer
    if let replacement = universe.replacement(trouble) {
      answer = replacement
      if trouble == .refuses, request.form("grant_type=urn") { universe.watch.codeRefused() }
    } else {
      answer = universe.server.answer(request, session: world.session)
      issue = answer.issue
      if let issue { universe.watch.issued(issue, world, universe) }
    }
    retryAfter = world.isMain && request.isForCode ? answer.retryAfter : nil
    if case .answerLost(let closes) = fate {
      universe.counts[.answerLost] += 1
      universe.watch.trouble(until: universe.now)
      expect([], closes ? .breaks : .stays)
      return
    }
    deliver(answer, fate)
  }

  private mutating func deliver(_ answer: Answer, _ fate: Fate) {
    let closes = universe.chance(1, of: 4)
    var (bytes, endsWithClose) = universe.write(answer, closes: closes)
    var ending = closes ? Ending.closes : .stays
    isCut = false
    isAnswer = false
    demand = answer.demand
    if case .cut = fate {
      isCut = true
      universe.counts[.answerCut] += 1
      universe.watch.trouble(until: universe.now)
      bytes.removeLast(1 + universe.random(bytes.count))
      // Without a stated length, an end that is announced would be the end of the answer.
      ending = endsWithClose || universe.chance(1, of: 2) ? .breaks : .closes
    } else if ![200, 500, 502, 504].contains(answer.status)
      || answer.status == 200 && answer.body.hasPrefix(#"{"error""#)
    {
      isAnswer = true
    }
    expect(bytes, ending)
  }

  /// Plans what comes, and when.
  private mutating func expect(_ bytes: [UInt8], _ ending: Ending) {
    incoming = bytes
    taken = 0
    piece = 0
    self.ending = ending
    pieces.removeAll(keepingCapacity: true)
    var at = universe.now + universe.random(universe.script.personality.latency)
    if universe.chance(7, of: 8) {
      pieces.append((bytes.count, at))
      return
    }
    universe.counts[.answerInPieces] += 1
    // Some come byte by byte, most in a handful of pieces.
    let least = universe.chance(1, of: 40) ? 0 : bytes.count / 6
    let longest = least == 0 ? 1 : least + universe.random(bytes.count + 1)
    var end = 0
    while end < bytes.count {
      end = min(bytes.count, end + 1 + universe.random(longest))
      pieces.append((end, at))
      at += Int64(universe.random(longest == 1 ? 3 : 120))
    }
    if bytes.isEmpty { pieces.append((0, at)) }
  }

  // MARK: The answer

  public mutating func receive(
    into buffer: inout Buffer, until deadline: Int64, attending: Attending
  ) throws(TLSError) -> Int {
    if world.isDead { throw .interrupted }
    if !isConnected { throw .closed }
    if piece == pieces.count { return try end(deadline, attending) }
    let (end, at) = pieces[piece]
    try wait(untilNow: at, deadline, attending)
    if end == 0 {
      piece += 1
      return try self.end(deadline, attending)
    }
    let count = min(end - taken, buffer.capacity - buffer.count)
    buffer.append(incoming.span.extracting(taken..<taken + count))
    taken += count
    if taken == end { piece += 1 }
    if taken == incoming.count, ending != .breaks { arrived() }
    idleEnd = max(idleEnd, universe.now + 5000)
    return count
  }

  private mutating func arrived() {
    if isCut { return }
    if isAnswer { universe.watch.wasAnswered(world, universe) }
    isAnswer = false
    if let retryAfter { universe.watch.codeNotBefore = universe.now + retryAfter * 1000 }
    retryAfter = nil
    if let demand { universe.server.bind(demand) }
    demand = nil
    guard let whole = issue else { return }
    issue = nil
    universe.watch.delivered(whole, world, universe)
  }

  /// What comes behind the last byte.
  private mutating func end(_ deadline: Int64, _ attending: Attending) throws(TLSError) -> Int {
    switch ending {
    case .closes: return 0
    case .breaks: throw universe.chance(1, of: 2) ? .closed : .transfer(-0x50)
    case .stays:
      if world.pause(until: deadline, attending: attending) == .interrupted { throw .interrupted }
      throw .timedOut(duringHandshake: false)
    }
  }

  private func wait(
    untilNow time: Int64, _ deadline: Int64, _ attending: Attending
  ) throws(TLSError) {
    if time <= universe.now { return }
    let end = min(world.local(time), deadline)
    if world.pause(until: end, attending: attending) == .interrupted { throw .interrupted }
    if world.local(time) > deadline { throw .timedOut(duringHandshake: false) }
  }
}
