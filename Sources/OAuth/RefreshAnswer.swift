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
///   - reason: the server's words where the answer is `.lost` or `.refused`.
///   - tokens: the present ones; what the answer does not renew stays (RFC 6749 §6). Untouched
///     unless the answer is `.refreshed`.
public func readRefreshAnswer(
  status: Int, body: borrowing Span<UInt8>, retryAfter: Int64?, unixSeconds: Int64,
  reason: inout ServerError, updating tokens: inout Tokens
) -> RefreshAnswer {
  guard let object = try? JSONObject(body) else {
    reason.set("", status: status)
    // Glewlwyd's way to say that the token is dead. Any body may be some proxy's.
    if status == 400, body.count == 0 { return .lost }
    return answer(toStatus: status, retryAfter: retryAfter)
  }
  switch ErrorKind(object, status: status, into: &reason) {
  case .denied, .expired:
    return isUnavailable(status) ? .transient(.unavailable, retryAfter: retryAfter) : .lost
  case .refused: return meaning(of: reason, retryAfter: retryAfter)
  case .pending, .slowDown: return .transient(.unavailable, retryAfter: retryAfter)
  case .unavailable, .silent: return answer(toStatus: status, retryAfter: retryAfter)
  case nil: break
  }
  switch tokens.read(object, status: status, unixSeconds: unixSeconds, reason: &reason) {
  case .read: return .refreshed
  case .unusable(let fault): return .unusable(fault)
  case .missing: return .transient(.unreadable, retryAfter: retryAfter)
  }
}

/// Tells a dead refresh token from a fault of the client's. `invalid_grant` is the word for it;
/// servers that speak no OAuth here (Webex, Twitch) say status 400 and a sentence.
private func meaning(
  of reason: borrowing ServerError, retryAfter: Int64?
) -> RefreshAnswer {
  let code = reason.code.bytes
  // Words of RFC 6749 §4.1.2.1 for what a status of 5xx says, and another for 429; servers use them
  // here with any.
  if code.equals("temporarily_unavailable") || code.equals("server_error")
    || code.equals("rate_limit_exceeded")
  {
    return .transient(.unavailable, retryAfter: retryAfter)
  }
  if code.equals("invalid_grant") || code.equals("bad_refresh_token") { return .lost }
  if code.equals("invalid_client") || code.equals("unauthorized_client")
    || code.equals("invalid_request") || code.equals("invalid_scope")
    || code.equals("unsupported_grant_type")
  {
    return .refused
  }
  // Words about the client, as in Twitch's "invalid client", or Webex's "Client Id is invalid".
  if code.firstIndex(of: "lient") != nil { return .refused }
  return reason.status == 400 ? .lost : .refused
}

/// What a status says by itself: never that the grant is lost.
private func answer(toStatus status: Int, retryAfter: Int64?) -> RefreshAnswer {
  if status == 401 || status == 403 { return .refused }
  return .transient(isUnavailable(status) ? .unavailable : .unreadable, retryAfter: retryAfter)
}
