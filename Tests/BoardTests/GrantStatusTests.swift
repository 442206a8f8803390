import Bytes
import Configuration
import Foundation
import TestSupport
import Testing

@testable import Board

private let now: Int64 = 1_800_000_000

/// A token file, and what `status` makes of it at `now`.
private struct Row: Sendable, CustomTestStringConvertible {
  var testDescription: String
  /// nil: there is none.
  var file: String?
  var verdict: GrantStatus.Verdict
  var json: String
  var text: String
}

private let whose =
  #""token_endpoint":"https://as.example/token","client_id":"board""#

private let jsonEnd = #""issuer":"https://as.example","client_id":"board"}"# + "\n"
private let textHead = "issuer: https://as.example\nclient_id: board\n"

private let rows = [
  Row(
    testDescription: "nothing", file: nil, verdict: .nothing, json: #"{"signed_in":false}"# + "\n",
    text: "not signed in\n"),
  Row(
    testDescription: "damaged", file: "{", verdict: .damaged,
    json: #"{"signed_in":false}"# + "\n", text: "not signed in\n"),
  Row(
    testDescription: "no end known", file: #"{"access_token":"at",\#(whose)}"#,
    verdict: .signedIn,
    json: #"{"signed_in":true,"refreshable":false,"scope":"",\#(jsonEnd)"#,
    text: "signed in\n\(textHead)scope: \n"
      + "access token: the server did not say until when\nrefresh token: none\n"),
  Row(
    testDescription: "good",
    file: #"{"access_token":"at","expires_at":1800000060,"refresh_token":"rt","#
      + #""scope":"a b",\#(whose)}"#,
    verdict: .signedIn,
    json: #"{"signed_in":true,"expires_at":1800000060,"expires_in":60,"refreshable":true,"#
      + #""scope":"a b",\#(jsonEnd)"#,
    text: "signed in\n\(textHead)scope: a b\naccess token: until 2027-01-15 08:01:00 UTC (60 s)\n"
      + "refresh token: the server did not say until when\n"),
  Row(
    testDescription: "to be renewed",
    file: #"{"access_token":"at","expires_at":1799999999,"refresh_token":"rt","#
      + #""refresh_token_expires_at":1800000001,\#(whose)}"#,
    verdict: .signedIn,
    json: #"{"signed_in":true,"expires_at":1799999999,"expires_in":0,"refreshable":true,"#
      + #""refresh_token_expires_at":1800000001,"scope":"",\#(jsonEnd)"#,
    text: "signed in\n\(textHead)scope: \naccess token: expired 2027-01-15 07:59:59 UTC\n"
      + "refresh token: until 2027-01-15 08:00:01 UTC (1 s)\n"),
  Row(
    testDescription: "ended",
    file: #"{"access_token":"at","expires_at":1800000000,"refresh_token":"rt","#
      + #""refresh_token_expires_at":1800000000,\#(whose)}"#,
    verdict: .expired,
    json: #"{"signed_in":false,"expires_at":1800000000,"expires_in":0,"refreshable":true,"#
      + #""refresh_token_expires_at":1800000000,"scope":"",\#(jsonEnd)"#,
    text: "not signed in\n\(textHead)scope: \naccess token: expired 2027-01-15 08:00:00 UTC\n"
      + "refresh token: expired 2027-01-15 08:00:00 UTC\n"),
  Row(
    testDescription: "another's",
    file: #"{"access_token":"at","token_endpoint":"https://b.example:8443/t","#
      + #""client_id":"b\u001b"}"#,
    verdict: .anotherClient,
    json: #"{"signed_in":false,"refreshable":false,"scope":"","issuer":"https://b.example:8443","#
      + #""client_id":"b\u001b"}"# + "\n",
    text: "not signed in\nissuer: https://b.example:8443\nclient_id: b\\x1b\nscope: \n"
      + "access token: the server did not say until when\nrefresh token: none\n"),
]

@Suite struct GrantStatusTests {
  private let world = SmallWorld()

  private func status(_ file: String?, _ name: String = "tokens.json") throws -> GrantStatus {
    if let file { world.write("tokens.json", file) }
    var status = GrantStatus(keeperMemory(), unixSeconds: now)
    try status.load(world.path(name), Log(world))
    status.compare(with: makeClient())
    return status
  }

  @Test(arguments: rows) private func aFileIsShown(row: Row) throws {
    let status = try status(row.file)
    let verdict = status.verdict
    let json = written { status.appendJSON(issuer: nil, agent: nil, state: nil, to: &$0) }
    let text = written { status.appendText(issuer: nil, agent: nil, to: &$0) }
    #expect(verdict == row.verdict)
    #expect(String(decoding: json, as: UTF8.self) == row.json)
    #expect(String(decoding: text, as: UTF8.self) == row.text)
    #expect((try JSONSerialization.jsonObject(with: Data(json))) is [String: Any])
  }

  @Test func whatRunSaysIsShown() throws {
    let status = try status(nil)
    let words = PermanentBytes("login required: \u{1B}[2J\"")
    let json = written {
      status.appendJSON(
        issuer: PermanentBytes("https://as.example"), agent: words,
        state: PermanentBytes(#"{"state":"code"}"#), to: &$0)
    }
    let text = written { status.appendText(issuer: nil, agent: words, to: &$0) }
    #expect(
      String(decoding: json, as: UTF8.self)
        == #"{"signed_in":false,"agent":"login required: \u001b[2J\"","standing":{"state":"code"}}"#
        + "\n")
    #expect(
      String(decoding: text, as: UTF8.self)
        == "not signed in\nagent: login required: \\x1b[2J\"\n")
  }

  @Test func whereThereIsNoDirectoryThereIsNothing() throws {
    let verdict = try status(nil, "none/tokens.json").verdict
    #expect(verdict == .nothing)
  }

  @Test func aFileInTheDirectorysPlaceIsAFault() {
    world.write("state", "")
    #expect(throws: Fault(.openDirectory, .nobody, 20)) {
      _ = try status(nil, "state/tokens.json").verdict
    }
  }

  @Test func whatOthersCanGetAtIsAFault() {
    world.write("tokens.json", #"{"access_token":"at"}"#)
    #expect(chmod("\(world.directory)/tokens.json", 0o644) == 0)
    #expect(throws: Fault(.foreignMode, .nobody, 0o644)) { _ = try status(nil).verdict }
  }
}
