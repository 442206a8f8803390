import Bytes
import Configuration
import Foundation
import TestSupport
import Testing

/// A row of the table of keys, in strings.
private struct Row: Sendable, CustomTestStringConvertible {
  var key: Key
  var name: String
  var help: String
  var standard: String
  var choices: [String] = []

  init(_ key: Key) {
    self.key = key
    name = string(key.row.name.bytes)
    help = string(key.row.help.bytes)
    standard = string(key.row.standard.bytes)
    if case .choice(let words) = key.row.form {
      choices = string(words.bytes).components(separatedBy: " ")
    }
  }

  var option: String { "--\(name.replacing("_", with: "-"))" }

  var testDescription: String { name }

  static let all = sequence(state: Cases<Key>()) { $0.next() }.map { Row($0) }
  static let names = Set(all.map(\.name))
}

/// The table in the Manual.
@Suite struct ManualKeyTests {
  private struct Entry {
    var names: [String]
    var meaning: String
    var standard: String
  }

  private let lines: [String]
  private let entries: [Entry]

  init() throws {
    lines = try SourceFile.at("Sources/devicegrant/devicegrant.docc/Manual.md").lines
    let head = try #require(lines.firstIndex { $0.hasPrefix("| key |") })
    entries = lines[(head + 2)...].prefix { $0.hasPrefix("|") }.map { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
        .map { String($0).trimmed }
      return Entry(
        names: cells[1].matches(of: /`(\w+)`/).map { String($0.output.1) }, meaning: cells[2],
        standard: cells[3].replacing("`", with: ""))
    }
  }

  @Test func everyKeyIsThereOnceAndNothingElse() {
    #expect(entries.flatMap(\.names).sorted() == Row.names.sorted())
  }

  @Test(arguments: Row.all) private func defaultsAndChoicesAgree(row: Row) throws {
    let entry = try #require(entries.first { $0.names.contains(row.name) })
    #expect(row.standard.isEmpty ? entry.standard.isEmpty : entry.standard.contains(row.standard))
    for word in row.choices { #expect(entry.meaning.contains(word), "\(word)") }
    switch row.key.row.form {
    case .absolutePath, .socketPath: #expect(entry.meaning.contains("absolute path"))
    default: break
    }
  }

  @Test func examplesSetKeysThatThereAre() {
    let names = lines.compactMap { $0.prefixMatch(of: /\ {4}(\w+)\ =\ /)?.output.1 }
    #expect(names.count > 10)
    for name in names { #expect(Row.names.contains(String(name)), "\(name)") }
  }
}

/// The configuration in the man page.
@Suite struct ManPageKeyTests {
  /// What macros and punctuation leave: letters and digits.
  private static func plain(_ lines: some Sequence<String>) -> String {
    let macros: Set = ["Ar", "Cm", "Ev", "Fl", "Ns", "Op", "Pa", "Ql"]
    let words = lines.flatMap { line in
      let words = line.hasPrefix(".") ? String(line.dropFirst()) : line
      return words.components(separatedBy: " ").filter { !macros.contains($0) }
    }
    return words.joined().filter { $0.isLetter || $0.isNumber }
  }

  /// Each item's name and its text: help, and in brackets what counts unless the key is set.
  private let items: [(name: String, text: String)]

  init() throws {
    let lines = try SourceFile.at("board/debian/devicegrant.1").lines
    let head = try #require(lines.firstIndex(of: ".Sh CONFIGURATION"))
    let section = lines[(head + 1)...].prefix { !$0.hasPrefix(".Sh ") && $0 != ".El" }
    items = section.split { $0.hasPrefix(".It ") }.dropFirst().map { text in
      (String(section[text.startIndex - 1].dropFirst(".It Cm ".count)), Self.plain(text))
    }
  }

  @Test func everyKeyIsThereOnceAndNothingElse() {
    #expect(items.map(\.name).sorted() == Row.names.sorted())
  }

  @Test(arguments: Row.all) private func anItemSaysWhatTheTableSays(row: Row) throws {
    let item = try #require(items.first { $0.name == row.name })
    #expect(item.text == Self.plain([row.help, row.standard]))
  }

  @Test func markupIsLeftOut() {
    #expect(Self.plain([".Cm pbm : Ns Ar PATH Ns Op @ Ns Ar N ,", "it's"]) == "pbmPATHNits")
  }
}

/// The sample of the configuration that the package installs.
@Suite struct SampleKeyTests {
  /// Keys and values, commented out or not. Other comments have a blank behind the number sign.
  private let settings: [(name: String, value: String)]

  init() throws {
    settings = try SourceFile.at("board/debian/devicegrant.conf").lines.compactMap { line in
      let match = line.wholeMatch(of: /#?(?<name>[^ #=]+) *= *(?<value>.*)/)
      return match.map { (String($0.name), String($0.value)) }
    }
  }

  @Test func everyKeyThereIsOne() {
    #expect(settings.count > 8)
    for (name, _) in settings { #expect(Row.names.contains(name), "\(name)") }
    #expect(Set(settings.map(\.name)).count == settings.count)
  }

  @Test func choicesAreShownAsTheyAreUnlessSet() {
    for (name, value) in settings {
      guard let row = Row.all.first(where: { $0.name == name }), row.isChoice else { continue }
      #expect(row.standard.prefix { $0 != ";" && $0 != ":" } == value, "\(name)")
    }
  }
}

extension Row {
  fileprivate var isChoice: Bool {
    switch key.row.form {
    case .choice, .displays: true
    default: false
    }
  }
}

/// What `--help` says of keys.
@Suite struct HelpKeyTests {
  private let text: String

  /// Options that belong to a command or to all of them.
  private static let own: Set = [
    "--code", "--complete", "--config", "--header", "--help", "--json", "--local", "--min-ttl",
    "--uri", "--version",
  ]

  init() throws {
    text = try SourceFile.at("Sources/Invocation/Help.swift").lines.joined(separator: "\n")
  }

  @Test func everyOptionThereIsOne() {
    let options = Row.all.filter(\.key.row.isOption).map(\.option)
    let known = Self.own.union(options)
    let found = Set(text.matches(of: /--[a-z-]+/).map { String($0.output) })
    #expect(found.subtracting(known) == [])
    #expect(found.isSuperset(of: Self.own))
    #expect(!found.isDisjoint(with: options))
  }

  @Test func everyVariableThereIsOne() {
    for match in text.matches(of: /DEVICEGRANT_\w+/) where match.output != "DEVICEGRANT_CONFIG" {
      let name = Array(match.output.utf8)
      #expect(Key(environment: name.span) != nil, "\(match.output)")
    }
  }

  @Test func everyWordWithAnUnderscoreIsAKey() {
    let words = text.matches(of: /\b[a-z]+(?:_[a-z]+)+\b/).map { String($0.output) }
    #expect(words.contains("access_token_file"))
    for word in words { #expect(Row.names.contains(word), "\(word)") }
  }

  @Test func itSaysWhichKeysAreNoOptions() {
    let others = Row.all.filter { !$0.key.row.isOption }.map(\.name)
    #expect(text.contains("Every key of the configuration but \(others.joined()) is an option"))
  }
}
