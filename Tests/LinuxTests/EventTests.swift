import Foundation
import Linux
import TestSupport
import Testing

private var later: Int64 { Clock.milliseconds + 60000 }

/// Whether a descriptor is readable at this moment.
func isReadable(_ descriptor: Int32) -> Bool {
  var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
  return poll(&entry, 1, 0) == 1
}

@Suite struct EventQueueTests {
  @Test func aReadyDescriptorIsTold() throws {
    let queue = try EventQueue()
    let first = Pipe()
    let second = Pipe()
    try queue.add(first.reader.rawValue, token: 1)
    try queue.add(second.reader.rawValue, token: UInt32.max)
    #expect(queue.next() == nil)
    #expect(!isReadable(queue.rawValue))
    try second.writer.write(text: "x")
    #expect(isReadable(queue.rawValue))
    #expect(queue.next() == UInt32.max)
    // It is told as long as it is there.
    #expect(queue.next() == UInt32.max)
    #expect(try second.reader.readAvailable() == "x")
    #expect(queue.next() == nil)
  }

  @Test func everyDescriptorGetsItsTurn() throws {
    let queue = try EventQueue()
    let first = Pipe()
    let second = Pipe()
    try queue.add(first.reader.rawValue, token: 1)
    try queue.add(second.reader.rawValue, token: 2)
    try first.writer.write(text: "x")
    try second.writer.write(text: "x")
    #expect(Set([queue.next(), queue.next()]) == [1, 2])
    #expect(Set([queue.next(), queue.next()]) == [1, 2])
  }

  @Test func aQueueIsAnInterrupt() throws {
    let queue = try EventQueue()
    let pipe = Pipe()
    try queue.add(pipe.reader.rawValue, token: 5)
    let attending = Attending(descriptor: queue.rawValue)
    let soon = Clock.milliseconds + 20
    #expect(wait(for: .readable, on: -1, until: soon, attending: attending) == .timedOut)
    try pipe.writer.write(text: "x")
    #expect(wait(for: .readable, on: -1, until: later, attending: attending) == .interrupted)
  }

  @Test func anArrivalIsToldOnce() throws {
    let queue = try EventQueue()
    let pipe = Pipe()
    try queue.add(pipe.reader.rawValue, token: 1, for: .arrival)
    try pipe.writer.write(text: "x")
    #expect(isReadable(queue.rawValue))
    #expect(queue.next() == 1)
    #expect(queue.next() == nil)
    #expect(!isReadable(queue.rawValue))
    try pipe.writer.write(text: "x")
    #expect(queue.next() == 1)
  }

  @Test func whatIsRemovedIsTroubleNoMore() throws {
    let queue = try EventQueue()
    let pipe = Pipe()
    try queue.add(pipe.reader.rawValue, token: 1)
    try pipe.writer.write(text: "x")
    // A second copy, as a child process has it.
    let copy = FileDescriptor(owning: dup(pipe.reader.rawValue))
    queue.remove(pipe.reader.rawValue)
    #expect(queue.next() == nil)
    #expect(isReadable(copy.rawValue))
    queue.remove(pipe.reader.rawValue)
  }

  @Test func anErrorIsTold() throws {
    let queue = try EventQueue()
    let pipe = Pipe()
    try queue.add(pipe.reader.rawValue, token: 1)
    let number = pipe.reader.rawValue
    #expect(failure { () throws(Errno) in try queue.add(number, token: 2) } == .exists)
    #expect(
      failure { () throws(Errno) in try queue.add(-1, token: 2) } == Errno(rawValue: EBADF))
  }
}

@Suite struct TimerTests {
  @Test func aTimerFiresAtItsDeadline() throws {
    let timer = try Linux.Timer()
    #expect(!isReadable(timer.rawValue))
    let deadline = Clock.milliseconds + 40
    timer.set(deadline)
    #expect(wait(on: timer.rawValue, until: later) == .ready)
    #expect(Clock.milliseconds >= deadline)
    #expect(isReadable(timer.rawValue))
    timer.acknowledge()
    #expect(!isReadable(timer.rawValue))
    timer.acknowledge()
  }

  @Test(arguments: [Int64.min, -1, 0, 1, 999])
  func aPastDeadlineFiresAtOnce(deadline: Int64) throws {
    let timer = try Linux.Timer()
    timer.set(deadline)
    #expect(wait(on: timer.rawValue, until: later) == .ready)
  }

  @Test func aTimerCanBeDisarmedAndPutOff() throws {
    let timer = try Linux.Timer()
    timer.set(1)
    #expect(wait(on: timer.rawValue, until: later) == .ready)
    timer.set(nil)
    #expect(!isReadable(timer.rawValue))
    timer.set(1)
    timer.set(later)
    #expect(!isReadable(timer.rawValue))
    timer.set(Int64.max)
    #expect(!isReadable(timer.rawValue))
  }

  /// Sets the wall clock to what it is.
  private static func setClock() -> Bool {
    var now = timespec()
    return clock_gettime(CLOCK_REALTIME, &now) == 0 && clock_settime(CLOCK_REALTIME, &now) == 0
  }

  @Test(.enabled("takes the right to set the clock") { setClock() })
  func aSetClockIsNoticed() throws {
    let watch = try ClockWatch()
    for _ in 0..<2 {
      #expect(Self.setClock())
      #expect(wait(on: watch.rawValue, until: later) == .ready)
      let isSet = watch.acknowledge()
      #expect(isSet)
    }
    let isStillSet = watch.acknowledge()
    #expect(!isStillSet)
    #expect(!isReadable(watch.rawValue))
  }
}

@Suite struct SignalQueueTests {
  @Test func everySignalOfAServiceIsTaken() throws {
    let signals = try SignalQueue(isForService: true)
    let all = [
      Signal.terminate, Signal.interrupt, Signal.hangUp, Signal.user1, Signal.child,
    ]
    #expect(all == [SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD])
    // They are blocked for this thread only.
    for signal in all { pthread_kill(pthread_self(), signal) }
    #expect(isReadable(signals.rawValue))
    var taken: [Int32] = []
    while let signal = signals.next() { taken.append(signal) }
    #expect(Set(taken) == Set(all))
    #expect(!isReadable(signals.rawValue))
  }
}
