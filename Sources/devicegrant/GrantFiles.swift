internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Linux
internal import OAuth
internal import TokenStore

/// The grant as files: the token file, which holds it, and the access token's, which publishes it.
struct GrantFiles: ~Copyable {
  let path: Path

  /// What was loaded or is to be saved. Between two uses it may hold anything: the truth is in the
  /// file, where another process may have renewed it.
  var record = TokenRecord(tokens: Memory.tokens())

  /// The time to wait for another process that renews the record, in milliseconds: it may take as
  /// long as one exchange.
  static let lockPatience: Int64 = Exchange.timeLimit + 5000

  /// The room that has to be there beside the tokens that are there already, in bytes: for what is
  /// in a record besides, and for tokens that are larger.
  private static let spare = 8192

  private var store: TokenStore<Directory>
  private let publication: Publication?
  private var scratch = Memory.tokenFile()

  /// Opens the token file's directory, and makes it where it is missing.
  init(creating source: borrowing ConfigurationSource) throws(Failure) {
    let path = try source.tokenFile()
    self.init(path, try Publication(source), try makeStore(path))
  }

  /// Opens the token file where it is.
  ///
  /// - Throws: exit code 77 where there is not even its directory.
  init(opening source: borrowing ConfigurationSource) throws(Failure) {
    let path = try source.tokenFile()
    self.init(path, try Publication(source), try openStore(path))
  }

  /// In one step, since what is not copyable can't be given back half-way.
  private init(
    _ path: Path, _ publication: Publication?, _ store: consuming TokenStore<Directory>
  ) {
    self.path = path
    self.publication = publication
    self.store = store
  }

  /// Opens the directory again, and makes it where somebody has removed it.
  mutating func reopen() throws(Failure) {
    store = try makeStore(path)
  }

  /// Finds out before a code is shown whether its tokens could be kept: otherwise it is a trap.
  mutating func checkWritable() throws(Failure) {
    let tokens = record.tokens.accessToken.count + record.tokens.refreshToken.count
    do {
      try store.checkLock()
      try store.checkWritable(size: tokens + Self.spare, scratch: &scratch)
    } catch {
      throw tokenFileFailure(error, path)
    }
    try publication?.checkWritable()
  }

  /// Loads the record. A damaged file is set aside.
  ///
  /// - Returns: whether there is one.
  mutating func load(_ log: Log) throws(Failure) -> Bool {
    if let isThere = try loadIfWhole() { return isThere }
    try setAside(log)
    return false
  }

  private mutating func setAside(_ log: Log) throws(Failure) {
    do {
      try store.setDamagedAside()
    } catch {
      throw tokenFileFailure(error, path)
    }
    log.warning("token file \(path) was damaged; it is kept as \(path).damaged")
  }

  /// Loads the record, and leaves a damaged file where it is.
  ///
  /// - Returns: whether there is one; nil where it is damaged.
  mutating func loadIfWhole() throws(Failure) -> Bool? {
    do {
      switch try store.load(&record, scratch: &scratch) {
      case .record:
        distrustClock()
        return true
      case .nothing: return false
      case .damaged: return nil
      }
    } catch {
      throw tokenFileFailure(error, path)
    }
  }

  /// Cuts times that can't be right. The clock that the record was written by may have been years
  /// ahead of today's, and with it the times in the record; but not the time from one to the other.
  private mutating func distrustClock() {
    guard let written = store.writingTime() else { return }
    let now = Clock.unixSeconds
    record.tokens.expiresAt = plausible(record.tokens.expiresAt, written: written, now: now)
    record.tokens.refreshTokenExpiresAt = plausible(
      record.tokens.refreshTokenExpiresAt, written: written, now: now)
  }

  /// Sets a damaged file aside, where a new sign-in will replace whatever is there.
  mutating func setDamagedAside(_ log: Log) throws(Failure) {
    var isDamaged = false
    do {
      isDamaged = try store.load(&record, scratch: &scratch) == .damaged
    } catch {
      if case .exposed = error { return }
      throw tokenFileFailure(error, path)
    }
    if isDamaged { try setAside(log) }
    record.wipe()
  }

  /// Moves a record out of the way whose tokens are dead, and takes the access token back.
  mutating func retire(_ log: Log) {
    withdraw(log)
    do {
      try store.retire()
    } catch {
      log.warning("\(tokenFileFailure(error, path))")
    }
  }

  /// Says where less was granted than asked for (RFC 6749 §3.3).
  mutating func reportScope(_ client: borrowing ClientConfiguration, _ log: Log) {
    let granted = record.tokens.scope.bytes
    let wanted = client.scope.bytes
    if granted.count == 0 || granted.equals(wanted) { return }
    log.info("granted scope: \(granted); asked for: \(wanted)")
  }

  /// Whether the record is of the client that is configured, as far as the configuration says.
  mutating func isOurs(_ source: borrowing ConfigurationSource, _ log: Log) -> Bool {
    if record.belongs(to: source) { return true }
    warnOfOwner(log)
    return false
  }

  /// Whether the record is this client's, from this server: what another server has issued must not
  /// be sent to this one. Where the file does not say, or the server is yet to be discovered, it
  /// is.
  mutating func checkOwner(_ client: borrowing ClientConfiguration, _ log: Log) -> Bool {
    if record.belongs(to: client) { return true }
    warnOfOwner(log)
    return false
  }

  private func warnOfOwner(_ log: Log) {
    log.warning(
      """
      the grant in \(path) is from \(record.tokenEndpoint.bytes) for client_id \
      \(record.clientID.bytes), not for this configuration
      """)
  }

  /// Waits for the right to renew or to remove the record.
  mutating func lock(_ patience: Patience) throws(Failure) -> FileLock {
    do {
      return try store.lock(patience)
    } catch {
      throw tokenFileFailure(error, path)
    }
  }

  /// The lock, for tokens that were hard to come by: where it is not to be had, they are saved
  /// without it.
  mutating func lockToSave(_ patience: Patience, _ log: Log) -> FileLock {
    do {
      return try lock(patience)
    } catch {
      log.warning("\(error); saving the tokens all the same")
      return .absent()
    }
  }

  /// Keeps the record; then, and not before, the access token is published. Takes the lock to be
  /// held.
  mutating func save(for client: borrowing ClientConfiguration, _ log: Log) throws(Failure) {
    let endpoint = client.text(of: .token)
    let clientID = client.clientID
    do {
      try store.save(
        record.tokens, tokenEndpoint: endpoint.bytes, clientID: clientID.bytes, scratch: &scratch)
    } catch {
      throw tokenFileFailure(error, path)
    }
    publish(log)
  }

  /// Publishes the record's access token where the configuration wants it.
  mutating func publish(_ log: Log) {
    publication?.publish(record.tokens.accessToken, log)
  }

  /// Takes the published access token back.
  mutating func withdraw(_ log: Log) {
    publication?.withdraw(log)
  }

  /// Removes everything that holds tokens.
  mutating func erase(_ log: Log) throws(Failure) {
    record.wipe()
    withdraw(log)
    do {
      try store.erase()
    } catch {
      throw tokenFileFailure(error, path)
    }
  }

  /// What the person is called, as far as it was ever known; empty where not.
  mutating func loadName() -> Text<256> {
    scratch.removeAll()
    defer { scratch.removeAll() }
    return store.load(.name, into: &scratch) ? Text(scratch.bytes) : Text()
  }

  /// The issuer's metadata as they were found last; false where there are none.
  mutating func loadMetadata(into buffer: inout Buffer) -> Bool {
    store.load(.metadata, into: &buffer)
  }

  mutating func saveMetadata(_ metadata: borrowing Buffer) {
    store.save(.metadata, metadata.bytes)
  }

  mutating func saveName(_ name: borrowing Text<256>) {
    store.save(.name, name.bytes)
  }
}

extension TokenRecord {
  /// Whether the record is this client's, from this server, as far as both say.
  func belongs(to client: borrowing ClientConfiguration) -> Bool {
    let endpoint = client.text(of: .token)
    let clientID = client.clientID
    return agree(tokenEndpoint.bytes, endpoint.bytes) && agree(self.clientID.bytes, clientID.bytes)
  }

  /// The same for what is configured; a configuration that is not complete has no client.
  func belongs(to source: borrowing ConfigurationSource) -> Bool {
    do {
      return belongs(to: try source.client())
    } catch {
      return true
    }
  }
}

private func agree(_ one: borrowing Span<UInt8>, _ other: borrowing Span<UInt8>) -> Bool {
  one.count == 0 || other.count == 0 || one.equals(other)
}

/// An end that is no further from `now` than it was from `written`.
private func plausible(_ end: Int64?, written: Int64, now: Int64) -> Int64? {
  guard let end else { return nil }
  let (life, isAbsurd) = end.subtractingReportingOverflow(written)
  if isAbsurd || life <= 0 { return end }
  let (latest, isLater) = now.addingReportingOverflow(life)
  return isLater ? end : min(end, latest)
}

private func makeStore(_ path: borrowing Path) throws(Failure) -> TokenStore<Directory> {
  do {
    return try TokenStore(creating: copy path)
  } catch {
    throw tokenFileFailure(error, path)
  }
}

private func openStore(_ path: borrowing Path) throws(Failure) -> TokenStore<Directory> {
  do {
    if let store = try TokenStore<Directory>.opening(copy path) { return store }
  } catch {
    throw tokenFileFailure(error, path)
  }
  throw notSignedIn(path)
}

/// The failure for a token file that can't be used.
func tokenFileFailure(_ error: TokenStoreError, _ path: borrowing Path) -> Failure {
  if case .lock(.interrupted) = error { return Failure(.unavailable, "interrupted by a signal") }
  return Failure(.tokenFile, "token file \(path): \(error)")
}

/// The file that gives the access token to the other programs on the board.
struct Publication {
  private let path: Path
  private let name: Path
  /// The number of the group that may read it; nil: the process's own.
  private let group: UInt32?

  private static let mode: UInt32 = 0o640

  /// - Returns: nil where the configuration wants none.
  init?(_ source: borrowing ConfigurationSource) throws(Failure) {
    guard let file = source.local.accessTokenFile else { return nil }
    guard let path = Path(file.bytes), let name = path.name, name.appending(".new") != nil else {
      throw source.failure(.accessTokenFile, "is no path")
    }
    if path.bytes.equals(try source.tokenFile().bytes) {
      throw source.failure(.accessTokenFile, "is the token file")
    }
    self.path = path
    self.name = name
    group = source.accessTokenGroup
  }

  /// - Throws: exit code 73 where the file could not be made.
  func checkWritable() throws(Failure) {
    let probe: StaticString = ""
    do throws(Errno) {
      let directory = try Directory(opening: path.directory)
      if directory.hasDirectory(name) { throw Errno.isDirectory }
      try write(probe.bytes, in: directory)
      try directory.removeIfPresent(name.appending(".new")!)
    } catch {
      throw Failure(.cannotCreate, "cannot create access_token_file \(path): \(error)")
    }
  }

  /// Replaces the file. What fails is said, and costs nothing else.
  func publish(_ accessToken: borrowing Buffer, _ log: Log) {
    // The token and its newline are written as one: never half a line.
    var line = Memory.published()
    line.append(accessToken.bytes)
    line.append("\n")
    defer { line.wipe() }
    do {
      try replace(line.bytes)
    } catch {
      log.warning("cannot write access_token_file \(path): \(error)")
    }
  }

  private func replace(_ bytes: borrowing Span<UInt8>) throws(Errno) {
    let directory = try Directory(opening: path.directory)
    let new = name.appending(".new")!
    do {
      try write(bytes, in: directory)
      try directory.rename(new, to: name)
    } catch {
      try? directory.removeIfPresent(new)
      throw error
    }
  }

  func withdraw(_ log: Log) {
    do {
      let directory = try Directory(opening: path.directory)
      // A power cut may have left it half-way.
      if let new = name.appending(".new") { try directory.removeIfPresent(new) }
      try directory.removeIfPresent(name)
    } catch {
      log.warning("cannot remove access_token_file \(path): \(error)")
    }
  }

  private func write(
    _ bytes: borrowing Span<UInt8>, in directory: borrowing Directory
  ) throws(Errno) {
    try directory.write(name.appending(".new")!, bytes, mode: Self.mode, group: group)
  }
}
