import Bytes
import TestSupport
import Testing

@testable import Board

/// What the socket's two ends make of a line.
@Suite struct SocketAnswerTests {
  private func meaning(_ line: String) -> String {
    switch SocketAnswer(permanent(line)) {
    case .token(let token, let end): "token \(string(token.bytes)) until \(end)"
    case .refused(.loginRequired, let hint): "login: \(string(hint.bytes))"
    case .refused(.unavailable, let hint): "unavailable: \(string(hint.bytes))"
    case .refused(.usage, _): "usage"
    case .junk: "junk"
    }
  }

  @Test(arguments: scenes) func whatOneEndWritesTheOtherReads(scene: Scene) throws {
    let answer = try Views(scene).token
    let words = answer.split(separator: " ", maxSplits: 2).map(String.init)
    let expected =
      switch words[0] + " " + words[1] {
      case "error login_required": "login: \(words[2])"
      case "error unavailable": "unavailable: \(words[2])"
      default: "token \(words[2]) until \(words[1])"
      }
    #expect(meaning(answer) == expected)
  }

  @Test(arguments: [
    ("ok 0 at", "token at until 0"), ("ok x at", "token at until 0"),
    ("ok 1 a b", "junk"), ("ok 1 \u{1B}[2Ja", "junk"),
    ("ok 1 a\u{7F}", "junk"), ("ok 1 \u{9B}2J", "junk"), ("error", "junk"),
    ("ok", "junk"), ("ok ", "junk"),
    ("ok 12", "junk"), ("ok 12 ", "junk"), ("", "junk"), ("HTTP/1.1 400 Bad Request", "junk"),
    ("error ", "unavailable: "), ("error new", "unavailable: "),
    ("error new some hint", "unavailable: some hint"),
    ("error login_required", "login: "), ("error login_required a b", "login: a b"),
  ])
  func whatAnotherWritesIsRead(line: String, expected: String) {
    #expect(meaning(line) == expected)
  }

  @Test(arguments: [
    "tokens", "token x", "token -1", "token 99999999999999999999", "status now", "state\0", "",
    "refresh", "token 1 2", String(repeating: "t", count: 65),
  ])
  func whatIsNoRequestIsRefused(line: String) {
    var life = Life<SmallWorld>(SmallWorld())
    let answer = life.answer(to: line)
    #expect(answer == "error usage expected one line: token [SECONDS], status, state or sign-out")
    #expect(meaning(answer).hasPrefix("unavailable: "))
  }

  @Test(arguments: ["token", "status", "state", "junk"]) func everyAnswerIsOneLine(line: String) {
    var life = Life<SmallWorld>(SmallWorld())
    #expect(!life.answer(to: line).contains("\n"))
  }

  @Test(arguments: ["token", " token\t", "token 5", "token  5 ", "token\r", "token 0"])
  func blanksAreNoMatter(line: String) {
    var life = Life<SmallWorld>(SmallWorld())
    #expect(life.answer(to: line).hasPrefix("error login_required"))
  }
}
