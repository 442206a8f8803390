internal import Bytes
internal import JSON

/// What the answer to a refresh request means (RFC 6749 §6, §5.2).
public enum RefreshAnswer: Sendable {
  /// The new tokens are there.
  case refreshed
  /// The refresh token is dead: only a new sign-in helps.
  case lost
  /// The server refuses the request for another reason, such as wrong client credentials: the
  /// grant may still be good.
  case refused
  /// The tokens can't be used.
  case unusable(UnusableTokens)
  /// No answer, or none that means anything.
  case transient(Transient, retryAfter: Int64?)
}

/// Reads the answer to a refresh request.
///
/// - Parameters:
///   - retryAfter: the Retry-After field in seconds.
///   - unixSeconds: the wall clock, to turn lifetimes into times.
///   - wording: how this provider says that a refresh token is dead.
///   - reason: the words beside an answer that is no success.
///   - tokens: the present ones; what the answer does not renew stays (RFC 6749 §6). Untouched
///     unless the answer is `.refreshed`.
public func readRefreshAnswer(
  status: Int, body: borrowing Span<UInt8>, retryAfter: Int64?, unixSeconds: Int64,
  wording: Wording, reason: inout ServerError, updating tokens: inout Tokens
) -> RefreshAnswer {
  guard let object = try? JSONObject(body) else {
    reason.set("", status: status)
    return answer(toStatus: status, retryAfter: retryAfter)
  }
  switch ErrorKind(object, status: status, wording, into: &reason) {
  case .denied, .expired:
    return isUnavailable(status) ? .transient(.unavailable, retryAfter: retryAfter) : .refused
  case .refused: return isDead(reason.code.bytes, wording) ? .lost : .refused
  case .unavailable, .pending, .slowDown:
    return .transient(.unavailable, retryAfter: retryAfter)
  case .silent, .foreign: return answer(toStatus: status, retryAfter: retryAfter)
  case nil: break
  }
  switch tokens.read(object, status: status, unixSeconds: unixSeconds, reason: &reason) {
  case .read: return .refreshed
  case .unusable(let fault): return .unusable(fault)
  }
}

/// Whether the words say that the refresh token is dead. One word does (RFC 6749 §5.2), or the
/// sentence that the provider documents; all others may be about the client, or nobody's verdict.
private func isDead(_ words: borrowing Span<UInt8>, _ wording: Wording) -> Bool {
  if words.equals("invalid_grant") { return true }
  return wording.deadToken.utf8CodeUnitCount > 0 && words.firstIndex(of: wording.deadToken) != nil
}

/// What a status says by itself: never that the grant is lost.
private func answer(toStatus status: Int, retryAfter: Int64?) -> RefreshAnswer {
  if status == 401 || status == 403 { return .refused }
  return .transient(isUnavailable(status) ? .unavailable : .unreadable, retryAfter: retryAfter)
}
