public import Board
public import Bytes
public import Configuration
public import Linux

/// Why a command can't begin, or not tell what it has found: what is wrong with the command line or
/// the configuration, as values. The words are written where it ends the program.
public enum StartError: Error {
  /// What is wrong with the command line: words, what was given, words.
  case usage(StaticString, PermanentBytes, StaticString)
  /// What is wrong with the configuration, whose file has that name.
  case configuration(ConfigurationError, file: PermanentBytes?)
  /// A file that a key names can't be used, and why; else it holds nothing of use.
  case file(ConfigurationError, file: PermanentBytes?, PermanentBytes, Errno?)
  /// Nothing but words.
  case plain(ExitCode, StaticString)
  /// What was tried, and what the kernel said.
  case system(ExitCode, StaticString, Errno)
  /// What is wrong with the answer of an endpoint, whose URL that is.
  case profile(PermanentBytes, StaticString)
  /// Words, what they are about, words.
  case about(ExitCode, StaticString, PermanentBytes, StaticString, Errno? = nil)

  /// Nothing but words about the command line.
  public static func usage(_ words: StaticString) -> StartError {
    .usage(words, PermanentBytes(""), "")
  }

  /// How the program ends for it.
  public var exitCode: ExitCode {
    switch self {
    case .usage, .configuration(.duplicateOption, _): .usage
    case .configuration, .file: .configuration
    case .profile: .unusableAnswer
    case .plain(let code, _), .system(let code, _, _), .about(let code, _, _, _, _): code
    }
  }

  /// Says what is wrong, where it stands, and what to do.
  @inline(never)
  public func tell(to line: Line) {
    switch self {
    case .usage(let before, let given, let after): line <- before <- given.bytes <- after
    case .configuration(let error, let file): Self.tell(error, file, to: line)
    case .file(let error, let file, let path, let reason):
      Self.tell(error, file, to: line)
      line <- ": " <- path.bytes
      if let reason { line <- ": " <- reason }
    case .plain(_, let words): line <- words
    case .profile(let url, let fault): line <- url.bytes <- " answered with " <- fault
    case .system(_, let words, let error): line <- words <- ": " <- error
    case .about(_, let before, let name, let after, let error):
      line <- before <- name.bytes <- after
      if let error { line <- ": " <- error }
    }
  }

  private static func tell(
    _ error: ConfigurationError, _ file: PermanentBytes?, to line: Line
  ) {
    let file = file ?? ConfigurationSource.standardFile
    switch error {
    case .malformedLine(let number):
      line <- file.bytes <- ":" <- number <- ": the line is not of the form key = value"
    case .unknownKey(let key, let number):
      line <- file.bytes <- ":" <- number <- ": unknown key '" <- key.bytes <- "'"
    case .duplicateKey(let key, let number):
      line <- file.bytes <- ":" <- number <- ": duplicate key '" <- key.name.bytes <- "'"
    case .duplicateOption(let key): line <- key.name.bytes <- " is given twice"
    case .badValue(let key, let origin, let reason):
      tell(origin, file, to: line)
      line <- key.name.bytes <- " " <- reason
    case .missing(let key, let reason):
      line <- key.name.bytes <- " is not set: " <- reason <- "; set it in " <- file.bytes
    }
  }

  private static func tell(_ origin: Origin, _ file: PermanentBytes, to line: Line) {
    switch origin {
    case .file(let number): line <- file.bytes <- ":" <- number <- ": "
    case .option: line <- "on the command line: "
    case .environment, .sampleEnvironment: line <- "in the environment: "
    case .preset: break
    }
  }
}
