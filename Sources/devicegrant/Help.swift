/// What `--help` prints, in 80 columns.
enum Help {
  static let program: StaticString = """
    devicegrant signs a board in to an authorization server (RFC 8628): it shows a
    code and a QR code, waits until a person has approved on a phone, and keeps
    the tokens.

    usage: devicegrant COMMAND [OPTION...]

      sign-in    one sign-in with one code; the tokens go to the token file
      status     signed in or not, and until when; no network
      show       paint a sign-in screen on the displays and end

    run, token, whoami and sign-out are not in this release.

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

    Signs in when needed and keeps the grant fresh. Not in this release; ends
    with 64.

    """

  static let token: StaticString = """
    usage: devicegrant token [--min-ttl SECONDS] [OPTION...]

    Prints an access token. Not in this release; ends with 64.

    """

  static let whoami: StaticString = """
    usage: devicegrant whoami [OPTION...]

    Prints the profile of the person. Not in this release; ends with 64.

    """

  static let signOut: StaticString = """
    usage: devicegrant sign-out [OPTION...]

    Revokes and erases the tokens. Not in this release; ends with 64.

    """
}
