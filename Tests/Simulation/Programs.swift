import Board
import Linux

/// The programs that run beside the board's: hooks, each with its own fate.
struct Programs {
  private struct Program {
    let process: Int32
    var status: ExitStatus?
    /// The universe's time, without those in which the board was suspended.
    var startedAt: Int64
    /// How it will end by itself; nil: never.
    let fate: ExitStatus?
  }

  private var all: [Program] = []
  private var last: Int32 = 100

  /// How many there are, with those whose end nobody has taken.
  var count: Int { all.count }

  /// When the one began that runs for the longest; nil where none runs.
  var oldestStart: Int64? {
    all.lazy.filter { $0.status == nil }.map(\.startedAt).min()
  }

  mutating func delay(by length: Int64) {
    for index in all.indices { all[index].startedAt += length }
  }

  mutating func add(_ fate: ExitStatus?, now: Int64) -> Int32 {
    last += 1
    all.append(Program(process: last, status: nil, startedAt: now, fate: fate))
    return last
  }

  private func index(_ process: Int32) -> Int? { all.firstIndex { $0.process == process } }

  mutating func end(_ process: Int32) {
    guard let index = index(process), all[index].status == nil else { return }
    all[index].status = all[index].fate
  }

  mutating func kill(_ process: Int32) {
    guard let index = index(process), all[index].status == nil else { return }
    all[index].status = .killed(9)
  }

  mutating func reap(_ process: Int32) -> ExitStatus? {
    guard let index = index(process) else { return .unknown }
    guard let status = all[index].status else { return nil }
    all.remove(at: index)
    return status
  }

  mutating func remove(_ process: Int32) {
    if let index = index(process) { all.remove(at: index) }
  }

  mutating func removeAll() { all.removeAll() }
}

extension Universe {
  /// Runs a hook: most end soon, some fail, some never end.
  func spawn(_ environment: borrowing Span<UInt8>) throws(Errno) -> Int32 {
    watch.told(environment.withUnsafeBufferPointer { Array($0) }, self)
    if chance(1, of: 40) {
      counts[.hookNotRun] += 1
      throw .noSuchFile
    }
    counts[.hook] += 1
    let hangs = chance(1, of: 12)
    let fails = chance(1, of: 8)
    if hangs { counts[.hookHung] += 1 } else if fails { counts[.hookFailed] += 1 }
    let process = programs.add(hangs ? nil : .exited(fails ? 1 : 0), now: now)
    if !hangs { schedule(.programEnds(process), in: random(5...3000)) }
    // As many as the product promises, and no more.
    if programs.count > 8 { watch.fail(.growth, self) }
    return process
  }

  func endProgram(_ process: Int32) {
    programs.end(process)
    main?.post(.alarm)
  }

  /// Where there is no screen, people find the code in the log.
  private func readCode(_ line: UnsafeBufferPointer<UInt8>, _ world: SimulatedWorld) {
    let bytes = Array(line)
    guard let place = bytes.firstRange(of: "user_code=CODE-"),
      let number = bytes.decimal(at: place.upperBound)
    else { return }
    if world.isMain { watch.toldCode = Int(number.value) }
    person.sees(code: Int(number.value), self)
  }

  /// Takes a line of the log.
  func log(_ line: UnsafeBufferPointer<UInt8>, _ world: SimulatedWorld) {
    watch.noteSecret(line, self)
    watch.noteLine(line, self)
    watch.logged(self)
    for byte in line { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
    digest = (digest ^ UInt64(truncatingIfNeeded: now)) &* 0x100_0000_01B3
    if !script.hasScreens { readCode(line, world) }
    if !isLogged { return }
    tell("\(world.isMain ? "log" : "command's log"): \(String(decoding: line, as: UTF8.self))")
  }
}
