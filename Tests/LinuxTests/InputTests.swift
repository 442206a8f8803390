import Foundation
import Linux
import TestSupport
import Testing

private let synchronization: UInt16 = 0
private let key: UInt16 = 1
private let position: UInt16 = 3

/// A `struct input_event` whose time is of any size and value.
private func event(
  _ type: UInt16, code: UInt16 = 0x14A, _ value: Int32, size: Int = InputDevices.eventSize
) -> [UInt8] {
  let tail = withUnsafeBytes(of: type) { Array($0) } + withUnsafeBytes(of: code) { Array($0) }
  let time = [UInt8](repeating: 1, count: size - 8)
  return time + tail + withUnsafeBytes(of: value) { Array($0) }
}

@Suite struct InputEventTests {
  private func holdsPress(_ bytes: [UInt8], size: Int) -> Bool {
    let memory = GuardedMemory(capacity: 4096)
    return memory.with(bytes[...]) { InputDevices.holdsPress($0, eventSize: size) }
  }

  @Test(arguments: [16, 24])
  func aPressIsFoundAmongOtherEvents(size: Int) {
    let touch = event(position, 1, size: size) + event(synchronization, 1, size: size)
    let press = event(key, 1, size: size)
    #expect(holdsPress(press, size: size))
    #expect(holdsPress(touch + press, size: size))
    #expect(holdsPress(press + touch, size: size))
    #expect(!holdsPress(touch, size: size))
    #expect(!holdsPress([], size: size))
  }

  @Test(arguments: [0, 2, -1, 257, 0x0100_0000] as [Int32])
  func whatIsNoPressIsNone(value: Int32) {
    for size in [16, 24] { #expect(!holdsPress(event(key, value, size: size), size: size)) }
  }

  /// As a panel without buttons sends it, with the slots of protocol B and without them
  /// (multi-touch-protocol.rst).
  @Test(
    arguments: [
      (0x39, 45, true), (0x39, 0, true), (0x39, -1, false), (0x35, 320, true), (0x2F, 1, false),
      (0x00, 320, false), (0x18, 0, false),
    ] as [(UInt16, Int32, Bool)])
  func aContactIsAPress(code: UInt16, value: Int32, isPress: Bool) {
    for size in [16, 24] {
      let frame = event(position, code: code, value, size: size)
      let end = event(synchronization, code: 0, 0, size: size)
      #expect(holdsPress(frame + end, size: size) == isPress)
      #expect(!holdsPress(event(synchronization, code: code, 1, size: size), size: size))
    }
  }

  @Test(arguments: [16, 24])
  func halfAnEventIsNone(size: Int) {
    let press = event(key, 1, size: size)
    for length in 0..<size { #expect(!holdsPress(Array(press[..<length]), size: size)) }
    let release = event(key, 0, size: size)
    for length in 0..<size {
      #expect(!holdsPress(release + press[..<length], size: size))
    }
  }

  @Test func anEventIsOfTheSizeThatTheKernelHasHere() {
    #expect(InputDevices.eventSize == 8 + 2 * MemoryLayout<Int>.size)
  }
}

/// FIFOs in the place of devices: they too are read event by event and never block.
@Suite struct InputDevicesTests {
  private let directory = TemporaryDirectory()

  /// Makes a device, and returns what is written to it with.
  private func plugIn(_ number: Int) -> FileDescriptor {
    let path = "\(directory.name)/event\(number)"
    precondition(mkfifo(path, 0o600) == 0)
    return FileDescriptor(owning: open(path, O_RDWR | O_NONBLOCK))
  }

  /// The places and descriptors that are new.
  private func rescan(_ devices: inout InputDevices) -> [Int: Int32] {
    var found: [Int: Int32] = [:]
    for index in 0..<InputDevices.capacity { found[index] = devices.descriptor(index) }
    devices.rescan(makePath(directory.name))
    return found.compactMap { index, before in
      let descriptor = devices.descriptor(index)
      return descriptor == before ? nil : (index, descriptor)
    }.reduce(into: [:]) { $0[$1.0] = $1.1 }
  }

  private func send(_ events: [UInt8], _ device: borrowing FileDescriptor) throws(Errno) {
    try device.writeAll(events.span)
  }

  @Test func aPressIsNoticedAndAllIsTaken() throws {
    let device = plugIn(5)
    var devices = InputDevices()
    let found = rescan(&devices)
    #expect(Array(found.keys) == [0])
    let descriptor = try #require(found[0])
    #expect(devices.descriptor(0) == descriptor)
    #expect(devices.wasPressed(0) == .nothing)
    try send(event(position, 1) + event(synchronization, 0), device)
    #expect(isReadable(descriptor))
    #expect(devices.wasPressed(0) == .nothing)
    #expect(!isReadable(descriptor))
    let motion = (0..<40).flatMap { _ in event(position, 1) }
    try send(event(key, 1) + event(key, 0) + motion, device)
    #expect(devices.wasPressed(0) == .pressed)
    #expect(!isReadable(descriptor))
    #expect(devices.wasPressed(0) == .nothing)
  }

  /// Where the look did not end by itself, this would not end.
  @Test func aDeviceThatSendsWithoutAPauseHoldsNobodyUp() throws {
    let device = plugIn(0)
    var devices = InputDevices()
    _ = rescan(&devices)
    let number = device.rawValue
    let flood = Thread {
      let events = [UInt8](repeating: 0, count: 4096)
      while !Thread.current.isCancelled { _ = Foundation.write(number, events, events.count) }
    }
    flood.start()
    defer { flood.cancel() }
    for _ in 0..<5 { #expect(devices.wasPressed(0) == .nothing) }
    (_) = device.rawValue
  }

  @Test func whatIsPluggedInLaterIsFoundOnce() throws {
    var devices = InputDevices()
    #expect(rescan(&devices) == [:])
    let first = plugIn(0)
    #expect(rescan(&devices).count == 1)
    #expect(rescan(&devices) == [:])
    let second = plugIn(31)
    // One beyond the numbers that are looked at.
    let third = plugIn(32)
    #expect(Array(rescan(&devices).keys) == [1])
    try send(event(key, 1), second)
    #expect(devices.wasPressed(0) == .nothing)
    #expect(devices.wasPressed(1) == .pressed)
    (_, _) = (first.rawValue, third.rawValue)
  }

  @Test func aDeviceThatIsUnpluggedIsGone() throws {
    do {
      let device = plugIn(3)
      var devices = InputDevices()
      let descriptor = try #require(rescan(&devices)[0])
      try send(event(key, 1), device)
      _ = consume device
      #expect(isReadable(descriptor))
      #expect(devices.wasPressed(0) == .gone)
      devices.close(0)
      #expect(fcntl(descriptor, F_GETFD) == -1)
      #expect(devices.descriptor(0) == -1)
      #expect(Array(rescan(&devices).keys) == [0])
    }
  }

  @Test func thereIsRoomForSixteen() throws {
    var devices = InputDevices()
    for number in 0..<20 { mkfifo("\(directory.name)/event\(number)", 0o600) }
    #expect(rescan(&devices).keys.sorted() == Array(0..<InputDevices.capacity))
    #expect(rescan(&devices) == [:])
    devices.close(7)
    // The first number that is not open takes the place.
    #expect(Array(rescan(&devices).keys) == [7])
  }

  @Test func theyCloseThemselves() throws {
    let device = plugIn(0)
    do {
      var devices = InputDevices()
      #expect(rescan(&devices).count == 1)
    }
    // Whether a FIFO has readers left shows only when there is no descriptor that is one too.
    let path = "\(directory.name)/event0"
    _ = consume device
    #expect(open(path, O_WRONLY | O_NONBLOCK) == -1)
    #expect(errno == ENXIO)
  }
}

/// A terminal with a person at it.
private struct Pseudoterminal: ~Copyable {
  let person: FileDescriptor
  let tty: FileDescriptor
  let name: String

  init() {
    var (person, tty): (Int32, Int32) = (-1, -1)
    precondition(openpty(&person, &tty, nil, nil, nil) == 0)
    self.person = FileDescriptor(owning: person)
    self.tty = FileDescriptor(owning: tty)
    name = String(cString: ttyname(tty))
  }

  var terminal: Terminal { Terminal(descriptor: tty.rawValue) }
}

@Suite struct TerminalInputTests {
  @Test func enterIsNoticed() throws {
    let pseudoterminal = Pseudoterminal()
    let terminal = pseudoterminal.terminal
    #expect(!terminal.wasEntered())
    try pseudoterminal.person.write(text: "abc")
    #expect(!terminal.wasEntered())
    try pseudoterminal.person.write(text: "\r")
    #expect(isReadable(terminal.descriptor))
    #expect(terminal.wasEntered())
    #expect(!isReadable(terminal.descriptor))
    #expect(!terminal.wasEntered())
    try pseudoterminal.person.write(text: String(repeating: "x\n", count: 100))
    #expect(terminal.wasEntered())
    #expect(!terminal.wasEntered())
    #expect(fcntl(terminal.descriptor, F_GETFL) & O_NONBLOCK == 0)
    _ = consume pseudoterminal
  }

  @Test func anEndIsNoEnter() throws {
    let pseudoterminal = Pseudoterminal()
    try pseudoterminal.person.write(text: "\u{04}")
    #expect(isReadable(pseudoterminal.tty.rawValue))
    #expect(!pseudoterminal.terminal.wasEntered())
    #expect(!isReadable(pseudoterminal.tty.rawValue))
  }

  @Test func aTerminalThatHungUpIsNoEnter() {
    var (person, tty): (Int32, Int32) = (-1, -1)
    precondition(openpty(&person, &tty, nil, nil, nil) == 0)
    close(person)
    #expect(!Terminal(descriptor: tty).wasEntered())
    close(tty)
  }

  @Test func onlyTerminalsAreRead() throws {
    let pipe = Pipe()
    try pipe.writer.write(text: "\n")
    #expect(!Terminal(descriptor: pipe.reader.rawValue).wasEntered())
    #expect(isReadable(pipe.reader.rawValue))
  }

  @Test func nothingIsReadInTheBackground() throws {
    let pseudoterminal = Pseudoterminal()
    // Looked at once before the fork, so that Swift has nothing left to set up behind it.
    #expect(!pseudoterminal.terminal.wasEntered())
    try pseudoterminal.person.write(text: "\n")
    let fork = unsafeBitCast(
      dlsym(UnsafeMutableRawPointer(bitPattern: 0), "fork"), to: (@convention(c) () -> pid_t).self)
    let child = pseudoterminal.name.withCString { name in
      let child = fork()
      if child == 0 { _exit(inSession(name, fork)) }
      return child
    }
    var status: Int32 = 0
    #expect(waitpid(child, &status, WUNTRACED) == child)
    #expect(status == 0)
  }

  /// Leads a session whose terminal is `name`, and looks at it from behind, then from the front.
  private func inSession(_ name: UnsafePointer<CChar>, _ fork: @convention(c) () -> pid_t) -> Int32
  {
    alarm(30)
    signal(SIGTTOU, SIG_IGN)
    setsid()
    let tty = open(name, O_RDWR)
    let other = fork()
    if other == 0 {
      while true { pause() }
    }
    defer { kill(other, SIGKILL) }
    guard tty >= 0, setpgid(other, other) == 0, tcsetpgrp(tty, other) == 0 else { return 1 }
    if Terminal(descriptor: tty).wasEntered() { return 2 }
    guard isReadable(tty), tcsetpgrp(tty, getpgrp()) == 0 else { return 3 }
    return Terminal(descriptor: tty).wasEntered() ? 0 : 4
  }
}
