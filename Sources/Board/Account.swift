internal import Bytes
internal import Configuration
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// The grant at the server and on the disk: what takes both.
public struct Account<W: World>: ~Copyable {
  var server: AuthorizationServer<W>
  var keeper: Keeper<W>
  let log: Log<W>

  var world: W { log.world }

  /// - Throws: where TLS can't be set up.
  public init(
    _ plan: borrowing Plan, _ exchange: consuming ExchangeMemory, _ keeper: consuming Keeper<W>,
    _ log: Log<W>
  ) throws(Fault) {
    server = try makeServer(plan, exchange, log)
    self.keeper = keeper
    self.log = log
  }

  /// Opens the token file's directory, made where it is missing, and finds out whether tokens could
  /// be kept there.
  ///
  /// - Parameter isService: whether a good access token is enough to go on with.
  /// - Throws: also where TLS can't be set up.
  public init(
    creating plan: borrowing Plan, _ exchange: consuming ExchangeMemory,
    _ keeper: consuming KeeperMemory, isService: Bool = true, _ log: Log<W>
  ) throws(Fault) {
    var keeper = try Keeper(creating: plan.place, keeper, log)
    try keeper.checkWritable(orServe: isService)
    server = try makeServer(plan, exchange, log)
    self.keeper = keeper
    self.log = log
  }

  // MARK: Metadata

  /// Finds the endpoints that the configuration leaves to the issuer's metadata, where they are not
  /// known yet (RFC 8414, OpenID Connect Discovery).
  ///
  /// - Throws: a transient fault where the issuer can't be asked now, else one of its metadata.
  mutating func discover(attending: Attending) throws(Fault) {
    if !server.isDoubtful {
      if takeCachedMetadata() { return }
      return try fetchMetadata(attending: attending)
    }
    server.isDoubtful = false
    do {
      try fetchMetadata(attending: attending)
    } catch {
      // What was known may be right all the same; else the next look may bring more.
      server.isDoubtful = error.isTransient
      if server.client.needsDiscovery || error.kind == .interrupted { throw error }
    }
  }

  /// Does what takes an endpoint, and once more where it was not there and metadata say by now that
  /// it is elsewhere: whoever moves each time is not followed, and what was not answered may have
  /// been done.
  ///
  /// - Parameter body: judges the answer as well: what metadata bring takes its place.
  mutating func follow<Success>(
    _ endpoint: Endpoint, attending: Attending,
    _ body: (inout Self, Attending) throws(Fault) -> Success
  ) throws(Fault) -> Success {
    let outcome: Result<Success, Fault>
    do {
      outcome = .success(try body(&self, attending))
    } catch {
      outcome = .failure(error)
    }
    if server.isAbsent, try hasMoved(endpoint, attending: attending) {
      return try body(&self, attending)
    }
    return try outcome.get()
  }

  /// Looks for an endpoint where the metadata say by now, if it is not where they said before.
  ///
  /// - Returns: whether it has moved.
  @inline(never)
  mutating func hasMoved(_ endpoint: Endpoint, attending: Attending) throws(Fault) -> Bool {
    if !server.isDoubtful { return false }
    let before = server.client.text(of: endpoint).bytes.checksum
    try discover(attending: attending)
    return server.client.text(of: endpoint).bytes.checksum != before
  }

  private mutating func fetchMetadata(attending: Attending) throws(Fault) {
    var failure: Fault?
    do {
      if try takeMetadata(.authorizationServer, attending: attending) { return }
    } catch {
      // Where the first place has something else, or a fault, the second may have the metadata.
      if error.exitCode != .unusableAnswer, server.head.status == 0 { throw error }
      failure = error
    }
    if try takeMetadata(.openIDProvider, attending: attending) { return }
    if let failure { throw failure }
    throw Fault(.noMetadata, .openIDProviderMetadata, status: server.head.status)
  }

  /// Takes what was found less than a day ago.
  ///
  /// - Returns: whether there is an endpoint for each request now.
  @discardableResult
  mutating func takeCachedMetadata() -> Bool {
    Self.takeCachedMetadata(&server, keeper)
  }

  private static func takeCachedMetadata(
    _ server: inout AuthorizationServer<W>, _ keeper: borrowing Keeper<W>
  ) -> Bool {
    server.takeMetadata(cachedBy: { keeper.loadMetadata(into: &$0) })
  }

  /// - Returns: false where there is nothing at that place.
  private mutating func takeMetadata(
    _ location: MetadataLocation, attending: Attending
  ) throws(Fault) -> Bool {
    let url = server.client.metadataURL(location)!
    let party = Party(location)
    let nothing: StaticString = ""
    try server.get(url, party, accessToken: nothing.bytes, attending: attending)
    defer { server.wipe() }
    // Once, and only here: nothing secret goes along, and the issuer is compared as ever.
    if server.head.isRedirect, let location = try? URL(server.head.location.bytes) {
      try server.get(location, party, accessToken: nothing.bytes, attending: attending)
    }
    let status = server.head.status
    if isUnavailable(status) { throw Fault(.unavailable, party, status: status) }
    if status != 200 { return false }
    try Self.takeMetadata(of: party, &server, keeper)
    if let error = server.metadataError {
      log.warning {
        $0 <- url <- ": " <- error
        if !error.isWarning { $0 <- "; going on without it" }
      }
    }
    let codes = server.client.text(of: .deviceAuthorization)
    let tokens = server.client.text(of: .token)
    log.info {
      $0 <- "from " <- url <- ": device_authorization_endpoint=" <- codes.bytes
      $0 <- " token_endpoint=" <- tokens.bytes
    }
    return true
  }

  private static func takeMetadata(
    of party: Party, _ server: inout AuthorizationServer<W>, _ keeper: borrowing Keeper<W>
  ) throws(Fault) {
    try server.takeMetadata(of: party, keptBy: { keeper.saveMetadata($0) })
  }

  // MARK: Words

  /// Says what a fault is, as far as the server, the files and the grant tell.
  ///
  /// - Returns: false where the fault is another's, and nothing has been said.
  @discardableResult
  @inline(never)
  public func tell(_ fault: Fault, to line: Line) -> Bool {
    server.tell(fault, to: line) || keeper.tell(fault, to: line) || tellOfGrant(fault, to: line)
  }

  private func tellOfGrant(_ fault: Fault, to line: Line) -> Bool {
    switch fault.kind {
    case .denied: line <- "the sign-in was denied by the user"
    case .expired:
      line <- "the code expired before anybody approved; start again for a new one"
    case .noRefreshToken:
      line <- "the access token ends too soon, and there is no refresh token; sign in again"
    case .accessEnded: line <- "the access token has ended, and there is no refresh token"
    case .signedOut: line <- "signed out"
    case .unrevoked: keeper.tellOfWaiting(to: line)
    case .otherClient: line <- "it is another's"
    case .accessRefused:
      line <- server.client.url(of: .userinfo)!
      line <- " refuses a fresh access token, HTTP status 401; sign in again"
    case .scopeMissing: tellOfScope(to: line)
    default: return false
    }
    return true
  }

  private func tellOfScope(to line: Line) {
    line <- server.client.url(of: .userinfo)! <- ": "
    let missing = server.head.missingScope
    if missing.isEmpty {
      line <- "the grant does not cover this, HTTP status 403; its scope is '"
      line <- keeper.record.tokens.scope.bytes <- "': set scope and sign in again"
    } else {
      line <- "the scope '" <- missing.bytes
      line <- "' is missing, HTTP status 403: add it and sign in again"
    }
  }

  /// The same as a text.
  @inline(never)
  func words(_ fault: Fault) -> Phrase { Phrase { tell(fault, to: $0) } }
}

private func makeServer<W: World>(
  _ plan: borrowing Plan, _ memory: consuming ExchangeMemory, _ log: Log<W>
) throws(Fault) -> AuthorizationServer<W> {
  let connection: W.Connection
  do {
    connection = try log.world.makeConnection(trusting: plan.trustAnchors)
  } catch {
    throw .exchange(.nobody, error)
  }
  return AuthorizationServer(plan.client, connection, memory, log)
}
