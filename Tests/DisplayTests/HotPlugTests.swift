import Bytes
import Linux
import Testing

@testable import Configuration
@testable import Display

/// Displays that come, go and fail, as a table has it.
@Suite struct HotPlugTests {
  private let gone = DisplayError.card(.open, .noSuchFile)
  private let unplugged = DisplayError.card(.findPanel, .noSuchDevice)
  private let busy = DisplayError.card(.becomeMaster, .busy)
  private let denied = DisplayError.system(.open, .accessDenied)
  private let broken = DisplayError.unsupported(.nonStandard)

  @Test func whatIsThereIsOpenedOnceAndShown() {
    let board = Board("framebuffer,pbm:/a.pbm")
    board.expect(opens: [0, 1], shows: [])
    for now in stride(from: Int64(0), to: 5000, by: 100) {
      board.show(at: now)
      board.expect(opens: [], shows: [0, 1])
    }
    #expect(!board.isEmpty && board.showsTime && board.mayChange)
    #expect(!board.endsWithProgram)
    #expect(board.reports == [])
  }

  @Test func automaticIsAPanelAndTheConsole() {
    let board = Board("auto", [0: .system(.open, .noSuchFile)])
    // That there is no panel is no fault, where nobody asked for one.
    #expect(board.reports == [])
    board.expect(opens: [0, 4], shows: [])
    #expect(!board.isEmpty && !board.showsTime && board.mayChange)
    board.show(at: 0)
    board.expect(opens: [0], shows: [4])
    #expect(board.reports == [])
    let other = Board("auto", [0: broken])
    #expect(other.reports == ["/dev/fb0 given up"])
  }

  @Test func thereIsOneConsole() {
    let board = Board("auto,console")
    board.expect(opens: [0, 4], shows: [])
    let none = Board("none")
    #expect(none.isEmpty && none.failure == nil)
  }

  @Test func whatMayComeIsLookedForOnceASecond() {
    let board = Board("drm:/dev/dri/card0", [0: gone])
    #expect(board.isEmpty && board.mayChange && !board.showsTime)
    board.expect(opens: [0], shows: [])
    for now in [Int64(5000), 5001, 5999] { board.show(at: now) }
    board.expect(opens: [0], shows: [])
    board.show(at: 6000)
    board.expect(opens: [0], shows: [])
    #expect(board.reports == ["/dev/dri/card0 given up"])
    board.table.faults[0] = nil
    board.show(at: 6500)
    board.expect(opens: [], shows: [])
    board.show(at: 7000)
    board.expect(opens: [0], shows: [0])
    #expect(board.reports == ["/dev/dri/card0 came"])
    #expect(!board.isEmpty && board.showsTime)
  }

  @Test func whatCanNotBePaintedOnIsGivenUpForGood() {
    let board = Board("framebuffer,console", [0: broken])
    board.expect(opens: [0, 4], shows: [])
    for now in [Int64(0), 1000, 2000] { board.show(at: now) }
    board.expect(opens: [], shows: [4, 4, 4])
    #expect(board.reports == ["/dev/fb0 given up"])
    #expect(!board.mayChange)
  }

  @Test func aPanelThatFailsIsOpenedOnceMoreAtOnce() {
    let board = Board("framebuffer")
    board.show(at: 0)
    board.expect(opens: [0], shows: [0])
    // The driver for the display has taken the place of a simpler one: no second has passed.
    board.table.failures[0] = [.system(.readMode, .noSuchDevice)]
    board.show(at: 10)
    board.expect(opens: [0], shows: [0, 0])
    #expect(board.closed == [0])
    #expect(board.reports == ["/dev/fb0 came"])
  }

  @Test func aLossIsSaidRatherThanThatThereIsNothingNow() {
    let board = Board("framebuffer")
    board.table.faults[0] = .system(.open, .noSuchFile)
    board.table.failures[0] = [.system(.readMode, .noSuchDevice)]
    board.show(at: 0)
    #expect(board.failure == .system(.readMode, .noSuchDevice))
    #expect(board.reports == ["/dev/fb0 given up"])
    // It is awaited; that it is still not there is no news.
    for now in [Int64(1000), 2000] { board.show(at: now) }
    #expect(board.reports == [])
    board.table.faults[0] = nil
    board.show(at: 3000)
    #expect(board.reports == ["/dev/fb0 came"])
  }

  @Test func whatCanNotBeOpenedAfterALossIsSaid() {
    let board = Board("framebuffer")
    board.table.faults[0] = broken
    board.table.failures[0] = [.system(.readMode, .noSuchDevice)]
    board.show(at: 0)
    #expect(board.failure == broken)
    #expect(board.reports == ["/dev/fb0 given up"])
    board.show(at: 5000)
    #expect(board.reports == [] && board.isEmpty && !board.mayChange)
  }

  @Test func anotherReasonIsNewsUnlessItSaysLess() {
    let board = Board("drm:/dev/dri/card0", [0: gone])
    var now: Int64 = 0
    var told: [Bool] = []
    for fault in [gone, denied, denied, gone, busy, unplugged, gone, denied] {
      board.table.faults[0] = fault
      _ = board.reports
      board.show(at: now)
      told.append(board.reports.count == 1)
      now += 1000
    }
    // Permission is what it waits for once there is a device; that the device goes is no news then,
    // but forgotten: the same reason after it is news again.
    #expect(told == [false, true, false, false, true, false, false, true])
  }

  @Test func anUnpluggedMonitorStillCountsAsThere() {
    let board = Board("drm:/dev/dri/card0")
    board.table.faults[0] = unplugged
    board.table.failures[0] = [unplugged]
    board.show(at: 0)
    #expect(board.reports == ["/dev/dri/card0 given up"])
    #expect(!board.isEmpty)
    // The card goes too.
    board.table.faults[0] = gone
    board.show(at: 1000)
    #expect(board.isEmpty)
    // One that has never been there does not count.
    #expect(Board("drm:/dev/dri/card0", [0: unplugged]).isEmpty)
  }

  @Test func aPanelThatCanBeOpenedButNotShownOnIsNotThere() {
    let board = Board("framebuffer", [0: gone])
    _ = board.reports
    board.table.faults[0] = nil
    board.table.failures[0] = [broken]
    board.show(at: 0)
    #expect(board.closed == [0])
    #expect(board.reports == ["/dev/fb0 given up"])
    #expect(board.isEmpty && !board.mayChange)
  }

  @Test func aPictureThatFailsIsGivenUpForGood() {
    let board = Board("pbm:/a.pbm,console")
    board.table.failures[0] = [.system(.create, .noSuchFile)]
    board.show(at: 0)
    #expect(board.reports == ["/a.pbm given up"])
    board.expect(opens: [0, 4], shows: [0, 4])
    board.show(at: 5000)
    board.expect(opens: [], shows: [4])
    #expect(board.closed == [0] && !board.mayChange && !board.isEmpty)
    // The screen was painted each second, and still is.
    #expect(board.showsTime)
  }

  @Test func aDeviceEventIsFollowedUpHalfASecondLater() {
    let board = Board("framebuffer", [0: gone])
    board.show(at: 0)
    #expect(board.followsUpAt == nil && !board.followsUp(now: 10))
    board.table.faults[0] = nil
    board.slots.deviceChanged(now: 100)
    board.slots.deviceChanged(now: 150)
    #expect(board.followsUpAt == 650 && !board.followsUp(now: 649))
    _ = board.reports
    #expect(board.followsUp(now: 650) && board.followsUpAt == nil)
    #expect(!board.followsUp(now: 651))
    // Before the second is over.
    board.show(at: 651)
    #expect(board.reports == ["/dev/fb0 came"])
  }

  @Test func aCardIsLetGoAndTakenAgain() {
    let board = Board("drm:/dev/dri/card0,framebuffer:/dev/fb1")
    #expect(board.endsWithProgram)
    board.show(at: 0)
    board.slots.letGo()
    #expect(board.closed == [0] && board.mayChange && !board.isEmpty)
    board.expect(opens: [0, 1], shows: [0, 1])
    board.show(at: 10)
    board.expect(opens: [0], shows: [0, 1])
    #expect(board.reports == ["/dev/dri/card0 came"])
  }

  @Test func aStoppedTerminalIsToldOnceUntilItGoesOn() {
    let board = Board("console")
    board.table.isStopped = true
    for now in [Int64(0), 10, 20] { board.show(at: now) }
    #expect(board.reports == ["console stopped"])
    #expect(board.failure == .system(.write, .timedOut))
    #expect(!board.isEmpty)
    board.table.isStopped = false
    board.show(at: 30)
    board.table.isStopped = true
    board.show(at: 40)
    #expect(board.reports == ["console stopped"])
    board.table.failures[4] = [.system(.write, .noSuchDevice)]
    board.show(at: 50)
    #expect(board.reports == ["console given up"] && board.isEmpty)
  }

  @Test func theLastFailureIsNoReportOnceItIsTaken() {
    let board = Board("framebuffer,pbm:/a.pbm", [0: broken])
    board.table.failures[1] = [.size]
    board.show(at: 0)
    #expect(board.isEmpty)
    let failure = board.slots.reports.takeFailure()?.error
    #expect(failure == .size)
    #expect(board.reports == ["/dev/fb0 given up"])
    #expect(board.failure == .size)
  }

  @Test func newPanelsAreToldOnce() {
    let board = Board("framebuffer,pbm:/a.pbm", [0: gone])
    #expect(!board.takeNewPanels())
    board.table.faults[0] = nil
    board.show(at: 0)
    #expect(board.takeNewPanels() && !board.takeNewPanels())
  }

  @Test func tooManyReportsLoseTheOldest() {
    var reports = DisplayReports()
    for number in 0..<14 {
      reports.add(number == 2 ? .stopped(name: PermanentBytes("x")) : .came(name: .init("y")))
    }
    var words: [String] = []
    while let report = reports.next() { words.append(describe(report)) }
    #expect(words.count == 12 && words.first == "x stopped")
  }

  @Test func allAreClosedInTheEnd() {
    let board = Board("drm,framebuffer,pbm:/a.pbm,console", [1: gone])
    board.slots.close()
    #expect(board.closed == [0, 2, 4])
  }
}

/// Which device a choice leads to.
@Suite struct FindPanelTests {
  private let gone = DisplayError.system(.open, .noSuchFile)
  private let noCard = DisplayError.card(.open, .noSuchFile)
  private let computesOnly = DisplayError.card(.readResources, .notSupported)
  private let unplugged = DisplayError.card(.findPanel, .noSuchDevice)

  /// The panel that is found, or the error, and what it is called.
  private func find(
    _ kind: DisplayChoice.Kind, _ path: StaticString, _ devices: [String: DisplayError?]
  ) -> (panel: String?, error: DisplayError?, name: String) {
    var name = PermanentBytes("")
    do throws(DisplayError) {
      let panel = try findPanel(kind, PermanentBytes(path), &name) {
        (device, isCard) throws(DisplayError) in
        let device = string(device)
        guard let found = devices[device] else {
          throw isCard ? DisplayError.card(.open, .noSuchFile) : .system(.open, .noSuchFile)
        }
        if let found { throw found }
        return (isCard ? "card " : "framebuffer ") + device
      }
      return (panel, nil, string(name))
    } catch { return (nil, error, string(name)) }
  }

  @Test func whatIsNamedIsOpenedAndNothingElse() {
    #expect(find(.card, "/dev/dri/card1", ["/dev/dri/card1": nil]).panel == "card /dev/dri/card1")
    let other = find(.framebuffer, "/dev/fb0", ["/dev/dri/card0": nil])
    #expect(other.error == gone && other.name == "/dev/fb0")
  }

  @Test func automaticIsTheFramebufferElseTheFirstCard() {
    let both: [String: DisplayError?] = ["/dev/fb0": nil, "/dev/dri/card0": nil]
    #expect(find(.automatic, "/dev/fb0", both).panel == "framebuffer /dev/fb0")
    let card = find(.automatic, "/dev/fb0", ["/dev/dri/card2": nil])
    #expect(card.panel == "card /dev/dri/card2" && card.name == "/dev/dri/card2")
    let denied = DisplayError.system(.open, .accessDenied)
    let refused = find(.automatic, "/dev/fb0", ["/dev/fb0": denied, "/dev/dri/card0": nil])
    #expect(refused.error == denied && refused.name == "/dev/fb0")
    let none = find(.automatic, "/dev/fb0", [:])
    #expect(none.error == gone && none.name == "/dev/fb0")
  }

  @Test func aCardThatOnlyComputesIsPassedBy() {
    let cards: [String: DisplayError?] = ["/dev/dri/card0": computesOnly, "/dev/dri/card1": nil]
    #expect(find(.card, "/dev/dri", cards).panel == "card /dev/dri/card1")
    let dark: [String: DisplayError?] = [
      "/dev/dri/card0": computesOnly, "/dev/dri/card1": unplugged, "/dev/dri/card3": computesOnly,
    ]
    let found = find(.card, "/dev/dri", dark)
    #expect(found.error == unplugged && found.name == "/dev/dri/card1")
  }

  @Test func theFirstCardThatShowsIsTakenElseTheFirstIsNamed() {
    let cards: [String: DisplayError?] = ["/dev/dri/card0": unplugged, "/dev/dri/card1": nil]
    let found = find(.card, "/dev/dri", cards)
    #expect(found.panel == "card /dev/dri/card1" && found.name == "/dev/dri/card1")
    let busy = DisplayError.card(.becomeMaster, .busy)
    let none = find(.card, "/dev/dri", ["/dev/dri/card0": unplugged, "/dev/dri/card1": busy])
    #expect(none.error == unplugged && none.name == "/dev/dri/card0")
  }
}

/// A board whose devices are a table: by the number of the slot, the console's is 4.
private final class Board {
  var slots: Slots<TableOpener>
  let table: Table

  init(_ choices: StaticString, _ faults: [Int: DisplayError] = [:]) {
    table = Table(faults)
    slots = Slots(DisplayChoices(PermanentBytes(choices))!, TableOpener(table: table))
  }

  var isEmpty: Bool { slots.isEmpty }
  var mayChange: Bool { slots.mayChange }
  var showsTime: Bool { slots.showsTime }
  var endsWithProgram: Bool { slots.endsWithProgram }
  var followsUpAt: Int64? { slots.followsUpAt }
  var failure: DisplayError? { slots.reports.failure?.error }
  var closed: [Int] { table.closed }

  func show(at now: Int64) {
    slots.show(.blank, now: now, attending: Attending())
  }

  func followsUp(now: Int64) -> Bool { slots.followsUp(now: now) }

  func takeNewPanels() -> Bool { slots.takeNewPanels() }

  /// What has been told since the last time, in words.
  var reports: [String] {
    var words: [String] = []
    while let report = slots.reports.next() { words.append(describe(report)) }
    return words
  }

  /// Checks what has been opened and shown since the last time.
  func expect(
    opens: [Int], shows: [Int], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(table.opened == opens, sourceLocation: sourceLocation)
    #expect(table.shown == shows, sourceLocation: sourceLocation)
    table.opened = []
    table.shown = []
  }
}

private final class Table {
  /// Why one can't be opened; nil where it can.
  var faults: [Int: DisplayError]
  /// What the next attempts to show on it fail for.
  var failures: [Int: [DisplayError]] = [:]
  var isStopped = false
  var opened: [Int] = []
  var shown: [Int] = []
  var closed: [Int] = []

  init(_ faults: [Int: DisplayError]) {
    self.faults = faults
  }
}

private struct TableOpener: DriverOpener {
  let table: Table

  func open(
    _ kind: DisplayChoice.Kind, _ path: PermanentBytes, slot: Int, name: inout PermanentBytes
  ) throws(DisplayError) -> TableDriver {
    table.opened.append(slot)
    if let fault = table.faults[slot] { throw fault }
    return TableDriver(table: table, slot: slot, kind: kind)
  }
}

private struct TableDriver: OpenDriver {
  let table: Table
  let slot: Int
  let kind: DisplayChoice.Kind

  func show(
    _ screen: borrowing Screen, attending: borrowing Attending
  ) throws(DisplayError) -> Bool {
    table.shown.append(slot)
    if let failure = table.failures[slot]?.first {
      table.failures[slot]?.removeFirst()
      throw failure
    }
    return !table.isStopped
  }

  func invalidate() {}
  func close() { table.closed.append(slot) }
  var showsTime: Bool { kind != .console }
  var staysWithoutProgram: Bool { kind != .card }
}

private func describe(_ report: DisplayReport) -> String {
  switch report {
  case .came(let name): string(name) + " came"
  case .givenUp(let name, _): string(name) + " given up"
  case .stopped(let name): string(name) + " stopped"
  case .terminalUnknown, .terminalDraws: "terminal"
  }
}

private func string(_ bytes: PermanentBytes) -> String {
  String(decoding: (0..<bytes.count).map { bytes.bytes[$0] }, as: UTF8.self)
}
