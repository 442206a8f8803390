internal import Bytes
internal import Configuration
internal import HTTP
internal import Linux
internal import OAuth
internal import TokenStore

/// What became of a renewal of the grant.
enum Renewal {
  /// The record holds new tokens, which are in no file yet.
  case refreshed
  /// Another process was faster, and the record holds its tokens.
  case refreshedElsewhere
  /// There is no grant for this configuration any more.
  case gone
  /// The server has ended the grant; its tokens have been moved out of the way.
  case ended(Fault)
  /// The grant stays as it is.
  ///
  /// - Parameters:
  ///   - isUncertain: whether the server may have taken the refresh token all the same.
  ///   - retryAfter: the seconds that the server asks to wait.
  case failed(Fault, isUncertain: Bool, retryAfter: Int64?)
}

extension Account {
  /// Renews the grant (RFC 6749 §6). Takes the lock to be held: a refresh token may be good for one
  /// use only.
  ///
  /// - Parameter held: which tokens are to be replaced.
  /// - Throws: for a token file that can't be read or replaced, and where endpoints can't be
  ///   discovered.
  @inline(never)
  mutating func renew(_ held: Generation, attending: Attending) throws(Fault) -> Renewal {
    try follow(.refresh, attending: attending) { (account, attending) throws(Fault) in
      try account.tryToRenew(held, attending: attending)
    }
  }

  private mutating func tryToRenew(
    _ held: Generation, attending: Attending
  ) throws(Fault) -> Renewal {
    // First, since it tells whose grant the record is.
    try discover(attending: attending)
    guard try keeper.load(), keeper.checkOwner(server.client) else { return .gone }
    let sent = keeper.record.generation
    if sent != held, keeper.isGood(for: 0) { return .refreshedElsewhere }
    if keeper.record.tokens.refreshToken.isEmpty {
      return .failed(Fault(.noRefreshToken), isUncertain: false, retryAfter: nil)
    }
    // What another process has sent meanwhile follows the same rule as what this one has.
    if keeper.hasUntold {
      return .failed(Fault(.unanswered, .refresh), isUncertain: true, retryAfter: nil)
    }
    // The server may take the refresh token back with its answer.
    if !keeper.isProven { try keeper.checkWritable() }
    let answer: RefreshAnswer
    let isRepeated = keeper.sent != nil
    do {
      let end = try server.reachRefresh(isRepeated: isRepeated, attending: attending)
      try keeper.keepSent()
      answer = try server.refresh(
        &keeper.record.tokens, until: end, attending: attending)
    } catch {
      if !server.wasSent, !isRepeated { keeper.forgetSent() }
      return .failed(error, isUncertain: keeper.sent != nil, retryAfter: nil)
    }
    return try meaning(of: answer, sent)
  }

  private mutating func meaning(
    of answer: RefreshAnswer, _ sent: Generation
  ) throws(Fault) -> Renewal {
    // New tokens forget the note when they are saved, and not before.
    switch answer {
    case .lost, .refused: keeper.forgetSent()
    case .transient where !server.mayHaveRefreshed: keeper.forgetSent()
    case .refreshed, .unusable, .transient: break
    }
    switch answer {
    case .refreshed: return .refreshed
    case .lost: return try lost(sent)
    case .refused:
      let fault = Fault(.refreshRefused, .refresh, status: server.head.status)
      return .failed(fault, isUncertain: false, retryAfter: nil)
    case .unusable(let error):
      return .failed(.tokens(.refresh, error), isUncertain: true, retryAfter: nil)
    case .transient(_, let retryAfter):
      return .failed(
        server.silence(.refresh), isUncertain: server.mayHaveRefreshed, retryAfter: retryAfter)
    }
  }

  /// The server no longer takes the refresh token of those tokens.
  private mutating func lost(_ sent: Generation) throws(Fault) -> Renewal {
    // Somebody who does not know of the lock may have been faster.
    if try keeper.load(), !keeper.record.generation.hasSameRefreshToken(as: sent) {
      return .refreshedElsewhere
    }
    keeper.retire()
    return .ended(Fault(.grantEnded, .refresh, status: server.head.status))
  }
}

extension Keeper {
  /// Whether the record's access token is good for that many seconds more. Where the server did not
  /// say how long, only its refusal tells.
  public func isGood(for seconds: Int64) -> Bool {
    guard let end = record.tokens.expiresAt else { return true }
    let left = end - unixSeconds
    return left > 0 && left >= seconds
  }
}
