internal import Bytes

/// What is known about a provider: one row of the table below.
public struct Preset: Sendable {
  /// The value of `provider`.
  public let name: StaticString
  /// What a person calls it; empty where it has no name.
  public let title: StaticString
  /// Whether the client authenticates with its secret at the device authorization endpoint, where
  /// it has one. It always does at the other two (RFC 6749 §3.2.1).
  public let authenticatesAuthorization: Bool
  /// Whether the provider has no clients without a secret.
  public let requiresSecret: Bool
  let scope: StaticString
  let deviceAuthorizationEndpoint: StaticString
  let tokenEndpoint: StaticString
  let refreshEndpoint: StaticString
  let userinfoEndpoint: StaticString

  static let all: InlineArray<2, Preset> = [
    // "Login with Webex" on developer.webex.com. Its polling endpoint is not its refresh endpoint,
    // and its device authorization endpoint wants no authentication.
    Preset(
      name: "webex", title: "Webex", authenticatesAuthorization: false, requiresSecret: true,
      scope: "spark:people_read",
      deviceAuthorizationEndpoint: "https://webexapis.com/v1/device/authorize",
      tokenEndpoint: "https://webexapis.com/v1/device/token",
      refreshEndpoint: "https://webexapis.com/v1/access_token",
      userinfoEndpoint: "https://webexapis.com/v1/people/me"),
    // Any RFC 8628 server. A confidential client authenticates everywhere (RFC 8628 §3.1).
    Preset(
      name: "custom", title: "", authenticatesAuthorization: true, requiresSecret: false,
      scope: "", deviceAuthorizationEndpoint: "", tokenEndpoint: "", refreshEndpoint: "",
      userinfoEndpoint: ""),
  ]
}

extension Preset {
  init?(named name: borrowing Span<UInt8>) {
    for index in Preset.all.indices where name.equals(Preset.all[index].name) {
      self = Preset.all[index]
      return
    }
    return nil
  }

  /// The preset's value for a key; nil where it has none.
  func value(of key: Key) -> StaticString? {
    let value: StaticString
    switch key {
    case .scope: value = scope
    case .deviceAuthorizationEndpoint: value = deviceAuthorizationEndpoint
    case .tokenEndpoint: value = tokenEndpoint
    case .refreshEndpoint: value = refreshEndpoint
    case .userinfoEndpoint: value = userinfoEndpoint
    default: return nil
    }
    return value.utf8CodeUnitCount == 0 ? nil : value
  }
}
