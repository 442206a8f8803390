import Linux

/// Somebody at the socket.
struct SimulatedClient {
  let manner: Manner
  /// What is to be said, piece by piece, with the pauses before each.
  var lines: [(pause: Int64, text: [UInt8])]
  /// What was said and is not read yet.
  var inbox: [UInt8] = []
  var isGone = false
  var isSeated = false
  /// When a whole line that deserves an answer was said.
  var askedAt: Int64?
  var isClosed = false
}

/// All who are at the socket, or wait for it.
struct Clients {
  private(set) var all: [SimulatedClient] = []
  private var free: [Int] = []
  /// Who has connected and was not let in yet, first come first served.
  var visitors: [Int] = []
  /// Who was let in and has no seat yet.
  var newcomer: Int?
  /// How many are there.
  private(set) var count = 0
  /// How many have ever been, but for those who can expect nothing for themselves.
  private(set) var total = 0

  subscript(_ client: Int) -> SimulatedClient {
    get { all[client] }
    set { all[client] = newValue }
  }

  mutating func add(_ client: SimulatedClient) -> Int {
    count += 1
    if client.manner != .insisting { total += 1 }
    let index: Int
    if let place = free.popLast() {
      index = place
      all[place] = client
    } else {
      index = all.count
      all.append(client)
    }
    visitors.append(index)
    return index
  }

  mutating func remove(_ client: Int) {
    if all[client].isClosed { return }
    all[client].isClosed = true
    all[client].inbox = []
    all[client].lines = []
    count -= 1
    visitors.removeAll { $0 == client }
    free.append(client)
  }

  func hasNews(_ client: Int) -> Bool { !all[client].inbox.isEmpty || all[client].isGone }

  /// The board was suspended, while nobody waited.
  mutating func delay(by length: Int64) {
    for index in all.indices {
      if let time = all[index].askedAt { all[index].askedAt = time + length }
    }
  }

  mutating func seat(_ client: Int, _ now: Int64) {
    all[client].isSeated = true
    if all[client].askedAt != nil { all[client].askedAt = now }
  }

  mutating func receive(
    _ client: Int, into space: inout InlineArray<64, UInt8>
  ) -> FileDescriptor.Transfer {
    if all[client].inbox.isEmpty { return all[client].isGone ? .bytes(0) : .wouldBlock }
    let count = min(64, all[client].inbox.count)
    for index in 0..<count { space[index] = all[client].inbox[index] }
    all[client].inbox.removeFirst(count)
    return .bytes(count)
  }
}

extension Universe {
  func visit(_ manner: Manner) {
    guard let main, main.isListening, !main.isDead else { return }
    if manner == .crowd {
      counts[.clientCrowd] += 1
      for _ in 0..<96 { visit(.token) }
      return
    }
    if manner == .insistent {
      if !chance(1, of: 4) { return }
      counts[.clientInsistent] += 1
      for second in 0..<400 { schedule(.visitor(.insisting), in: Int64(second) * 1000) }
      return
    }
    if manner == .signOut {
      if !chance(1, of: 3) { return }
      counts[.signOutAtSocket] += 1
      watch.signsOut(self)
      if chance(1, of: 2) { signOutInVain() }
    }
    let index = clients.add(SimulatedClient(manner: manner, lines: lines(manner)))
    sayNext(index)
  }

  private func lines(_ manner: Manner) -> [(pause: Int64, text: [UInt8])] {
    func line(_ text: StaticString) -> [(pause: Int64, text: [UInt8])] {
      var bytes: [UInt8] = []
      bytes.append(text)
      return [(0, bytes)]
    }
    switch manner {
    case .token, .crowd, .deaf:
      counts[.clientToken] += 1
      return line("token\n")
    case .demand:
      counts[.clientDemand] += 1
      let seconds = [0, 60, 600, 3600, 90_000, 4_000_000_000][random(6)]
      return [(0, Array("token \(seconds)\n".utf8))]
    case .insistent, .insisting:
      return [(0, Array("token \(script.personality.accessLife - 1)\n".utf8))]
    case .status:
      counts[.clientStatus] += 1
      return line(chance(1, of: 3) ? "status\n" : "state\n")
    case .halfLine:
      counts[.clientHalfLine] += 1
      return line("tok")
    case .slow: return Array("token 60\n".utf8).map { (random(0...700), [$0]) }
    case .flood:
      counts[.clientFlood] += 1
      return [(0, [UInt8](repeating: UInt8(ascii: "x"), count: 700))]
    case .silent:
      counts[.clientSilent] += 1
      return []
    case .junk:
      counts[.clientJunk] += 1
      return line(
        ["token -1\n", "TOKEN\n", "\n", "token 1 2\n", "\u{1B}[2J\n", "token Zq8\n"][random(6)])
    case .signOut: return line("sign-out\n")
    case .gone:
      counts[.clientGone] += 1
      return line(chance(1, of: 2) ? "status\n" : "stat")
    }
  }

  private func sayNext(_ index: Int) {
    guard let next = clients[index].lines.first else {
      if clients[index].manner == .gone { schedule(.clientSpeaks(index), in: 1) }
      return
    }
    schedule(.clientSpeaks(index), in: next.pause)
  }

  func speak(_ index: Int) {
    if clients[index].isClosed { return }
    if clients[index].lines.isEmpty {
      clients[index].isGone = true
      return
    }
    let text = clients[index].lines.removeFirst().text
    clients[index].inbox += text
    let manner = clients[index].manner
    let deserves = manner == .token || manner == .demand || manner == .status || manner == .slow
    if deserves, text.last == 0x0A { clients[index].askedAt = now }
    sayNext(index)
  }

  /// Takes what a client is answered.
  func take(_ answer: [UInt8], _ index: Int) {
    tell("to a client: \(String(decoding: answer, as: UTF8.self))")
    let client = clients[index]
    counts[answer.hasPrefix("ok ") ? .clientAnswered : .clientRefused] += 1
    watch.answered(answer, client.manner, self)
    clients[index].askedAt = nil
  }

  /// A client's connection is closed by the program.
  func closed(_ index: Int, _ world: SimulatedWorld) {
    if !world.isDead, clients[index].askedAt != nil, !clients[index].isGone {
      watch.fail(.clientUnanswered, self)
    }
    clients.remove(index)
  }

  /// A program is gone, and with it the other ends of its connections.
  func leave(_ world: SimulatedWorld) {
    if !world.isMain { return }
    for index in clients.all.indices where !clients[index].isClosed { clients.remove(index) }
    world.isListening = false
    world.seats = [Int?](repeating: nil, count: world.seats.count)
  }
}
