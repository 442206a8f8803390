internal import Board
internal import Bytes
internal import Configuration
internal import Linux

/// The commands.
enum Command: UInt8 {
  case run
  case signIn
  case token
  case whoami
  case status
  case signOut
  case show

  private static let count: UInt8 = 7

  init?(_ name: borrowing Span<UInt8>) {
    for index in 0..<Command.count {
      guard let command = Command(rawValue: index), name.equals(command.name) else { continue }
      self = command
      return
    }
    return nil
  }

  var name: StaticString {
    switch self {
    case .run: "run"
    case .signIn: "sign-in"
    case .token: "token"
    case .whoami: "whoami"
    case .status: "status"
    case .signOut: "sign-out"
    case .show: "show"
    }
  }

  var help: StaticString {
    switch self {
    case .signIn: Help.signIn
    case .status: Help.status
    case .show: Help.show
    case .run: Help.run
    case .token: Help.token
    case .whoami: Help.whoami
    case .signOut: Help.signOut
    }
  }
}

/// The command line, read: options and the command in any order.
struct Arguments {
  private(set) var command: Command?
  private(set) var wantsHelp = false
  private(set) var wantsVersion = false
  private(set) var wantsJSON = false
  /// Whether the token is wanted as a header line.
  private(set) var wantsHeader = false
  private(set) var configurationFile: PermanentBytes?
  private(set) var uri: PermanentBytes?
  private(set) var complete: PermanentBytes?
  private(set) var code: PermanentBytes?
  private(set) var minimumTTL: PermanentBytes?
  private(set) var settings = Settings()

  private let commandLine: CommandLine
  private var index = 1

  init(_ commandLine: CommandLine) throws(StartError) {
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

  /// For how many seconds a token has to be good.
  func minimumSeconds() throws(StartError) -> Int64 {
    guard let minimumTTL else { return standardMinimum }
    guard let seconds = minimumTTL.bytes.parseDecimal() else {
      throw .usage("--min-ttl: '", minimumTTL, "' is not a number of seconds")
    }
    if seconds > 315_360_000 {
      throw .usage("--min-ttl: '", minimumTTL, "' is too large")
    }
    return seconds
  }

  /// Refuses options that belong to another command.
  func checkOptions(of command: Command) throws(StartError) {
    if wantsJSON, command != .status { throw .usage("--json belongs to status") }
    if minimumTTL != nil || wantsHeader, command != .token {
      throw .usage("--min-ttl and --header belong to token")
    }
    if uri != nil || complete != nil || code != nil, command != .show {
      throw .usage("--uri, --complete and --code belong to show")
    }
  }
}
