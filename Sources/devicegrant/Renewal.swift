internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
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
  case ended(Failure)
  /// The grant stays as it is.
  ///
  /// - Parameters:
  ///   - isUncertain: whether the server may have taken the refresh token all the same.
  ///   - retryAfter: the seconds that the server asks to wait.
  case failed(Failure, isUncertain: Bool, retryAfter: Int64?)
}

extension GrantFiles {
  /// Renews the grant (RFC 6749 §6). Takes the lock to be held: a refresh token may be good for one
  /// use only.
  ///
  /// - Parameter held: the checksum of the access token that is to be replaced.
  /// - Throws: exit code 74 for a token file that can't be read or replaced, 65 or 69 where
  ///   endpoints can't be discovered.
  @inline(never)
  mutating func renew(
    held: UInt32, with server: inout AuthorizationServer, _ log: Log
  ) throws(Failure) -> Renewal {
    // First, since it tells whose grant the record is.
    try server.discover(&self)
    guard try load(log), checkOwner(server.client, log) else { return .gone }
    if record.tokens.accessToken.bytes.checksum != held, isGood(record.tokens, for: 0) {
      return .refreshedElsewhere
    }
    if record.tokens.refreshToken.isEmpty {
      let failure = Failure(
        .denied, "the access token ends too soon, and there is no refresh token; sign in again")
      return .failed(failure, isUncertain: false, retryAfter: nil)
    }
    // The server may take the refresh token back with its answer.
    try checkWritable()
    let sent = record.tokens.refreshToken.bytes.checksum
    let answer: RefreshAnswer
    do {
      answer = try server.refresh(&record.tokens)
    } catch {
      return .failed(error, isUncertain: server.wasSent, retryAfter: nil)
    }
    switch answer {
    case .refreshed: return .refreshed
    case .lost: return try lost(sent, server, log)
    case .refused:
      let failure = Failure(.unusableAnswer, "the server refused the refresh: \(server.reason)")
      return .failed(failure, isUncertain: false, retryAfter: nil)
    case .unusable(let fault):
      let failure = server.failure(fault, server.client.url(of: .refresh)!)
      return .failed(failure, isUncertain: true, retryAfter: nil)
    case .transient(_, let retryAfter):
      return .failed(
        server.silence(.refresh), isUncertain: server.mayHaveRefreshed, retryAfter: retryAfter)
    }
  }

  /// The server no longer takes the refresh token with that checksum.
  private mutating func lost(
    _ sent: UInt32, _ server: borrowing AuthorizationServer, _ log: Log
  ) throws(Failure) -> Renewal {
    // Somebody who does not know of the lock may have been faster.
    if try load(log), record.tokens.refreshToken.bytes.checksum != sent {
      return .refreshedElsewhere
    }
    retire(log)
    return .ended(
      Failure(.denied, "the server no longer takes the refresh token: \(server.reason)"))
  }
}
