internal import Agent
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

  private let arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let count: Int
  private var index = 1

  init(
    _ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  ) throws(Failure) {
    self.count = Int(count)
    self.arguments = arguments
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
    guard index < count, let argument = arguments[index] else { return nil }
    index += 1
    return PermanentBytes(cString: argument)
  }

  private mutating func readCommand(_ argument: PermanentBytes) throws(Failure) {
    guard let command = Command(argument.bytes) else {
      throw Failure(
        .usage, "'\(argument.bytes)' is not a command; devicegrant --help lists them")
    }
    if self.command != nil {
      throw Failure(.usage, "'\(argument.bytes)' is a second command; give one")
    }
    self.command = command
  }

  private mutating func readOption(_ argument: PermanentBytes) throws(Failure) {
    let equals = argument.bytes.firstIndex(of: UInt8(ascii: "="))
    let name = argument.extracting(2..<(equals ?? argument.count))
    let inlineValue = equals.map { argument.extracting($0 + 1..<argument.count) }
    if try readFlag(name, hasValue: inlineValue != nil) { return }
    if name.bytes.equals("client-secret") {
      throw Failure(
        .usage,
        "--client-secret does not exist, since a command line is public; use client_secret_file")
    }
    let key = Key(option: name.bytes)
    guard key != nil || isOwnOption(name.bytes) else {
      throw Failure(
        .usage, "--\(name.bytes) is not an option; devicegrant --help lists them")
    }
    guard let value = inlineValue ?? next() else {
      throw Failure(.usage, "--\(name.bytes) needs a value")
    }
    if let key {
      do {
        try settings.setOption(key, value)
      } catch {
        throw Failure(.usage, "--\(name.bytes) is given twice")
      }
    } else {
      try setOwnOption(name, value)
    }
  }

  /// Takes an option without a value.
  private mutating func readFlag(
    _ name: PermanentBytes, hasValue: Bool
  ) throws(Failure) -> Bool {
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
    if hasValue { throw Failure(.usage, "--\(name.bytes) takes no value") }
    return true
  }

  private func isOwnOption(_ name: borrowing Span<UInt8>) -> Bool {
    name.equals("config") || name.equals("uri") || name.equals("complete") || name.equals("code")
      || name.equals("min-ttl")
  }

  private mutating func setOwnOption(
    _ name: PermanentBytes, _ value: PermanentBytes
  ) throws(Failure) {
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
    if present != nil { throw Failure(.usage, "--\(name.bytes) is given twice") }
  }

  /// For how many seconds a token has to be good.
  func minimumSeconds() throws(Failure) -> Int64 {
    guard let minimumTTL else { return HandOut.standardMinimum }
    guard let seconds = minimumTTL.bytes.parseDecimal() else {
      throw Failure(.usage, "--min-ttl: '\(minimumTTL.bytes)' is not a number of seconds")
    }
    if seconds > 315_360_000 {
      throw Failure(.usage, "--min-ttl: '\(minimumTTL.bytes)' is too large")
    }
    return seconds
  }

  /// The arguments as `main` got them.
  var vector: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> { arguments }

  /// Refuses options that belong to another command.
  func checkOptions(of command: Command) throws(Failure) {
    if wantsJSON, command != .status { throw Failure(.usage, "--json belongs to status") }
    if minimumTTL != nil || wantsHeader, command != .token {
      throw Failure(.usage, "--min-ttl and --header belong to token")
    }
    if uri != nil || complete != nil || code != nil, command != .show {
      throw Failure(.usage, "--uri, --complete and --code belong to show")
    }
  }
}
