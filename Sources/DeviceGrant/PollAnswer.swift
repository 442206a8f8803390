public import Bytes
internal import JSON

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
  /// Any other error: no further poll can succeed.
  case refused(ServerError)
  /// The tokens can't be used.
  case unusable(UnusableTokens)
  /// No answer, or none that means anything: the code may still be good.
  case transient(Transient, retryAfter: Int64?)
}

/// Why a poll brought nothing to go by.
public enum Transient: Sendable, Equatable {
  /// The exchange failed before there was an answer; the caller knows how.
  case unreachable
  /// HTTP status 408, 429 or 5xx.
  case unavailable(status: Int)
  /// Not JSON, or not an answer of a token endpoint.
  case unreadable(status: Int)
}

/// Why tokens that arrived are of no use.
public enum UnusableTokens: Sendable, Equatable {
  /// `token_type` is not bearer (RFC 6749 §7.1).
  case tokenType(Text<32>)
  /// A token is larger than `Tokens.limit`.
  case tooLong(StaticString)

  public static func == (left: UnusableTokens, right: UnusableTokens) -> Bool {
    switch (left, right) {
    case (.tokenType(let one), .tokenType(let other)): one == other
    case (.tooLong(let one), .tooLong(let other)): one.bytes.equals(other.bytes)
    default: false
    }
  }
}

/// Reads the answer to a device access token request.
///
/// - Parameters:
///   - retryAfter: the Retry-After field in seconds.
///   - unixSeconds: the wall clock, to turn lifetimes into times.
///   - tokens: filled where the answer is `.granted`, else left empty.
public func readPollAnswer(
  status: Int, body: borrowing Span<UInt8>, retryAfter: Int64?, unixSeconds: Int64,
  into tokens: inout Tokens
) -> PollAnswer {
  tokens.wipe()
  guard let object = try? JSONObject(body) else {
    return answer(toStatus: status, retryAfter: retryAfter)
  }
  if let verdict = Verdict(object) {
    switch verdict {
    case .pending: return .pending(retryAfter: retryAfter)
    case .slowDown:
      return .slowDown(interval: object.integer("interval"), retryAfter: retryAfter)
    case .denied: return .denied
    case .expired: return .expired
    }
  }
  if status == 428 || isUnavailable(status) {
    return answer(toStatus: status, retryAfter: retryAfter)
  }
  if !isSuccess(status) || object.has("error") {
    guard let error = readServerError(object, status: status) else {
      return answer(toStatus: status, retryAfter: retryAfter)
    }
    return .refused(error)
  }
  return readTokens(object, unixSeconds: unixSeconds, into: &tokens)
    ?? answer(toStatus: status, retryAfter: retryAfter)
}

/// What a status says by itself, beside an empty body, HTML or JSON without a reason.
private func answer(toStatus status: Int, retryAfter: Int64?) -> PollAnswer {
  // Webex and Google: pending, with or without a body.
  if status == 428 { return .pending(retryAfter: retryAfter) }
  // The client's credentials are wrong; polling on can't mend that (RFC 6749 §5.2).
  if status == 401 {
    return .refused(ServerError(status: status, code: "invalid_client", details: Text()))
  }
  if isUnavailable(status) {
    return .transient(.unavailable(status: status), retryAfter: retryAfter)
  }
  return .transient(.unreadable(status: status), retryAfter: retryAfter)
}

/// Reads the answer of a success; nil where a required member is missing.
private func readTokens(
  _ object: borrowing JSONObject, unixSeconds: Int64, into tokens: inout Tokens
) -> PollAnswer? {
  guard let accessToken = object.string("access_token"), accessToken.count > 0,
    let type = object.string("token_type")
  else { return nil }
  if !type.equalsIgnoringCase("bearer") { return .unusable(.tokenType(Text(type))) }
  if accessToken.count > Tokens.limit { return .unusable(.tooLong("access_token")) }
  if let refreshToken = object.string("refresh_token") {
    if refreshToken.count > Tokens.limit { return .unusable(.tooLong("refresh_token")) }
    tokens.refreshToken.append(refreshToken)
  }
  tokens.accessToken.append(accessToken)
  tokens.tokenType.append(type)
  readScope(object, into: &tokens.scope)
  tokens.expiresAt = expiry(object.integer("expires_in"), unixSeconds: unixSeconds)
  tokens.refreshTokenExpiresAt = expiry(
    object.integer("refresh_token_expires_in"), unixSeconds: unixSeconds)
  return .granted
}

/// Reads the granted scope: a string with spaces (RFC 6749 §3.3), or Twitch's array of strings.
private func readScope(_ object: borrowing JSONObject, into scope: inout Text<2048>) {
  if let text = object.string("scope") {
    scope.append(text)
    return
  }
  var joined = Text<2048>()
  object.forEachString(in: "scope") { name in
    if !joined.isEmpty { joined.append(UInt8(ascii: " ")) }
    joined.append(name)
  }
  scope = joined
}

/// The time at which something ends that lives for `lifetime` seconds. Zero and less mean that the
/// server does not know. A figure as large as a time of today is one.
private func expiry(_ lifetime: Int64?, unixSeconds: Int64) -> Int64? {
  guard let lifetime, lifetime > 0 else { return nil }
  // 2001 as a time, 31 years as a lifetime.
  return lifetime >= 1_000_000_000 ? lifetime : unixSeconds + lifetime
}
