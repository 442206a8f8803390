// Theory of operation.
//
// All that there is to know of a key is its row: a key without one does not compile. Manual.md, the
// manual page, the sample of the configuration and `--help` are held against the rows by the tests,
// the manual page to the word.

extension Key {
  /// What the value of a key has to be.
  public enum Form: Sendable {
    /// For https.
    case url
    /// Of at most `pathLimit` bytes, and not of a directory.
    case path
    case absolutePath
    /// An absolute path of at most `LocalConfiguration.socketPathLimit` bytes.
    case socketPath
    /// The name or number of a group.
    case group
    /// Text of at most that many bytes.
    case text(limit: Int)
    /// One of these words; a space stands between two.
    case choice(StaticString)
    /// See `DisplayChoices`.
    case displays

    /// The longest path, in bytes.
    static let pathLimit = 500
  }

  /// What there is to know of a key.
  public struct Row: Sendable {
    public let name: StaticString
    public let form: Form
    /// What the key means, in one line.
    public let help: StaticString
    /// What counts where the key is not set; empty where there is nothing to say.
    public let standard: StaticString
    /// Whether there is an option on the command line.
    public let isOption: Bool

    init(
      _ name: StaticString, _ form: Form, _ help: StaticString, unlessSet standard: StaticString,
      isOption: Bool = true
    ) {
      self.name = name
      self.form = form
      self.help = help
      self.standard = standard
      self.isOption = isOption
    }
  }

  // Where one member is asked for, inlining leaves no trace of the others: help is not in the
  // binary.
  public var row: Row {
    @inline(__always) get {
      switch self {
      case .provider:
        Row(
          "provider",
          .choice("webex google entra github auth0 okta keycloak gitlab twitch custom"),
          """
          webex, google, entra, github, auth0, okta, keycloak, gitlab, twitch, or custom for no \
          preset
          """,
          unlessSet: "webex; custom where issuer is set")
      case .issuer:
        Row(
          "issuer", .url,
          "the server whose metadata names its endpoints, or that a preset's endpoints begin with",
          unlessSet: "https://gitlab.com for gitlab")
      case .tenant:
        Row(
          "tenant", .text(limit: 128), "Entra's tenant, an identifier or a domain",
          unlessSet: "common")
      case .clientID:
        Row(
          "client_id", .text(limit: 512), "who asks, as registered at the server",
          unlessSet: "must be set")
      case .clientSecret:
        Row(
          "client_secret", .text(limit: 512),
          "the client's secret; no option, since a command line is public",
          unlessSet: "none, but webex and google need one", isOption: false)
      case .clientSecretFile:
        Row("client_secret_file", .path, "a file that holds the client's secret", unlessSet: "")
      case .clientAuth:
        Row(
          "client_auth", .choice("basic post none"),
          "how the secret goes: basic (header), post (body), none",
          unlessSet: "the provider's, else basic")
      case .scope:
        Row(
          "scope", .text(limit: 1024), "what is asked for, with a space between two",
          unlessSet: "the preset's")
      case .extraParameters:
        Row(
          "extra_parameters", .text(limit: 1024),
          "form-encoded name=value&name=value for the request for a code", unlessSet: "none")
      case .deviceAuthorizationEndpoint:
        Row(
          "device_authorization_endpoint", .url, "the https URL where a code is asked for",
          unlessSet: "the preset's or the issuer's")
      case .tokenEndpoint:
        Row(
          "token_endpoint", .url, "the https URL where the tokens come from",
          unlessSet: "the preset's or the issuer's")
      case .refreshEndpoint:
        Row(
          "refresh_endpoint", .url, "the https URL where the grant is renewed",
          unlessSet: "the token endpoint")
      case .userinfoEndpoint:
        Row(
          "userinfo_endpoint", .url,
          "the https URL that tells of the person, for whoami and the name on the screen",
          unlessSet: "the preset's or the issuer's")
      case .revocationEndpoint:
        Row(
          "revocation_endpoint", .url, "the https URL where sign-out revokes the grant",
          unlessSet: "the preset's or the issuer's")
      case .caFile:
        Row("ca_file", .path, "PEM file with the trust anchors", unlessSet: "the system's bundle")
      case .tokenFile:
        Row(
          "token_file", .path, "where the tokens are kept",
          unlessSet: """
            $STATE_DIRECTORY/tokens.json; else for root /var/lib/devicegrant/tokens.json; else \
            devicegrant/tokens.json in $XDG_STATE_HOME or ~/.local/state
            """)
      case .accessTokenFile:
        Row(
          "access_token_file", .path,
          "a file with the access token and a newline for other programs, mode 0640",
          unlessSet: "not published")
      case .accessTokenGroup:
        Row(
          "access_token_group", .group, "whose group that file gets",
          unlessSet: "the program's own")
      case .socket:
        Row(
          "socket", .socketPath,
          "the absolute path of the socket that hands out the access token, mode 0660",
          unlessSet: "no socket")
      case .socketGroup:
        Row(
          "socket_group", .group, "whose group that socket gets", unlessSet: "the program's own")
      case .onCode:
        Row(
          "on_code", .absolutePath, "absolute path of a program to run when a code is shown",
          unlessSet: "none")
      case .onSignedIn:
        Row(
          "on_signed_in", .absolutePath,
          "absolute path of a program to run when a person has signed in", unlessSet: "none")
      case .onRefreshed:
        Row(
          "on_refreshed", .absolutePath,
          "absolute path of a program to run when the access token is renewed", unlessSet: "none")
      case .onLost:
        Row(
          "on_lost", .absolutePath,
          "absolute path of a program to run when the grant is lost", unlessSet: "none")
      case .start:
        Row(
          "start", .choice("automatic on-request"),
          """
          automatic: a code whenever there is no grant; on-request: when a person asks
          """,
          unlessSet: "automatic")
      case .display:
        Row(
          "display", .displays,
          """
          up to four of auto, framebuffer[:/dev/fbN], drm[:/dev/dri/cardN], \
          pbm:PATH[@WIDTHxHEIGHT], console, with commas; or none
          """,
          unlessSet: """
            auto: the framebuffer, else a graphics card, if there is one, and the console
            """)
      case .rotate:
        Row(
          "rotate", .choice("0 90 180 270"), "0, 90, 180 or 270 degrees clockwise",
          unlessSet: "0")
      case .lostAnswer:
        Row(
          "lost_answer", .choice("retry wait"),
          """
          what follows a refresh whose answer is lost. retry: the refresh token is sent again a \
          few times within half a minute; wait: only when the access token ends
          """,
          unlessSet: "the provider's, else retry")
      case .sandbox:
        Row(
          "sandbox", .choice("yes no"),
          "yes: run confines itself, where the kernel can; no: it does not", unlessSet: "yes")
      case .logLevel:
        Row(
          "log_level", .choice("error warning info debug"),
          "how much is logged: error, warning, info or debug", unlessSet: "info")
      }
    }
  }
}
