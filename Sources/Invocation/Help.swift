/// What `--help` prints, in 80 columns.
enum Help {
  static let program: StaticString = """
    devicegrant signs a board in to an authorization server (RFC 8628): it shows a
    code and a QR code, waits until a person has approved on a phone, keeps the
    tokens, renews them and hands access tokens to other programs.

    usage: devicegrant COMMAND [OPTION...]

      run        the agent: signs in when needed, renews the grant, hands it out
      sign-in    one sign-in with one code; the tokens go to the token file
      token      print an access token that is good for a while
      whoami     print what the server says of the person
      status     signed in or not, and until when; no network
      sign-out   revoke the grant and erase the tokens
      show       paint a sign-in screen on the displays and end

      --config PATH   the configuration (DEVICEGRANT_CONFIG, /etc/devicegrant.conf)
      --help, COMMAND --help, --version

    Every key of the configuration but client_secret is an option too, --client-id
    ID, --token-file PATH, --display LIST and so on, and a variable,
    DEVICEGRANT_CLIENT_ID and so on. An option beats a variable, a variable the
    file, the file the provider's preset.

    exit codes: 0 done, 64 wrong usage, 65 unusable answer, 69 server unreachable
    or not trusted, 70 defect, 73 display or file not to be created, 74 token
    file, 75 code expired, 77 denied or not signed in, 78 wrong configuration

    """

  static let signIn: StaticString = """
    usage: devicegrant sign-in [OPTION...]

    Asks for a code, shows it on the displays and in the log, polls until a person
    has approved, and saves the tokens. Ends with 0 signed in, 75 the code
    expired, 77 denied.

    """

  static let status: StaticString = """
    usage: devicegrant status [--json] [OPTION...]

    Says whether there is a grant, until when, for what scope and from whom. Reads
    the token file only. Ends with 0 signed in, 77 not signed in.

      --json   one JSON object instead of text

    """

  static let show: StaticString = """
    usage: devicegrant show --uri URI [--complete URI] --code CODE [OPTION...]

    Paints the sign-in screen on the configured displays and ends: for bringing up
    a board's screen without a server.

      --uri URI        the verification URI
      --complete URI   the verification URI that holds the code, for the QR code
      --code CODE      the user code

    """

  static let run: StaticString = """
    usage: devicegrant run [OPTION...]

    Runs until SIGTERM or SIGINT. Signs in when needed, with a new code as long as
    nobody approves; renews the grant before it ends; hands the access token out
    by access_token_file and socket; goes back to the code when the grant is lost.

      SIGHUP    take the configuration as it is now
      SIGUSR1   ask for a new code now

    """

  static let token: StaticString = """
    usage: devicegrant token [--min-ttl SECONDS] [--header] [OPTION...]

    Prints an access token and a newline, from run's socket where it is set and
    run listens, else from the token file, renewed where it ends too soon. Ends
    with 77 where a person has to sign in first, 69 where the server is away.

      --min-ttl SECONDS   how long it must be good, 60 unless given
      --header            "Authorization: Bearer TOKEN", for curl -H @-

    """

  static let whoami: StaticString = """
    usage: devicegrant whoami [OPTION...]

    Prints the answer of the userinfo endpoint, a JSON object. An access token
    that is refused is renewed once. Ends with 77 where the grant is dead or a
    scope is missing.

    """

  static let signOut: StaticString = """
    usage: devicegrant sign-out [--local] [OPTION...]

    Erases the tokens here, and revokes the grant where the provider has an
    endpoint for that (RFC 7009), through run where it lives. Ends with 69 where
    that fails: a token then waits to be revoked by run, or by sign-out once more.

      --local   ask nobody, and let nothing wait

    """
}
