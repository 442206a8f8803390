public import Bytes

/// A grant type of RFC 8628 §3.4.
private let deviceCodeGrant: StaticString = "urn:ietf:params:oauth:grant-type:device_code"

/// Writes the body of a device authorization request (RFC 8628 §3.1).
public func writeDeviceAuthorizationRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, scope: borrowing Span<UInt8>, to sink: inout Sink
) {
  var form = Form()
  form.field("client_id", clientID, to: &sink)
  form.field("scope", scope, to: &sink)
}

/// Writes the body of a device access token request (RFC 8628 §3.4). The client identifier is in
/// it also beside Basic authentication: some servers want it there, and none refuses it.
public func writeDeviceTokenRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing Span<UInt8>, deviceCode: borrowing Span<UInt8>, to sink: inout Sink
) {
  var form = Form()
  form.field("grant_type", deviceCodeGrant.bytes, to: &sink)
  form.field("device_code", deviceCode, to: &sink)
  form.field("client_id", clientID, to: &sink)
}
