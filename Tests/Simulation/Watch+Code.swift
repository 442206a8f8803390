import Board
import Display

/// The code, the screen and the socket.
extension Watch {
  mutating func codeIssued(_ code: Int, _ universe: Universe) {
    guard universe.main?.session == universe.server.codes[code].session else { return }
    lastCode = code
    wishAt = nil
    approval = nil
  }

  /// The server has refused to be polled, which ends the code.
  mutating func codeRefused() {
    lastCode = nil
    approval = nil
  }

  /// A person has approved.
  mutating func approved(_ code: Int, _ universe: Universe) {
    // One that is not shown any more is nobody's business.
    let isShown =
      universe.script.hasScreens
      ? screen?.kind == .code && screen?.code == code : code == toldCode
    // A grant that another program has got ends the code when the present request is over. On a
    // screen that can be seen; in the log the code still stands.
    let isJust = universe.now - recordChangedAt < 75_000
    let isLate = universe.record.isThere && (isJust || !universe.script.hasScreens)
    if code == lastCode, isShown, !isLate { approval = (code, universe.now) }
  }

  /// Somebody wants another code, with a signal or a key.
  mutating func codeReplaced(_ universe: Universe) {
    approval = nil
    if wishAt == nil { wishAt = universe.now }
  }

  mutating func shows(_ kind: Screen.Kind, code: Int?, _ universe: Universe) {
    if let screen, screen.kind == kind, screen.code == code { return }
    if kind == .code || kind == .approved { wishAt = nil }
    // It asks by itself.
    if kind == .invitation, !universe.script.isOnRequest { fail(.neitherGrantNorCode, universe) }
    switch screen?.kind {
    case .code, .approved: lastProvided = universe.now
    case .invitation where universe.script.isOnRequest: lastProvided = universe.now
    default: break
    }
    screen = (kind, code, universe.now)
  }

  /// A code that is approved brings its tokens; without a grant there is a code, or an invitation;
  /// no code is on the screen after its end.
  mutating func lookAtCode(_ universe: Universe) {
    let now = universe.now
    let codes = universe.server.codes
    if let screen, screen.kind == .code, let code = screen.code, code == lastCode {
      let late = now - max(codes[code].end, calmSince)
      // The last poll may take some time.
      if late > 40_000 { fail(.codeOutlivesItself, universe) }
    }
    if let (code, at) = approval {
      // One poll may be lost, another find that the endpoint has moved, and the next is bound to
      // the interval, which may be long.
      let due = max(at, calmSince, codes[code].notBefore) + codes[code].pause + 165_000
      if now > due, due < codes[code].end - 5000 { fail(.approvalLost, universe) }
    }
    let code = lastCode.map { codes[$0] }
    let hasCode = code.map { $0.end > now && !$0.isSpent && !$0.isOver } ?? false
    // A board that asks for codes by itself invites nobody.
    let isInvited = screen?.kind == .invitation && universe.script.isOnRequest
    let isForLong = universe.record.isThere || isInvited || screen?.kind == .code
    // What was there at the last look was there until now, or to its end.
    if let providedUntil { lastProvided = max(lastProvided, min(now, providedUntil)) }
    providedUntil = isForLong ? Int64.max : hasCode ? code!.end : nil
    if providedUntil != nil { lastProvided = now }
    // On request, and with nothing to invite on.
    if universe.script.isOnRequest, !universe.script.hasScreens { return }
    if now > max(lastProvided, calmSince, readyAt) + Self.noticing {
      fail(.neitherGrantNorCode, universe)
    }
  }

  // MARK: The socket

  /// A program that has nothing else to do has answered everybody who has said a line.
  mutating func lookAtClients(_ universe: Universe) {
    if universe.clients.count == 0 || fileLag(universe) > 0 { return }
    for client in universe.clients.all where !client.isClosed && !client.isGone {
      guard let time = client.askedAt else { continue }
      let isLeft = client.isSeated ? client.inbox.isEmpty : universe.now > time + Self.queueing
      if universe.now > time, isLeft { fail(.clientUnanswered, universe) }
    }
  }

  /// A client has got an answer.
  mutating func answered(_ answer: [UInt8], _ manner: Manner, _ universe: Universe) {
    if answer.last != 0x0A { fail(.clientUnanswered, universe) }
    let end = answer.lastIndex { $0 != 0x0A } ?? 0
    for byte in answer[..<end] where byte < 0x20 { fail(.controlTold, universe) }
    if manner == .status || !answer.hasPrefix("ok ") {
      answer.withUnsafeBufferPointer { noteSecret($0, universe) }
      if manner == .status { compareViews(answer, universe) }
      return
    }
    if manner == .gone || manner == .junk || manner == .signOut { return }
    guard let token = findToken(UInt8(ascii: "a"), in: answer) else {
      fail(.handedOutStale, universe)
      return
    }
    checkHanded(token, answer, universe)
  }

  private mutating func checkHanded(_ token: TokenName, _ answer: [UInt8], _ universe: Universe) {
    let record = universe.record
    let isFresh = universe.now - recordChangedAt <= fileLag(universe)
    if token != record.access, !(isFresh && token == record.previousAccess) {
      fail(.handedOutStale, universe)
    }
    // A clock that has just been set is reckoned with when the request under way is over.
    guard isTimeRight, universe.now - clockSetAt > 75_000,
      universe.server.personality.tellsLife
    else { return }
    let end = universe.server.end(ofAccess: token.number)
    // The program counts from when the answer was there.
    if universe.now > end + 31_000 { fail(.handedOutDead, universe) }
    guard universe.clockError == 0, let told = answer.decimal(at: 3), told.value > 0
    else { return }
    let difference = told.value - (1_800_000_000 + end / 1000)
    if difference < -35 || difference > 45 { fail(.handedOutDead, universe) }
  }

  /// For how long the program may not have seen yet that the file is another: as long as an
  /// exchange takes behind a lock that others hold, and as long as it can't save what it has got,
  /// since that comes first.
  func fileLag(_ universe: Universe) -> Int64 {
    if unsaved != nil { return .max - universe.now }
    let mayBeSaving = universe.now <= diskTroubledUntil + 60_000
    return mayBeSaving || universe.main?.isOccupied == true ? 66_000 : 0
  }

  /// What the socket says of how things stand is what the screen shows, at every instant: whatever
  /// changes it is shown before anything is waited for.
  private mutating func compareViews(_ answer: [UInt8], _ universe: Universe) {
    guard let screen else { return }
    let state = state(in: answer)
    let isSame =
      state.map { agree($0, screen.kind) } ?? agree(line: answer, screen.kind)
    if !isSame { fail(.viewsDisagree, universe) }
    if let state, !isExplained(state, answer) { fail(.viewsDisagree, universe) }
    if let code = screen.code, screen.kind == .code, state != nil || answer.isLoginRequired {
      if answer.firstRange(of: Array("CODE-\(code)".utf8)) == nil {
        fail(.viewsDisagree, universe)
      }
    }
    if screen.kind == .approved, !universe.record.isThere,
      universe.now - recordChangedAt > fileLag(universe)
    {
      fail(.viewsDisagree, universe)
    }
  }

  /// The state in an answer in JSON; nil where it is a line for a person.
  private func state(in answer: [UInt8]) -> [UInt8]? {
    guard let start = answer.firstRange(of: "\"state\":\"")?.upperBound,
      let end = answer[start...].firstIndex(of: UInt8(ascii: "\""))
    else { return nil }
    return Array(answer[start..<end])
  }

  private func agree(_ state: [UInt8], _ kind: Screen.Kind) -> Bool {
    switch kind {
    case .blank: false
    case .starting: state.hasPrefix("starting")
    case .waiting: state.hasPrefix("waiting")
    case .invitation: state.hasPrefix("invitation") || state.hasPrefix("unconfigured")
    case .code: state.hasPrefix("code")
    case .approved: state.hasPrefix("signed_in") || state.hasPrefix("not_renewed")
    case .denied: state.hasPrefix("denied")
    case .expired: state.hasPrefix("expired")
    case .failed: state.hasPrefix("failed")
    }
  }

  /// Whether there is a reason where something does not work, and none where all is well.
  private func isExplained(_ state: [UInt8], _ answer: [UInt8]) -> Bool {
    let hasError = answer.firstRange(of: "\"error\":{") != nil
    if state.hasPrefix("signed_in") { return !hasError }
    let isFailure =
      state.hasPrefix("not_renewed") || state.hasPrefix("failed") || state.hasPrefix("waiting")
    return hasError || !isFailure
  }

  /// Whether the line for a person tells of a grant where the screen does.
  private func agree(line: [UInt8], _ kind: Screen.Kind) -> Bool {
    switch kind {
    // The screen is a code's once there is one, and not before.
    case .approved: !line.isLoginRequired || line.hasPrefix("ok refresh failed: ")
    case .code: true
    default: line.isLoginRequired
    }
  }
}

extension [UInt8] {
  /// Also behind what has failed.
  fileprivate var isLoginRequired: Bool {
    hasPrefix("ok ") && firstRange(of: Array("login required: ".utf8)) != nil
  }
}
