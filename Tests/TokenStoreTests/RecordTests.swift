import Bytes
import Foundation
import Linux
import OAuth
import Simulation
import TestSupport
import Testing
import TokenStore

@Suite struct RecordTests {
  private func roundTrip(_ sample: Sample) -> Loaded {
    let disk = SimulatedDisk()
    if let error = save(sample, in: store(on: disk)) { return .failed(error) }
    return load(store(on: disk))
  }

  @Test(arguments: [
    "t", "\"", "\\", "\\\"\\n", "/", "äöü€😀", "\u{7F}\u{80}\u{2028}\u{FEFF}", "\t\n\r\u{1}\u{1F}",
    "{\"access_token\":\"no\"}", " ", "null",
  ])
  func everyTextComesBack(text: String) {
    var sample = Sample("x")
    sample.scope = text
    sample.clientID = text
    #expect(roundTrip(sample) == .record(sample))
  }

  @Test(arguments: ["t", "\"", "\\", "\\\"\\n", "/", "{\"access_token\":\"no\"}", "null", "~!"])
  func everyTokenComesBack(token: String) {
    let sample = Sample(accessToken: token, refreshToken: token)
    #expect(roundTrip(sample) == .record(sample))
  }

  @Test(
    "a token that no server may send is damage",
    arguments: ["a b", "a\nb", "a\r\nX: y", "a\u{1B}[2J", "a\u{7F}", "é", " "])
  func malformedTokens(token: String) {
    #expect(roundTrip(Sample(accessToken: token, refreshToken: "r")) == .damaged)
    #expect(roundTrip(Sample(accessToken: "a", refreshToken: token)) == .damaged)
  }

  private func content(_ member: String) -> Loaded {
    let bytes = Array(#"{"access_token":"a"\#(member)}"#.utf8)
    return load(store(on: SimulatedDisk(["tokens.json": bytes])))
  }

  @Test(
    "half a letter could not be read again", arguments: ["client_id", "issuer", "token_endpoint"])
  func namesThatAreCut(name: String) {
    let longest = String(repeating: "x", count: 512)
    #expect(content(#","\#(name)":"\#(longest)""#) != .damaged)
    #expect(content(#","\#(name)":"\#(longest.dropLast())é""#) == .damaged)
  }

  @Test func aScopeThatIsCutIsNone() {
    let scope = String(repeating: "x", count: 2047)
    guard case .record(let cut) = content(#","scope":"\#(scope)é""#) else {
      Issue.record("not a record")
      return
    }
    #expect(cut.scope == "")
  }

  @Test(arguments: [
    (#","token_type":"mac""#, false), (#","token_type":"""#, false), (#","token_type":5"#, false),
    (#","token_type":"bearer""#, true), (#","token_type":"BEARER""#, true), ("", true),
    (#","token_type":null"#, true),
  ])
  func theTypeIsBearer(member: String, isGood: Bool) {
    guard case .record(let record) = content(member) else {
      #expect(!isGood)
      return
    }
    #expect(isGood)
    #expect(record.tokenType == "Bearer")
  }

  @Test(
    arguments: [
      ("1795276045", 1_795_276_045), ("1795276045.5", 1_795_276_045),
      (#""1795276045""#, 1_795_276_045), ("1e300", .max), ("-5", 0), ("-0.5", 0), ("null", nil),
    ] as [(String, Int64?)])
  func timesAreNumbers(value: String, expected: Int64?) {
    guard
      case .record(let record) = content(
        #","expires_at":\#(value),"refresh_token_expires_at":\#(value)"#)
    else {
      Issue.record("not a record")
      return
    }
    #expect(record.expiresAt == expected)
    #expect(record.refreshTokenExpiresAt == expected)
  }

  @Test(arguments: [#""soon""#, "true", "[]", "{}", "\"\"", #""-5""#])
  func anotherTimeIsDamage(value: String) {
    #expect(content(#","expires_at":\#(value)"#) == .damaged)
    #expect(content(#","refresh_token_expires_at":\#(value)"#) == .damaged)
  }

  @Test(arguments: ["x", "\"", "\\"])
  func tokensOfTheLargestSizeComeBack(character: String) {
    let token = String(repeating: character, count: Tokens.limit / character.utf8.count)
    let sample = Sample(accessToken: token, refreshToken: token)
    #expect(roundTrip(sample) == .record(sample))
  }

  @Test func everyOptionalMemberMayBeMissing() {
    var sample = Sample("x")
    sample.refreshToken = ""
    sample.scope = ""
    sample.expiresAt = nil
    #expect(roundTrip(sample) == .record(sample))
    sample.refreshTokenExpiresAt = .max
    sample.expiresAt = 0
    #expect(roundTrip(sample) == .record(sample))
  }

  @Test func aScopeThatWasCutInTheMiddleOfALetterSpoilsNothing() {
    // 2048 bytes fit; the last "é" has its second byte behind them.
    var sample = Sample("x")
    sample.scope = String(repeating: "a", count: 2047) + "é"
    guard case .record(let loaded) = roundTrip(sample) else {
      Issue.record("not a record")
      return
    }
    #expect(loaded.accessToken == sample.accessToken)
  }

  @Test func otherReadersOfJSONSeeTheSame() throws {
    var sample = Sample(accessToken: "a\"\\", refreshToken: "r/")
    sample.clientID = "c\u{1}é😀"
    sample.refreshTokenExpiresAt = 2_000_000_000
    let object = try JSONSerialization.jsonObject(with: Data(file(sample))) as? [String: Any]
    let expected: [String: NSObject] = [
      "access_token": "a\"\\" as NSString, "refresh_token": "r/" as NSString,
      "token_type": "Bearer" as NSString, "scope": "a b" as NSString,
      "expires_at": 1_800_000_000 as NSNumber,
      "refresh_token_expires_at": 2_000_000_000 as NSNumber,
      "token_endpoint": "https://as.example/token" as NSString,
      "client_id": "c\u{1}é😀" as NSString,
    ]
    #expect(object as NSObject? == expected as NSObject)
  }

  @Test func whatOtherWritersOfJSONWriteIsRead() throws {
    let bytes = try JSONSerialization.data(
      withJSONObject: [
        "access_token": "access-x", "refresh_token": "refresh-x", "token_type": "Bearer",
        "scope": "a b", "expires_at": 1_800_000_000, "client_id": "board",
        "token_endpoint": "https://as.example/token", "added_by": ["hand": [1, 2]],
      ], options: [.prettyPrinted])
    #expect(load(store(on: SimulatedDisk(["tokens.json": Array(bytes)]))) == .record(Sample("x")))
  }

  @Test(arguments: [
    "", " ", "\n", "{}", "[]", "null", "x", "{}{}", #"{"access_token":""}"#,
    #"{"access_token":null}"#, #"{"access_token":1}"#, #"{"refresh_token":"r"}"#,
    #"{"access_token":"a","access_token":"b"}"#, "\u{FEFF}",
    "{\"access_token\":\"a\"}\0",
  ])
  func whatIsNoRecordIsDamaged(content: String) {
    #expect(load(store(on: SimulatedDisk(["tokens.json": Array(content.utf8)]))) == .damaged)
  }

  @Test func everyTruncationIsDamaged() {
    let bytes = file(Sample("x"))
    // Without its line end it is whole.
    for length in 0..<bytes.count - 1 {
      let disk = SimulatedDisk(["tokens.json": Array(bytes[..<length])])
      #expect(load(store(on: disk)) == .damaged, "\(length) bytes")
    }
  }

  @Test func tokensAndFilesAreLimited() {
    for (token, isGood) in [(Tokens.limit, true), (Tokens.limit + 1, false)] {
      let long = String(repeating: "x", count: token)
      for content in [
        #"{"access_token":"\#(long)"}"#, #"{"access_token":"a","refresh_token":"\#(long)"}"#,
      ] {
        let loaded = load(store(on: SimulatedDisk(["tokens.json": Array(content.utf8)])))
        #expect((loaded != .damaged) == isGood)
      }
    }
    let blanks = [UInt8](repeating: 0x20, count: 300_000)
    let disk = SimulatedDisk(["tokens.json": file(Sample("x")) + blanks])
    #expect(load(store(on: disk)) == .damaged)
  }

  @Test func randomDamageNeverTraps() {
    let bytes = file(Sample("x"))
    var generator = SeededGenerator(seed: 11)
    var damaged = 0
    for _ in 0..<5000 {
      var changed = bytes
      changed[Int.random(in: 0..<bytes.count, using: &generator)] ^=
        1 << UInt8.random(in: 0...7, using: &generator)
      if load(store(on: SimulatedDisk(["tokens.json": changed]))) == .damaged { damaged += 1 }
    }
    #expect(damaged > 500)
  }

  @Test func aDamagedRecordLeavesNothingOfTheOneBefore() {
    let memory = Memory()
    defer { memory.free() }
    var record = memory.record()
    record.fill(Sample("x"))
    let bytes = Array(#"{"access_token":"#.utf8)
    let isRead = record.read(bytes.span)
    let isEmpty = record.isEmpty && record.tokens.refreshToken.isEmpty && record.clientID.isEmpty
    #expect(!isRead)
    #expect(isEmpty)
  }

  @Test(arguments: [504, 505])
  func aNameNeedsRoomForItsCompanions(length: Int) {
    let bytes = [UInt8](repeating: UInt8(ascii: "n"), count: length)
    let path = Path(bytes.span)!
    var isGood = true
    do {
      _ = try TokenStore(in: SimulatedDisk(), name: path)
    } catch {
      isGood = false
    }
    // ".previous" has nine bytes, a path 512.
    #expect(isGood == (length + 9 <= 512))
  }
}
