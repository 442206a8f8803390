internal import Agent
internal import Bytes
public import Configuration
public import Linux
internal import OAuth
public import TokenStore

/// The grant's keeper: the token file with its lock, the file that publishes the access token, and
/// which grant is the current one.
public struct Keeper<W: World>: ~Copyable {
  public let path: Path

  /// What was loaded or is to be saved. Between two uses it may hold anything: the truth is in the
  /// file, where another process may have renewed it.
  var record: TokenRecord

  /// The grant that this process holds: what was saved or adopted last.
  private(set) var held = Generation.none
  private let resident = Resident()

  /// What was sent to renew the record, as loaded, and not answered, by any process.
  private(set) var sent: Sent?
  /// What is answered, though its note could not be removed.
  private var forgotten: Sent?
  /// The same as the agent was told it last.
  private var told: Sent?

  /// Whether another process has sent something that the agent does not know of.
  var hasUntold: Bool { sent != nil && sent != told }

  /// The time to wait for another process that renews the record, in milliseconds: it may take as
  /// long as one exchange.
  static var lockTime: Int64 { Exchange<W>.timeLimit + 5000 }

  /// The room that has to be there beside the tokens that are there already, in bytes: for what is
  /// in a record besides, and for tokens that are larger.
  private static var spare: Int { 8192 }

  var store: TokenStore<W.Storage>
  private let publication: Publication<W>?
  var scratch: Buffer
  private var line: Buffer
  /// The file that this process has written or found last, which is no news to it.
  private var known: FileStatus?
  /// When a record was saved last, in milliseconds since boot; nil where the last attempt failed.
  private var savedAt: Int64?
  /// A checksum of the grant that is set aside for the one that is being saved; 0 for none.
  var replaced: UInt32 = 0
  /// How long that proves that another can be saved, in milliseconds.
  private static var proofTime: Int64 { 3_600_000 }
  /// Whose file was refused last; a `Fault` has no room for every number.
  private var stranger: UInt32 = 0
  let log: Log<W>

  var unixSeconds: Int64 { log.world.unixSeconds }

  /// Opens the token file's directory, and makes it where it is missing.
  public init(
    creating place: GrantPlace, _ memory: consuming KeeperMemory, _ log: Log<W>
  ) throws(Fault) {
    let store = try makeStore(place.tokenFile, log.world)
    warn(of: store, place.tokenFile, isVolatile: place.isVolatile, log)
    self.init(place, store, memory, log)
  }

  /// Opens the token file where it is.
  ///
  /// - Throws: `.notSignedIn` where there is not even its directory.
  public init(
    opening place: GrantPlace, _ memory: consuming KeeperMemory, _ log: Log<W>
  ) throws(Fault) {
    self.init(place, try openStore(place.tokenFile, log.world), memory, log)
  }

  /// In one step, since what is not copyable can't be given back half-way.
  private init(
    _ place: GrantPlace, _ store: consuming TokenStore<W.Storage>,
    _ memory: consuming KeeperMemory, _ log: Log<W>
  ) {
    path = place.tokenFile
    publication = place.publication(log)
    self.store = store
    self.log = log
    record = TokenRecord(tokens: memory.tokens)
    scratch = memory.file
    line = memory.line
  }

  /// Opens the directory again, and makes it where somebody has removed it, as a factory reset
  /// does.
  mutating func reopen() throws(Fault) {
    store = try makeStore(path, log.world)
  }

  /// Why nothing can be written although there is an access token that is good; nil where all can.
  private(set) var hindrance: Fault?

  /// Finds out whether tokens could be kept.
  ///
  /// - Parameter isServing: whether a good access token is enough to go on with: then why nothing
  ///   can be written is in `hindrance`, and only what needs writing is refused.
  mutating func checkWritable(orServe isServing: Bool) throws(Fault) {
    do {
      try checkWritable()
    } catch {
      guard isServing, error.exitCode == .tokenFile, try load(), isGood(for: 0) else { throw error }
      record.wipe()
      hindrance = error
    }
  }

  /// Whether tokens were kept so lately that this is proof enough for more of the same grant: flash
  /// wears out.
  var isProven: Bool {
    savedAt.map { log.world.milliseconds - $0 < Self.proofTime } ?? false
  }

  /// Finds out before a code is shown whether its tokens could be kept: otherwise it is a trap.
  mutating func checkWritable() throws(Fault) {
    do {
      try checkStore()
    } catch {
      try reopen()
      try checkStore()
    }
    try publication?.checkWritable()
  }

  private mutating func checkStore() throws(Fault) {
    let tokens = record.tokens.accessToken.count + record.tokens.refreshToken.count
    do {
      try store.checkLock()
      try store.checkWritable(size: tokens + Self.spare, scratch: &scratch)
    } catch {
      throw noted(error)
    }
  }

  // MARK: The record

  /// Loads the record. A damaged file is set aside.
  ///
  /// - Returns: whether there is one.
  public mutating func load() throws(Fault) -> Bool {
    if let isThere = try loadIfWhole() { return isThere }
    try setAside()
    return false
  }

  private mutating func setAside() throws(Fault) {
    do {
      try store.setDamagedAside()
    } catch {
      throw .tokenFile(error)
    }
    log.warning {
      $0 <- "token file " <- path <- " was damaged; it is kept as " <- path <- ".damaged"
    }
  }

  /// Loads the record, and leaves a damaged file where it is.
  ///
  /// - Returns: whether there is one; nil where it is damaged.
  mutating func loadIfWhole() throws(Fault) -> Bool? {
    do {
      switch try store.load(&record, scratch: &scratch) {
      case .record:
        // Times that can't be right are cut.
        record.distrust(written: record.writtenAt, unixSeconds: log.world.unixSeconds)
        loadSent()
        return true
      case .nothing: return false
      case .damaged: return nil
      }
    } catch {
      throw noted(error)
    }
  }

  private mutating func noted(_ error: TokenStoreError) -> Fault {
    if case .exposed(.owner(let user)) = error { stranger = user }
    return .tokenFile(error)
  }

  /// Sets a damaged file aside, where a new sign-in will replace whatever is there.
  mutating func setDamagedAside() throws(Fault) {
    var isDamaged = false
    do {
      isDamaged = try store.load(&record, scratch: &scratch) == .damaged
    } catch {
      if case .exposed = error { return }
      throw .tokenFile(error)
    }
    if isDamaged { try setAside() }
    record.wipe()
  }

  /// Keeps the record; then, and not before, the access token is published. Takes the lock to be
  /// held.
  ///
  /// - Parameter isNew: whether it is another grant than the one before, which nobody may have any
  ///   more.
  mutating func save(
    for client: borrowing ClientConfiguration, isNew: Bool = false
  ) throws(Fault) {
    if isNew { setReplacedAside() }
    do {
      try write(for: client)
    } catch {
      try reopen()
      // It may be another directory than before.
      if isNew { setReplacedAside() }
      try write(for: client)
    }
    savedAt = log.world.milliseconds
    replaced = 0
    if isNew { store.forgetReplaced() }
    if let sent, sent.generation != record.generation { forgetSent() }
    publish()
  }

  private mutating func write(for client: borrowing ClientConfiguration) throws(Fault) {
    let endpoint = client.text(of: .token)
    let clientID = client.clientID
    savedAt = nil
    do {
      known = try store.save(
        record.tokens, issuer: client.server.bytes, tokenEndpoint: endpoint.bytes,
        clientID: clientID.bytes, scratch: &scratch)
    } catch {
      throw .tokenFile(error)
    }
  }

  /// What the record's tokens have left, and what was sent for them, as an agent is told it.
  @inline(never)
  mutating func lease() -> Lease {
    told = sent
    let seconds = unixSeconds
    var lease = Lease(
      record.tokens, unixSeconds: seconds, isClockSet: seconds >= releaseUnixSeconds)
    lease.unanswered = sent?.unanswered(seconds)
    return lease
  }

  // MARK: What was sent

  private mutating func loadSent() {
    sent = nil
    scratch.removeAll()
    defer { scratch.removeAll() }
    guard store.load(.sent, into: &scratch) else { return }
    sent = Sent(record.generation, scratch.bytes)
    if sent == forgotten { sent = nil }
  }

  /// Reads another process's note again once nobody is at a refresh: it is there, under the lock,
  /// for as long as a request is under way. What is not known yet, the next refresh finds out.
  @inline(never)
  mutating func awaitAnswer(attending: Attending) {
    if !hasUntold { return }
    sent = nil
    do {
      let lock = try lock(attending: attending)
      defer { lock.release() }
      loadSent()
    } catch {}
  }

  /// Notes that the record's refresh token is about to be sent.
  mutating func keepSent() throws(Fault) {
    let generation = record.generation
    var next = Sent(generation: generation, count: 1, at: unixSeconds)
    if let sent, sent.generation == generation {
      next = Sent(generation: generation, count: sent.count + 1, at: sent.at)
    }
    scratch.removeAll()
    defer { scratch.removeAll() }
    next.write(to: &scratch)
    do {
      try store.keepSent(scratch.bytes)
    } catch {
      throw .tokenFile(error)
    }
    sent = next
    told = next
  }

  /// Notes that it is answered, or that it was not sent after all.
  mutating func forgetSent() {
    // A note that can't be removed is known again; another's may look the same within a second.
    forgotten = store.forgetSent() ? nil : sent
    sent = nil
    told = nil
  }

  /// Moves a record out of the way whose tokens are dead, and takes the access token back.
  mutating func retire() {
    withdraw()
    do {
      try store.retire()
    } catch {
      let fault = Fault.tokenFile(error)
      log.warning { tell(fault, to: $0) }
    }
  }

  /// Removes everything that holds tokens.
  ///
  /// - Parameter keepsWaiting: whether those stay that wait to be revoked.
  mutating func erase(keepsWaiting: Bool) throws(Fault) {
    record.wipe()
    withdraw()
    do {
      try store.erase(keepsWaiting: keepsWaiting)
    } catch {
      throw .tokenFile(error)
    }
  }

  // MARK: Which grant is the current one

  /// Takes the record for the grant that is held from now on.
  mutating func hold() { held = record.generation }

  /// Nothing is held from now on.
  mutating func letGo() { held = .none }

  /// Whether the record, as loaded, is the grant that is held.
  var holdsRecord: Bool { held == record.generation }

  /// Whether the record is the grant that is held, or can be loaded as this client's.
  mutating func hasHeld(for client: borrowing ClientConfiguration) throws(Fault) -> Bool {
    if holdsRecord, !record.isEmpty { return true }
    if try !load() { return false }
    return checkOwner(client)
  }

  /// Loads the record where its file is another than this process has written or found last.
  ///
  /// - Returns: whether there is one; nil where that is no news, or the file is damaged: somebody
  ///   may be copying it there.
  mutating func loadNews() throws(Fault) -> Bool? {
    let present = store.status()
    if present != nil, present == known { return nil }
    let isThere = try loadIfWhole()
    // A dead one that can't be moved aside is not found again with each file beside it.
    if isThere == true { known = present }
    return isThere
  }

  /// Whether the record is this client's, from this server: what another server has issued must not
  /// be sent to this one. Where the file does not say, or the server is yet to be discovered, it
  /// is. Where not, that is said.
  public mutating func checkOwner(_ client: borrowing ClientConfiguration) -> Bool {
    if isOwned(by: client) { return true }
    log.warning {
      $0 <- "the grant in " <- path <- " is from " <- record.tokenEndpoint.bytes
      $0 <- " for client_id " <- record.clientID.bytes <- ", not for this configuration"
    }
    return false
  }

  /// The same, without a word.
  func isOwned(by client: borrowing ClientConfiguration) -> Bool {
    let endpoint = client.text(of: .token)
    let clientID = client.clientID
    return record.belongs(
      issuer: client.server.bytes, tokenEndpoint: endpoint.bytes, clientID: clientID.bytes)
  }

  /// Says where less was granted than asked for (RFC 6749 §3.3).
  func reportScope(_ client: borrowing ClientConfiguration) {
    let wanted = client.scope
    let count = record.tokens.scope.count
    if count == 0 || record.tokens.scope.bytes.equals(wanted.bytes) { return }
    log.info {
      $0 <- "granted scope: " <- record.tokens.scope.bytes <- "; asked for: " <- wanted.bytes
    }
  }

  // MARK: The lock

  /// Waits for the right to renew or to remove the record.
  @inline(never)
  public borrowing func lock(attending: Attending) throws(Fault) -> W.Storage.Lock {
    do {
      return try store.lock(
        until: log.world.milliseconds + Self.lockTime, attending: attending)
    } catch {
      throw .tokenFile(error)
    }
  }

  /// The lock, for tokens that were hard to come by: where it is not to be had, they are saved
  /// without it.
  @inline(never)
  mutating func lockToSave(attending: Attending) -> W.Storage.Lock {
    do {
      return try lock(attending: attending)
    } catch {
      // Whoever has removed the directory has removed the lock with it.
      if error == .tokenFile(.lock(.failed(.noSuchFile))), (try? reopen()) != nil,
        let lock = try? lock(attending: attending)
      {
        return lock
      }
      log.warning {
        tell(error, to: $0)
        $0 <- "; saving the tokens all the same"
      }
      return .absent()
    }
  }

  // MARK: Publication and notes

  /// Publishes the record's access token where the configuration wants it; one that has ended is
  /// taken back.
  mutating func publish() {
    if !isGood(for: 0) { return withdraw() }
    publication?.publish(record.tokens.accessToken, &line)
  }

  /// Takes the published access token back.
  func withdraw() {
    publication?.withdraw()
  }

  /// What the person is called, as far as it was ever known; empty where not.
  mutating func loadName() -> Text<256> {
    scratch.removeAll()
    defer { scratch.removeAll() }
    return store.load(.name, into: &scratch) ? Text(scratch.bytes) : Text()
  }

  func saveName(_ name: borrowing Text<256>) { store.save(.name, name.bytes) }

  /// The issuer's metadata as they were found last; false where there are none.
  func loadMetadata(into buffer: inout Buffer) -> Bool { store.load(.metadata, into: &buffer) }

  func saveMetadata(_ metadata: borrowing Buffer) { store.save(.metadata, metadata.bytes) }

  /// Lends the access token of the record.
  public func withAccessToken<Result, Failure: Error>(
    _ body: (borrowing Span<UInt8>) throws(Failure) -> Result
  ) throws(Failure) -> Result { try body(record.tokens.accessToken.bytes) }

  /// Overwrites what is in memory of the grant.
  public mutating func wipe() { record.wipe() }

  /// Says what does not work with the files.
  ///
  /// - Returns: false where the fault is another's, and nothing has been said.
  @discardableResult
  @inline(never)
  public borrowing func tell(_ fault: Fault, to line: Line) -> Bool {
    if fault.kind == .foreignOwner {
      line <- "token file " <- path <- ": " <- .exposed(.owner(stranger))
      return true
    }
    return tellOfFiles(fault, path, publication?.path, to: line)
  }
}

/// Says what does not work with the token file, or with the file that publishes the access token.
///
/// - Returns: false where the fault is another's, and nothing has been said.
func tellOfFiles(
  _ fault: Fault, _ path: borrowing Path, _ publication: Path?, to line: Line
) -> Bool {
  switch fault.kind {
  case .interrupted: line <- "interrupted by a signal"
  case .notSignedIn:
    line <- "not signed in: there is no grant for this configuration in " <- path
    line <- "; devicegrant sign-in gets one"
  case .publication:
    guard let publication else { return false }
    line <- "cannot create access_token_file " <- publication <- ": "
    line <- Errno(rawValue: fault.detail)
  default:
    guard let error = fault.tokenStoreError else { return false }
    line <- "token file " <- path <- ": " <- error
  }
  return true
}

/// Says what may cost the tokens one day, though it hinders nothing.
@inline(never)
func warn<W: World>(
  of store: borrowing TokenStore<W.Storage>, _ path: Path, isVolatile: Bool = false, _ log: Log<W>
) {
  if store.isOpenToOthers() {
    log.warning { $0 <- "the directory of " <- path <- changeable }
  }
  if isVolatile || store.isVolatile() {
    log.warning { $0 <- path <- " is in memory: the grant ends with the power" }
  }
}

/// What is said of what others than root and this process's user may write to.
public var changeable: StaticString {
  " can be changed by other users; chown it, chmod go-w it"
}

private func makeStore<W: World>(
  _ path: Path, _ world: W
) throws(Fault) -> TokenStore<W.Storage> {
  guard let name = path.name else { throw Fault(.nameTooLong) }
  let directory: W.Storage
  do {
    directory = try world.openDirectory(path.directory, making: true)
  } catch {
    throw Fault(.openDirectory, .nobody, error.rawValue)
  }
  return try makeStore(in: directory, name)
}

func openStore<W: World>(_ path: Path, _ world: W) throws(Fault) -> TokenStore<W.Storage> {
  guard let name = path.name else { throw Fault(.nameTooLong) }
  let directory: W.Storage
  do {
    directory = try world.openDirectory(path.directory, making: false)
  } catch {
    if error == .noSuchFile { throw Fault(.notSignedIn) }
    throw Fault(.openDirectory, .nobody, error.rawValue)
  }
  return try makeStore(in: directory, name)
}

private func makeStore<Storage: TokenDirectory & ~Copyable>(
  in directory: consuming Storage, _ name: Path
) throws(Fault) -> TokenStore<Storage> {
  do {
    return try TokenStore(in: directory, name: name)
  } catch {
    throw .tokenFile(error)
  }
}
