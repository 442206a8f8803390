internal import Board
public import Bytes
public import Configuration
public import Display
public import Linux

/// What a command line asks for.
public enum Action: Sendable {
  /// That text, on standard output.
  case help(StaticString)
  case version
  case command(Command)
}

/// The command line, read: options and the command in any order.
public struct Arguments {
  private var command: Command?
  private var wantsHelp = false
  private var wantsVersion = false
  public private(set) var wantsJSON = false
  /// Whether the token is wanted as a header line.
  public private(set) var wantsHeader = false
  /// Whether the server is not to be asked.
  public private(set) var isLocal = false
  public private(set) var configurationFile: PermanentBytes?
  private var uri: PermanentBytes?
  private var complete: PermanentBytes?
  private var code: PermanentBytes?
  private var minimumTTL: PermanentBytes?
  /// The keys that were given as options.
  public private(set) var settings = Settings()

  private let commandLine: CommandLine
  private var index = 1

  public init(_ commandLine: CommandLine) throws(StartError) {
    self.commandLine = commandLine
    while let argument = next() {
      if argument.bytes.hasPrefix("--"), argument.count > 2 {
        try readOption(argument)
      } else if argument.bytes.equals("-h") {
        wantsHelp = true
      } else {
        try readCommand(argument)
      }
    }
  }

  private mutating func next() -> PermanentBytes? {
    guard let argument = commandLine[index] else { return nil }
    index += 1
    return argument
  }

  private mutating func readCommand(_ argument: PermanentBytes) throws(StartError) {
    guard let command = Command(argument.bytes) else {
      throw .usage("'", argument, "' is not a command; devicegrant --help lists them")
    }
    if self.command != nil {
      throw .usage("'", argument, "' is a second command; give one")
    }
    self.command = command
  }

  private mutating func readOption(_ argument: PermanentBytes) throws(StartError) {
    let equals = argument.bytes.firstIndex(of: UInt8(ascii: "="))
    let name = argument.extracting(2..<(equals ?? argument.count))
    let inlineValue = equals.map { argument.extracting($0 + 1..<argument.count) }
    if try readFlag(name, hasValue: inlineValue != nil) { return }
    if name.bytes.equals("client-secret") {
      throw .usage(
        "--client-secret does not exist, since a command line is public; use client_secret_file")
    }
    let key = Key(option: name.bytes)
    guard key != nil || isOwnOption(name.bytes) else {
      throw .usage("--", name, " is not an option; devicegrant --help lists them")
    }
    guard let value = inlineValue ?? next() else {
      throw .usage("--", name, " needs a value")
    }
    if let key {
      do {
        try settings.setOption(key, value)
      } catch {
        throw .usage("--", name, " is given twice")
      }
    } else {
      try setOwnOption(name, value)
    }
  }

  /// Takes an option without a value.
  private mutating func readFlag(
    _ name: PermanentBytes, hasValue: Bool
  ) throws(StartError) -> Bool {
    if name.bytes.equals("help") {
      wantsHelp = true
    } else if name.bytes.equals("version") {
      wantsVersion = true
    } else if name.bytes.equals("json") {
      wantsJSON = true
    } else if name.bytes.equals("header") {
      wantsHeader = true
    } else if name.bytes.equals("local") {
      isLocal = true
    } else {
      return false
    }
    if hasValue { throw .usage("--", name, " takes no value") }
    return true
  }

  private func isOwnOption(_ name: borrowing Span<UInt8>) -> Bool {
    name.equals("config") || name.equals("uri") || name.equals("complete") || name.equals("code")
      || name.equals("min-ttl")
  }

  private mutating func setOwnOption(
    _ name: PermanentBytes, _ value: PermanentBytes
  ) throws(StartError) {
    let present: PermanentBytes?
    if name.bytes.equals("config") {
      present = configurationFile
      configurationFile = value
    } else if name.bytes.equals("uri") {
      present = uri
      uri = value
    } else if name.bytes.equals("complete") {
      present = complete
      complete = value
    } else if name.bytes.equals("code") {
      present = code
      code = value
    } else {
      present = minimumTTL
      minimumTTL = value
    }
    if present != nil { throw .usage("--", name, " is given twice") }
  }

  /// What is to be done. An option that belongs to another command is refused.
  @inline(never)
  public func action() throws(StartError) -> Action {
    if wantsHelp { return .help(command?.help ?? Help.program) }
    if wantsVersion { return .version }
    guard let command else { throw .usage("no command given; devicegrant --help lists them") }
    try checkOptions(of: command)
    return .command(command)
  }

  /// For how many seconds a token has to be good.
  public func minimumSeconds() throws(StartError) -> Int64 {
    guard let minimumTTL else { return standardMinimum }
    guard let seconds = minimumTTL.bytes.parseDecimal() else {
      throw .usage("--min-ttl: '", minimumTTL, "' is not a number of seconds")
    }
    if seconds > 315_360_000 {
      throw .usage("--min-ttl: '", minimumTTL, "' is too large")
    }
    return seconds
  }

  private func checkOptions(of command: Command) throws(StartError) {
    if wantsJSON, command != .status { throw .usage("--json belongs to status") }
    if isLocal, command != .signOut { throw .usage("--local belongs to sign-out") }
    if minimumTTL != nil || wantsHeader, command != .token {
      throw .usage("--min-ttl and --header belong to token")
    }
    if uri != nil || complete != nil || code != nil, command != .show {
      throw .usage("--uri, --complete and --code belong to show")
    }
  }

  /// What `show` is to paint.
  public func signInCode() throws(StartError) -> SignInCode {
    guard let uri, let code else { throw .usage("show needs --uri URI and --code CODE") }
    var screen = SignInCode()
    screen.userCode.append(code.bytes)
    screen.verificationURI.append(uri.bytes)
    if let complete { screen.verificationURIComplete.append(complete.bytes) }
    if screen.userCode.isEmpty || screen.verificationURI.isEmpty {
      throw .usage("--uri and --code can't be empty")
    }
    if screen.userCode.isTruncated || screen.verificationURI.isTruncated
      || screen.verificationURIComplete.isTruncated
    {
      throw .usage("the code or the URI is too long for a screen")
    }
    return screen
  }
}
