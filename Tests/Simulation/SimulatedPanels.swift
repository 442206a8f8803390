public import Board
public import Bytes
public import Display
public import Linux

/// The displays of the board, one of which may go and come; a person looks at them.
public struct SimulatedPanels: Panels, ~Copyable {
  private let world: SimulatedWorld
  private var wasGone = false
  private var reports: [DisplayReport] = []
  public private(set) var followsUpAt: Int64?

  private var universe: Universe { world.universe }

  public init(_ world: SimulatedWorld) {
    self.world = world
  }

  public var isEmpty: Bool { !universe.script.hasScreens }
  public var showsTime: Bool { universe.script.showsTime }
  public var mayChange: Bool { universe.script.hasScreens }
  public var failure: (name: PermanentBytes, error: DisplayError)? { nil }
  public mutating func takeFailure() -> (name: PermanentBytes, error: DisplayError)? { nil }

  public mutating func show(_ screen: borrowing Screen, attending: Attending) {
    paint(screen)
    // A terminal takes its time.
    if universe.chance(1, of: 200) {
      let end = world.milliseconds + Int64(universe.random(2000))
      // What follows knows nothing of the signal.
      if world.isMain, !showsTime, universe.chance(1, of: 8) {
        universe.schedule(.restart, in: universe.random(0...1000))
      }
      _ = world.pause(until: end, attending: attending)
    }
  }

  public mutating func showLast(_ screen: borrowing Screen, attending: Attending) {
    paint(screen)
  }

  private mutating func paint(_ screen: borrowing Screen) {
    if world.isDead { return }
    noteAbsence()
    universe.show(screen, world)
  }

  private mutating func noteAbsence() {
    let isGone = universe.now < universe.displaysGoneUntil
    if isGone != wasGone {
      let name = PermanentBytes("/dev/fb0")
      reports.append(
        isGone ? .givenUp(name: name, .system(.open, .noSuchFile)) : .came(name: name))
    }
    wasGone = isGone
  }

  public mutating func deviceChanged(now: Int64) { followsUpAt = now + 500 }

  public mutating func followsUp(now: Int64) -> Bool {
    guard let time = followsUpAt, time <= now else { return false }
    followsUpAt = nil
    return true
  }

  public mutating func nextReport() -> DisplayReport? {
    reports.isEmpty ? nil : reports.removeFirst()
  }
}

extension Universe {
  /// A program shows a screen.
  func show(_ screen: borrowing Screen, _ world: SimulatedWorld) {
    noteSecrets(screen)
    var number: Int?
    if screen.kind == .code { number = codeNumber(screen.code.userCode) }
    if isLogged {
      let words = string(screen.words.bytes)
      let kind = screen.kind
      tell("screen: \(kind) \(words) \(number.map { "\($0)" } ?? "")")
    }
    if world.isMain { watch.shows(screen.kind, code: number, self) }
    // Somebody comes by also where the screen is dark.
    if world.isMain, screen.kind == .invitation { person.seesInvitation(self) }
    if now < displaysGoneUntil { return }
    if let number { person.sees(code: number, self) }
  }

  private func noteSecrets(_ screen: borrowing Screen) {
    screen.words.bytes.withUnsafeBufferPointer { watch.noteSecret($0, self) }
    screen.note.bytes.withUnsafeBufferPointer { watch.noteSecret($0, self) }
    if screen.kind != .code { return }
    screen.code.userCode.bytes.withUnsafeBufferPointer { watch.noteSecret($0, self) }
    screen.code.verificationURIComplete.bytes.withUnsafeBufferPointer {
      watch.noteSecret($0, self)
    }
  }

  /// The number in `CODE-7`.
  private func codeNumber(_ text: borrowing Text<256>) -> Int? {
    let bytes = text.bytes.withUnsafeBufferPointer { Array($0) }
    return bytes.hasPrefix("CODE-") ? bytes.decimal(at: 5).map { Int($0.value) } : nil
  }

  private func string(_ bytes: borrowing Span<UInt8>) -> String {
    bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}
