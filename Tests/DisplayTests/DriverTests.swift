import Bytes
import Foundation
import Linux
import Testing

@testable import Display

@Suite(.serialized) struct DriverTests {
  private func fails(_ body: () throws(DisplayError) -> Void) -> String? {
    do { try body() } catch {
      var description = Text<2048>()
      description.append(error)
      return string(description)
    }
    return nil
  }

  @Test func pictureFileIsP4AndReplacedWhole() throws {
    let path = temporary("a.pbm")
    let memory = Memory(count: 13 * 40)
    var display = PBMDisplay(path: path, width: 100, height: 40, canvas: Canvas(memory.bytes))
    try display.show(.code(plain))
    let first = try contents(path)
    #expect(first.starts(with: Array("P4\n100 40\n".utf8)))
    #expect(first.count == 10 + 13 * 40)
    #expect(first.dropFirst(10).contains { $0 != 0 })
    try display.show(.blank)
    let second = try contents(path)
    #expect(second.dropFirst(10).allSatisfy { $0 == 0 })
    // Nothing is left beside it.
    let beside = try #require(path.appending(".new"))
    #expect(throws: Errno.noSuchFile) { try FileDescriptor(opening: beside, .readOnly).status() }
    try path.remove()
  }

  /// As somebody may leave it in a directory where others write.
  @Test(.timeLimit(.minutes(1)), arguments: [true, false])
  func whatLiesInThePicturesWayIsNeitherFollowedNorWaitedFor(isLink: Bool) throws {
    let place = temporary("in-the-way")
    let name = place.text
    for file in [name, "\(name).new"] {
      if isLink {
        #expect(symlink("\(name).victim", file) == 0)
      } else {
        #expect(mkfifo(file, 0o600) == 0)
      }
    }
    let victim = try #require(place.appending(".victim"))
    try FileDescriptor(opening: victim, .writeOnly | .create, mode: 0o600)
      .writeAll(Array("precious".utf8).span)
    let memory = Memory(count: 13 * 40)
    var display = PBMDisplay(path: place, width: 100, height: 40, canvas: Canvas(memory.bytes))
    try display.show(.blank)
    #expect(try contents(place).starts(with: Array("P4\n100 40\n".utf8)))
    #expect(try contents(victim) == Array("precious".utf8))
    try place.remove()
    try victim.remove()
  }

  @Test func failuresSayWhatWasTried() {
    let memory = Memory(count: 100)
    let canvas = Canvas(memory.bytes)
    var tooLarge = PBMDisplay(
      path: Path("/tmp/x.pbm"), width: 800, height: 480, canvas: canvas)
    #expect(
      fails { () throws(DisplayError) in try tooLarge.show(.blank) }
        == "cannot hold a picture of that size")
    var empty = PBMDisplay(path: Path("/tmp/x.pbm"), width: 0, height: 0, canvas: canvas)
    #expect(fails { () throws(DisplayError) in try empty.show(.blank) } != nil)
    var nowhere = PBMDisplay(
      path: Path("/nonexistent/x.pbm"), width: 8, height: 8, canvas: canvas)
    #expect(
      fails { () throws(DisplayError) in try nowhere.show(.blank) }
        == "cannot create the file beside it: No such file or directory")
    #expect(
      fails { () throws(DisplayError) in
        _ = try PanelDisplay(framebuffer: Path("/dev/nonexistent"))
      } == "cannot open it: No such file or directory")
    #expect(
      fails { () throws(DisplayError) in _ = try PanelDisplay(framebuffer: Path("/dev/null")) }
        == "cannot read its framebuffer mode: Inappropriate ioctl for device")
    #expect(
      fails { () throws(DisplayError) in _ = try PanelDisplay(card: Path("/dev/nonexistent")) }
        == "cannot open it: No such file or directory")
    #expect(
      fails { () throws(DisplayError) in _ = try PanelDisplay(card: Path("/dev/null")) }
        == "cannot take it over: Inappropriate ioctl for device")
    var closed = ConsoleDisplay(descriptor: 999, style: .plain)
    #expect(
      fails { () throws(DisplayError) in try closed.show(.starting("x")) }
        == "cannot write to it: Bad file descriptor")
  }

  @Test func consolePrintsEachCodeOnce() throws {
    let path = temporary("console")
    let file = try FileDescriptor(opening: path, .writeOnly | .create, mode: 0o600)
    var display = ConsoleDisplay(descriptor: file.rawValue, style: .plain, rows: nil)
    try display.show(.code(plain))
    let once = try contents(path)
    var later = plain
    later.secondsLeft = 7
    try display.show(.code(later))
    #expect(try contents(path) == once)
    try display.show(.waiting("No network"))
    try display.show(.waiting("No network"))
    try display.show(.blank)
    let line = Array("Please wait: No network\n".utf8)
    #expect(try contents(path) == once + line)
    try display.show(.code(webex))
    #expect(try contents(path).count > once.count * 2)
    try path.remove()
  }

  @Test func consolePrintsACountdownOnceAndEachNote() throws {
    let path = temporary("console")
    let file = try FileDescriptor(opening: path, .writeOnly | .create, mode: 0o600)
    var display = ConsoleDisplay(descriptor: file.rawValue, style: .plain, rows: nil)
    for seconds in [Int64(2), 1, 0] { try display.show(.expired(secondsToNewCode: seconds)) }
    for seconds in [Int64(9), 8] { try display.show(.failed("No route", secondsToRetry: seconds)) }
    try display.show(.failed("No route"))
    try display.show(.approved(name: text("Ann")))
    try display.show(.approved(name: text("Ann"), note: "Offline since 12:03"))
    try display.show(.approved(name: text("Ann")))
    let lines = String(decoding: try contents(path), as: UTF8.self).split(separator: "\n")
    #expect(
      lines == [
        "Code expired: Nobody approved in time. A new code in 0:02",
        "Sign-in failed: No route. Next attempt in 0:09", "Sign-in failed: No route",
        "Signed in as Ann", "Signed in as Ann. Offline since 12:03", "Signed in as Ann",
      ])
    try path.remove()
  }

  @Test(arguments: [
    (
      DisplayError.system(.open, .accessDenied),
      "cannot open it: Permission denied (is the user in the group video?)"
    ),
    (
      .card(.open, .accessDenied),
      "cannot open it: Permission denied (is the user in the group video?)"
    ),
    (
      .card(.becomeMaster, .accessDenied),
      "another program shows on it: Permission denied"
    ),
    (.card(.becomeMaster, .busy), "another program shows on it: Device or resource busy"),
    (.system(.create, .accessDenied), "cannot create the file beside it: Permission denied"),
    (.card(.findPanel, .noSuchDevice), "cannot find a connected panel or monitor: No such device"),
    (.system(.readMode, .noSuchDevice), "cannot read its framebuffer mode: No such device"),
  ]) func failuresOfPanelsSayWhatToDo(_ error: DisplayError, _ expected: String) {
    var description = Text<2048>()
    description.append(error)
    #expect(string(description) == expected)
  }

  @Test func onlyWhatIsNotThereMayCome() {
    #expect(DisplayError.system(.open, .noSuchFile).isAbsence)
    #expect(DisplayError.system(.readMode, .noSuchDevice).isAbsence)
    #expect(DisplayError.card(.findPanel, .noSuchDevice).isAbsence)
    #expect(!DisplayError.card(.becomeMaster, .accessDenied).isAbsence)
    #expect(!DisplayError.system(.open, .accessDenied).isAbsence)
    #expect(!DisplayError.unsupported(.nonStandard).isAbsence)
    #expect(!DisplayError.size.isAbsence)
    #expect(DisplayError.system(.open, .noSuchFile).mayPass)
    #expect(DisplayError.system(.open, .accessDenied).mayPass)
    #expect(DisplayError.card(.becomeMaster, .accessDenied).mayPass)
    #expect(!DisplayError.system(.map, .accessDenied).mayPass)
    #expect(DisplayError.card(.findPanel, .noSuchDevice).isUnplugged)
    #expect(!DisplayError.card(.readResources, .noSuchDevice).isUnplugged)
    let isGone = DisplayError.card(.open, .noSuchFile)
    let isBusy = DisplayError.card(.becomeMaster, .busy)
    #expect(isGone.covers(isGone) && isBusy.covers(isBusy) && isBusy.covers(isGone))
    #expect(!isGone.covers(isBusy) && !isGone.covers(.unsupported(.palette)))
    #expect(DisplayError.card(.open, .noSuchFile).isNoCard)
    #expect(DisplayError.card(.readResources, .notSupported).isNoCard)
    #expect(!DisplayError.card(.findPanel, .noSuchDevice).isNoCard)
  }

  @Test func aFileIsNoTextConsole() throws {
    var console = try VirtualTerminal(opening: Path("/dev/null"))
    var refusal: Errno?
    do { _ = try console.quieten() } catch { refusal = error }
    #expect(refusal?.rawValue == 25)  // ENOTTY
  }
}
