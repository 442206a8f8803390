import Foundation
import Linux
import TestSupport
import Testing

@Suite struct ClockTests {
  @Test func timeNeverGoesBack() {
    var last = Clock.microseconds
    for _ in 0..<10000 {
      let now = Clock.microseconds
      #expect(now >= last)
      last = now
    }
  }

  @Test func timeSinceBootIsTheKernels() throws {
    let uptime = try String(contentsOfFile: "/proc/uptime", encoding: .utf8)
    let seconds = try #require(uptime.split(separator: " ").first.flatMap { Double($0) })
    #expect(abs(Double(Clock.milliseconds) / 1000 - seconds) < 5)
    #expect(abs(Double(Clock.microseconds) / 1_000_000 - seconds) < 5)
  }

  @Test func theWallClockIsTheSystems() {
    #expect(abs(Double(Clock.unixSeconds) - Date().timeIntervalSince1970) < 5)
  }
}

@Suite struct WaitTests {
  private var later: Int64 { Clock.milliseconds + 60000 }

  @Test func aPipeWithBytesIsReadable() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "x")
    #expect(wait(on: pipe.reader.rawValue, until: later) == .ready)
  }

  @Test func aPipeWithRoomIsWritable() {
    let pipe = Pipe()
    #expect(
      wait(for: .writable, on: pipe.writer.rawValue, until: later, attending: Attending()) == .ready
    )
  }

  @Test func noDeadlineIsNoTrap() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "x")
    #expect(
      wait(on: pipe.reader.rawValue, until: Int64.max) == .ready)
  }

  @Test func aPipeThatWasClosedIsReadable() {
    let ends = openPipe()
    let reader = FileDescriptor(owning: ends.reader)
    close(ends.writer)
    #expect(wait(on: reader.rawValue, until: later) == .ready)
  }

  @Test func aWaitLastsUntilItsDeadline() throws {
    let pipe = Pipe()
    try pipe.fill()
    let empty = Pipe()
    let start = Clock.microseconds
    let deadline = start / 1000 + 60
    let wakeups = [
      wait(on: empty.reader.rawValue, until: deadline),
      wait(for: .writable, on: pipe.writer.rawValue, until: deadline + 60, attending: Attending()),
      wait(on: -1, until: deadline + 120),
    ]
    let elapsed = Clock.microseconds - start
    #expect(wakeups == [.timedOut, .timedOut, .timedOut])
    #expect(elapsed >= 179_000)
    #expect(elapsed < 10_000_000)
  }

  @Test func aDeadlineThatIsPastEndsTheWaitAtOnce() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "x")
    let past = Clock.milliseconds - 1
    #expect(wait(on: pipe.reader.rawValue, until: past) == .timedOut)
  }

  @Test func anInterruptGoesFirst() throws {
    let pipe = Pipe()
    let interrupt = Pipe()
    try pipe.writer.write(text: "x")
    try interrupt.writer.write(text: "x")
    for descriptor in [pipe.reader.rawValue, -1] {
      let wakeup = wait(
        for: .readable, on: descriptor, until: later,
        attending: Attending(descriptor: interrupt.reader.rawValue))
      #expect(wakeup == .interrupted)
    }
  }

  @Test func aWaitEndsWhenSomethingComes() throws {
    let pipe = Pipe()
    let writer = pipe.writer.rawValue
    let start = Clock.milliseconds
    let thread = Thread {
      usleep(50000)
      write(writer, "x", 1)
    }
    thread.start()
    #expect(wait(on: pipe.reader.rawValue, until: later) == .ready)
    #expect(Clock.milliseconds - start >= 49)
    #expect(Clock.milliseconds - start < 30000)
  }

  @Test func aSignalIsAnInterrupt() throws {
    // The signals are blocked for this thread only, so the test sends it to this thread.
    let signals = try SignalQueue()
    #expect(signals.next() == nil)
    pthread_kill(pthread_self(), SIGTERM)
    let attending = Attending(descriptor: signals.rawValue)
    #expect(wait(for: .readable, on: -1, until: later, attending: attending) == .interrupted)
    #expect(signals.next() == SIGTERM)
    #expect(signals.next() == nil)
  }
}
