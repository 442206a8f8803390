import Board
import Bytes
import Configuration
import Display
import Foundation
import Linux
import TLS
import TestSupport
import TokenStore

/// A world in which nothing happens but what a test says: real files in a directory that goes away,
/// a clock that only waits move, and a server whose answers are written beforehand.
final class SmallWorld: World {
  typealias Storage = Directory
  typealias Screens = SmallPanels
  typealias Sources = SmallSources
  typealias Connection = SmallConnection

  /// What comes at a time.
  struct Arrival {
    var at: Int64
    var event: Event
    var bytes: [UInt8] = []
  }

  var milliseconds: Int64 = 1_000_000
  var unixSeconds: Int64 { 1_800_000_000 + milliseconds / 1000 }
  let seed: UInt32 = 7
  /// What each thing that has come takes.
  var millisecondsPerEvent: Int64 = 0

  let directory = NSTemporaryDirectory() + "/devicegrant." + UUID().uuidString
  var arrivals: [Arrival] = []
  /// What clients have been sent.
  var sent: [String] = []
  /// What the programs were told.
  var environments: [[String]] = []
  var lines: [String] = []
  var failure: (name: PermanentBytes, error: DisplayError)?
  /// What the server answers next; where there is nothing, nobody can connect.
  var answers: [String] = []
  /// When somebody wants to be looked at again.
  var alarm = Int64.max
  /// Readable when there is something to attend to; -1 for nothing.
  var waker: Int32 = -1

  init() {
    try! FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: directory)
  }

  func path(_ name: String) -> Path {
    let bytes = Array("\(directory)/\(name)".utf8)
    return Path(bytes.span)!
  }

  /// Writes a file that nobody else can get at.
  func write(_ name: String, _ content: String) {
    let isWritten = FileManager.default.createFile(
      atPath: "\(directory)/\(name)", contents: Data(content.utf8),
      attributes: [.posixPermissions: 0o600])
    precondition(isWritten)
  }

  /// The next thing that has come by now.
  func take() -> Arrival? {
    if waker >= 0 {
      var byte: UInt8 = 0
      read(waker, &byte, 1)
    }
    guard let index = arrivals.firstIndex(where: { $0.at <= milliseconds }) else { return nil }
    milliseconds += millisecondsPerEvent
    return arrivals.remove(at: index)
  }

  func makeConnection(trusting anchors: Path) throws(TLSError) -> SmallConnection {
    SmallConnection(world: self)
  }

  func openDirectory(_ path: Path, making isMade: Bool) throws(Errno) -> Directory {
    try isMade ? Directory(creating: path) : Directory(opening: path)
  }

  func rest(until deadline: Int64, attending: Attending) -> Wakeup {
    while milliseconds < deadline {
      let next = arrivals.map(\.at).min() ?? deadline
      let alarm = alarm > milliseconds ? alarm : deadline
      milliseconds = max(milliseconds, min(next, alarm, deadline))
      if milliseconds < deadline, attending.attend() { return .interrupted }
    }
    return .timedOut
  }

  func spawn(_ program: Path, environment: borrowing Span<UInt8>) throws(Errno) -> Int32 {
    let facts = string(environment).split(separator: "\0").map(String.init)
    environments.append(facts)
    return Int32(environments.count)
  }

  func reap(_ process: Int32) -> ExitStatus? { .exited(0) }
  func kill(_ process: Int32) {}
  func end(_ process: Int32) {}
  func acceptsConfiguration() -> Bool { true }

  func write(_ level: LogLevel, _ line: borrowing Span<UInt8>, isTruncated: Bool) {
    lines.append(string(line))
  }

  @_lifetime(&attendant)
  func lend(_ attendant: inout Attendant<SmallWorld>) -> Attending {
    Attending(&attendant, descriptor: waker) { context in
      context!.assumingMemoryBound(to: Attendant<SmallWorld>.self).pointee.attend()
    }
  }
}

/// To a server that knows beforehand what it answers.
struct SmallConnection: Transport {
  let world: SmallWorld
  let isConnected = false
  let isStale = false
  let resumptions: Int64 = 0

  func connect(
    to host: borrowing Span<UInt8>, port: Int, until deadline: Int64, attending: Attending
  ) throws(TLSError) {
    if world.rest(until: world.milliseconds + 1000, attending: attending) == .interrupted {
      throw .interrupted
    }
    if world.answers.isEmpty { throw .connect(.connection(Errno(rawValue: 111))) }
  }

  func send(
    _ bytes: borrowing Span<UInt8>, until deadline: Int64, attending: Attending
  ) throws(TLSError) {}

  func receive(
    into buffer: inout Buffer, until deadline: Int64, attending: Attending
  ) throws(TLSError) -> Int {
    let body = world.answers.removeFirst()
    let answer = Array("HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    buffer.append(answer.span)
    return answer.count
  }

  func close() {}
}

struct SmallPanels: Panels {
  let world: SmallWorld
  let isEmpty = false
  let showsTime = false
  let mayChange = false
  let followsUpAt: Int64? = nil
  var failure: (name: PermanentBytes, error: DisplayError)? { world.failure }

  func takeFailure() -> (name: PermanentBytes, error: DisplayError)? { failure }
  func show(_ screen: borrowing Screen, attending: Attending) {}
  func showLast(_ screen: borrowing Screen, attending: Attending) {}
  func deviceChanged(now: Int64) {}
  func followsUp(now: Int64) -> Bool { false }
  func nextReport() -> DisplayReport? { nil }
}

struct SmallSources: EventSources {
  let world: SmallWorld
  private var bytes: [UInt8] = []
  private var visitors = 0

  init(_ world: SmallWorld) {
    self.world = world
  }

  mutating func next() -> Event? {
    guard let arrival = world.take() else { return nil }
    if arrival.event == .visitor { visitors += 1 }
    bytes = arrival.bytes
    return arrival.event
  }

  func setAlarm(_ deadline: Int64?) { world.alarm = deadline ?? .max }
  func watchRecord() {}
  func watchDevices() {}
  func watchNetwork() {}
  func haveNameServersChanged() -> Bool { false }
  func findInputs() {}
  func ready() {}
  func ping(now: Int64) -> Int64? { nil }
  func listen(at path: Path, group: UInt32?) throws(LocalSocketError) {}
  func setListening(_ isOn: Bool) {}

  mutating func accept() throws(Errno) -> Visitor? {
    if visitors == 0 { return nil }
    visitors -= 1
    return Visitor(credentials: nil)
  }

  func seat(at slot: Int) {}

  func receive(
    from slot: Int, into space: inout InlineArray<64, UInt8>
  ) -> FileDescriptor.Transfer {
    let count = min(bytes.count, space.count)
    for index in 0..<count { space[index] = bytes[index] }
    if count < bytes.count {
      let rest = Array(bytes[count...])
      world.arrivals.append(SmallWorld.Arrival(at: 0, event: .client(slot), bytes: rest))
    }
    return .bytes(count)
  }

  func send(to slot: Int, _ bytes: borrowing Span<UInt8>) { world.sent.append(string(bytes)) }
  func ignore(_ slot: Int) {}
  func close(_ slot: Int) {}
}
