internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import Linux
internal import OAuth
internal import TLS

/// Why a request brought no response.
enum ExchangeError: Error {
  case tls(TLSError)
  case http(HTTPError)

  var isInterruption: Bool {
    switch self {
    case .tls(.interrupted), .tls(.connect(.interrupted)): true
    default: false
    }
  }
}

/// Requests and responses on one connection, which is kept for the next request and opened anew
/// where it is gone.
struct Exchange: ~Copyable {
  /// The time for one exchange, from the name to the last byte, in milliseconds: a handshake on a
  /// slow board over a slow link takes some seconds.
  static let timeLimit: Int64 = 30_000

  /// How long a connection may have been idle, in milliseconds, to carry a request: there are
  /// routers that forget it after minutes, and tell nobody. Polls a minute apart share one.
  private static let idleLimit: Int64 = 65_000

  /// The body of the next request that is posted.
  var form = Memory.form()

  /// The body of the last response.
  private(set) var body = Memory.responseBody()

  /// Whether the last request may have reached the server.
  private(set) var wasSent = false

  /// When the next exchange is given up at the latest, in milliseconds since boot.
  var deadline = Int64.max

  private var session: TLSSession
  private var origin: URL?
  /// When the last answer was complete, in milliseconds since boot.
  private var idleSince: Int64 = 0
  private var request = Memory.request()
  private var received = Memory.receive()
  private let attention: Attention
  private let log: Log

  init(trustAnchors: Path, _ attention: Attention, _ log: Log) throws(TLSError) {
    session = try TLSSession(trustAnchors: trustAnchors)
    self.attention = attention
    self.log = log
  }

  /// Posts what is in `form`, with Basic authentication where the secret is not empty, and takes
  /// the response.
  @inline(never)
  mutating func post(
    to url: borrowing URL, clientID: PermanentBytes, clientSecret: PermanentBytes
  ) throws(ExchangeError) -> ResponseHead {
    let head = RequestHead(.post(contentLength: form.count))
    request.removeAll()
    head.begin(&request, url, version: version)
    if clientSecret.count > 0 {
      appendBasicAuthorization(
        to: &request, clientID: clientID.bytes, clientSecret: clientSecret.bytes)
    }
    head.end(&request)
    Self.append(form, to: &request)
    form.wipe()
    return try exchange(with: url)
  }

  /// Gets a resource, with an access token where one is given.
  @inline(never)
  mutating func get(
    _ url: borrowing URL, accessToken: borrowing Span<UInt8>
  ) throws(ExchangeError) -> ResponseHead {
    let head = RequestHead(.get)
    request.removeAll()
    head.begin(&request, url, version: version)
    if accessToken.count > 0 {
      appendBearerAuthorization(to: &request, accessToken: accessToken)
    }
    head.end(&request)
    return try exchange(with: url)
  }

  /// Ends the connection where it has been idle for longer, in milliseconds.
  @inline(never)
  mutating func close(idleFor limit: Int64) {
    if Clock.milliseconds - idleSince > limit { session.close() }
  }

  /// Overwrites the last response, which may hold secrets.
  mutating func wipe() {
    body.wipe()
  }

  @inline(never)
  private mutating func exchange(
    with url: borrowing URL
  ) throws(ExchangeError) -> ResponseHead {
    precondition(!request.isTruncated, "a request is larger than its buffer")
    defer { request.wipe() }
    let patience = attention.patience(for: Self.timeLimit).ending(by: deadline)
    deadline = Int64.max
    body.wipe()
    wasSent = false
    do {
      try connect(to: url, patience)
      wasSent = true
      try Self.send(request, over: &session, patience)
    } catch {
      session.close()
      throw .tls(error)
    }
    do {
      return try receive(patience)
    } catch {
      session.close()
      throw error
    }
  }

  private mutating func connect(
    to url: borrowing URL, _ patience: Patience
  ) throws(TLSError) {
    close(idleFor: Self.idleLimit)
    if session.isConnected, let origin, origin.hasSameOrigin(as: url), !session.isStale {
      return
    }
    origin = nil
    let resumptions = session.resumptions
    try session.connect(to: url.host, port: url.port, patience)
    origin = copy url
    if session.resumptions == resumptions {
      log.debug("connected to \(url.authority)")
    } else {
      log.debug("connected to \(url.authority), TLS session resumed")
    }
  }

  private mutating func receive(_ patience: Patience) throws(ExchangeError) -> ResponseHead {
    var parser = ResponseParser()
    defer { received.wipe() }
    while !parser.isComplete {
      received.removeAll()
      let count: Int
      do {
        count = try session.receive(into: &received, patience)
      } catch {
        throw .tls(error)
      }
      do {
        let taken = try Self.advance(&parser, received, body: &body)
        // What nobody asked for can't be the answer to the next request.
        if taken < count { session.close() }
      } catch {
        // What a server in trouble says beside its status is of no interest.
        guard error == .bodyTooLarge, isUnavailable(parser.head.status) else {
          throw .http(error)
        }
        body.wipe()
        session.close()
        return parser.head
      }
    }
    if !parser.keepsConnection { session.close() }
    idleSince = Clock.milliseconds
    return parser.head
  }

  // Static, with what they use as arguments: a span of one member would lend out all of them.

  private static func append(_ form: borrowing Buffer, to request: inout Buffer) {
    request.append(form.bytes)
  }

  private static func send(
    _ request: borrowing Buffer, over session: inout TLSSession, _ patience: Patience
  ) throws(TLSError) {
    try session.send(request.bytes, patience)
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
