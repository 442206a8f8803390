public import Bytes

// The bodies of the requests. The client identifier is in each, also beside Basic authentication:
// some servers want it there, and none refuses it. A client secret stands in a body only where it
// is not in the Authorization header (RFC 6749 §2.3), and is empty otherwise.

/// Writes the body of a refresh request (RFC 6749 §6). It has no scope, which leaves what was
/// granted as it is.
public func writeRefreshRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, clientSecret: borrowing Span<UInt8>,
  refreshToken: borrowing Span<UInt8>, to sink: inout Sink
) {
  let grant: StaticString = "refresh_token"
  var form = Form()
  form.field("grant_type", grant.bytes, to: &sink)
  form.field("refresh_token", refreshToken, to: &sink)
  form.field("client_id", clientID, to: &sink)
  form.field("client_secret", clientSecret, to: &sink)
}

/// Which token a revocation request names (RFC 7009 §2.1).
public enum TokenTypeHint: Sendable {
  case accessToken
  case refreshToken
}

/// Writes the body of a revocation request (RFC 7009 §2.1).
public func writeRevocationRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, clientSecret: borrowing Span<UInt8>,
  token: borrowing Span<UInt8>, hint: TokenTypeHint, to sink: inout Sink
) {
  let type: StaticString = hint == .accessToken ? "access_token" : "refresh_token"
  var form = Form()
  form.field("token", token, to: &sink)
  form.field("token_type_hint", type.bytes, to: &sink)
  form.field("client_id", clientID, to: &sink)
  form.field("client_secret", clientSecret, to: &sink)
}
