public import Bytes
internal import OAuth

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
