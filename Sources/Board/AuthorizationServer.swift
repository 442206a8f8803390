internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import Linux
internal import OAuth

/// The authorization server, as its client talks to it: one function for each request, each with
/// its answer read. What an answer means for the command is the caller's.
struct AuthorizationServer<W: World>: ~Copyable {
  private(set) var client: ClientConfiguration
  /// Whether an endpoint that metadata have told was not there: they may tell another by now.
  var isDoubtful = false
  /// Whether that was what the last request brought.
  private(set) var isAbsent = false

  /// The server's words beside the last error.
  private(set) var reason = ServerError()

  /// What the last response said before its body.
  private(set) var head = ResponseHead()

  /// What was wrong with the last metadata.
  var metadataError: MetadataError?

  private var exchange: Exchange<W>
  private let resident = Resident()
  let log: Log<W>

  var world: W { log.world }

  init(
    _ client: ClientConfiguration, _ connection: consuming W.Connection,
    _ memory: consuming ExchangeMemory, _ log: Log<W>
  ) {
    self.client = client
    exchange = Exchange(connection, memory, log)
    self.log = log
  }

  /// How this provider words its errors.
  private var wording: Wording {
    Wording(usesSentences: client.preset.usesSentences, deadToken: client.preset.deadToken)
  }

  /// Whether the last request may have reached the server.
  var wasSent: Bool { exchange.wasSent }

  /// Whether the last answer was a web page, as captive portals and proxies send.
  var isWebPage: Bool { head.isHTML }

  /// Whether the last answer, which says nothing, may have come of a refresh that took place: a
  /// success that can't be read, a fault on the server's way to its answer, or a gateway that did
  /// not get to see the answer.
  var mayHaveRefreshed: Bool {
    head.status < 300 || head.status == 500 || head.status == 502 || head.status == 504
  }

  /// Seconds that the last answer asks to wait.
  var retryAfterSeconds: Int64? { head.retryAfterSeconds(unixSeconds: world.unixSeconds) }

  /// Whether there is an endpoint of that kind.
  func has(_ endpoint: Endpoint) -> Bool { client.text(of: endpoint).count > 0 }

  /// Asks for a code (RFC 8628 §3.1).
  mutating func requestCode(
    into authorization: inout DeviceAuthorization, attending: Attending
  ) throws(Fault) {
    writeDeviceAuthorizationRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .deviceAuthorization).bytes,
      scopeParameter: client.preset.scopeParameter, scope: client.scope.bytes,
      extraParameters: client.extraParameters.bytes, to: &exchange.memory.form)
    try post(to: .deviceAuthorization, attending: attending)
    defer { exchange.wipe() }
    do {
      try Self.read(head.status, exchange.memory.body, wording, &reason, into: &authorization)
    } catch {
      reason.mask(client.clientSecret.bytes)
      throw fault(error)
    }
  }

  /// Asks for the tokens (RFC 8628 §3.4).
  ///
  /// - Parameters:
  ///   - deadline: when the answer is no longer waited for, in milliseconds since boot.
  ///   - tokens: filled where the answer is `.granted`, else left empty.
  mutating func poll(
    _ deviceCode: borrowing Span<UInt8>, until deadline: Int64, into tokens: inout Tokens,
    attending: Attending
  ) throws(Fault) -> PollAnswer {
    writeDeviceTokenRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .token).bytes,
      deviceCode: deviceCode, scopeParameter: client.preset.scopeParameter,
      scope: client.pollScope.bytes, to: &exchange.memory.form)
    exchange.deadline = deadline
    try post(to: .token, attending: attending)
    defer {
      exchange.wipe()
      hide(deviceCode)
    }
    return Self.read(
      head, exchange.memory.body, world.unixSeconds, wording, &reason, into: &tokens)
  }

  /// Connects for `refresh`, which follows: so it is known before whether anything can be sent.
  ///
  /// - Parameter isRepeated: whether the last answer was lost, and the connection may be why.
  /// - Returns: the deadline of both, in milliseconds since boot.
  mutating func reachRefresh(isRepeated: Bool, attending: Attending) throws(Fault) -> Int64 {
    // An answer that is lost may cost the grant: a handshake is cheaper.
    exchange.close(idleFor: isRepeated ? -1 : 5000)
    forgetAnswer()
    do {
      return try exchange.reach(client.url(of: .refresh)!, .refresh, attending: attending)
    } catch {
      throw judged(error, .refresh)
    }
  }

  /// Renews the tokens (RFC 6749 §6), in place. Where this throws, `wasSent` tells whether the
  /// server may have taken the refresh token.
  mutating func refresh(
    _ tokens: inout Tokens, until deadline: Int64, attending: Attending
  ) throws(Fault) -> RefreshAnswer {
    writeRefreshRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .refresh).bytes,
      refreshToken: tokens.refreshToken.bytes, to: &exchange.memory.form)
    exchange.deadline = deadline
    try post(to: .refresh, attending: attending)
    defer {
      exchange.wipe()
      // Where there are words of an error, it is the one that was sent.
      hide(tokens.refreshToken.bytes)
    }
    return Self.read(
      head, exchange.memory.body, world.unixSeconds, wording, &reason, updating: &tokens)
  }

  /// Gets what the userinfo endpoint tells of the person; it is in `withBody`, until `wipe`.
  @inline(never)
  mutating func getUserinfo(
    _ tokens: borrowing Tokens, attending: Attending
  ) throws(Fault) {
    guard let url = client.url(of: .userinfo) else { throw Fault(.noUserinfo, .userinfo) }
    defer { noteAbsence(of: .userinfo) }
    try get(url, .userinfo, accessToken: tokens.accessToken.bytes, attending: attending)
  }

  /// Revokes a token (RFC 7009 §2.1).
  ///
  /// - Returns: false where the server says that there is nothing to revoke.
  mutating func revoke(
    _ token: borrowing Span<UInt8>, hint: TokenTypeHint, attending: Attending
  ) throws(Fault) -> Bool {
    writeRevocationRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .revocation).bytes,
      token: token, hint: hint, to: &exchange.memory.form)
    try post(to: .revocation, attending: attending)
    defer { exchange.wipe() }
    switch Self.read(head.status, exchange.memory.body) {
    case .revoked: return true
    case .pointless: return false
    case .failed: throw Fault(.status, .revocation, status: head.status)
    }
  }

  /// Lends the body of the last response.
  borrowing func withBody<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
    body(exchange.memory.body.bytes)
  }

  /// Overwrites the last response.
  mutating func wipe() {
    exchange.wipe()
  }

  /// Masks what the server's words repeat of a request.
  private mutating func hide(_ secret: borrowing Span<UInt8>) {
    reason.mask(secret)
    reason.mask(client.clientSecret.bytes)
  }

  private func secretInBody(for endpoint: Endpoint) -> PermanentBytes {
    client.secret(for: endpoint, by: .post)
  }

  /// Posts the form that was written, with the client's secret in the head where it belongs there.
  @inline(never)
  private mutating func post(to endpoint: Endpoint, attending: Attending) throws(Fault) {
    let url = client.url(of: endpoint)!
    forgetAnswer()
    do {
      head = try exchange.post(
        to: url, Party(endpoint), clientID: client.clientID,
        clientSecret: client.secret(for: endpoint, by: .basic), attending: attending)
    } catch {
      throw judged(error, endpoint)
    }
    noteAbsence(of: endpoint)
  }

  /// Looks at whether an endpoint is where it was, as far as there is an answer.
  private mutating func noteAbsence(of endpoint: Endpoint) {
    if !client.isDiscovered(endpoint) || head.status == 0 { return }
    isAbsent = head.status == 404 || head.status == 405 || head.status == 410
    isDoubtful = isAbsent
  }

  private mutating func forgetAnswer() {
    head = ResponseHead()
    isAbsent = false
  }

  private mutating func judged(_ fault: Fault, _ endpoint: Endpoint) -> Fault {
    if fault.kind == .name, client.isDiscovered(endpoint) {
      isAbsent = true
      isDoubtful = true
    }
    return blamingClock(fault)
  }

  @inline(never)
  mutating func get(
    _ url: borrowing URL, _ party: Party, accessToken: borrowing Span<UInt8>,
    attending: Attending
  ) throws(Fault) {
    forgetAnswer()
    do {
      head = try exchange.get(url, party, accessToken: accessToken, attending: attending)
    } catch {
      throw blamingClock(error)
    }
  }

  // MARK: Metadata

  /// Takes metadata from a cache.
  ///
  /// - Parameter load: fills a buffer with the cache; false where there is none.
  /// - Returns: whether there is an endpoint for each request now.
  @discardableResult
  mutating func takeMetadata(cachedBy load: (inout Buffer) -> Bool) -> Bool {
    if !client.needsDiscovery { return true }
    defer { exchange.memory.form.removeAll() }
    guard load(&exchange.memory.form) else { return false }
    exchange.memory.endpoints.removeAll()
    guard
      let metadata = Self.read(
        exchange.memory.form, client.issuer, world.unixSeconds, &exchange.memory.endpoints)
    else { return false }
    do {
      try client.complete(with: metadata)
      return true
    } catch {
      return false
    }
  }

  /// Takes the metadata that was just received.
  ///
  /// - Parameter keep: is lent the cache that comes of it.
  mutating func takeMetadata(
    of party: Party, keptBy keep: (borrowing Buffer) -> Void
  ) throws(Fault) {
    exchange.memory.endpoints.removeAll()
    do {
      let metadata = try Self.readMetadata(
        exchange.memory.body, client.issuer, &exchange.memory.endpoints)
      client.forgetDiscovered()
      metadataError = try client.complete(with: metadata) ?? metadata.ignored
      metadata.writeCache(
        issuer: client.issuer, fetchedAt: world.unixSeconds, to: &exchange.memory.form)
    } catch {
      metadataError = error
      throw Fault(.metadata, party)
    }
    keep(exchange.memory.form)
    exchange.memory.form.removeAll()
  }

  // MARK: Reading
  //
  // Static, with what they use as arguments: a span of one member would lend out all of them.

  private static func read(
    _ status: Int, _ body: borrowing Buffer, _ wording: Wording, _ reason: inout ServerError,
    into authorization: inout DeviceAuthorization
  ) throws(DeviceAuthorizationError) {
    try readDeviceAuthorization(
      status: status, body: body.bytes, wording: wording, reason: &reason, into: &authorization)
  }

  private static func read(
    _ head: ResponseHead, _ body: borrowing Buffer, _ now: Int64, _ wording: Wording,
    _ reason: inout ServerError,
    into tokens: inout Tokens
  ) -> PollAnswer {
    readPollAnswer(
      status: head.status, body: body.bytes,
      retryAfter: head.retryAfterSeconds(unixSeconds: now), unixSeconds: now,
      wording: wording, reason: &reason,
      into: &tokens)
  }

  private static func read(
    _ head: ResponseHead, _ body: borrowing Buffer, _ now: Int64, _ wording: Wording,
    _ reason: inout ServerError,
    updating tokens: inout Tokens
  ) -> RefreshAnswer {
    readRefreshAnswer(
      status: head.status, body: body.bytes,
      retryAfter: head.retryAfterSeconds(unixSeconds: now), unixSeconds: now,
      wording: wording, reason: &reason,
      updating: &tokens)
  }

  private static func read(_ status: Int, _ body: borrowing Buffer) -> RevocationAnswer {
    readRevocationAnswer(status: status, body: body.bytes)
  }

  private static func read(
    _ cache: borrowing Buffer, _ issuer: PermanentBytes, _ now: Int64, _ memory: inout Buffer
  ) -> Metadata? {
    Metadata(cache: cache.bytes, issuer: issuer, unixSeconds: now, memory: &memory)
  }

  private static func readMetadata(
    _ document: borrowing Buffer, _ issuer: PermanentBytes, _ memory: inout Buffer
  ) throws(MetadataError) -> Metadata {
    try Metadata(document.bytes, issuer: issuer, memory: &memory)
  }
}
