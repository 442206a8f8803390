internal import Bytes

/// What is known about a provider: one row of the table below.
public struct Preset: Sendable {
  /// The value of `provider`.
  public let name: StaticString
  /// What the people who sign in call it; empty where it stands behind another name.
  public let title: StaticString
  /// What has to be registered with the provider, to follow a refusal; may be empty.
  public let setUpHelp: StaticString
  /// Whether the client authenticates with its secret at the device authorization endpoint, where
  /// it has one (RFC 8628 §3.1); not where the provider's document has no secret there. It always
  /// does at the token and revocation endpoints (RFC 6749 §3.2.1).
  public let authenticatesAuthorization: Bool
  /// Whether the provider has no clients without a secret.
  public let requiresSecret: Bool
  /// Whether the scope goes under the name "scopes", and is sent with each poll too.
  public let hasOwnScopeParameter: Bool
  /// Whether it tells errors in sentences, as `errors[0].description` or `message`, and not in
  /// OAuth's `error` alone.
  public let usesSentences: Bool
  /// Whether it documents that revoking a token ends that grant alone, no other of the person's.
  public let revokesTokenAlone: Bool
  /// What its words for a dead refresh token hold, where they are not `invalid_grant`; may be
  /// empty.
  public let deadToken: StaticString
  /// What the configuration has unless it says otherwise, written as in its file. `{issuer}` and
  /// `{tenant}` in an endpoint stand for the values of these keys.
  let defaults: StaticString

  private init(
    _ name: StaticString, _ title: StaticString, authenticatesAuthorization: Bool = true,
    requiresSecret: Bool = false, hasOwnScopeParameter: Bool = false, setUpHelp: StaticString = "",
    usesSentences: Bool = false, deadToken: StaticString = "", revokesTokenAlone: Bool = false,
    _ defaults: StaticString
  ) {
    self.revokesTokenAlone = revokesTokenAlone
    self.usesSentences = usesSentences
    self.deadToken = deadToken
    self.name = name
    self.title = title
    self.setUpHelp = setUpHelp
    self.authenticatesAuthorization = authenticatesAuthorization
    self.requiresSecret = requiresSecret
    self.hasOwnScopeParameter = hasOwnScopeParameter
    self.defaults = defaults
  }

  /// The parameter that carries the scope.
  public var scopeParameter: StaticString { hasOwnScopeParameter ? "scopes" : "scope" }

  /// The value of `provider` that takes everything from the configuration.
  static let custom: StaticString = "custom"

  /// The names for the message about another one.
  static let names: StaticString = """
    is not webex, google, entra, github, auth0, okta, keycloak, gitlab, twitch or custom
    """

  init?(named name: borrowing Span<UInt8>) {
    for index in Preset.all.indices where name.equals(Preset.all[index].name) {
      self = Preset.all[index]
      return
    }
    return nil
  }

  static let all: InlineArray<10, Preset> = [
    // "Login with Webex" on developer.webex.com. Its polling endpoint is not its refresh endpoint,
    // and its device authorization endpoint wants no authentication.
    Preset(
      "webex", "Webex", authenticatesAuthorization: false, requiresSecret: true,
      setUpHelp: """
        client_id must be that of an Integration, registered on \
        https://developer.webex.com/my-apps with these four redirect URIs, one by one: \
        https://oauth-helper-a.wbx2.com/helperservice/v1/actions/device/callback \
        https://oauth-helper-r.wbx2.com/helperservice/v1/actions/device/callback \
        https://oauth-helper-k.wbx2.com/helperservice/v1/actions/device/callback \
        https://oauth-helper-d.wbx2.com/helperservice/v1/actions/device/callback
        """,
      usesSentences: true, deadToken: "efresh token",
      """
      client_auth = basic
      scope = spark:people_read
      device_authorization_endpoint = https://webexapis.com/v1/device/authorize
      token_endpoint = https://webexapis.com/v1/device/token
      refresh_endpoint = https://webexapis.com/v1/access_token
      userinfo_endpoint = https://webexapis.com/v1/people/me
      """),
    // "OAuth 2.0 for TV and Limited-Input Device Applications" on developers.google.com.
    Preset(
      "google", "Google", authenticatesAuthorization: false, requiresSecret: true,
      setUpHelp: """
        client_id must be that of an OAuth client of the type "TVs and Limited Input devices"
        """,
      """
      client_auth = post
      scope = openid profile
      device_authorization_endpoint = https://oauth2.googleapis.com/device/code
      token_endpoint = https://oauth2.googleapis.com/token
      userinfo_endpoint = https://openidconnect.googleapis.com/v1/userinfo
      revocation_endpoint = https://oauth2.googleapis.com/revoke
      """),
    // "Device authorization grant" of the Microsoft identity platform.
    Preset(
      "entra", "Microsoft", authenticatesAuthorization: false,
      setUpHelp: "the app registration must allow public client flows, and know the tenant",
      """
      client_auth = post
      tenant = common
      scope = openid profile offline_access
      device_authorization_endpoint = \
      https://login.microsoftonline.com/{tenant}/oauth2/v2.0/devicecode
      token_endpoint = https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token
      userinfo_endpoint = https://graph.microsoft.com/oidc/userinfo
      """),
    // "Authorizing OAuth apps" on docs.github.com. Without a scope there is the public profile.
    Preset(
      "github", "GitHub", authenticatesAuthorization: false,
      setUpHelp: "Device Flow must be enabled in the app's settings",
      deadToken: "bad_refresh_token",
      """
      client_auth = post
      device_authorization_endpoint = https://github.com/login/device/code
      token_endpoint = https://github.com/login/oauth/access_token
      userinfo_endpoint = https://api.github.com/user
      """),
    // "Device Authorization Flow" on auth0.com/docs.
    Preset(
      "auth0", "",
      """
      client_auth = post
      scope = openid profile offline_access
      device_authorization_endpoint = {issuer}/oauth/device/code
      token_endpoint = {issuer}/oauth/token
      userinfo_endpoint = {issuer}/userinfo
      revocation_endpoint = {issuer}/oauth/revoke
      """),
    // "Device Authorization Grant" on developer.okta.com, for a custom authorization server.
    Preset(
      "okta", "Okta", revokesTokenAlone: true,
      """
      client_auth = basic
      scope = openid profile offline_access
      device_authorization_endpoint = {issuer}/v1/device/authorize
      token_endpoint = {issuer}/v1/token
      userinfo_endpoint = {issuer}/v1/userinfo
      revocation_endpoint = {issuer}/v1/revoke
      """),
    // The endpoints below a realm.
    Preset(
      "keycloak", "",
      """
      client_auth = basic
      lost_answer = wait
      scope = openid profile offline_access
      device_authorization_endpoint = {issuer}/protocol/openid-connect/auth/device
      token_endpoint = {issuer}/protocol/openid-connect/token
      userinfo_endpoint = {issuer}/protocol/openid-connect/userinfo
      revocation_endpoint = {issuer}/protocol/openid-connect/revoke
      """),
    // "OAuth 2.0 identity provider API" on docs.gitlab.com, since 17.2.
    Preset(
      "gitlab", "GitLab", revokesTokenAlone: true,
      """
      client_auth = post
      issuer = https://gitlab.com
      scope = openid profile
      device_authorization_endpoint = {issuer}/oauth/authorize_device
      token_endpoint = {issuer}/oauth/token
      userinfo_endpoint = {issuer}/oauth/userinfo
      revocation_endpoint = {issuer}/oauth/revoke
      """),
    // "Getting OAuth Access Tokens" on dev.twitch.tv, which asks for at least one scope.
    Preset(
      "twitch", "Twitch", authenticatesAuthorization: false, hasOwnScopeParameter: true,
      usesSentences: true, deadToken: "efresh token",
      """
      client_auth = post
      scope = user:read:email
      device_authorization_endpoint = https://id.twitch.tv/oauth2/device
      token_endpoint = https://id.twitch.tv/oauth2/token
      userinfo_endpoint = https://id.twitch.tv/oauth2/validate
      revocation_endpoint = https://id.twitch.tv/oauth2/revoke
      """),
    // Any RFC 8628 server. A confidential client authenticates everywhere (RFC 8628 §3.1).
    Preset(Preset.custom, "", ""),
  ]
}
