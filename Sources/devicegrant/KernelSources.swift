internal import Board
internal import Bytes
internal import Linux

/// Where the kernel tells of events: all descriptors are in one queue, which every wait watches.
struct KernelSources: EventSources, ~Copyable {
  private let queue: EventQueue
  private let resident = Resident()
  private let signals: SignalQueue
  /// nil: one sign-in's, which heeds signals only.
  private var timer: Timer?
  /// For the deadline of the wait that is going on.
  private let deadline: Timer
  private var clock: ClockWatch?
  private var record: DirectoryWatch?
  private let directory: Path
  private let name: Path
  private var devices: DeviceWatch?
  private var network: NetworkWatch?
  /// The resolver's configuration, as it was looked at last.
  private var nameServers = Path("/etc/resolv.conf").generation
  private var inputs = InputDevices()
  private let console = Terminal(descriptor: 0)
  /// What started this program, if it wants to hear from it.
  private var manager = ServiceManager()
  private var listener: LocalListener?
  /// Who has been let in and has no slot yet.
  private var visitor: FileDescriptor?
  private var clients = InlineArray<64, Int32>(repeating: -1)

  private enum Token {
    static let signals: UInt32 = 1
    static let timer: UInt32 = 2
    static let clock: UInt32 = 3
    static let record: UInt32 = 4
    static let console: UInt32 = 5
    static let devices: UInt32 = 6
    static let network: UInt32 = 7
    static let listener: UInt32 = 0x100
    static let clients: UInt32 = 0x200
    static let inputs: UInt32 = 0x400
  }

  /// Takes over the signals, and tells of events from now on.
  ///
  /// - Parameters:
  ///   - record: the token file, which is watched once its directory is there.
  ///   - isService: whether time, a key, a touch and the signals of a service are heeded too.
  init(watching record: Path, isService: Bool) throws(Errno) {
    // All that may fail before there is anything large.
    let queue = try EventQueue()
    let signals = try SignalQueue(isForService: isService)
    try queue.add(signals.rawValue, token: Token.signals)
    if !isService {
      self.init(record, queue, signals, try Timer(), nil, nil)
      return
    }
    let timer = try Timer()
    let clock = try ClockWatch()
    try queue.add(timer.rawValue, token: Token.timer)
    try queue.add(clock.rawValue, token: Token.clock)
    if Terminal(descriptor: 0).isTerminal {
      try? queue.add(0, token: Token.console, for: .arrival)
    }
    self.init(record, queue, signals, try Timer(), timer, clock)
  }

  /// In one step, since what is not copyable can't be given back half-way.
  private init(
    _ record: Path, _ queue: consuming EventQueue, _ signals: consuming SignalQueue,
    _ deadline: consuming Timer, _ timer: consuming Timer?, _ clock: consuming ClockWatch?
  ) {
    directory = record.directory
    name = record.name ?? record
    self.queue = queue
    self.signals = signals
    self.deadline = deadline
    self.timer = timer
    self.clock = clock
  }

  deinit {
    for index in clients.indices where clients[index] >= 0 {
      _ = FileDescriptor(owning: clients[index])
    }
  }

  /// Readable when there is something to take.
  var descriptor: Int32 { queue.rawValue }

  /// The timer that waits set.
  var waitTimer: Int32 { deadline.rawValue }

  mutating func next() -> Event? {
    guard let token = queue.next() else { return nil }
    switch token {
    case Token.signals: return signals.next().map { .signal($0) } ?? .alarm
    case Token.timer: timer?.acknowledge()
    case Token.clock: if clock?.acknowledge() == true { return .clockSet }
    case Token.record: if hasRecordChanged() { return .recordChanged }
    case Token.devices: if devices?.hasDisplayChanged() == true { return .displayChanged }
    case Token.network: if network?.hasChanged() == true { return .networkChanged }
    case Token.console: if console.wasEntered() { return .pressed }
    case Token.listener: return .visitor
    case Token.clients..<Token.inputs: return .client(Int(token - Token.clients))
    default: if wasPressed(Int(token - Token.inputs)) { return .pressed }
    }
    return .alarm
  }

  mutating func setAlarm(_ deadline: Int64?) { timer?.set(deadline) }

  mutating func ready() { manager.ready() }

  mutating func ping(now: Int64) -> Int64? { manager.ping(now: now) }

  // MARK: Files and devices

  mutating func watchRecord() {
    if record != nil { return }
    do {
      let watch = try DirectoryWatch(directory)
      try queue.add(watch.rawValue, token: Token.record)
      record = consume watch
    } catch {}
  }

  private mutating func hasRecordChanged() -> Bool {
    let hasChanged = record?.hasChanged(name) == true
    if record?.isOver == true, let number = record?.rawValue {
      queue.remove(number)
      record = nil
    }
    return hasChanged
  }

  mutating func watchDevices() {
    do {
      let watch = try DeviceWatch()
      try queue.add(watch.rawValue, token: Token.devices)
      devices = consume watch
    } catch {}
  }

  mutating func watchNetwork() {
    do {
      let watch = try NetworkWatch()
      try queue.add(watch.rawValue, token: Token.network)
      network = consume watch
    } catch {}
  }

  mutating func haveNameServersChanged() -> Bool {
    let generation = Path("/etc/resolv.conf").generation
    if generation == nameServers { return false }
    nameServers = generation
    return true
  }

  mutating func findInputs() {
    inputs.rescan()
    for index in 0..<InputDevices.capacity where inputs.descriptor(index) >= 0 {
      // One that is watched already stays as it is.
      try? queue.add(
        inputs.descriptor(index), token: Token.inputs + UInt32(truncatingIfNeeded: index))
    }
  }

  private mutating func wasPressed(_ index: Int) -> Bool {
    switch inputs.wasPressed(index) {
    case .nothing: return false
    case .pressed: return true
    case .gone:
      queue.remove(inputs.descriptor(index))
      inputs.close(index)
      return false
    }
  }

  // MARK: The socket

  mutating func listen(at path: Path, group: UInt32?) throws(LocalSocketError) {
    listener = try LocalListener(at: path, mode: 0o660, group: group)
    setListening(true)
  }

  mutating func setListening(_ isOn: Bool) {
    guard let number = listener?.rawValue else { return }
    if isOn { try? queue.add(number, token: Token.listener) } else { queue.remove(number) }
  }

  mutating func accept() throws(Errno) -> Visitor? {
    guard let connection = try listener?.accept() else { return nil }
    let credentials = connection.peerCredentials
    visitor = consume connection
    return Visitor(credentials: credentials)
  }

  mutating func seat(at slot: Int) {
    guard let connection = visitor.take() else { return }
    clients[slot] = connection.give()
    try? queue.add(clients[slot], token: Token.clients + UInt32(truncatingIfNeeded: slot))
  }

  mutating func receive(
    from slot: Int, into space: inout InlineArray<64, UInt8>
  ) -> FileDescriptor.Transfer {
    FileDescriptor.receive(from: clients[slot], into: &space)
  }

  mutating func send(to slot: Int, _ bytes: borrowing Span<UInt8>) {
    _ = FileDescriptor.send(to: clients[slot], bytes)
  }

  mutating func ignore(_ slot: Int) { queue.remove(clients[slot]) }

  mutating func close(_ slot: Int) {
    guard clients[slot] >= 0 else { return }
    queue.remove(clients[slot])
    _ = FileDescriptor(owning: clients[slot])
    clients[slot] = -1
  }
}
