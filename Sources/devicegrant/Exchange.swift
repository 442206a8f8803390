internal import Agent
internal import Bytes
internal import DeviceGrant
internal import HTTP
internal import Linux
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

/// The body of a request.
enum RequestBody {
  case deviceAuthorization
  case deviceToken(deviceCode: Text<2048>)

  var endpoint: Endpoint {
    switch self {
    case .deviceAuthorization: .deviceAuthorization
    case .deviceToken: .token
    }
  }

  func write<Sink: ByteSink & ~Copyable>(as client: ClientConfiguration, to sink: inout Sink) {
    let secret = client.secret(for: endpoint, by: .post).bytes
    switch self {
    case .deviceAuthorization:
      writeDeviceAuthorizationRequest(
        clientID: client.clientID.bytes, clientSecret: secret,
        scopeParameter: client.preset.scopeParameter, scope: client.scope.bytes,
        extraParameters: client.extraParameters.bytes, to: &sink)
    case .deviceToken(let deviceCode):
      writeDeviceTokenRequest(
        clientID: client.clientID.bytes, clientSecret: secret, deviceCode: deviceCode.bytes,
        scopeParameter: client.preset.scopeParameter, scope: client.pollScope.bytes, to: &sink)
    }
  }
}

/// Requests and responses on one connection, which is kept for the next request and opened anew
/// where it is gone.
struct Exchange: ~Copyable {
  /// The time for one exchange, from the name to the last byte, in milliseconds: a handshake on a
  /// slow board over a slow link takes some seconds.
  static let timeLimit: Int64 = 30_000

  /// The body of the last response.
  private(set) var body = Memory.responseBody()

  private var session: TLSSession
  private var origin: URL?
  private var request = Memory.request()
  private var received = Memory.receive()
  private let interrupt: Int32
  private let log: Log

  /// - Parameter interrupt: what `Patience.interrupt` wants.
  init(trustAnchors: Path, interrupt: Int32, log: Log) throws(TLSError) {
    session = try TLSSession(trustAnchors: trustAnchors)
    self.interrupt = interrupt
    self.log = log
  }

  /// Posts a form, with the client's secret where it belongs, and takes the response.
  mutating func post(
    _ form: RequestBody, to url: URL, as client: ClientConfiguration
  ) throws(ExchangeError) -> ResponseHead {
    var counter = ByteCounter()
    form.write(as: client, to: &counter)
    let head = RequestHead(.post(contentLength: counter.count), url)
    request.removeAll()
    head.begin(&request, version: version)
    let secret = client.secret(for: form.endpoint, by: .basic)
    if secret.count > 0 {
      appendBasicAuthorization(
        to: &request, clientID: client.clientID.bytes, clientSecret: secret.bytes)
    }
    head.end(&request)
    form.write(as: client, to: &request)
    precondition(!request.isTruncated, "a request is larger than its buffer")
    defer { request.wipe() }
    return try exchange(with: url)
  }

  /// Overwrites the last response, which may hold secrets.
  mutating func wipe() {
    body.wipe()
  }

  private mutating func exchange(with url: URL) throws(ExchangeError) -> ResponseHead {
    let patience = Patience(
      deadline: Clock.milliseconds + Self.timeLimit, interrupt: interrupt)
    body.wipe()
    do {
      try connect(to: url, patience)
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

  private mutating func connect(to url: URL, _ patience: Patience) throws(TLSError) {
    if session.isConnected, let origin, origin.hasSameOrigin(as: url), !session.isStale { return }
    origin = nil
    let resumptions = session.resumptions
    try session.connect(to: url.host, port: url.port, patience)
    origin = url
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
        throw .http(error)
      }
    }
    if !parser.keepsConnection { session.close() }
    return parser.head
  }

  // Static, with what they use as arguments: a span of one member would lend out all of them.

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
