internal import Bytes
internal import OAuth
internal import TokenStore
public import Linux

/// What waits to be revoked.
extension Keeper {
  /// For how long the token of a grant waits whose end nobody knows, in seconds.
  private static var waitingTime: Int64 { 90 * 86_400 }

  /// Whether a token waits to be revoked.
  public var hasWaiting: Bool { store.waiting > 0 }

  /// Says what becomes of a token that is not revoked.
  public func tellOfWaiting(to line: Line) {
    if !hasWaiting {
      line <- "the access token is good until it ends, and can't be revoked any more"
      return
    }
    line <- "signed out here; a token waits beside " <- path <- " to be revoked, by run or"
    line <- " by sign-out once more; sign-out --local erases it"
  }

  /// Ends the grant here: what it takes to revoke it waits for that, all the rest is removed.
  ///
  /// - Parameter isLocal: whether nothing is to wait, nor anything that does already.
  public mutating func signOut(isLocal: Bool, attending: Attending) throws(Fault) {
    let lock = try lock(attending: attending)
    defer { lock.release() }
    if isLocal {
      log.info { $0 <- "the grant is not revoked: to the server it goes on until it ends" }
    } else {
      try setAside()
    }
    try erase(keepsWaiting: !isLocal)
    log.info { $0 <- "signed out; the tokens in " <- path <- " are erased" }
  }

  private mutating func setAside() throws(Fault) {
    let person = loadPerson()
    var last: UInt32 = 0
    do {
      switch try store.setAside(person: person, mayMove: true, last: &last, scratch: &scratch) {
      case .record: break
      case .nothing: log.info { $0 <- "not signed in: there is no grant in " <- path }
      case .damaged:
        log.warning { $0 <- "the grant is not revoked: " <- path <- " was damaged" }
      }
    } catch {
      throw .tokenFile(error)
    }
  }

  /// Has the grant that is in the file wait to be revoked, before another takes its place.
  mutating func setReplacedAside() {
    let person = loadPerson()
    do {
      _ = try store.setAside(
        person: person, mayMove: false, last: &replaced, scratch: &scratch)
    } catch {
      let fault = Fault.tokenFile(error)
      log.warning {
        $0 <- "the grant before is not revoked: "
        tell(fault, to: $0)
      }
    }
  }

  /// Loads what waits at a place into the record. What can't be read is removed.
  ///
  /// - Returns: whether there is anything.
  mutating func load(waiting place: Int) throws(Fault) -> Bool {
    do {
      switch try store.load(waiting: place, &record, scratch: &scratch) {
      case .record: return true
      case .nothing: return false
      case .damaged: try store.remove(waiting: place)
      }
    } catch {
      throw .tokenFile(error)
    }
    return false
  }

  mutating func remove(waiting place: Int) throws(Fault) {
    do {
      try store.remove(waiting: place)
    } catch {
      throw .tokenFile(error)
    }
  }

  /// Whether the token that waits, as loaded, has ended by itself. By a clock that was not set when
  /// it was written, or is not now, nobody can tell.
  var hasWaitedInVain: Bool {
    let tokens = record.tokens.refreshToken.isEmpty
    let end = tokens ? record.tokens.expiresAt : record.tokens.refreshTokenExpiresAt
    if record.writtenAt < releaseUnixSeconds { return false }
    return unixSeconds >= end ?? record.writtenAt + Self.waitingTime
  }

  /// A number that tells the person from others; nil where nobody knows.
  mutating func loadPerson() -> Int64? {
    scratch.removeAll()
    defer { scratch.removeAll() }
    return store.load(.person, into: &scratch) ? scratch.bytes.parseDecimal() : nil
  }

  func savePerson(_ person: Int64) {
    let number: Text<20> = "\(person)"
    store.save(.person, number.bytes)
  }
}
