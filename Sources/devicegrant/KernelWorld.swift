internal import Board
internal import Bytes
internal import Configuration
internal import Display
internal import Linux
internal import TLS
internal import TokenStore

/// The world as the kernel gives it.
struct KernelWorld: World {
  typealias Screens = Displays
  typealias Sources = KernelSources

  /// Where the log is written.
  let journal: Journal

  var milliseconds: Int64 { Clock.milliseconds }
  var unixSeconds: Int64 { Clock.unixSeconds }

  var seed: UInt32 { randomNumber() }

  func makeConnection(trusting anchors: Path) throws(TLSError) -> TLSSession {
    try TLSSession(trustAnchors: anchors)
  }

  func openDirectory(_ path: Path, making isMade: Bool) throws(Errno) -> Directory {
    try isMade ? Directory(creating: path) : Directory(opening: path)
  }

  func rest(until deadline: Int64, attending: Attending) -> Wakeup {
    wait(for: .readable, on: -1, until: deadline, attending: attending)
  }

  func spawn(_ program: Path, environment: borrowing Span<UInt8>) throws(Errno) -> Int32 {
    try ChildProcess.spawn(program, environment: environment)
  }

  func reap(_ process: Int32) -> ExitStatus? { ChildProcess.reap(process) }
  func kill(_ process: Int32) { ChildProcess.kill(group: process) }
  func end(_ process: Int32) { ChildProcess.end(process) }

  func acceptsConfiguration() -> Bool {
    OuterProcess.acceptsConfiguration()
  }

  func write(_ level: LogLevel, _ line: borrowing Span<UInt8>, isTruncated: Bool) {
    journal.write(level, line, isTruncated: isTruncated)
  }

  @_lifetime(&attendant)
  func lend(_ attendant: inout Attendant<KernelWorld>) -> Attending {
    let descriptor = attendant.sources.descriptor
    let timer = attendant.sources.waitTimer
    return unsafe Attending(&attendant, descriptor: descriptor, timer: timer) { context in
      // The one unsafe line that no door can take: a C function knows its types, so it is not
      // generic, and this world is known here.
      unsafe context!.assumingMemoryBound(to: Attendant<KernelWorld>.self).pointee.attend()
    }
  }
}
