import Bytes
import TestSupport
import Testing

@testable import Configuration

/// What stands in the table is what the program does.
@Suite struct RowTests {
  private func name(_ key: Key) -> String { string(key.name.bytes) }

  /// What is said of a value on its way through both parts of the configuration.
  private func fault(_ key: Key, _ value: String) -> String {
    let file = "\(name(key)) = \(value)"
    let said = ConfigurationTests.fault { _ = try LocalConfiguration(settings(file)) }
    return said == "none" ? checkFault(file) : said
  }

  @Test(arguments: allKeys()) func everyRowSaysWhatItsKeyMeans(key: Key) {
    let help = string(key.row.help.bytes)
    #expect(!help.isEmpty && !help.contains("\n") && help.last != ".")
    #expect(!string(key.row.standard.bytes).contains("\n"))
  }

  @Test func allButTheSecretAreOptions() {
    #expect(allKeys().filter { !$0.row.isOption } == [.clientSecret])
  }

  @Test(arguments: allKeys()) func choicesAreTakenAndNothingElse(key: Key) {
    guard case .choice(let words) = key.row.form else { return }
    let said = fault(key, "nonsense")
    #expect(said.hasPrefix("\(name(key)) is not "))
    for word in string(words.bytes).split(separator: " ") {
      #expect(fault(key, String(word)) == "none")
      #expect(said.contains(word))
      #expect(string(key.row.help.bytes).contains(word))
    }
  }

  @Test func everyPresetIsAChoice() {
    guard case .choice(let words) = Key.provider.row.form else {
      Issue.record("no choice")
      return
    }
    let names = Preset.all.indices.map { string(Preset.all[$0].name.bytes) }
    #expect(string(words.bytes) == names.joined(separator: " "))
  }

  @Test(arguments: allKeys()) func textHasItsLimit(key: Key) {
    // Pairs of a name and a value are tried below.
    guard case .text(let limit) = key.row.form, key != .extraParameters else { return }
    #expect(fault(key, String(repeating: "x", count: limit)) == "none")
    #expect(fault(key, String(repeating: "x", count: limit + 1)).hasPrefix("\(name(key)) is "))
  }

  @Test func extraParametersHaveTheirLimit() {
    let value = "x=" + String(repeating: "x", count: 1022)
    #expect(fault(.extraParameters, value) == "none")
    #expect(fault(.extraParameters, value + "x").hasPrefix("extra_parameters is too long"))
  }

  @Test(arguments: allKeys()) func namesAndURLsAreChecked(key: Key) {
    let (good, bad): (String, [String])
    switch key.row.form {
    case .url: (good, bad) = ("https://as.example/x", ["", "http://as.example/x", "x"])
    case .path: (good, bad) = ("x", ["", "x/"])
    case .absolutePath: (good, bad) = ("/x", ["", "x", "/x/"])
    case .socketPath: (good, bad) = ("/x", ["", "x", "/x/"])
    case .group: (good, bad) = ("x", [""])
    case .text, .choice, .displays: return
    }
    #expect(fault(key, good) == "none")
    for value in bad { #expect(fault(key, value).hasPrefix("\(name(key)) "), "\(value)") }
  }

  @Test func endpointsAndHooksHaveKeysOfTheirOwn() {
    let keys = allEndpoints.map(\.key) + allHooks.map(\.key)
    #expect(Set(keys).count == Endpoint.count + allHooks.count)
    for endpoint in allEndpoints {
      guard case .url = endpoint.key.row.form else {
        Issue.record("\(endpoint)")
        continue
      }
    }
  }

  @Test func theMemoryHoldsAURLOfFullLengthForEachEndpoint() {
    // As in CShims/CMemory/memory.h, where there are two of these.
    #expect(ClientConfiguration.endpointMemory == 5 * 512)
  }
}

@Suite struct CasesTests {
  private enum Few: UInt8 { case one, two, three }

  @Test func casesComeInTheirOrder() {
    #expect(all(Cases<Few>()) == [.one, .two, .three])
    #expect(Cases<Few>.count == 3)
    #expect(allEndpoints.map(\.rawValue) == [0, 1, 2, 3, 4])
  }
}
