internal import Agent
internal import Bytes
internal import Configuration
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
//   status             ok STATE

/// What a client of the socket is told instead of a token.
enum Refusal: UInt8 {
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

/// The socket that hands the access token out, with its clients.
struct HandOut: ~Copyable {
  static let capacity = 16

  /// In milliseconds: for a client to send its line, and for a refresh on its behalf.
  private static let patience: Int64 = 5000
  private static let refreshPatience: Int64 = 35_000
  private static let pause: Int64 = 1000

  /// The smallest time that a token is handed out with, where the client names none, in seconds.
  static let standardMinimum: Int64 = 60

  private struct Client {
    var descriptor: Int32 = -1
    /// When it loses its slot, in milliseconds since boot.
    var deadline: Int64 = 0
    /// What it has sent so far.
    var line = Text<64>()
    /// For how many seconds it needs the token, while it waits for a refresh.
    var minimum: Int64?
  }

  /// One more than there are slots stands for the listener.
  static let listenerToken: UInt32 = 0x100
  static let clientTokens: UInt32 = 0x200

  private var listener: LocalListener?
  /// While descriptors have run out, nobody is let in.
  private var pausedUntil: Int64?
  private var clients = InlineArray<16, Client>(repeating: Client())

  private var accessToken = Memory.handedOut()
  /// In milliseconds since boot; nil where nobody knows.
  private var expiresAt: Int64?
  private var refusal = Refusal.unavailable
  /// What is to be done, or what does not work, for a person to read; empty where all is well.
  private var hint = Text<1536>()
  /// Whether a client waits for a refresh.
  private(set) var wantsRefresh = false

  init() {}

  deinit {
    for index in clients.indices where clients[index].descriptor >= 0 {
      _ = FileDescriptor(owning: clients[index].descriptor)
    }
  }

  /// Listens at the configured socket from now on.
  ///
  /// - Throws: exit code 73 where that can't be.
  mutating func open(
    _ source: borrowing ConfigurationSource, _ queue: borrowing EventQueue, _ log: Log
  ) throws(Failure) {
    guard let socket = source.local.socket else { return }
    guard let path = Path(socket.bytes) else { throw source.failure(.socket, "is no path") }
    do {
      listener = try LocalListener(at: path, mode: 0o660, group: source.socketGroup)
    } catch {
      throw Failure(.cannotCreate, "socket \(path): \(error)")
    }
    watch(queue)
    log.info("handing tokens out at \(path)")
  }

  /// Has clients reported from now on.
  private mutating func watch(_ queue: borrowing EventQueue) {
    if let number = listener?.rawValue { try? queue.add(number, token: Self.listenerToken) }
  }

  // MARK: What there is to hand out

  /// Hands this token out from now on.
  ///
  /// - Parameters:
  ///   - expiresAt: in milliseconds since boot; nil where nobody knows.
  mutating func publish(_ token: borrowing Buffer, expiresAt: Int64?) {
    accessToken.wipe()
    accessToken.append(token.bytes)
    self.expiresAt = expiresAt
  }

  /// Whether that is the token that is handed out.
  func hands(_ token: borrowing Buffer) -> Bool {
    accessToken.bytes.equals(token.bytes)
  }

  /// Tells the token that is handed out from others.
  var checksum: UInt32 { accessToken.bytes.checksum }

  /// Hands nothing out from now on.
  mutating func withdraw() {
    accessToken.wipe()
    expiresAt = nil
  }

  /// Says what is to be done where there is no token.
  @inline(never)
  mutating func explain(_ refusal: Refusal, _ message: Message) {
    self.refusal = refusal
    hint.removeAll()
    Message.takeBytes { bytes, _ in hint.append(bytes) }
  }

  /// Answers everybody who waited for a refresh, whatever came of it.
  mutating func refreshEnded(_ queue: borrowing EventQueue, _ agent: Agent) {
    wantsRefresh = false
    for index in clients.indices {
      guard let minimum = clients[index].minimum else { continue }
      let supply = agent.supply(forSeconds: minimum, now: Clock.milliseconds)
      answerToken(index, supply == .nothing ? .nothing : .present, queue)
    }
  }

  // MARK: Clients

  /// When the next client loses its slot; nil where nobody is there.
  var deadline: Int64? {
    var earliest = pausedUntil
    for index in clients.indices where clients[index].descriptor >= 0 {
      earliest = min(earliest ?? Int64.max, clients[index].deadline)
    }
    return earliest
  }

  /// Ends the clients that took too long.
  mutating func expire(now: Int64, _ queue: borrowing EventQueue, _ log: Log) {
    if let end = pausedUntil, end <= now {
      pausedUntil = nil
      watch(queue)
    }
    for index in clients.indices
    where clients[index].descriptor >= 0 && clients[index].deadline <= now {
      if clients[index].minimum != nil {
        refuse(index, .unavailable, queue)
      } else {
        log.debug("socket: a client sent nothing in time")
        close(index, queue)
      }
    }
  }

  /// Takes everybody who wants to connect.
  mutating func accept(now: Int64, _ queue: borrowing EventQueue, _ log: Log) {
    // Not more than there are slots at a time: others wait too.
    for _ in 0..<Self.capacity {
      guard let connection = nextConnection(queue) else { return }
      let index = freeSlot(queue)
      if let peer = connection.peerCredentials {
        log.info(
          """
          socket: client pid=\(peer.process) uid=\(Int64(peer.user)) gid=\(Int64(peer.group))
          """)
      }
      clients[index].descriptor = connection.give()
      clients[index].deadline = now + Self.patience
      clients[index].line.removeAll()
      clients[index].minimum = nil
      try? queue.add(
        clients[index].descriptor, token: Self.clientTokens + UInt32(truncatingIfNeeded: index))
    }
  }

  private mutating func nextConnection(_ queue: borrowing EventQueue) -> FileDescriptor? {
    do {
      return try listener?.accept()
    } catch {
      // Descriptors have run out. Who waits goes on waiting, and would be reported for ever.
      if let number = listener?.rawValue { queue.remove(number) }
      pausedUntil = Clock.milliseconds + Self.pause
      return nil
    }
  }

  /// A slot for one more client: a free one, else the oldest client's.
  private mutating func freeSlot(_ queue: borrowing EventQueue) -> Int {
    var oldest = 0
    for index in clients.indices {
      if clients[index].descriptor < 0 { return index }
      if clients[index].deadline < clients[oldest].deadline { oldest = index }
    }
    close(oldest, queue)
    return oldest
  }

  private mutating func close(_ index: Int, _ queue: borrowing EventQueue) {
    guard clients[index].descriptor >= 0 else { return }
    queue.remove(clients[index].descriptor)
    _ = FileDescriptor(owning: clients[index].descriptor)
    clients[index].descriptor = -1
    clients[index].minimum = nil
  }

  /// Reads what a client has sent.
  mutating func read(
    _ token: UInt32, _ queue: borrowing EventQueue, _ agent: Agent
  ) {
    let index = Int(token - Self.clientTokens)
    guard index < Self.capacity, clients[index].descriptor >= 0 else { return }
    var space = InlineArray<64, UInt8>(repeating: 0)
    var span = space.mutableSpan
    let descriptor = clients[index].descriptor
    let transfer = span.withUnsafeMutableBytes {
      FileDescriptor.receive(from: descriptor, into: $0)
    }
    switch transfer {
    case .wouldBlock: return
    case .failed: close(index, queue)
    case .bytes(0):
      if clients[index].minimum != nil {
        // It may have ended its side only. The end would be reported for ever.
        queue.remove(descriptor)
      } else if clients[index].line.isEmpty {
        close(index, queue)
      } else {
        refuse(index, .usage, queue)
      }
    case .bytes(let count):
      take(space.span.extracting(first: count), index, queue, agent)
    }
  }

  private mutating func take(
    _ bytes: borrowing Span<UInt8>, _ index: Int, _ queue: borrowing EventQueue,
    _ agent: Agent
  ) {
    // Who waits for a refresh has nothing more to say.
    if clients[index].minimum != nil {
      refuse(index, .usage, queue)
      return
    }
    for position in bytes.indices {
      if bytes[position] == 0x0A {
        answer(index, queue, agent)
        return
      }
      clients[index].line.append(bytes[position])
    }
    if clients[index].line.isTruncated { refuse(index, .usage, queue) }
  }

  /// Answers a client's line.
  private mutating func answer(
    _ index: Int, _ queue: borrowing EventQueue, _ agent: Agent
  ) {
    let line = clients[index].line
    let words = line.bytes.trimmed()
    if line.isTruncated {
      refuse(index, .usage, queue)
    } else if words.equals("status") {
      answerStatus(index, queue)
    } else if let minimum = Self.minimum(words) {
      let supply = agent.supply(forSeconds: minimum, now: Clock.milliseconds)
      if supply == .renewed {
        clients[index].minimum = minimum
        clients[index].deadline = Clock.milliseconds + Self.refreshPatience
        wantsRefresh = true
      } else {
        answerToken(index, supply, queue)
      }
    } else {
      refuse(index, .usage, queue)
    }
  }

  /// The seconds in `token` or `token SECONDS`; nil where it is something else.
  private static func minimum(_ words: borrowing Span<UInt8>) -> Int64? {
    guard words.hasPrefix("token") else { return nil }
    if words.count == 5 { return standardMinimum }
    guard words[5].isBlank else { return nil }
    return words.suffix(from: 6).trimmed().parseDecimal()
  }

  private mutating func answerToken(
    _ index: Int, _ supply: Agent.Supply, _ queue: borrowing EventQueue
  ) {
    let left = expiresAt.map { $0 - Clock.milliseconds }
    if accessToken.isEmpty || supply == .nothing || (left ?? 1) <= 0 {
      refuse(index, refusal, queue)
      return
    }
    var answer = Memory.answer()
    answer.append("ok ")
    // Zero where nobody knows.
    answer.append(decimal: left.map { Clock.unixSeconds + $0 / 1000 } ?? 0)
    answer.append(" ")
    Self.append(accessToken, to: &answer)
    answer.append("\n")
    send(answer, index, queue)
    answer.wipe()
  }

  private static func append(_ token: borrowing Buffer, to answer: inout Buffer) {
    answer.append(token.bytes)
  }

  private mutating func answerStatus(_ index: Int, _ queue: borrowing EventQueue) {
    var answer = Memory.answer()
    answer.append(accessToken.isEmpty ? "ok " : hint.isEmpty ? "ok signed in" : "ok signed in; ")
    answer.append(hint.bytes)
    answer.append("\n")
    send(answer, index, queue)
  }

  private mutating func refuse(
    _ index: Int, _ refusal: Refusal, _ queue: borrowing EventQueue
  ) {
    var answer = Memory.answer()
    answer.append("error ")
    answer.append(refusal.name)
    answer.append(" ")
    switch refusal {
    case .usage: answer.append("expected one line: token [SECONDS], or status")
    case .unavailable:
      answer.append("the access token ends too soon")
      if !hint.isEmpty { answer.append("; ") }
      answer.append(hint.bytes)
    case .loginRequired: answer.append(hint.bytes)
    }
    answer.append("\n")
    send(answer, index, queue)
  }

  /// Sends the whole answer, or cuts off who does not take it: the kernel has room for ten times
  /// the largest one.
  private mutating func send(
    _ answer: borrowing Buffer, _ index: Int, _ queue: borrowing EventQueue
  ) {
    let descriptor = clients[index].descriptor
    _ = answer.bytes.withUnsafeBytes { FileDescriptor.send(to: descriptor, $0) }
    close(index, queue)
  }
}
