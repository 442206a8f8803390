internal import Agent
internal import Bytes
internal import Configuration
internal import Linux

// Theory of operation.
//
// `run` hands the access token out over a UNIX socket: a client connects, sends one line, gets one
// line, and is gone. Nothing here waits for anybody. What a client has sent so far lies in its
// slot; one that takes too long loses it. A client that needs the token for longer than it is good
// keeps its slot until the refresh that it caused has ended.
//
// Nobody is let in before there is a slot: who waits, waits in the kernel's queue. Where all slots
// are taken, the oldest client of the user who has most of them has to go, once it has had time to
// speak, and not before what it has sent is read. So no user's crowd keeps others out.
//
//   token [SECONDS]    ok EXPIRES_AT TOKEN
//                      error REASON HINT
//   status             ok WORDS
//   state              ok {…}, how things stand
//   sign-out           ok signed out, for root and the agent's own user

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
  static var capacity: Int { 64 }

  /// In milliseconds: for a client to send its line, and for a refresh on its behalf.
  private static var patience: Int64 { 5000 }
  private static var refreshPatience: Int64 { 35_000 }
  /// For a sign-out: a refresh, the lock, the metadata at two places, the revocation.
  private static var signOutPatience: Int64 { 160_000 }
  /// For the same, where others wait for a slot.
  private static var turn: Int64 { 250 }
  private static var refreshTurn: Int64 { 2000 }
  /// Until somebody is let in again, where descriptors had run out.
  private static var pause: Int64 { 1000 }

  /// While there is no slot or no descriptor, nobody is let in.
  private var pausedUntil: Int64?
  private var clients = InlineArray<64, Client>(repeating: Client())

  /// The users who have been told of last; nobody has the highest number.
  private var toldOf = InlineArray<16, UInt32>(repeating: .max)
  private var nextToldOf = 0

  /// The token that is handed out; empty where none is.
  private var accessToken: Buffer
  private var answer: Buffer
  /// Whether a client waits for a refresh.
  private(set) var wantsRefresh = false
  /// Whether a client signs out.
  private(set) var wantsSignOut = false
  /// Where tokens are handed out, and the number of the socket's group; nil for nowhere.
  let socket: Path?
  private let group: UInt32?
  private let log: Log<W>
  private let resident = Resident()

  private var world: W { log.world }

  init(
    _ plan: borrowing Plan, _ token: consuming Buffer, _ answer: consuming Buffer, _ log: Log<W>
  ) {
    socket = plan.socket
    group = plan.socketGroup
    accessToken = token
    self.answer = answer
    self.log = log
  }

  /// Listens at the configured socket from now on.
  ///
  /// - Throws: `.socket` where that can't be.
  mutating func open(_ sources: inout W.Sources) throws(Fault) {
    guard let path = socket else { return }
    do {
      try sources.listen(at: path, group: group)
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

  /// Answers everybody who has signed out.
  ///
  /// - Parameter words: what did not work; none where all did.
  mutating func signOutEnded(_ words: Phrase, _ sources: inout W.Sources) {
    wantsSignOut = false
    for index in clients.indices where clients[index].signsOut {
      if words.isEmpty {
        answer.append("ok signed out")
      } else {
        answer.append("error unavailable ")
        answer.append(words.bytes)
      }
      send(index, &sources)
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
    if let end = pausedUntil, end <= now { resume(&sources) }
    for index in clients.indices
    where clients[index].isThere && clients[index].deadline <= now {
      end(index, &sources, standing)
    }
  }

  /// Ends a client whose time is over, unless it has said by now what gives it more.
  @inline(never)
  private mutating func end(
    _ index: Int, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    let deadline = clients[index].deadline
    read(index, &sources, standing)
    guard clients[index].isThere, clients[index].deadline == deadline else { return }
    if clients[index].waits {
      if clients[index].signsOut {
        answer.append("error unavailable signing out takes too long; see devicegrant status")
        send(index, &sources)
        // What nobody waits for any more is not to surprise later.
        wantsSignOut = false
        for index in clients.indices where clients[index].signsOut { wantsSignOut = true }
      } else {
        refuse(index, .unavailable, &sources, standing)
      }
    } else {
      log.debug { $0 <- "socket: a client sent nothing in time" }
      close(index, &sources)
    }
  }

  /// Lets the next one in who wants to connect, where there is a slot. Who else wants to is
  /// reported again.
  mutating func accept(
    now: Int64, _ sources: inout W.Sources, _ standing: borrowing Standing
  ) {
    let index = nextSlot
    if clients[index].isThere {
      if clients[index].yieldsAt > now {
        pause(until: clients[index].yieldsAt, &sources)
        return
      }
      end(index, &sources, standing)
      if clients[index].isThere { return }
    }
    do {
      guard let visitor = try sources.accept() else { return }
      let peer = visitor.credentials
      if let peer {
        log.write(isNews(peer.user) ? .info : .debug) {
          $0 <- "socket: client pid=" <- peer.process <- " uid=" <- Int64(peer.user)
          $0 <- " gid=" <- Int64(peer.group)
        }
      }
      sources.seat(at: index)
      clients[index] = Client(
        isThere: true, user: peer?.user ?? .max, deadline: now + Self.patience,
        yieldsAt: now + Self.turn)
    } catch {
      pause(until: now + Self.pause, &sources)
    }
  }

  /// Whether that user's programs have not been told of yet: some ask each second, for years.
  private mutating func isNews(_ user: UInt32) -> Bool {
    for index in toldOf.indices where toldOf[index] == user { return false }
    toldOf[nextToldOf] = user
    nextToldOf = (nextToldOf + 1) % toldOf.count
    return true
  }

  /// Who waits goes on waiting, and would be reported for ever.
  private mutating func pause(until instant: Int64, _ sources: inout W.Sources) {
    sources.setListening(false)
    pausedUntil = instant
  }

  private mutating func resume(_ sources: inout W.Sources) {
    pausedUntil = nil
    sources.setListening(true)
  }

  /// The slot for one more client: a free one, else whose client is the next to yield.
  private var nextSlot: Int {
    var (next, highest) = (0, Int64.min)
    for index in clients.indices {
      if !clients[index].isThere { return index }
      var crowd: Int64 = 0
      for other in clients.indices where clients[other].user == clients[index].user { crowd += 1 }
      // Who is of the larger crowd comes before who is older.
      let rank = crowd &<< 48 - clients[index].yieldsAt
      if rank > highest { (next, highest) = (index, rank) }
    }
    return next
  }

  @inline(never)
  private mutating func close(_ index: Int, _ sources: inout W.Sources) {
    guard clients[index].isThere else { return }
    sources.close(index)
    clients[index].isThere = false
    clients[index].minimum = nil
    clients[index].signsOut = false
    if pausedUntil != nil { resume(&sources) }
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
      if clients[index].waits {
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
    if clients[index].waits {
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
    } else if words.equals("sign-out"), clients[index].mayDecide {
      clients[index].signsOut = true
      clients[index].deadline = world.milliseconds + Self.signOutPatience
      clients[index].yieldsAt = clients[index].deadline
      wantsSignOut = true
    } else if let minimum = Self.minimum(words) {
      let supply = standing.agent.supply(forSeconds: minimum, now: world.milliseconds)
      if supply == .renewed {
        clients[index].minimum = minimum
        clients[index].deadline = world.milliseconds + Self.refreshPatience
        clients[index].yieldsAt = world.milliseconds + Self.refreshTurn
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
    case .usage: answer.append("expected one line: token [SECONDS], status, state or sign-out")
    case .unavailable:
      answer.append("the access token ends too soon")
      if standing.state == .notRenewed || standing.needsPerson { answer.append("; ") }
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
  /// Whose it is; the superuser's where the kernel does not tell.
  var user: UInt32 = 0
  /// When it loses its slot, in milliseconds since boot.
  var deadline: Int64 = 0
  /// From when on it may lose its slot to another client.
  var yieldsAt: Int64 = 0
  /// What it has sent so far.
  var line = Text<64>()
  /// For how many seconds it needs the token, while it waits for a refresh.
  var minimum: Int64?
  /// Whether it waits for the end of the grant.
  var signsOut = false

  /// Whether it waits for an answer that takes time.
  var waits: Bool { minimum != nil || signsOut }
  /// Whether it may do more than take what there is: who could do the same to the files.
  var mayDecide: Bool { user == 0 || user == User.number }
}
