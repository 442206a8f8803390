internal import Bytes
internal import HTTP
internal import Linux
internal import OAuth
internal import TLS

/// Requests and responses on one connection, which is kept for the next request and opened anew
/// where it is gone.
struct Exchange<W: World>: ~Copyable {
  /// The time for one exchange, from the name to the last byte, in milliseconds: a handshake on a
  /// slow board over a slow link takes some seconds.
  static var timeLimit: Int64 { 30_000 }

  /// How long a connection may have been idle, in milliseconds, to carry a request: there are
  /// routers that forget it after minutes, and tell nobody. Polls a minute apart share one.
  private static var idleLimit: Int64 { 65_000 }

  /// The memory that it works in. The body of the next request that is posted is written to `form`,
  /// and the body of the last response is in `body`.
  var memory: ExchangeMemory

  /// Whether the last request may have reached the server.
  private(set) var wasSent = false
  private let resident = Resident()

  /// When the next exchange is given up at the latest, in milliseconds since boot.
  var deadline = Int64.max

  private var connection: W.Connection
  /// The authority of the server that is connected; empty for none.
  private var origin = Text<512>()
  /// When the connection was made or the last answer complete, in milliseconds since boot.
  private var idleSince: Int64 = 0
  /// Whether nothing has been sent on the connection.
  private var isUnused = false
  private let log: Log<W>

  private var world: W { log.world }

  init(
    _ connection: consuming W.Connection, _ memory: consuming ExchangeMemory,
    _ log: Log<W>
  ) {
    self.connection = connection
    self.memory = memory
    self.log = log
  }

  /// Posts what is in `form`, with Basic authentication where the secret is not empty, and takes
  /// the response.
  @inline(never)
  mutating func post(
    to url: borrowing URL, _ party: Party, clientID: PermanentBytes,
    clientSecret: PermanentBytes, attending: Attending
  ) throws(Fault) -> ResponseHead {
    let head = RequestHead(.post(contentLength: memory.form.count))
    memory.request.removeAll()
    head.begin(&memory.request, url, version: version)
    if clientSecret.count > 0 {
      appendBasicAuthorization(
        to: &memory.request, clientID: clientID.bytes, clientSecret: clientSecret.bytes)
    }
    head.end(&memory.request)
    Self.append(memory.form, to: &memory.request)
    memory.form.wipe()
    return try exchange(with: url, party, attending: attending)
  }

  /// Gets a resource, with an access token where one is given.
  @inline(never)
  mutating func get(
    _ url: borrowing URL, _ party: Party, accessToken: borrowing Span<UInt8>,
    attending: Attending
  ) throws(Fault) -> ResponseHead {
    let head = RequestHead(.get)
    memory.request.removeAll()
    head.begin(&memory.request, url, version: version)
    if accessToken.count > 0 {
      appendBearerAuthorization(to: &memory.request, accessToken: accessToken)
    }
    head.end(&memory.request)
    return try exchange(with: url, party, attending: attending)
  }

  /// Ends the connection where it has been idle for longer, in milliseconds.
  @inline(never)
  mutating func close(idleFor limit: Int64) {
    if world.milliseconds - idleSince > limit { connection.close() }
  }

  /// Connects, for a request that follows at once and has what is left of the time.
  ///
  /// - Returns: the deadline of both, in milliseconds since boot.
  @inline(never)
  mutating func reach(
    _ url: borrowing URL, _ party: Party, attending: Attending
  ) throws(Fault) -> Int64 {
    let end = world.milliseconds + Self.timeLimit
    wasSent = false
    do {
      try connect(to: url, until: end, attending: attending)
    } catch {
      connection.close()
      throw .exchange(party, error)
    }
    return end
  }

  /// Overwrites the last response, which may hold secrets.
  mutating func wipe() {
    memory.body.wipe()
  }

  @inline(never)
  private mutating func exchange(
    with url: borrowing URL, _ party: Party, attending: Attending
  ) throws(Fault) -> ResponseHead {
    precondition(!memory.request.isTruncated, "a request is larger than its buffer")
    defer { memory.request.wipe() }
    let end = min(deadline, world.milliseconds + Self.timeLimit)
    deadline = Int64.max
    memory.body.wipe()
    wasSent = false
    do {
      try connect(to: url, until: end, attending: attending)
      isUnused = false
      wasSent = true
      try Self.send(memory.request, over: &connection, until: end, attending: attending)
    } catch {
      connection.close()
      throw .exchange(party, error)
    }
    do {
      return try receive(party, until: end, attending: attending)
    } catch {
      connection.close()
      throw error
    }
  }

  private mutating func connect(
    to url: borrowing URL, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    close(idleFor: Self.idleLimit)
    if connection.isConnected, origin.bytes.equalsIgnoringCase(url.authority),
      isJustMade || !connection.isStale
    {
      return
    }
    origin.removeAll()
    let resumptions = connection.resumptions
    try connection.connect(
      to: url.host, port: url.port, until: deadline, attending: attending)
    origin.append(url.authority)
    isUnused = true
    idleSince = world.milliseconds
    let isResumed = connection.resumptions != resumptions
    log.debug {
      $0 <- "connected to " <- origin.bytes <- (isResumed ? ", TLS session resumed" : "")
    }
  }

  /// Whether it was made for the request that follows: what comes meanwhile are TLS 1.3's tickets.
  private var isJustMade: Bool { isUnused && world.milliseconds - idleSince < 1000 }

  private mutating func receive(
    _ party: Party, until deadline: Int64, attending: Attending
  ) throws(Fault) -> ResponseHead {
    var parser = ResponseParser()
    defer { memory.received.wipe() }
    while !parser.isComplete {
      memory.received.removeAll()
      let count: Int
      do {
        count = try connection.receive(
          into: &memory.received, until: deadline, attending: attending)
      } catch {
        throw .exchange(party, error)
      }
      do {
        let taken = try Self.advance(&parser, memory.received, body: &memory.body)
        // What nobody asked for can't be the answer to the next request.
        if taken < count { connection.close() }
      } catch {
        // A failure, or a web page, is of no interest beyond its head.
        let head = parser.head
        let isOfInterest =
          error == .bodyTooLarge ? isSuccess(head.status) : !isUnavailable(head.status)
        guard error.losesContent, !isOfInterest || head.isHTML else {
          throw .exchange(party, error)
        }
        memory.body.wipe()
        connection.close()
        return parser.head
      }
    }
    if !parser.keepsConnection { connection.close() }
    idleSince = world.milliseconds
    return parser.head
  }

  // Static, with what they use as arguments: a span of one member would lend out all of them.

  private static func append(_ form: borrowing Buffer, to request: inout Buffer) {
    request.append(form.bytes)
  }

  private static func send(
    _ request: borrowing Buffer, over connection: inout W.Connection, until deadline: Int64,
    attending: Attending
  ) throws(TLSError) {
    try connection.send(request.bytes, until: deadline, attending: attending)
  }

  /// Gives the parser what was received, of which there is none at the connection's end.
  private static func advance(
    _ parser: inout ResponseParser, _ received: borrowing Buffer, body: inout Buffer
  ) throws(HTTPError) -> Int {
    if received.isEmpty {
      try parser.finish()
      return 0
    }
    return try parser.consume(received.bytes, body: &body)
  }
}
