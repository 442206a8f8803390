public import Bytes

/// A client identifier (RFC 6749 §2.2).
public typealias ClientID = Text<512>

/// A client's password (RFC 6749 §2.3.1).
public typealias ClientSecret = Text<512>

/// What access is asked for: names with spaces between them (RFC 6749 §3.3).
public typealias Scope = Text<1024>

/// A grant type of RFC 8628 §3.4.
private let deviceCodeGrant: StaticString = "urn:ietf:params:oauth:grant-type:device_code"

/// Writes the body of a device authorization request (RFC 8628 §3.1).
public func writeDeviceAuthorizationRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing ClientID, scope: borrowing Scope, to sink: inout Sink
) {
  var form = Form()
  form.field("client_id", clientID.bytes, to: &sink)
  form.field("scope", scope.bytes, to: &sink)
}

/// Writes the body of a device access token request (RFC 8628 §3.4). The client identifier is in
/// it also beside Basic authentication: some servers want it there, and none refuses it.
public func writeDeviceTokenRequest<Sink: ByteSink & ~Copyable>(
  clientID: borrowing ClientID, deviceCode: borrowing Span<UInt8>, to sink: inout Sink
) {
  var form = Form()
  form.field("grant_type", deviceCodeGrant.bytes, to: &sink)
  form.field("device_code", deviceCode, to: &sink)
  form.field("client_id", clientID.bytes, to: &sink)
}
