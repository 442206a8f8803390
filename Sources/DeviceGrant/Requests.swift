public import Bytes

// The bodies of the requests. The client identifier is in each, also beside Basic authentication:
// some servers want it there, and none refuses it. A client secret stands in a body only where it
// is not in the Authorization header (RFC 6749 §2.3), and is empty otherwise.

/// A grant type of RFC 8628 §3.4.
private let deviceCodeGrant: StaticString = "urn:ietf:params:oauth:grant-type:device_code"

/// Writes the body of a device authorization request (RFC 8628 §3.1).
///
/// - Parameters:
///   - scopeParameter: the name that the scope goes under: "scope" in the RFC.
///   - extraParameters: `name=value&name=value` in form encoding, or nothing.
public func writeDeviceAuthorizationRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, clientSecret: borrowing Span<UInt8>,
  scopeParameter: StaticString, scope: borrowing Span<UInt8>,
  extraParameters: borrowing Span<UInt8>, to sink: inout Sink
) {
  var form = Form()
  form.field("client_id", clientID, to: &sink)
  form.field("client_secret", clientSecret, to: &sink)
  form.field(scopeParameter, scope, to: &sink)
  form.fields(extraParameters, to: &sink)
}

/// Writes the body of a device access token request (RFC 8628 §3.4).
///
/// - Parameter scope: empty for the RFC's request, which has none.
public func writeDeviceTokenRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, clientSecret: borrowing Span<UInt8>,
  deviceCode: borrowing Span<UInt8>, scopeParameter: StaticString, scope: borrowing Span<UInt8>,
  to sink: inout Sink
) {
  var form = Form()
  form.field("grant_type", deviceCodeGrant.bytes, to: &sink)
  form.field("device_code", deviceCode, to: &sink)
  form.field("client_id", clientID, to: &sink)
  form.field("client_secret", clientSecret, to: &sink)
  form.field(scopeParameter, scope, to: &sink)
}

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
