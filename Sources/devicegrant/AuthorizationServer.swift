internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import JSON
internal import Linux
internal import OAuth
internal import TLS

/// The authorization server, as its client talks to it: one function for each request, each with
/// its answer read. What an answer means for the command is the caller's.
struct AuthorizationServer: ~Copyable {
  private(set) var client: ClientConfiguration

  /// The server's words beside the last error.
  private(set) var reason = ServerError()

  /// What the last response said before its body.
  private(set) var head = ResponseHead()

  private var exchange: Exchange
  private let log: Log

  init(
    _ source: borrowing ConfigurationSource, _ attention: Attention, _ log: Log
  ) throws(Failure) {
    let client = try source.client(log)
    self.init(client, try openExchange(try findTrustAnchors(client, source), attention, log), log)
  }

  private init(_ client: ClientConfiguration, _ exchange: consuming Exchange, _ log: Log) {
    self.client = client
    self.exchange = exchange
    self.log = log
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
  var retryAfterSeconds: Int64? { head.retryAfterSeconds(unixSeconds: Clock.unixSeconds) }

  /// Asks for a code (RFC 8628 §3.1).
  ///
  /// - Throws: exit code 69 where it may be there later, 65 for an answer that is of no use.
  mutating func requestCode(into authorization: inout DeviceAuthorization) throws(Failure) {
    writeDeviceAuthorizationRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .deviceAuthorization).bytes,
      scopeParameter: client.preset.scopeParameter, scope: client.scope.bytes,
      extraParameters: client.extraParameters.bytes, to: &exchange.form)
    try post(to: .deviceAuthorization)
    defer { exchange.wipe() }
    do {
      try Self.read(head.status, exchange.body, &reason, into: &authorization)
    } catch {
      throw failure(error, client.url(of: .deviceAuthorization)!)
    }
  }

  /// Asks for the tokens (RFC 8628 §3.4).
  ///
  /// - Parameters:
  ///   - deadline: when the answer is no longer waited for, in milliseconds since boot.
  ///   - tokens: filled where the answer is `.granted`, else left empty.
  /// - Throws: exit code 69 where there was no answer.
  mutating func poll(
    _ deviceCode: borrowing Span<UInt8>, until deadline: Int64, into tokens: inout Tokens
  ) throws(Failure) -> PollAnswer {
    writeDeviceTokenRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .token).bytes,
      deviceCode: deviceCode, scopeParameter: client.preset.scopeParameter,
      scope: client.pollScope.bytes, to: &exchange.form)
    exchange.deadline = deadline
    try post(to: .token)
    defer { exchange.wipe() }
    return Self.read(head, exchange.body, &reason, into: &tokens)
  }

  /// Renews the tokens (RFC 6749 §6), in place.
  ///
  /// - Throws: exit code 69 where there was no answer; `wasSent` tells whether the server may have
  ///   taken the refresh token.
  mutating func refresh(_ tokens: inout Tokens) throws(Failure) -> RefreshAnswer {
    writeRefreshRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .refresh).bytes,
      refreshToken: tokens.refreshToken.bytes, to: &exchange.form)
    // An answer that is lost may cost the grant: a handshake is cheaper.
    exchange.close(idleFor: 5000)
    try post(to: .refresh)
    defer { exchange.wipe() }
    return Self.read(head, exchange.body, &reason, updating: &tokens)
  }

  /// Gets what the userinfo endpoint tells of the person; it is in `withBody`, until `wipe`.
  ///
  /// - Throws: exit code 69 where there was no answer, 78 where there is no such endpoint.
  @inline(never)
  mutating func getUserinfo(_ tokens: borrowing Tokens) throws(Failure) {
    guard let url = client.url(of: .userinfo) else {
      throw Failure(
        .configuration, "userinfo_endpoint is not set, and the provider has none; set it")
    }
    do {
      head = try exchange.get(url, accessToken: tokens.accessToken.bytes)
    } catch {
      throw exchangeFailure(error, url)
    }
  }

  /// Lends the body of the last response.
  mutating func withBody<Result>(_ body: (borrowing Span<UInt8>) -> Result) -> Result {
    body(exchange.body.bytes)
  }

  /// Overwrites the last response.
  mutating func wipe() {
    exchange.wipe()
  }

  /// Revokes a token (RFC 7009 §2.1).
  ///
  /// - Throws: exit code 69 or 65 where the server did not say that it is revoked.
  mutating func revoke(
    _ token: borrowing Span<UInt8>, hint: TokenTypeHint
  ) throws(Failure) {
    writeRevocationRequest(
      clientID: client.clientID.bytes, clientSecret: secretInBody(for: .revocation).bytes,
      token: token, hint: hint, to: &exchange.form)
    try post(to: .revocation)
    defer { exchange.wipe() }
    if head.status == 200 { return }
    let url = client.url(of: .revocation)!
    throw Failure(.unusableAnswer, "\(url) answered with HTTP status \(head.status)")
  }

  private func secretInBody(for endpoint: Endpoint) -> PermanentBytes {
    client.secret(for: endpoint, by: .post)
  }

  /// Posts the form that was written, with the client's secret in the head where it belongs there.
  @inline(never)
  private mutating func post(to endpoint: Endpoint) throws(Failure) {
    let url = client.url(of: endpoint)!
    head = ResponseHead()
    do {
      head = try exchange.post(
        to: url, clientID: client.clientID, clientSecret: client.secret(for: endpoint, by: .basic))
    } catch {
      throw exchangeFailure(error, url)
    }
  }

  // MARK: Discovery

  /// Finds the endpoints that the configuration leaves to the issuer's metadata, where they are not
  /// known yet (RFC 8414, OpenID Connect Discovery).
  ///
  /// - Throws: exit code 69 where the issuer can't be asked now, 65 where its metadata is no good.
  mutating func discover(_ files: inout GrantFiles) throws(Failure) {
    if !client.needsDiscovery || takeCachedMetadata(&files) { return }
    var failure: Failure?
    do {
      if try takeMetadata(.authorizationServer, &files) { return }
    } catch {
      // Where the first place has something else, or a fault, the second may have the metadata.
      if error.code != .unusableAnswer, head.status == 0 { throw error }
      failure = error
    }
    if try takeMetadata(.openIDProvider, &files) { return }
    if let failure { throw failure }
    let url = client.metadataURL(.openIDProvider)!
    throw Failure(.unusableAnswer, "\(url) answered with HTTP status \(head.status), not metadata")
  }

  /// Takes what was found less than a day ago.
  @discardableResult
  mutating func takeCachedMetadata(_ files: inout GrantFiles) -> Bool {
    defer { exchange.form.removeAll() }
    guard client.needsDiscovery, files.loadMetadata(into: &exchange.form) else { return false }
    var memory = Memory.endpoints()
    guard let metadata = readCache(exchange.form, client.issuer, &memory) else { return false }
    do {
      try client.complete(with: metadata)
      return true
    } catch {
      return false
    }
  }

  /// - Returns: false where there is nothing at that place.
  private mutating func takeMetadata(
    _ location: MetadataLocation, _ files: inout GrantFiles
  ) throws(Failure) -> Bool {
    let url = client.metadataURL(location)!
    head = ResponseHead()
    do {
      head = try exchange.get(url, accessToken: PermanentBytes("").bytes)
    } catch {
      throw exchangeFailure(error, url)
    }
    defer { exchange.wipe() }
    let status = head.status
    if isUnavailable(status) {
      throw Failure(.unavailable, "HTTP failed: \(url) is unavailable, HTTP status \(status)")
    }
    if status != 200 { return false }
    do {
      let metadata = try readMetadata(exchange.body, client.issuer)
      try client.complete(with: metadata)
      if let fault = metadata.ignored { log.warning("\(url): \(fault); going on without it") }
      metadata.writeCache(
        issuer: client.issuer, fetchedAt: Clock.unixSeconds, to: &exchange.form)
    } catch {
      throw Failure(.unusableAnswer, "\(url): \(error)")
    }
    files.saveMetadata(exchange.form)
    exchange.form.removeAll()
    let codes = client.text(of: .deviceAuthorization)
    let tokens = client.text(of: .token)
    log.info(
      """
      from \(url): device_authorization_endpoint=\(codes.bytes) token_endpoint=\(tokens.bytes)
      """)
    return true
  }

  // MARK: Reading
  //
  // Static, with what they use as arguments: a span of one member would lend out all of them.

  private static func read(
    _ status: Int, _ body: borrowing Buffer, _ reason: inout ServerError,
    into authorization: inout DeviceAuthorization
  ) throws(DeviceAuthorizationError) {
    try readDeviceAuthorization(
      status: status, body: body.bytes, reason: &reason, into: &authorization)
  }

  private static func read(
    _ head: ResponseHead, _ body: borrowing Buffer, _ reason: inout ServerError,
    into tokens: inout Tokens
  ) -> PollAnswer {
    let now = Clock.unixSeconds
    return readPollAnswer(
      status: head.status, body: body.bytes,
      retryAfter: head.retryAfterSeconds(unixSeconds: now), unixSeconds: now, reason: &reason,
      into: &tokens)
  }

  private static func read(
    _ head: ResponseHead, _ body: borrowing Buffer, _ reason: inout ServerError,
    updating tokens: inout Tokens
  ) -> RefreshAnswer {
    let now = Clock.unixSeconds
    return readRefreshAnswer(
      status: head.status, body: body.bytes,
      retryAfter: head.retryAfterSeconds(unixSeconds: now), unixSeconds: now, reason: &reason,
      updating: &tokens)
  }

  // MARK: Failures

  private func failure(_ error: DeviceAuthorizationError, _ url: borrowing URL) -> Failure {
    let status = head.status
    switch error {
    case .refused:
      return Failure(
        .unusableAnswer,
        "\(url) refused the request for a code: \(reason)\(help: client.preset.setUpHelp)")
    case .unavailable:
      return Failure(.unavailable, "HTTP failed: \(url) is unavailable, HTTP status \(status)")
    case .notJSON(let reason):
      if isWebPage { return webPage(url) }
      return Failure(
        .unusableAnswer, "\(url) answered with \(reason.description), HTTP status \(status)")
    case .unexpectedStatus:
      if isWebPage { return webPage(url) }
      return Failure(.unusableAnswer, "\(url) answered with HTTP status \(status) and no reason")
    case .missing(let name):
      return Failure(.unusableAnswer, "\(url): the answer has no usable \(name)")
    case .tooLong(let name):
      return Failure(.unusableAnswer, "\(url): the answer's \(name) is too long")
    }
  }

  private func webPage(_ url: borrowing URL) -> Failure {
    Failure(
      .unusableAnswer,
      """
      \(url) answered with a web page, HTTP status \(head.status): a captive portal, or a wrong \
      URL?
      """)
  }

  /// The failure for an answer that ends the polling.
  func failure(_ answer: PollAnswer) -> Failure {
    let url = client.url(of: .token)!
    switch answer {
    case .unusable(let fault): return failure(fault, url)
    default: return Failure(.unusableAnswer, "\(url) refused the poll: \(reason)")
    }
  }

  /// The failure for tokens that can't be used.
  func failure(_ fault: UnusableTokens, _ url: borrowing URL) -> Failure {
    switch fault {
    case .tokenType:
      Failure(.unusableAnswer, "\(url): token_type '\(reason.code.bytes)' is not bearer")
    case .tooLong(let name):
      Failure(.unusableAnswer, "\(url): the \(name) is larger than 16 KiB")
    case .malformed(let name):
      Failure(
        .unusableAnswer, "\(url): the \(name) holds what is not visible ASCII (RFC 6750 2.1)")
    }
  }

  /// The failure for an answer that says nothing: what came instead.
  func silence(_ endpoint: Endpoint) -> Failure {
    let url = client.url(of: endpoint)!
    let cause: StaticString =
      isWebPage ? "a web page (captive portal?)" : "no answer to go by"
    return Failure(.unavailable, "\(url.authority): \(cause), HTTP status \(head.status)")
  }
}

private func openExchange(
  _ trustAnchors: Path, _ attention: Attention, _ log: Log
) throws(Failure) -> Exchange {
  do {
    return try Exchange(trustAnchors: trustAnchors, attention, log)
  } catch {
    throw Failure(.defect, "\(ExchangeError.tls(error))")
  }
}

/// Says which layer failed, or that the clock is not set.
private func exchangeFailure(_ error: ExchangeError, _ url: borrowing URL) -> Failure {
  switch error {
  case .tls(let fault):
    let now = Clock.unixSeconds
    if fault.concernsTime, now < releaseUnixSeconds {
      return Failure(
        .unavailable, "clock not set (it says \(date: now)): \(url.authority): \(fault)")
    }
    return Failure(.unavailable, "\(url.authority): \(error)")
  case .http(.incomplete):
    return Failure(.unavailable, "\(url.authority): \(error)")
  case .http:
    return Failure(.unusableAnswer, "\(url.authority): \(error)")
  }
}

private func readCache(
  _ cache: borrowing Buffer, _ issuer: PermanentBytes, _ memory: inout Buffer
) -> Metadata? {
  Metadata(
    cache: cache.bytes, issuer: issuer, unixSeconds: Clock.unixSeconds, memory: &memory)
}

private func readMetadata(
  _ document: borrowing Buffer, _ issuer: PermanentBytes
) throws(MetadataError) -> Metadata {
  var memory = Memory.endpoints()
  return try Metadata(document.bytes, issuer: issuer, memory: &memory)
}
