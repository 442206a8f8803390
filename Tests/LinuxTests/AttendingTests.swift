import Foundation
import Linux
import TestSupport
import Testing

@Suite struct AttendingTests {
  /// Takes a byte at a time, and ends the wait at the last.
  private struct Attendant: ~Copyable {
    let reader: Int32
    var wanted: Int
    var taken = 0

    mutating func attend() -> Bool {
      var byte: UInt8 = 0
      if read(reader, &byte, 1) == 1 { taken += 1 }
      return taken == wanted
    }

    var attending: Attending {
      @_lifetime(&self)
      mutating get {
        let reader = reader
        return Attending(&self, descriptor: reader) { context in
          context!.assumingMemoryBound(to: Attendant.self).pointee.attend()
        }
      }
    }
  }

  private var later: Int64 { Clock.milliseconds + 60000 }

  @Test func withNobodyAWaitLastsUntilItsDeadline() {
    let deadline = Clock.milliseconds + 50
    #expect(
      wait(for: .readable, on: -1, until: deadline, attending: Attending()) == .timedOut)
    #expect(Clock.milliseconds >= deadline)
  }

  @Test func aDescriptorWithoutAServiceEndsTheWait() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "x")
    let attending = Attending(descriptor: pipe.reader.rawValue)
    #expect(wait(for: .readable, on: -1, until: later, attending: attending) == .interrupted)
  }

  @Test func anAttendantIsAskedUntilItEndsTheWait() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "abcde")
    var attendant = Attendant(reader: pipe.reader.rawValue, wanted: 3)
    #expect(
      wait(for: .readable, on: -1, until: later, attending: attendant.attending) == .interrupted)
    let taken = attendant.taken
    #expect(taken == 3)
  }

  @Test func whatIsReadyIsFoundBesideTheAttendant() throws {
    let pipe = Pipe()
    let other = Pipe()
    try pipe.writer.write(text: "a")
    try other.writer.write(text: "x")
    var attendant = Attendant(reader: pipe.reader.rawValue, wanted: 9)
    #expect(
      wait(
        for: .readable, on: other.reader.rawValue, until: later, attending: attendant.attending)
        == .ready)
    let taken = attendant.taken
    #expect(taken == 1)
  }

  @Test func aTerminalThatTakesNothingIsLeftAtTheDeadline() throws {
    let pipe = Pipe()
    try pipe.fill()
    let terminal = Terminal(descriptor: pipe.writer.rawValue)
    let deadline = Clock.milliseconds + 50
    let bytes = Array("x".utf8)
    let error = failure { () throws(Errno) in
      try terminal.writeAll(bytes.span, until: deadline, attending: Attending())
    }
    #expect(error == .timedOut)
    #expect(Clock.milliseconds >= deadline)
  }
}
