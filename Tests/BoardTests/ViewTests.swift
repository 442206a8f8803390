import Agent
import Bytes
import Configuration
import DeviceGrant
import Foundation
import Linux
import OAuth
import TestSupport
import Testing

@testable import Board
@testable import Display

private let birth: Int64 = 1_000_000
/// By the wall clock.
private let birthday: Int64 = 1_800_001_000

private let reason: StaticString = "no reason given"

/// How things come to stand, and what each view shows then.
struct Scene: Sendable, CustomTestStringConvertible {
  var testDescription: String
  var start = StartMode.automatic
  var state: State
  var screen: String
  var status: String
  var token: String
  /// Members that are not null, but for those that always are there.
  var json: [String: String] = [:]
  /// Goes there from the first second without a grant; the time at which that is.
  var reach: @Sendable (inout Standing) -> Int64 = { _ in birth }
}

extension Standing {
  fileprivate mutating func showCode(_ members: String = "") {
    _ = next(now: birth)
    take(issuedCode(members))
    codeIssued(requestedAt: birth, now: birth)
  }

  /// Lets the code end by an answer, after the first poll.
  fileprivate mutating func endCode(_ answer: PollAnswer) -> Int64 {
    showCode()
    _ = next(now: birth + 5000)
    polled(answer, now: birth + 5000)
    return birth + 5000
  }

  fileprivate mutating func failToGetCode(_ fault: Fault, retryAfter: Int64 = 60) -> Int64 {
    _ = next(now: birth)
    codeFailed(fault, Phrase(reason), retryAfter: retryAfter, now: birth)
    return birth
  }

  fileprivate mutating func signIn(_ lease: Lease = .hour) {
    withTokens { tokens in
      tokens.accessToken.append("at-1")
      tokens.expiresAt = birthday + (lease.remaining ?? 0)
      tokens.refreshTokenExpiresAt = lease.refreshRemaining.map { birthday + $0 }
      granted(lease, tokens, now: birth)
    }
    named("Ada", now: birth)
  }

  fileprivate mutating func failToRefresh() {
    refreshFailed(
      Fault(.silence, .refresh, status: 503), Phrase(reason), isUncertain: false, unanswered: nil,
      retryAfter: 60,
      now: birth)
  }

  fileprivate mutating func failToSave() {
    notSaved(
      Fault(.write, .nobody, 28), Phrase(reason), savesAgainAt: birth + 4000, now: birth)
  }
}

private let codeMembers = [
  "user_code": "WDJB-MJHT", "verification_uri": "https://as.example/go",
  "expires_at": "\(birthday + 900)",
]

private func failure(_ code: String, exit: Int, retryIn seconds: Int64) -> [String: String] {
  [
    "error": "\(code) \(exit) no reason given",
    "retry_at": "\(birthday + seconds)",
  ]
}

private let signedIn = ["person": "Ada", "access_token_expires_at": "\(birthday + 3600)"]
private let token = "ok \(birthday + 3600) at-1"
private let later = "login required: a code follows"

private let withoutGrant: [Scene] = [
  Scene(
    testDescription: "at first", state: .starting, screen: "starting Connecting to as.example",
    status: later, token: "error login_required \(later)"),
  Scene(
    testDescription: "on request", start: .onRequest, state: .invitation, screen: "invitation",
    status: "login required: ask for a code at the board, by a key or a touch",
    token: "error login_required login required: ask for a code at the board, by a key or a touch"),
  Scene(
    testDescription: "asked for", start: .onRequest, state: .starting,
    screen: "starting Connecting to as.example", status: later,
    token: "error login_required \(later)"
  ) { standing in
    standing.codeWanted(now: birth)
    return birth
  },
  Scene(
    testDescription: "a code", state: .code,
    screen: "code WDJB-MJHT https://as.example/go 900 s",
    status: "login required: code WDJB-MJHT at https://as.example/go",
    token: "error login_required login required: code WDJB-MJHT at https://as.example/go",
    json: codeMembers
  ) { standing in
    standing.showCode()
    return birth
  },
  Scene(
    testDescription: "another code while one is shown, after none was to be had", state: .starting,
    screen: "starting Connecting to as.example", status: later,
    token: "error login_required \(later)"
  ) { standing in
    _ = standing.failToGetCode(Fault(.codeRefused, .deviceAuthorization, 400))
    standing.codeWanted(now: birth)
    standing.showCode(#","verification_uri_complete":"https://as.example/go?c=1""#)
    standing.codeWanted(now: birth)
    return birth
  },
  Scene(
    testDescription: "asked for after a denial", start: .onRequest, state: .starting,
    screen: "starting Connecting to as.example", status: later,
    token: "error login_required \(later)"
  ) { standing in
    let now = standing.endCode(.denied)
    _ = standing.next(now: now)
    standing.codeWanted(now: now)
    return now
  },
  Scene(
    testDescription: "denied", state: .denied, screen: "denied 2 s", status: later,
    token: "error login_required \(later)"
  ) { standing in
    let now = standing.endCode(.denied)
    _ = standing.next(now: now)
    return now
  },
  Scene(
    testDescription: "expired", state: .expired, screen: "expired 2 s", status: later,
    token: "error login_required \(later)"
  ) { standing in
    standing.showCode()
    let now = standing.agent.flow!.expiresAt
    _ = standing.next(now: now)
    return now
  },
]

private let noCode = "login required: no code: no reason given"

/// What is missing outside: a person reads what that is, a program why.
private func waiting(
  _ description: String, _ fault: Fault, _ words: String, _ code: String
) -> Scene {
  Scene(
    testDescription: description, state: .waiting, screen: "waiting \(words) 60 s",
    status: noCode, token: "error login_required \(noCode)",
    json: failure(code, exit: 69, retryIn: 60)
  ) { $0.failToGetCode(fault) }
}

private let failures: [Scene] = [
  Scene(
    testDescription: "no code", state: .failed, screen: "failed no reason given 60 s",
    status: noCode, token: "error login_required \(noCode)",
    json: failure("refused", exit: 65, retryIn: 60)
  ) { $0.failToGetCode(Fault(.codeRefused, .deviceAuthorization, status: 400)) },
  waiting(
    "no network", Fault(.connection, .deviceAuthorization, 101), "There is no network yet.",
    "connection"),
  waiting(
    "no server", Fault(.connection, .deviceAuthorization, 111),
    "There is no connection yet to as.example.", "connection"),
  waiting(
    "no answer from afar", Fault(.connectionTimeout, .deviceAuthorization),
    "There is no connection yet to as.example.", "connection"),
  waiting(
    "no name", Fault(.name, .deviceAuthorization, -3),
    "There is no network yet, or no address for as.example.", "name_resolution"),
  waiting(
    "no clock", Fault(.clock, .deviceAuthorization, 1), "The clock is not set yet.",
    "clock_not_set"),
  Scene(
    testDescription: "no network, and nothing follows", state: .failed,
    screen: "failed no reason given", status: noCode, token: "error login_required \(noCode)",
    json: ["error": "connection 69 no reason given"]
  ) { standing in
    standing.end(Fault(.connection, .deviceAuthorization, 101), Phrase(reason), now: birth)
    return birth
  },
  Scene(
    testDescription: "no polls", state: .failed, screen: "failed no reason given 16 s",
    status: noCode, token: "error login_required \(noCode)",
    json: failure("refused", exit: 65, retryIn: 20)
  ) { standing in
    let now = standing.endCode(.refused)
    standing.pollRefused(Fault(.pollRefused, .token, status: 400), Phrase(reason))
    _ = standing.next(now: now)
    return now
  },
  Scene(
    testDescription: "not saved", state: .failed, screen: "failed no reason given 4 s",
    status: "login required: the tokens are not saved: no reason given",
    token: "error login_required login required: the tokens are not saved: no reason given",
    json: failure("token_file", exit: 74, retryIn: 4)
  ) { standing in
    _ = standing.endCode(.granted)
    standing.forgetCode()
    standing.failToSave()
    return birth
  },
]

private let withGrant: [Scene] = [
  Scene(
    testDescription: "signed in", state: .signedIn, screen: "approved Ada", status: "signed in",
    token: token, json: signedIn
  ) { standing in
    standing.signIn()
    return birth
  },
  Scene(
    testDescription: "the end is near", state: .signedIn,
    screen: "approved Ada | The sign-in ends on 2027-01-16 08:16:40 UTC", status: "signed in",
    token: token, json: signedIn
  ) { standing in
    standing.signIn(Lease(remaining: 3600, isRefreshable: true, refreshRemaining: 86400))
    return birth
  },
  Scene(
    testDescription: "not renewed", state: .notRenewed,
    screen: "approved Ada | Not renewed: no reason given",
    status: "signed in; refresh failed: no reason given", token: token,
    json: signedIn.merging(failure("unavailable", exit: 69, retryIn: 60)) { $1 }
  ) { standing in
    standing.signIn()
    standing.failToRefresh()
    return birth
  },
  Scene(
    testDescription: "not renewed in time", state: .notRenewed,
    screen: "approved Ada | Not renewed: no reason given",
    status: "signed in; refresh failed: no reason given",
    token: "error unavailable the access token ends too soon; refresh failed: no reason given",
    json: [
      "person": "Ada", "access_token_expires_at": "\(birthday + 9)",
      "error": "unavailable 69 no reason given", "retry_at": "\(birthday + 60)",
    ]
  ) { standing in
    standing.signIn(Lease(remaining: 9, isRefreshable: true, refreshRemaining: nil))
    standing.failToRefresh()
    return birth + 10_000
  },
  Scene(
    testDescription: "renewed and not saved", state: .notRenewed,
    screen: "approved Ada | Not renewed: no reason given",
    status: "signed in; the tokens are not saved: no reason given", token: token,
    json: signedIn.merging(failure("token_file", exit: 74, retryIn: 4)) { $1 }
  ) { standing in
    standing.signIn()
    standing.failToSave()
    return birth
  },
  Scene(
    testDescription: "a code beside a grant", state: .code,
    screen: "code WDJB-MJHT https://as.example/go 900 s", status: "signed in", token: token,
    json: signedIn.merging(codeMembers) { $1 }
  ) { standing in
    standing.signIn()
    standing.codeWanted(now: birth)
    standing.showCode()
    return birth
  },
]

let scenes = withoutGrant + failures + withGrant

/// What all views show, in a form that can be compared.
struct Views {
  var state: State
  var screen: String
  var status: String
  var token: String
  var json: [String: String]

  init(_ scene: Scene) throws {
    let world = SmallWorld()
    var life = Life<SmallWorld>(world, start: scene.start)
    life.attendant.standing.lost(now: birth)
    world.milliseconds = scene.reach(&life.attendant.standing)
    if life.attendant.standing.agent.hasGrant {
      var token = buffer(16)
      token.append("at-1")
      life.attendant.handOut.publish(token)
    }
    state = life.attendant.standing.state
    let host = Array("as.example".utf8)
    screen = life.attendant.standing.screen(host: host.span, now: world.milliseconds).summary
    let status = life.answer(to: "status")
    self.status = String(status.dropFirst(3))
    token = life.answer(to: "token")
    json = try Self.members(life.answer(to: "state"))
  }

  private static func members(_ answer: String) throws -> [String: String] {
    let document = try JSONSerialization.jsonObject(with: Data(answer.dropFirst(3).utf8))
    let members = try #require(document as? [String: Any])
    #expect(members["version"] as? Int == 1)
    #expect(members.count == 13)
    let shown = members.filter { !($0.value is NSNull) && $0.key != "version" }
    return shown.mapValues { value in
      guard let error = value as? [String: Any] else { return "\(value)" }
      return ["code", "exit", "text"].map { "\(error[$0] ?? "")" }.joined(separator: " ")
    }
  }
}

extension Screen {
  fileprivate var summary: String {
    var parts = ["\(kind)", string(words.bytes)]
    if kind == .code { parts += [string(code.userCode.bytes), string(code.verificationURI.bytes)] }
    if let seconds = secondsToNext ?? code.secondsLeft { parts.append("\(seconds) s") }
    if !note.isEmpty { parts += ["|", string(note.bytes)] }
    return parts.filter { !$0.isEmpty }.joined(separator: " ")
  }
}

/// Views are functions of how things stand: none can say what another does not.
@Suite struct ViewTests {
  @Test(arguments: scenes) func allViewsShowTheSame(scene: Scene) throws {
    var views = try Views(scene)
    #expect(views.state == scene.state)
    #expect(views.screen == scene.screen)
    #expect(views.status == scene.status)
    #expect(views.token == scene.token)
    #expect(views.json.removeValue(forKey: "state") == string(scene.state.name.bytes))
    #expect(views.json.removeValue(forKey: "since") != nil)
    #expect(views.json.removeValue(forKey: "revision") != nil)
    #expect(views.json == scene.json)
    // Whoever is told to sign in is told so by each of them.
    #expect(views.status.hasPrefix("login") == views.token.hasPrefix("error login_required"))
    #expect(views.status.hasPrefix("login") == (views.json["access_token_expires_at"] == nil))
  }

  /// The screen names who is asked, also where the endpoints are not known yet.
  @Test func whoeverIsAskedIsNamed() {
    let known = Life<SmallWorld>(
      SmallWorld(),
      """
      client_id = board
      issuer = https://issuer.example
      device_authorization_endpoint = https://device.example/d
      token_endpoint = https://token.example/t
      """)
    #expect(string(known.account.server.host(of: .deviceAuthorization)) == "device.example")
    #expect(string(known.account.server.host(of: .token)) == "token.example")
    #expect(string(known.account.server.host(of: .openIDProviderMetadata)) == "issuer.example")
    let unknown = Life<SmallWorld>(
      SmallWorld(), "client_id = board\nissuer = https://issuer.example")
    #expect(string(unknown.account.server.host(of: .deviceAuthorization)) == "issuer.example")
    #expect(string(unknown.account.server.host(of: .nobody)) == "issuer.example")
  }

  /// But for `.unconfigured`: a life without a client does not begin yet.
  @Test func everyStateIsThere() {
    let states = (0..<State.count).compactMap { State(rawValue: $0) }
    #expect(Set(scenes.map(\.state)) == Set(states).subtracting([.unconfigured]))
  }

  @Test func aRevisionIsForOneView() throws {
    var standing = Standing(Agent(start: .automatic, seed: 7), title: "", now: birth)
    var revisions = [standing.revision]
    standing.lost(now: birth)
    revisions.append(standing.revision)
    standing.showCode()
    revisions.append(standing.revision)
    standing.signIn()
    revisions.append(standing.revision)
    #expect(revisions == Array(Set(revisions)).sorted())
  }

  @Test func hooksAreToldWhatTheOthersShow() throws {
    let world = SmallWorld()
    var life = Life<SmallWorld>(world)
    life.attendant.standing.lost(now: birth)
    world.answers = [
      #"""
      {"device_code":"secret","user_code":"WDJB-MJHT","expires_in":900,
       "verification_uri":"https://as.example/go"}
      """#,
      #"{"access_token":"at-1","token_type":"Bearer","expires_in":3600,"scope":"a b"}"#,
    ]
    try life.step()
    world.milliseconds += 5000
    try life.step()
    let end = world.unixSeconds + 3600
    life.lose(Fault(.signedOut))
    #expect(
      world.environments.map { $0.map { $0.dropFirst("DEVICEGRANT_".count) } } == [
        [
          "USER_CODE=WDJB-MJHT", "VERIFICATION_URI=https://as.example/go",
          "VERIFICATION_URI_COMPLETE=", "EXPIRES_IN=900", "EVENT=code",
        ],
        ["EXPIRES_AT=\(end)", "SCOPE=a b", "EVENT=signed_in"],
        ["REASON=signed out", "FAULT=signed_out", "EVENT=lost"],
      ])
    #expect(!world.lines.joined().contains("at-1") && !world.lines.joined().contains("secret"))
  }
}
