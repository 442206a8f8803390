import Bytes
import Configuration
import Display
import Linux
import TestSupport
import Testing

@testable import Invocation

/// A command line, and what is read of it, or the words with which it is refused.
private struct Line: Sendable, CustomTestStringConvertible {
  var words: [String]
  var outcome: String

  init(_ words: String, _ outcome: String) {
    self.init(words.split(separator: " ").map(String.init), outcome)
  }

  init(_ words: [String], _ outcome: String) {
    self.words = words
    self.outcome = outcome
  }

  var testDescription: String { words.joined(separator: " ") }
}

private let good: [Line] = [
  Line("run", "run"), Line("sign-in", "sign-in"), Line("token", "token 60"),
  Line("whoami", "whoami"), Line("status", "status"), Line("sign-out", "sign-out"),
  Line("status --json", "status json"), Line("--json status", "status json"),
  Line("token --header", "token 60 header"), Line("token --min-ttl 0", "token 0"),
  Line("token --min-ttl=900 --header", "token 900 header"),
  Line("token --min-ttl 315360000", "token 315360000"),
  Line("run --config x.conf", "run config=x.conf"),
  Line("--config=x.conf run", "run config=x.conf"),
  // A value is whatever stands in its place.
  Line("run --config --json", "run config=--json"), Line("run --config=", "run config="),
  Line("run --client-id=a=b", "run client_id=a=b"),
  Line("--client-id a run --token-file t", "run client_id=a token_file=t"),
  Line(["run", "--scope", ""], "run scope="), Line(["run", "--scope", "a b"], "run scope=a b"),
  Line(
    "show --uri https://as.example/go --code A-1", "show A-1 https://as.example/go"),
  Line(
    "show --uri u --complete c --code A-1 --display pbm:x", "show A-1 u c display=pbm:x"),
  Line("", "64 no command given; devicegrant --help lists them"),
  Line("--config x.conf", "64 no command given; devicegrant --help lists them"),
  Line("--help", "help of all"), Line("-h", "help of all"), Line("run --help", "help of run"),
  Line("-h sign-out", "help of sign-out"), Line("--version", "version"),
  Line("--version run", "version"), Line("--version --help", "help of all"),
  Line("run --json --help", "help of run"), Line("--json --version", "version"),
]

private let all = "devicegrant --help lists them"

private let wrong: [Line] = [
  Line("dance", "64 'dance' is not a command; \(all)"),
  Line([""], "64 '' is not a command; \(all)"), Line("runs", "64 'runs' is not a command; \(all)"),
  Line("ru", "64 'ru' is not a command; \(all)"), Line("RUN", "64 'RUN' is not a command; \(all)"),
  Line("-j", "64 '-j' is not a command; \(all)"), Line("--", "64 '--' is not a command; \(all)"),
  Line("help", "64 'help' is not a command; \(all)"),
  Line(["\u{1B}[31m"], #"64 '\x1b[31m' is not a command; "# + all),
  Line("run status", "64 'status' is a second command; give one"),
  Line("run run", "64 'run' is a second command; give one"),
  Line("sign-in please --help", "64 'please' is not a command; \(all)"),
  Line("run --colour", "64 --colour is not an option; \(all)"),
  Line("run --colour=red", "64 --colour is not an option; \(all)"),
  Line("run --=red", "64 -- is not an option; \(all)"),
  Line("run --client_id a", "64 --client_id is not an option; \(all)"),
  Line("run --Scope a", "64 --Scope is not an option; \(all)"),
  Line("run --scope", "64 --scope needs a value"),
  Line("run --config", "64 --config needs a value"),
  Line("token --min-ttl", "64 --min-ttl needs a value"),
  Line("run --scope a --scope b", "64 --scope is given twice"),
  Line("run --config a --config=a", "64 --config is given twice"),
  Line("show --uri a --uri b", "64 --uri is given twice"),
  Line("show --complete a --complete b", "64 --complete is given twice"),
  Line("show --code a --code b", "64 --code is given twice"),
  Line("token --min-ttl 1 --min-ttl 1", "64 --min-ttl is given twice"),
  Line("run --help=yes", "64 --help takes no value"),
  Line("run --version=1", "64 --version takes no value"),
  Line("status --json=", "64 --json takes no value"),
  Line("token --header=yes", "64 --header takes no value"),
  Line(
    "run --client-secret s",
    "64 --client-secret does not exist, since a command line is public; use client_secret_file"),
  Line(
    "run --client-secret=s",
    "64 --client-secret does not exist, since a command line is public; use client_secret_file"),
  Line("run --json", "64 --json belongs to status"),
  Line("whoami --header", "64 --min-ttl and --header belong to token"),
  Line("run --min-ttl 5", "64 --min-ttl and --header belong to token"),
  Line("run --uri a", "64 --uri, --complete and --code belong to show"),
  Line("token --complete a", "64 --uri, --complete and --code belong to show"),
  Line("status --code a", "64 --uri, --complete and --code belong to show"),
  Line("token --min-ttl soon", "64 --min-ttl: 'soon' is not a number of seconds"),
  Line("token --min-ttl=", "64 --min-ttl: '' is not a number of seconds"),
  Line("token --min-ttl=-5", "64 --min-ttl: '-5' is not a number of seconds"),
  Line("token --min-ttl 1.5", "64 --min-ttl: '1.5' is not a number of seconds"),
  Line("token --min-ttl 315360001", "64 --min-ttl: '315360001' is too large"),
  Line("show", "64 show needs --uri URI and --code CODE"),
  Line("show --uri a", "64 show needs --uri URI and --code CODE"),
  Line("show --code a --complete b", "64 show needs --uri URI and --code CODE"),
  Line("show --uri= --code a", "64 --uri and --code can't be empty"),
  Line("show --uri a --code=", "64 --uri and --code can't be empty"),
  Line(
    ["show", "--uri", "a", "--code", String(repeating: "x", count: 257)],
    "64 the code or the URI is too long for a screen"),
  Line(
    ["show", "--uri", String(repeating: "x", count: 1025), "--code", "a"],
    "64 the code or the URI is too long for a screen"),
  Line(
    ["show", "--uri", "a", "--code", "a", "--complete", String(repeating: "x", count: 2049)],
    "64 the code or the URI is too long for a screen"),
]

@Suite struct ArgumentsTests {
  /// What comes of a command line, all options of it in one line.
  private static func outcome(_ words: [String]) -> String {
    var read: [String] = []
    let refused = refusal { () throws(StartError) in
      let arguments = try Arguments(commandLine(words))
      switch try arguments.action() {
      case .help(let text): read.append("help of " + owner(of: string(text.bytes)))
      case .version: read.append("version")
      case .command(let command): read += try parts(of: arguments, for: command)
      }
    }
    return refused ?? read.joined(separator: " ")
  }

  private static func parts(
    of arguments: Arguments, for command: Command
  ) throws(StartError) -> [String] {
    var parts = [string(command.name.bytes)]
    if command == .token { parts.append("\(try arguments.minimumSeconds())") }
    if command == .show {
      let code = try arguments.signInCode()
      parts += [string(code.userCode), string(code.verificationURI)]
      parts += [string(code.verificationURIComplete)].filter { !$0.isEmpty }
    }
    if arguments.wantsJSON { parts.append("json") }
    if arguments.wantsHeader { parts.append("header") }
    if let file = arguments.configurationFile { parts.append("config=\(string(file.bytes))") }
    var keys = Cases<Key>()
    while let key = keys.next() {
      guard let setting = arguments.settings[key] else { continue }
      #expect(setting.origin == .option)
      parts.append("\(string(key.name.bytes))=\(string(setting.value.bytes))")
    }
    return parts
  }

  private static func owner(of help: String) -> String {
    guard let command = help.wholeMatch(of: /usage: devicegrant (\S+) (?s:.*)/)?.output.1 else {
      return "all"
    }
    return String(command)
  }

  @Test(arguments: good) private func whatIsRead(line: Line) {
    #expect(Self.outcome(line.words) == line.outcome)
  }

  @Test(arguments: wrong) private func whatIsRefused(line: Line) {
    #expect(Self.outcome(line.words) == line.outcome)
  }

  /// A word that is no text is refused, and told so that a terminal can show it.
  @Test func wordsThatAreNoText() {
    let list = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 3)
    let bytes = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 3)
    _ = bytes.initialize(from: [-1, -2, 0])
    (list[0], list[1], list[2]) = (bytes.baseAddress, bytes.baseAddress, nil)
    let told = refusal { () throws(StartError) in
      _ = try Arguments(.init(count: 2, words: list))
    }
    #expect(told?.utf8.allSatisfy { (0x20..<0x7F).contains($0) } == true)
    #expect(told?.hasSuffix("is not a command; \(all)") == true)
  }

  @Test func everyCommandHasATestAndHelp() {
    let names = (0..<Command.count).compactMap { Command(rawValue: $0) }
      .map { string($0.name.bytes) }
    #expect(names.count == Int(Command.count) && Command(rawValue: Command.count) == nil)
    for name in names {
      #expect(good.contains { $0.outcome.split(separator: " ").first.map(String.init) == name })
      #expect(Self.outcome([name, "--help"]) == "help of \(name)")
    }
  }
}

@Suite struct HelpTests {
  private static let texts: [String] =
    [string(Help.program.bytes)]
    + (0..<Command.count).compactMap { Command(rawValue: $0) }.map { string($0.help.bytes) }

  @Test(arguments: texts) func itFitsAConsole(_ text: String) {
    #expect(text.hasSuffix(".\n") || text.hasSuffix("\n"))
    for line in text.split(separator: "\n") {
      #expect(line.count <= 80, "\(line)")
      #expect(line.utf8.allSatisfy { (0x20..<0x7F).contains($0) }, "\(line)")
    }
  }

  @Test func everyCommandIsNamed() {
    for index in 0..<Command.count {
      let name = string(Command(rawValue: index)!.name.bytes)
      #expect(Self.texts[0].contains("\n  \(name) "))
    }
  }

  @Test(arguments: [
    (Command.token, "--min-ttl"), (.token, "--header"), (.status, "--json"), (.show, "--uri"),
    (.show, "--complete"), (.show, "--code"),
  ]) func everyOptionIsNamedWhereItBelongs(command: Command, option: String) {
    #expect(string(command.help.bytes).contains("  \(option) "))
  }
}
