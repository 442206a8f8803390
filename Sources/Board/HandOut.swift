internal import Agent
internal import Bytes
internal import Linux

// Theory of operation.
//
// `run` hands the access token out over a UNIX socket: a client connects, sends one line, gets one
// line, and is gone. Nothing here waits for anybody. What a client has sent so far lies in its
// slot; one that takes too long loses it, and where all slots are taken, the newest client takes
// the oldest one's. A client that needs the token for longer than it is good keeps its slot until
// the refresh that it caused has ended.
//
//   token [SECONDS]    ok EXPIRES_AT TOKEN
//                      error REASON HINT
//   status             ok WORDS
//   state              ok {…}, how things stand

/// What a client of the socket is told instead of a token.
public enum Refusal: UInt8, Sendable {
  case usage
  /// A person has to sign in first.
  case loginRequired
  /// The token has ended, and renewing it has not worked so far.
  case unavailable

  /// The word after `error`.
  var name: StaticString {
    switch self {
    case .usage: "usage"
    case .loginRequired: "login_required"
    case .unavailable: "unavailable"
    }
  }
}

/// The smallest time that a token is handed out with, where nobody names another, in seconds.
public let standardMinimum: Int64 = 60

/// The socket that hands the access token out, with its clients.
struct HandOut<W: World>: ~Copyable {
  static var capacity: Int { 16 }

  /// In milliseconds: for a client to send its line, and for a refresh on its behalf.
  private static var patience: Int64 { 5000 }
  private static var refreshPatience: Int64 { 35_000 }
  private static var pause: Int64 { 1000 }

  /// While descriptors have run out, nobody is let in.
  private var pausedUntil: Int64?
  private var clients = InlineArray<16, Client>(repeating: Client())

  /// The token that is handed out; empty where none is.
  private var accessToken: Buffer
  private var answer: Buffer
  /// Whether a client waits for a refresh.
  private(set) var wantsRefresh = false
  private let log: Log<W>

  private var world: W { log.world }

  init(_ token: consuming Buffer, _ answer: consuming Buffer, _ log: Log<W>) {
    accessToken = token
    self.answer = answer
    self.log = log
  }

  /// Listens at the configured socket from now on.
  ///
  /// - Throws: `.socket` where that can't be.
  mutating func open(_ plan: borrowing Plan, _ sources: inout W.Sources) throws(Fault) {
    guard let path = plan.socket else { return }
    do {
      try sources.listen(at: path, group: plan.socketGroup)
    } catch {
      throw .socket(error)
    }
    log.info { $0 <- "handing tokens out at " <- path }
  }

  // MARK: What there is to hand out

  /// Hands this token out from now on.
  mutating func publish(_ token: borrowing Buffer) {
    accessToken.wipe()
    accessToken.append(token.bytes)
  }

  /// Hands nothing out from now on.
  mutating func withdraw() { accessToken.wipe() }

  /// Answers everybody who waited for a refresh, whatever came of it.
  mutating func refreshEnded(_ sources: inout W.Sources, _ standing: borrowing Standing) {
    wantsRefresh = false
    for index in clients.indices {
      guard let minimum = clients[index].minimum else { continue }
      let supply = standing.agent.supply(forSeconds: minimum, now: world.milliseconds)
      answerToken(index, supply == .nothing ? .nothing : .present, &sources, standing)
    }
  }

  // MARK: Clients

  /// When the next client loses its slot; nil where nobody is there.
  var deadline: Int64? {
    var earliest = pausedUntil
    for index in clients.indices where clients[index].isThere {
      earliest = min(earliest ?? Int64.max, clients[index].deadline)
    }
    return earliest
  }

  /// Ends the clients that took too long.
  mutating func expire(
    now: Int64, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    if let end = pausedUntil, end <= now {
      pausedUntil = nil
      sources.setListening(true)
    }
    for index in clients.indices
    where clients[index].isThere && clients[index].deadline <= now {
      if clients[index].minimum != nil {
        refuse(index, .unavailable, &sources, standing)
      } else {
        log.debug { $0 <- "socket: a client sent nothing in time" }
        close(index, &sources)
      }
    }
  }

  /// Takes everybody who wants to connect.
  mutating func accept(now: Int64, _ sources: inout W.Sources) {
    // Not more than there are slots at a time: others wait too.
    for _ in 0..<Self.capacity {
      guard let visitor = nextVisitor(&sources) else { return }
      let index = freeSlot(&sources)
      if let peer = visitor.credentials {
        log.info {
          $0 <- "socket: client pid=" <- peer.process <- " uid=" <- Int64(peer.user)
          $0 <- " gid=" <- Int64(peer.group)
        }
      }
      sources.seat(at: index)
      clients[index] = Client(isThere: true, deadline: now + Self.patience)
    }
  }

  private mutating func nextVisitor(_ sources: inout W.Sources) -> Visitor? {
    do {
      return try sources.accept()
    } catch {
      // Descriptors have run out. Who waits goes on waiting, and would be reported for ever.
      sources.setListening(false)
      pausedUntil = world.milliseconds + Self.pause
      return nil
    }
  }

  /// A slot for one more client: a free one, else the oldest client's.
  private mutating func freeSlot(_ sources: inout W.Sources) -> Int {
    var oldest = 0
    for index in clients.indices {
      if !clients[index].isThere { return index }
      if clients[index].deadline < clients[oldest].deadline { oldest = index }
    }
    close(oldest, &sources)
    return oldest
  }

  @inline(never)
  private mutating func close(_ index: Int, _ sources: inout W.Sources) {
    guard clients[index].isThere else { return }
    sources.close(index)
    clients[index].isThere = false
    clients[index].minimum = nil
  }

  /// Reads what a client has sent.
  mutating func read(
    _ index: Int, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    guard index < Self.capacity, clients[index].isThere else { return }
    var space = InlineArray<64, UInt8>(repeating: 0)
    switch sources.receive(from: index, into: &space) {
    case .wouldBlock: return
    case .failed: close(index, &sources)
    case .bytes(0):
      if clients[index].minimum != nil {
        // It may have ended its side only. The end would be reported for ever.
        sources.ignore(index)
      } else if clients[index].line.isEmpty {
        close(index, &sources)
      } else {
        refuse(index, .usage, &sources, standing)
      }
    case .bytes(let count):
      take(space.span.extracting(first: count), index, &sources, standing)
    }
  }

  private mutating func take(
    _ bytes: borrowing Span<UInt8>, _ index: Int, _ sources: inout W.Sources,
    _ standing: borrowing Standing
  ) {
    // Who waits for a refresh has nothing more to say.
    if clients[index].minimum != nil {
      refuse(index, .usage, &sources, standing)
      return
    }
    for position in bytes.indices {
      if bytes[position] == 0x0A {
        answer(index, &sources, standing)
        return
      }
      clients[index].line.append(bytes[position])
    }
    if clients[index].line.isTruncated { refuse(index, .usage, &sources, standing) }
  }

  /// Answers a client's line.
  private mutating func answer(
    _ index: Int, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    let line = clients[index].line
    let words = line.bytes.trimmed()
    if line.isTruncated {
      refuse(index, .usage, &sources, standing)
    } else if words.equals("status") {
      answerStatus(index, &sources, standing)
    } else if words.equals("state") {
      answerState(index, &sources, standing)
    } else if let minimum = Self.minimum(words) {
      let supply = standing.agent.supply(forSeconds: minimum, now: world.milliseconds)
      if supply == .renewed {
        clients[index].minimum = minimum
        clients[index].deadline = world.milliseconds + Self.refreshPatience
        wantsRefresh = true
      } else {
        answerToken(index, supply, &sources, standing)
      }
    } else {
      refuse(index, .usage, &sources, standing)
    }
  }

  /// The seconds in `token` or `token SECONDS`; nil where it is something else.
  private static func minimum(_ words: borrowing Span<UInt8>) -> Int64? {
    guard words.hasPrefix("token") else { return nil }
    if words.count == 5 { return standardMinimum }
    guard words[5].isBlank else { return nil }
    return words.suffix(from: 6).trimmed().parseDecimal()
  }

  @inline(never)
  private mutating func answerToken(
    _ index: Int, _ supply: Agent.Supply, _ sources: inout W.Sources,
    _ standing: borrowing Standing
  ) {
    let left = standing.agent.accessExpiresAt.map { $0 - world.milliseconds }
    if accessToken.isEmpty || supply == .nothing || (left ?? 1) <= 0 {
      let refusal = standing.needsPerson ? Refusal.loginRequired : .unavailable
      refuse(index, refusal, &sources, standing)
      return
    }
    answer.append("ok ")
    // Zero where nobody knows.
    answer.append(decimal: left.map { world.unixSeconds + $0 / 1000 } ?? 0)
    answer.append(" ")
    Self.append(accessToken, to: &answer)
    send(index, &sources)
  }

  private static func append(_ token: borrowing Buffer, to answer: inout Buffer) {
    answer.append(token.bytes)
  }

  private mutating func answerStatus(
    _ index: Int, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    answer.append("ok ")
    standing.appendStatus(to: &answer)
    send(index, &sources)
  }

  private mutating func answerState(
    _ index: Int, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    answer.append("ok ")
    standing.appendState(
      to: &answer, now: world.milliseconds, unixSeconds: world.unixSeconds)
    send(index, &sources)
  }

  @inline(never)
  private mutating func refuse(
    _ index: Int, _ refusal: Refusal, _ sources: inout W.Sources,
    _ standing: borrowing Standing
  ) {
    answer.append("error ")
    answer.append(refusal.name)
    answer.append(" ")
    switch refusal {
    case .usage: answer.append("expected one line: token [SECONDS], status or state")
    case .unavailable:
      answer.append("the access token ends too soon")
      if standing.state == .notRenewed { answer.append("; ") }
      standing.appendHint(to: &answer)
    case .loginRequired: standing.appendHint(to: &answer)
    }
    send(index, &sources)
  }

  /// Sends the whole answer and its newline, or cuts off who does not take it: the kernel has room
  /// for ten times the largest one.
  @inline(never)
  private mutating func send(_ index: Int, _ sources: inout W.Sources) {
    answer.append("\n")
    Self.send(answer, index, &sources)
    answer.wipe()
    close(index, &sources)
  }

  private static func send(
    _ answer: borrowing Buffer, _ index: Int, _ sources: inout W.Sources
  ) {
    sources.send(to: index, answer.bytes)
  }
}

/// A client of the socket's, by its slot.
private struct Client {
  var isThere = false
  /// When it loses its slot, in milliseconds since boot.
  var deadline: Int64 = 0
  /// What it has sent so far.
  var line = Text<64>()
  /// For how many seconds it needs the token, while it waits for a refresh.
  var minimum: Int64?
}
