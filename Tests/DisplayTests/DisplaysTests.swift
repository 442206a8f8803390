import Bytes
import Foundation
import Linux
import Testing

@testable import Configuration
@testable import Display

/// All of it, on what this machine has too: pictures, a console, devices that are not there.
@Suite(.serialized) struct DisplaysTests {
  private let canvas = Memory(count: 1024 * 1024)
  private let drivers = Memory(count: 96 * 1024)

  private func displays(_ choices: String) -> Displays {
    Displays(
      DisplayChoices(permanent(choices))!, rotation: .none, canvas: Canvas(canvas.bytes),
      drivers: DriverMemory(drivers.bytes), locale: PermanentBytes("C"), term: PermanentBytes(""))
  }

  private func permanent(_ string: String) -> PermanentBytes {
    let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: string.utf8.count)
    _ = copy.initialize(from: string.utf8)
    return PermanentBytes(UnsafeBufferPointer(copy))
  }

  private func path(_ path: Path) -> String {
    String(decoding: (0..<path.bytes.count).map { path.bytes[$0] }, as: UTF8.self)
  }

  @Test func picturesShareTheCanvas() throws {
    let (first, second) = (temporary("a.pbm"), temporary("b.pbm"))
    var displays = displays("pbm:\(path(first))@64x32,pbm:\(path(second))@320x240")
    displays.show(.code(plain), attending: Attending())
    #expect(try contents(first).count == 9 + 64 / 8 * 32)
    #expect(try contents(second).count == 11 + 320 / 8 * 240)
    displays.showLast(.blank, attending: Attending())
    #expect(try contents(second).dropFirst(11).allSatisfy { $0 == 0 })
    let facts = [
      displays.isEmpty, displays.showsTime, displays.endsWithProgram, displays.mayChange,
    ]
    #expect(facts == [false, true, false, false])
    let isSilent = displays.nextReport() == nil
    #expect(isSilent)
    for path in [first, second] { try path.remove() }
  }

  @Test func whatFailsIsToldAndTheOthersGoOn() throws {
    let file = temporary("a.pbm")
    var displays = displays(
      "framebuffer:/nonexistent/fb0,drm:/dev/null,pbm:/nonexistent/x.pbm,pbm:\(path(file))")
    displays.show(.code(plain), attending: Attending())
    var told: [String] = []
    while let report = displays.nextReport() {
      guard case .givenUp(let name, let error) = report else { continue }
      var words = Text<256>()
      words.append(name.bytes)
      words.append(": ")
      words.append(error)
      told.append(string(words))
    }
    #expect(
      told == [
        "/nonexistent/fb0: cannot open it: No such file or directory",
        "/dev/null: cannot take it over: Inappropriate ioctl for device",
        "/nonexistent/x.pbm: cannot create the file beside it: No such file or directory",
      ])
    let facts = [displays.isEmpty, displays.mayChange]
    #expect(facts == [false, true])
    try file.remove()
  }

  @Test func aPathThatIsTooLongIsAFailure() {
    var displays = displays("pbm:/" + String(repeating: "x", count: 600))
    let (isEmpty, error) = (displays.isEmpty, displays.takeFailure()?.error)
    #expect(isEmpty && error == .system(.create, .nameTooLong))
    let isSilent = displays.nextReport() == nil
    #expect(isSilent)
  }

  @Test func whoeverAttendsEndsTheWaitForAStoppedConsole() throws {
    var (full, attended): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
    precondition(pipe(&full) == 0 && pipe(&attended) == 0)
    defer { for descriptor in full + attended { close(descriptor) } }
    _ = fcntl(full[1], F_SETFL, O_NONBLOCK)
    var bytes = [UInt8](repeating: 1, count: 65536)
    while write(full[1], bytes, bytes.count) > 0 {}
    _ = write(attended[1], "x", 1)

    var console = ConsoleDisplay(descriptor: full[1], style: .plain, rows: nil)
    let start = Clock.milliseconds
    var isStopped: [Bool] = []
    try console.show(.code(webex), attending: Attending(descriptor: attended[0]))
    isStopped.append(console.isStopped)
    // After that it gets little time, until it goes on.
    try console.show(.code(webex))
    isStopped.append(console.isStopped)
    #expect(Clock.milliseconds - start < 3000)
    _ = read(full[0], &bytes, bytes.count)
    try console.show(.code(webex))
    isStopped.append(console.isStopped)
    #expect(isStopped == [true, true, false])
  }
}
