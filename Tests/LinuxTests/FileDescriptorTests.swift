import Bytes
import Foundation
import Linux
import TestSupport
import Testing

@Suite struct FileDescriptorTests {
  private let directory = TemporaryDirectory()

  private func create(_ name: String, _ content: String = "") throws {
    let file = try FileDescriptor(
      opening: directory.path(name), .writeOnly | .create | .truncate, mode: 0o600)
    try file.write(text: content)
  }

  private func openingFails(_ name: String, _ flags: FileDescriptor.Flags) -> Errno? {
    failure { () throws(Errno) in
      _ = try FileDescriptor(opening: directory.path(name), flags, mode: 0o600)
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    try create("file", "one\ntwo\0three")
    let file = try FileDescriptor(opening: directory.path("file"), .readOnly)
    #expect(try file.readText() == "one\ntwo\0three")
  }

  @Test func openingCanCutAFile() throws {
    try create("file", "a long text")
    try create("file", "short")
    #expect(directory.content(of: "file") == "short")
  }

  @Test func openingFailsWithItsReason() throws {
    try create("file")
    #expect(openingFails("none", .readOnly) == .noSuchFile)
    #expect(openingFails("file", .writeOnly | .create | .exclusive) == .exists)
    #expect(openingFails("file", .readOnly | .directory) == .notDirectory)
    #expect(openingFails("file/x", .readOnly) == .notDirectory)
    #expect(openingFails(String(repeating: "n", count: 300), .readOnly) == .nameTooLong)
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory.name)/link", withDestinationPath: "file")
    #expect(openingFails("link", .readOnly) == nil)
    #expect(openingFails("link", .readOnly | .noFollow) == Errno(rawValue: ELOOP))
  }

  @Test func aNameIsOpenedInsideADirectory() throws {
    try create("file", "inside")
    let opened = try FileDescriptor(opening: makePath(directory.name), .readOnly | .directory)
    let file = try opened.open(makePath("file"), .readOnly)
    #expect(try file.readText() == "inside")
    let missing = failure { () throws(Errno) in _ = try opened.open(makePath("none"), .readOnly) }
    #expect(missing == .noSuchFile)
  }

  @Test func everyDescriptorIsClosedOnExec() throws {
    try create("file")
    let opened = try FileDescriptor(opening: makePath(directory.name), .readOnly | .directory)
    let file = try opened.open(makePath("file"), .readOnly)
    let flags = [fcntl(opened.rawValue, F_GETFD), fcntl(file.rawValue, F_GETFD)]
    #expect(flags == [FD_CLOEXEC, FD_CLOEXEC])
  }

  @Test func aDescriptorClosesItself() throws {
    let ends = openPipe()
    let reader = FileDescriptor(owning: ends.reader)
    do {
      let writer = FileDescriptor(owning: ends.writer)
      try writer.write(text: "last words")
    }
    // Only an end that is closed lets the other come to its end.
    #expect(try reader.readText() == "last words")
  }

  @Test(arguments: [(0, 1), (10, 11), (4096, 4097)])
  func readingAllNeedsRoomForOneByteMore(size: Int, capacity: Int) throws {
    try create("file", String(repeating: "x", count: size))
    let path = directory.path("file")
    let fitting = try FileDescriptor(opening: path, .readOnly).readText(capacity: capacity)
    #expect(fitting.utf8.count == size)
    let tooSmall = failure { () throws(Errno) in
      _ = try FileDescriptor(opening: path, .readOnly).readText(capacity: capacity - 1)
    }
    #expect(tooSmall == .fileTooLarge)
  }

  @Test func aPermissionIsSetWhateverTheMask() throws {
    try create("file")
    let file = try FileDescriptor(opening: directory.path("file"), .readWrite)
    try file.setMode(0o666)
    #expect(try file.status().mode == 0o666)
    try file.setMode(0o640)
    #expect(try file.status().mode == 0o640)
  }

  @Test func theStatusOfAFile() throws {
    try create("file", "12345")
    let status = try FileDescriptor(opening: directory.path("file"), .readOnly).status()
    #expect(status.owner == getuid())
    #expect(status.mode == 0o600)
  }

  @Test func aFileOfAnotherCenturyHasItsTime() throws {
    try create("file")
    let file = try FileDescriptor(opening: directory.path("file"), .readOnly)
    // 2106: past 32 bits, with or without a sign.
    let time = timespec(tv_sec: 4_300_000_000, tv_nsec: 7)
    #expect(futimens(file.rawValue, [time, time]) == 0)
    #expect(try file.status().writtenAt == 4_300_000_000)
    #expect(try file.status().nanoseconds == 7)
  }

  @Test func synchronizingAFileWorksAndAPipeDoesNot() throws {
    try create("file", "x")
    try FileDescriptor(opening: directory.path("file"), .writeOnly).synchronize()
    let pipe = Pipe()
    let error = failure { () throws(Errno) in try pipe.writer.synchronize() }
    #expect(error == Errno(rawValue: EINVAL))
  }

  @Test func aFileIsNoTerminal() throws {
    try create("file")
    let file = try FileDescriptor(opening: directory.path("file"), .readOnly)
    let isTerminal = file.isTerminal
    #expect(!isTerminal)
  }

  @Test func aMappingIsTheFile() throws {
    try create("file", String(repeating: "-", count: 64))
    let file = try FileDescriptor(opening: directory.path("file"), .readWrite)
    do {
      let memory = try MappedMemory(file, length: 64)
      memory.bytes[0] = UInt8(ascii: "<")
      memory.bytes[63] = UInt8(ascii: ">")
    }
    #expect(directory.content(of: "file") == "<" + String(repeating: "-", count: 62) + ">")
    let readOnly = try FileDescriptor(opening: directory.path("file"), .readOnly)
    let error = failure { () throws(Errno) in _ = try MappedMemory(readOnly, length: 64) }
    #expect(error == .accessDenied)
  }
}

@Suite struct PipeTests {
  @Test func anEmptyPipeWouldBlock() {
    let pipe = Pipe()
    let error = withBuffer(capacity: 8) { buffer in
      failure { () throws(Errno) in _ = try pipe.reader.read(into: &buffer) }
    }
    #expect(error == .wouldBlock)
  }

  @Test func readingStopsAtTheBuffersEnd() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "abcdef")
    try withBuffer(capacity: 4) { buffer in
      let first = try pipe.reader.read(into: &buffer)
      let second = try pipe.reader.read(into: &buffer)
      let content = string(buffer.bytes)
      #expect(first == 4)
      #expect(second == 0)
      #expect(content == "abcd")
    }
  }

  @Test func aFullPipeTakesNoMore() throws {
    let pipe = Pipe()
    try pipe.fill()
    let error = failure { () throws(Errno) in try pipe.writer.write(text: "more") }
    #expect(error == .wouldBlock)
  }

  @Test func allIsWrittenInAsManyCallsAsItTakes() throws {
    let ends = openPipe()
    let reader = ends.reader
    let isDone = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var sum = 0
    Thread {
      var chunk = [UInt8](repeating: 0, count: 1000)
      while case let count = Glibc.read(reader, &chunk, chunk.count), count > 0 {
        sum += chunk[..<count].reduce(0) { $0 + Int($1) }
      }
      close(reader)
      isDone.signal()
    }.start()
    let bytes = [UInt8](repeating: 3, count: 1_000_000)
    do {
      let writer = FileDescriptor(owning: ends.writer)
      try writer.writeAll(bytes.span)
    }
    #expect(isDone.wait(timeout: .now() + 30) == .success)
    #expect(sum == 3_000_000)
  }

  @Test func aPipeThatNobodyReadsIsAnError() throws {
    signal(SIGPIPE, SIG_IGN)
    let ends = openPipe()
    close(ends.reader)
    let writer = FileDescriptor(owning: ends.writer)
    let error = failure { () throws(Errno) in try writer.write(text: "x") }
    #expect(error == Errno(rawValue: EPIPE))
  }
}

@Suite struct TerminalTests {
  private let soon: Int64 = 50

  @Test func aPipeIsNoTerminalAndHasNoSize() {
    let pipe = Pipe()
    let terminal = Terminal(descriptor: pipe.writer.rawValue)
    #expect(!terminal.isTerminal)
    #expect(terminal.size == nil)
  }

  @Test func aPseudoterminalIsATerminal() {
    let descriptor = FileDescriptor(owning: open("/dev/ptmx", O_RDWR | O_NOCTTY))
    let terminal = Terminal(descriptor: descriptor.rawValue)
    #expect(terminal.isTerminal)
    let isTerminal = descriptor.isTerminal
    #expect(isTerminal)
    // Nobody has told it a size, as on a serial line.
    #expect(terminal.size == nil)
  }

  @Test func writingWaitsUntilTheDeadline() throws {
    let pipe = Pipe()
    try pipe.fill()
    let terminal = Terminal(descriptor: pipe.writer.rawValue)
    let start = Clock.milliseconds
    let bytes = Array("x".utf8)
    let error = failure { () throws(Errno) in
      try terminal.writeAll(bytes.span, until: start + soon, attending: Attending())
    }
    #expect(error == .timedOut)
    #expect(Clock.milliseconds >= start + soon)
  }
}
