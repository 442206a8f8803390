import Bytes
import Display
import Linux
import TestSupport
import Testing

@testable import Simulation

/// Each invariant can fail: a watch that is shown the fault says so.
@Suite struct InvariantTests {
  @Test(arguments: Invariant.allCases)
  func isNoticed(_ invariant: Invariant) {
    let scene = Scene()
    scene.show(invariant)
    #expect(scene.universe.watch.fault == invariant)
  }

  @Test func aRefreshTokenThatIsNotKeptIsNoticed() {
    let scene = Scene()
    scene.signIn()
    scene.pass(1000)
    scene.deliver(scene.refresh()!, keepsRefreshToken: false)
    #expect(scene.universe.watch.fault == .tokensNotKept)
  }

  @Test func aBoardThatAsksByItselfInvitesNobody() {
    let scene = Scene()
    scene.universe.watch.shows(.invitation, code: nil, scene.universe)
    #expect(scene.universe.watch.fault == .neitherGrantNorCode)
  }

  @Test func aLineForAPersonIsComparedAsWell() {
    let scene = Scene()
    scene.signIn()
    scene.pass(100_000)
    scene.answer("ok login required: a code follows\n", .status)
    #expect(scene.universe.watch.fault == .viewsDisagree)
  }

  @Test(arguments: [
    #"ok {"state":"signed_in","error":{"code":"x"}}"#, #"ok {"state":"not_renewed","error":null}"#,
  ])
  func aStateWithoutItsReasonIsNoticed(_ answer: String) {
    let scene = Scene()
    scene.signIn()
    scene.answer(answer + "\n", .status)
    #expect(scene.universe.watch.fault == .viewsDisagree)
  }

  @Test func aClientThatIsForgottenIsNoticed() {
    let scene = Scene()
    scene.signIn()
    scene.seatClient()
    scene.pass(1)
    scene.look()
    #expect(scene.universe.watch.fault == .clientUnanswered)
  }

  @Test func aHookThatIsToldTheTruthIsLeftAlone() {
    let scene = Scene()
    scene.signIn()
    scene.tellHook("EVENT=refreshed", "EXPIRES_AT=\(scene.universe.record.expiresAt!)")
    #expect(scene.universe.watch.fault == nil)
    scene.tellHook("EVENT=refreshed", "EXPIRES_AT=1")
    #expect(scene.universe.watch.fault == .hookMisled)
  }

  @Test func aRemovedDirectoryIsNobodysFault() {
    let scene = Scene()
    scene.signIn()
    scene.universe.take(.directoryRemoved(length: nil))
    scene.look()
    #expect(scene.universe.watch.fault == nil)
    #expect(!scene.universe.record.isThere)
  }

  @Test func nothingIsNoticedWhereNothingIsWrong() {
    let scene = Scene()
    scene.signIn()
    scene.pass(3_000_000)
    scene.look()
    #expect(scene.universe.watch.fault == nil)
  }
}

/// A universe without a program, whose events are made by hand.
private final class Scene {
  let universe: Universe
  private let world: SimulatedWorld

  init() {
    var seed: UInt64 = 0
    // The first that suits: tokens of an hour that are good for one use.
    while true {
      let script = Script(seed: seed, .strict)
      let personality = script.personality
      if personality.accessLife == 3600, personality.refreshLife != nil, personality.tellsLife,
        !personality.usesBasic, script.hasScreens, personality.codeLife >= 600, !script.isOnRequest
      {
        universe = Universe(script, seed: seed)
        break
      }
      seed += 1
    }
    universe.schedule = Schedule()
    world = SimulatedWorld(universe, isMain: true)
    universe.main = world
    universe.watch.booted(universe)
  }

  func pass(_ time: Int64) { universe.now += time }

  func look() { universe.watch.look(universe) }

  func post(_ path: String, _ body: String) -> Answer {
    let text = "POST \(path) HTTP/1.1\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    return universe.server.answer(Request(Array(text.utf8))!, session: world.session)
  }

  func poll() -> Answer {
    post("/v0/token", "grant_type=urn&device_code=Zq7d0x0.&client_secret=Zq7c0x0.secret")
  }

  /// A code is there, and approved.
  func approve() {
    _ = post("/v0/device", "client_id=board")
    universe.watch.shows(.code, code: 0, universe)
    _ = universe.server.decide(0, .approved)
    pass(100_000)
  }

  /// A grant is there, and in the file.
  func signIn() {
    approve()
    deliver(poll().issue!, keepsRefreshToken: true)
    universe.watch.shows(.approved, code: nil, universe)
  }

  /// Tokens arrive, and are written, in whole or in part.
  func deliver(_ issue: IssuedTokens, keepsRefreshToken: Bool) {
    universe.watch.issued(issue, world, universe)
    universe.watch.delivered(issue, world, universe)
    if keepsRefreshToken { return write(issue) }
    replaceFile(
      #"{"access_token":"Zq7a\#(issue.access.family)x\#(issue.access.number).","expires_at":1}"#)
  }

  /// Somebody has said a line, which was read.
  func seatClient() {
    var client = SimulatedClient(manner: .token, lines: [])
    client.isSeated = true
    client.askedAt = universe.now
    _ = universe.clients.add(client)
  }

  func tellHook(_ facts: String...) {
    universe.watch.told(Array(facts.map { "DEVICEGRANT_\($0)\0" }.joined().utf8), universe)
  }

  func write(_ issue: IssuedTokens) {
    let end = 1_800_000_000 + universe.server.end(ofAccess: issue.access.number) / 1000
    let (access, refresh) = (issue.access, issue.refresh)
    universe.disk = SimulatedDisk([
      "tokens.json": Array(
        """
        {"access_token":"Zq7a\(access.family)x\(access.number).","expires_at":\(end),\
        "refresh_token":"Zq7r\(refresh!.family)x\(refresh!.number)."}
        """.utf8)
    ])
    universe.record = RecordOnDisk()
    look()
  }

  func refresh() -> IssuedTokens? {
    post(
      "/v0/token", "grant_type=refresh_token&refresh_token=Zq7r0x0.&client_secret=Zq7c0x0.secret"
    ).issue
  }

  func replaceFile(_ text: String) {
    universe.disk = SimulatedDisk(["tokens.json": Array(text.utf8)])
    universe.record = RecordOnDisk()
    look()
  }

  func show(_ invariant: Invariant) {
    switch invariant {
    case .pollTooEarly, .pollAfterVerdict, .codeOutlivesItself, .approvalLost,
      .neitherGrantNorCode, .wishUnheeded, .signalUnheeded, .askedTooEarly, .retriedLate:
      showCode(invariant)
    case .tokensNotKept, .fileDamaged, .tokenReused, .deadWithoutReason, .goodGrantDropped,
      .deadGrantKept, .marginUsedUp, .sentAgainTooEarly, .sentInVain, .endedWithToken:
      signIn()
      showGrant(invariant)
    case .handedOutStale, .handedOutDead, .publishedStale, .clientUnanswered, .viewsDisagree,
      .hookMisled:
      signIn()
      showOthers(invariant)
    case .waitingTokenUsed, .neverRevoked, .heldGrantRevoked, .replacedGrantKept,
      .signOutForgotten:
      signIn()
      showWaiting(invariant)
    case .closedConnectionUsed: useClosedConnections()
    case .busyWait, .endlessWait, .secretTold, .controlTold, .growth, .tooManyRequests:
      showNumbers(invariant)
    case .strangersServer: connectElsewhere()
    case .helpMissing:
      universe.server.personality = Script(seed: 1, .google).personality
      Array("refused: invalid_client".utf8).withUnsafeBufferPointer {
        universe.watch.noteLine($0, universe)
      }
    }
  }

  /// Some are forgotten on the way, which nobody can know.
  private func useClosedConnections() {
    let request = Array("GET /v0/me HTTP/1.1\r\n\r\n".utf8)
    let name = Array("as.example".utf8)
    while universe.watch.fault == nil {
      var connection = SimulatedConnection(world)
      let end = world.milliseconds + 30_000
      try? connection.connect(to: name.span, port: 443, until: end, attending: Attending())
      pass(200_000)
      try? connection.send(request.span, until: end, attending: Attending())
    }
  }

  private func showCode(_ invariant: Invariant) {
    switch invariant {
    case .pollTooEarly:
      approve()
      _ = poll()
      _ = poll()
    case .pollAfterVerdict:
      _ = post("/v0/device", "client_id=board")
      _ = universe.server.decide(0, .denied)
      pass(100_000)
      universe.server.bind(poll().demand!)
      pass(100_000)
      _ = poll()
    case .codeOutlivesItself:
      approve()
      pass(3_600_000)
    case .approvalLost:
      approve()
      universe.watch.approved(0, universe)
      pass(300_000)
    case .neitherGrantNorCode:
      look()
      universe.watch.shows(.failed, code: nil, universe)
      pass(1_000_000)
      look()
      pass(1_000_000)
    case .askedTooEarly:
      universe.watch.codeNotBefore = universe.now + 1
      let text = "POST /v0/device HTTP/1.1\r\nContent-Length: 15\r\n\r\nclient_id=board"
      universe.watch.sent(Request(Array(text.utf8))!, world, universe)
    case .retriedLate:
      universe.watch.shows(.waiting, code: nil, universe)
      universe.watch.networkIsBack(universe)
      pass(6001)
      look()
    case .wishUnheeded:
      universe.watch.codeReplaced(universe)
      pass(1_000_000)
    default:
      universe.watch.told(toEndAt: universe.now)
      pass(30_000)
    }
    look()
  }

  private func showGrant(_ invariant: Invariant) {
    switch invariant {
    case .tokensNotKept:
      universe.watch.delivered(refresh()!, world, universe)
      universe.watch.ended(world.session, universe)
    case .endedWithToken: universe.watch.failed(universe)
    case .fileDamaged: replaceFile(#"{"access_"#)
    case .tokenReused:
      _ = refresh()
      pass(1)
      _ = refresh()
    case .deadWithoutReason:
      _ = refresh()
      pass(1)
      look()
    case .goodGrantDropped:
      universe.disk = SimulatedDisk()
      universe.record = RecordOnDisk()
      universe.watch.recordChanged(universe)
    case .deadGrantKept:
      universe.server.revokeNewest()
      pass(5_000_000)
      look()
    case .marginUsedUp:
      pass(3_550_000)
      look()
    case .sentInVain:
      universe.take(.disk(.readOnly, length: 1_000_000))
      pass(200_000)
      sendRefresh()
    default: for _ in 0..<7 { sendRefresh() }
    }
  }

  private func sendRefresh() {
    let text =
      "POST / HTTP/1.1\r\nContent-Length: 45\r\n\r\n"
      + "grant_type=refresh_token&refresh_token=Zq7r0x0."
    universe.watch.sent(Request(Array(text.utf8))!, world, universe)
  }

  private func connectElsewhere() {
    let name = Array("strangers.example".utf8)
    var connection = SimulatedConnection(world)
    try? connection.connect(
      to: name.span, port: 443, until: world.milliseconds + 30_000, attending: Attending())
  }

  private func showWaiting(_ invariant: Invariant) {
    func put(_ name: String, _ token: String) {
      var contents = universe.disk.contents
      contents["tokens.json\(name)"] = Array(
        #"{"access_token":"Zq7a1x0.","refresh_token":"\#(token)."}"#.utf8)
      universe.disk = SimulatedDisk(contents)
      universe.watch.waitingRevision = -1
    }
    switch invariant {
    case .waitingTokenUsed:
      put(".revoke0", "Zq7r0x0")
      put("", "Zq7r1x0")
      universe.record = RecordOnDisk()
      sendRefresh()
    case .neverRevoked:
      put(".revoke3", "Zq7r7x0")
      universe.watch.lookAtWaiting(universe)
      pass(5_000_000)
      universe.watch.lookAtWaiting(universe)
    case .signOutForgotten:
      universe.watch.signsOut(universe)
      universe.disk = SimulatedDisk()
      universe.record = RecordOnDisk()
      universe.watch.recordChanged(universe)
    case .heldGrantRevoked: _ = post("/revoke", "token=Zq7r0x0.")
    default:
      put(".previous", "Zq7r0x0")
      put("", "Zq7r1x0")
      universe.record = RecordOnDisk()
      _ = universe.record.read(universe.disk)
      pass(5_000_000)
      universe.watch.lookAtWaiting(universe)
    }
  }

  private func showOthers(_ invariant: Invariant) {
    pass(100_000)
    let end = 1_800_000_000 + universe.server.end(ofAccess: 0) / 1000
    switch invariant {
    case .handedOutStale: answer("ok \(end) Zq7a0x7.\n", .token)
    case .handedOutDead: answer("ok \(end + 900) Zq7a0x0.\n", .token)
    case .clientUnanswered: answer("ok", .token)
    case .viewsDisagree: answer(#"ok {"state":"denied","since":1}"# + "\n", .status)
    case .hookMisled: universe.watch.told(Array("DEVICEGRANT_EVENT=code\0".utf8), universe)
    default:
      universe.volatile = SimulatedDisk(["token": Array("Zq7a0x7.\n".utf8)])
      universe.watch.publishedRevision = -1
      look()
    }
  }

  func answer(_ text: String, _ manner: Manner) {
    universe.watch.answered(Array(text.utf8), manner, universe)
  }

  private func showNumbers(_ invariant: Invariant) {
    switch invariant {
    case .busyWait:
      for _ in 0..<1000 where universe.watch.fault == nil {
        _ = world.rest(until: world.milliseconds, attending: Attending())
      }
    case .endlessWait: universe.watch.waits(until: Int64.max, world, universe)
    case .secretTold:
      Array("the code is Zq7d0x0.".utf8).withUnsafeBufferPointer {
        universe.watch.noteSecret($0, universe)
      }
    case .controlTold:
      Array("\u{1B}[2J".utf8).withUnsafeBufferPointer { universe.watch.noteLine($0, universe) }
    case .growth: for _ in 0..<10_000 { universe.watch.logged(universe) }
    default: for _ in 0..<10_000 { universe.watch.requests(universe) }
    }
  }
}
