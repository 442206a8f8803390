internal import Bytes
internal import JSON
public import OAuth

/// What the answer to a device access token request means (RFC 8628 §3.5, RFC 6749 §5).
public enum PollAnswer: Sendable {
  /// The tokens are there.
  case granted
  /// Nobody has approved yet. Seconds that the server asks to wait, where it does.
  case pending(retryAfter: Int64?)
  /// Polls come too often: a new interval in seconds where the server names one.
  case slowDown(interval: Int64?, retryAfter: Int64?)
  case denied
  case expired
  /// Any other error, in the server's words: no further poll can succeed.
  case refused
  /// The tokens can't be used.
  case unusable(UnusableTokens)
  /// No answer, or none that means anything: the code may still be good.
  case transient(Transient, retryAfter: Int64?)
}

/// Reads the answer to a device access token request.
///
/// - Parameters:
///   - retryAfter: the Retry-After field in seconds.
///   - unixSeconds: the wall clock, to turn lifetimes into times.
///   - wording: which words are this provider's.
///   - reason: the words beside an answer that is no success, and the foreign type where it is
///     `.unusable(.tokenType)`.
///   - tokens: filled where the answer is `.granted`, else left empty.
public func readPollAnswer(
  status: Int, body: borrowing Span<UInt8>, retryAfter: Int64?, unixSeconds: Int64,
  wording: Wording, reason: inout ServerError, into tokens: inout Tokens
) -> PollAnswer {
  tokens.wipe()
  guard let object = try? JSONObject(body) else {
    reason.set("", status: status)
    return answer(toStatus: status, retryAfter: retryAfter)
  }
  switch ErrorKind(object, status: status, wording, into: &reason) {
  case .pending: return .pending(retryAfter: retryAfter)
  case .slowDown:
    return .slowDown(interval: object.integer("interval"), retryAfter: retryAfter)
  case .denied: return .denied
  case .expired: return .expired
  case .refused: return .refused
  case .unavailable: return .transient(.unavailable, retryAfter: retryAfter)
  case .silent, .foreign: return answer(toStatus: status, retryAfter: retryAfter)
  case nil: break
  }
  switch tokens.read(object, status: status, unixSeconds: unixSeconds, reason: &reason) {
  case .read: return .granted
  case .unusable(let fault): return .unusable(fault)
  }
}

/// What a status says by itself, beside a body that is not the server's: never that the code has
/// ended, since a gateway may have said it.
private func answer(toStatus status: Int, retryAfter: Int64?) -> PollAnswer {
  // Webex and Google: pending, with or without a body.
  if status == 428 { return .pending(retryAfter: retryAfter) }
  return .transient(isUnavailable(status) ? .unavailable : .unreadable, retryAfter: retryAfter)
}
