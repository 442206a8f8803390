internal import Bytes
internal import Configuration
public import Linux
internal import OAuth
internal import TokenStore

// Theory of operation.
//
// Who signs out, or in over another grant, leaves a refresh token that is nobody's and that the
// server takes for good. It waits beside the token file (TokenStore, Waiting.swift), is loaded by
// what is here and by nothing else, and is revoked (RFC 7009) as soon as the server can be asked:
// at once, else by `run`, or by the next command that signs in or out.

extension Account {
  /// Revokes the grant where the server lets one (RFC 7009), and erases it here whatever the server
  /// says.
  ///
  /// - Throws: `.unrevoked` where its token waits to be revoked; why has been told.
  public mutating func signOut(attending: Attending) throws(Fault) {
    try keeper.signOut(isLocal: false, attending: attending)
    do {
      try revokeWaiting(attending: attending)
    } catch {
      log.warning { tellOfFailure(error, to: $0) }
      throw Fault(.unrevoked)
    }
  }

  /// Says why a grant is not revoked.
  func tellOfFailure(_ fault: Fault, to line: Line) {
    line <- "the grant is not revoked: "
    tell(fault, to: line)
  }

  /// Revokes what waits for that. What has ended, or what the server can't or need not revoke, is
  /// removed.
  ///
  /// - Throws: why something waits still.
  mutating func revokeWaiting(attending: Attending) throws(Fault) {
    if !keeper.hasWaiting { return }
    let lock = try keeper.lock(attending: attending)
    defer {
      lock.release()
      keeper.record.wipe()
    }
    try discover(attending: attending)
    let present = findPresent()
    var failure: Fault?
    for place in 0..<TokenStore<W.Storage>.places {
      guard try keeper.load(waiting: place) else { continue }
      do {
        try revoke(beside: present, attending: attending)
      } catch {
        failure = error
        // The others are told the same server.
        if error.isTransient { break }
        // Without the other token there is nothing worth another try.
        if !keeper.record.tokens.refreshToken.isEmpty { continue }
      }
      try keeper.remove(waiting: place)
    }
    if let failure { throw failure }
  }

  /// The grant that is there, if there is one of this server's, and whose it is.
  private mutating func findPresent() -> (Generation, person: Int64?)? {
    guard (try? keeper.loadIfWhole()) == true, keeper.isOwned(by: server.client) else { return nil }
    let generation = keeper.record.generation
    return (generation, keeper.loadPerson())
  }

  /// Revokes what is loaded, unless there is no need.
  ///
  /// - Throws: why it is to wait.
  private mutating func revoke(
    beside present: (Generation, person: Int64?)?, attending: Attending
  ) throws(Fault) {
    let loaded = keeper.record.generation
    if let present, isSame(loaded, present.0) { return }
    if keeper.hasWaitedInVain {
      log.info { $0 <- "a token that was to be revoked has ended" }
      return
    }
    if !keeper.checkOwner(server.client) { throw Fault(.otherClient) }
    if !server.has(.revocation) {
      log.warning {
        $0 <- "the provider has no revocation endpoint: to the server the grant goes on until "
        $0 <- "it ends"
      }
      return
    }
    if let present, !mayRevoke(beside: present.person) {
      log.info { $0 <- "the grant before is erased, not revoked: that might end this one too" }
      return
    }
    let isRevoked = try follow(.revocation, attending: attending) {
      (account, attending) throws(Fault) in
      try Self.revoke(account.keeper.record.tokens, at: &account.server, attending: attending)
    }
    log.info {
      $0 <- (isRevoked ? "the grant is revoked at the server" : "the server revokes no such token")
    }
  }

  /// Whether what waits is the grant's own token: the power went before the one or the other was
  /// removed.
  private func isSame(_ loaded: Generation, _ present: Generation) -> Bool {
    if keeper.record.tokens.refreshToken.isEmpty { return loaded == present }
    return loaded.hasSameRefreshToken(as: present)
  }

  /// Whether revoking what waits leaves the grant of that person alone: some servers end all of a
  /// person's grants with one.
  private func mayRevoke(beside person: Int64?) -> Bool {
    if server.client.preset.revokesTokenAlone { return true }
    guard let person, let other = keeper.record.person else { return false }
    return person != other
  }

  /// Revokes the refresh token, and with it all access tokens (RFC 7009 §2.1); where there is none,
  /// the access token.
  private static func revoke(
    _ tokens: borrowing Tokens, at server: inout AuthorizationServer<W>, attending: Attending
  ) throws(Fault) -> Bool {
    tokens.refreshToken.isEmpty
      ? try server.revoke(tokens.accessToken.bytes, hint: .accessToken, attending: attending)
      : try server.revoke(tokens.refreshToken.bytes, hint: .refreshToken, attending: attending)
  }
}
