import Board
import Bytes
import Configuration
import HTTP
import Linux
import OAuth
import TestSupport
import Testing

@Suite struct LogTests {
  private func line(_ write: (Line) -> Void) -> String { string(Phrase(write).bytes) }

  @Test func valuesAreWritten() {
    let url = "https://as.example:8443/go?a=b"
    let bytes = Array(url.utf8)
    let parsed = try! URL(bytes.span)
    #expect(
      line { $0 <- "a " <- 7 <- " " <- Int64.min <- " " <- (-1 as Int32) }
        == "a 7 -9223372036854775808 -1")
    #expect(line { $0 <- parsed <- " " <- Path("/a b") } == "\(url) /a b")
    #expect(line { $0 <- Instant(0) <- ", " <- Instant(-5) }.contains("1970-01-01 00:00:00"))
    #expect(line { $0 <- Errno.accessDenied } == "Permission denied")
  }

  @Test(arguments: [
    ("plain", "plain"), ("a\nb", "a\\x0ab"), ("\u{1B}[2J", "\\x1b[2J"), ("\\", "\\\\"),
    ("é", "\\xc3\\xa9"), ("\0", "\\x00"),
  ])
  func textFromOutsideIsEscapedOnce(text: String, expected: String) {
    let bytes = Array(text.utf8)
    #expect(line { $0 <- bytes.span } == expected)
    let phrase = Phrase { $0 <- bytes.span }
    #expect(line { $0 <- "(" <- phrase <- ")" } == "(\(expected))")
  }

  @Test func aReasonOfAServers() {
    var reason = ServerError()
    #expect(line { $0 <- reason } == "no reason given, HTTP status 0")
    reason.set("bad\n", status: 400)
    #expect(line { $0 <- reason } == "bad\\x0a, HTTP status 400")
  }

  @Test func whatHasNoRoomIsCut() {
    let bytes = [UInt8](repeating: 0x61, count: 3000)
    let phrase = Phrase { $0 <- bytes.span }
    #expect(string(phrase.bytes).count == 2048)
    #expect(phrase.isTruncated && !phrase.isEmpty)
    let nothing = Phrase()
    #expect(nothing.isEmpty && !nothing.isTruncated)
  }

  @Test(arguments: [LogLevel.error, .warning, .info, .debug])
  func whatTheLevelLeavesOutIsNotEvenWritten(level: LogLevel) {
    let world = SmallWorld()
    var log = Log(world)
    log.level = level
    var written = 0
    let write = { (line: Line) in
      line <- "x"
      written += 1
    }
    log.error(write)
    log.warning(write)
    log.info(write)
    log.debug(write)
    #expect(world.lines.count == Int(level.rawValue) + 1)
    #expect(written == world.lines.count)
  }
}
