/// An authorization server, by its own clock: codes, grants, and what it says to requests.
final class SimulatedServer {
  enum Verdict { case none, approved, denied }

  struct Code {
    let issuedAt: Int64
    var end: Int64
    /// Milliseconds between two polls, as the client is bound to keep them.
    var pause: Int64
    /// When the next poll may come at the earliest.
    var notBefore: Int64
    var verdict = Verdict.none
    var isSpent = false
    /// Whether the client has been told that nobody will get tokens for it.
    var isOver = false
    /// The session of the program that asked for it.
    let session: Int
  }

  struct Family {
    var isAlive = true
    /// Who has approved it, by number.
    let person: Int
    var generation = 0
    var rotatedAt: Int64 = 0
    var refreshEnd: Int64
  }

  var personality: Personality
  private(set) var codes: [Code] = []
  private(set) var families: [Family] = []
  /// The end of each access token, by its number.
  private var accessEnds: [Int64] = []
  /// How often a refresh token came that counts as stolen.
  private(set) var reuses = 0
  /// Where the metadata say that the endpoints are.
  private var version = 0
  /// How often programs have been told that an endpoint is not there, since the metadata moved.
  private var told: [Int: Int] = [:]
  /// A double that takes polls at any time, for the test of the tests.
  var checksPolls = true

  private unowned let universe: Universe

  init(_ personality: Personality, _ universe: Universe) {
    self.personality = personality
    self.universe = universe
  }

  private var now: Int64 { universe.now }

  private func chance(_ count: Int, of all: Int) -> Bool { universe.chance(count, of: all) }

  // MARK: The grants

  func hasEnded(_ family: Int) -> Bool {
    !families[family].isAlive || now >= families[family].refreshEnd
  }

  /// Whether a refresh with that token would bring new ones.
  func accepts(refresh name: TokenName) -> Bool {
    guard families.indices.contains(name.family), !hasEnded(name.family) else { return false }
    let family = families[name.family]
    return name.number == family.generation
      || name.number == family.generation - 1
        && now - family.rotatedAt <= personality.grace * 1000
  }

  func accepts(access name: TokenName) -> Bool {
    families.indices.contains(name.family) && families[name.family].isAlive
      && now < end(ofAccess: name.number)
  }

  func end(ofAccess number: Int) -> Int64 {
    accessEnds.indices.contains(number) ? accessEnds[number] : 0
  }

  func refreshEnd(_ family: Int) -> Int64 { families[family].refreshEnd }

  /// Ends the newest grant, as the person can.
  func revokeNewest() {
    if let last = families.indices.last { families[last].isAlive = false }
  }

  func moveEndpoints() {
    version = (version + 1) % 3
    told = [:]
    universe.watch.trouble(until: universe.now)
    universe.counts[.metadataMoved] += 1
  }

  /// The person's word on a code; nothing where it has ended.
  ///
  /// - Returns: whether it was taken.
  func decide(_ code: Int, _ verdict: Verdict) -> Bool {
    guard now < codes[code].end, !codes[code].isSpent, codes[code].verdict == .none else {
      return false
    }
    codes[code].verdict = verdict
    return true
  }

  // MARK: Requests

  func answer(_ request: Request, session: Int) -> Answer {
    if hasLeft(request, session) { return Answer([404, 405, 410][universe.random(3)]) }
    if !request.isPost { return get(request) }
    if request.isFor("/revoke") { return revoke(request) }
    if !isAuthenticated(request) { return Answer(401, #"{"error":"invalid_client"}"#) }
    if request.form("grant_type=urn") { return poll(request, session) }
    if request.form("grant_type=refresh_token") { return refresh(request) }
    return issueCode(session)
  }

  /// Whether it is for where an endpoint was before the metadata moved.
  private func hasLeft(_ request: Request, _ session: Int) -> Bool {
    let places: [StaticString] = ["/v0/", "/v1/", "/v2/"]
    guard personality.usesMetadata, let place = places.firstIndex(where: { request.isFor($0) }),
      place != version
    else { return false }
    universe.counts[.endpointLeft] += 1
    // Who is told so looks where it is by now; that may be lost on the way, too.
    told[session, default: 0] += 1
    if told[session]! <= 5 { universe.watch.trouble(until: now) }
    return true
  }

  private func isAuthenticated(_ request: Request) -> Bool {
    // Some servers want no credentials for a code.
    if !request.form("grant_type=") { return true }
    let isBasic = request.has("\r\nAuthorization: Basic ")
    let isPosted = request.form("client_secret=Zq7c0x0.secret")
    if isBasic && isPosted { return false }
    return personality.usesBasic ? isBasic : isPosted
  }

  private func get(_ request: Request) -> Answer {
    if request.isFor("/.well-known/") || request.has("/.well-known/") {
      universe.counts[.metadata] += 1
      if request.has("oauth-authorization-server"), chance(1, of: 2) {
        return Answer(404, "<html>Not found</html>", isHTML: true)
      }
      return metadata()
    }
    universe.counts[.userinfo] += 1
    guard let token = request.token(UInt8(ascii: "a")), accepts(access: token) else {
      return Answer(401, #"{"error":"invalid_token"}"#)
    }
    if chance(1, of: 20) { return Answer(403, #"{"error":"insufficient_scope"}"#) }
    var answer = Answer(200, #"{"sub":"person "#)
    answer.body.append(decimal: Int64(families[token.family].person))
    answer.body.append(
      personality.pending == .webex
        ? #"","displayName":"Ada Lovelace"}"# : #"","name":"Ada Lovelace"}"#)
    return answer
  }

  private func metadata() -> Answer {
    var answer = Answer(200, #"{"issuer":"https://as.example","token_endpoint":"#)
    appendURL("token", to: &answer.body)
    answer.body.append(#","device_authorization_endpoint":"#)
    appendURL("device", to: &answer.body)
    if personality.hasUserinfo {
      answer.body.append(#","userinfo_endpoint":"#)
      appendURL("me", to: &answer.body)
    }
    if personality.hasRevocation {
      answer.body.append(#","revocation_endpoint":"https://as.example/revoke""#)
    }
    answer.body.append(#","token_endpoint_auth_methods_supported":["#)
    answer.body.append(
      personality.usesBasic ? #""client_secret_basic"]}"# : #""client_secret_post"]}"#)
    return answer
  }

  private func appendURL(_ name: StaticString, to body: inout [UInt8]) {
    body.append(#""https://as.example/v"#)
    body.append(decimal: Int64(version))
    body.append("/")
    body.append(name)
    body.append("\"")
  }

  private func revoke(_ request: Request) -> Answer {
    universe.counts[.revocation] += 1
    let letters = [UInt8(ascii: "r"), UInt8(ascii: "a")]
    for letter in letters {
      if let token = request.token(letter), families.indices.contains(token.family) {
        end(byRevoking: token.family)
      }
    }
    return Answer(200)
  }

  /// Ends a grant, and at some servers all of that person's. None of them is held by the board.
  private func end(byRevoking family: Int) {
    for other in families.indices
    where other == family
      || personality.revokesAll && families[other].person == families[family].person
    {
      families[other].isAlive = false
      universe.watch.revoked(other, universe)
    }
  }

  // MARK: Codes

  private func issueCode(_ session: Int) -> Answer {
    universe.watch.requests(universe)
    universe.counts[.codeIssued] += 1
    var life = personality.codeLife
    var stated = life
    var interval = personality.interval
    if chance(personality.strangeness, of: 100) {
      universe.counts[.strangeFigures] += 1
      stated = [0, -1, 5_000_000_000, 90_000, 40, life][universe.random(6)]
      interval = [0, -3, 100_000, 7, 1, nil][universe.random(6)]
      life = stated <= 0 ? 300 : stated > 86_400 ? 1800 : stated
    }
    var pause = interval ?? 5
    if pause <= 0 { pause = 5 }
    if pause >= life { pause = max(1, life / 2) }
    codes.append(
      Code(
        issuedAt: now, end: now + life * 1000, pause: pause * 1000,
        notBefore: now + pause * 1000, session: session))
    universe.watch.codeIssued(codes.count - 1, universe)
    return code(codes.count - 1, stated, interval)
  }

  private func code(_ number: Int, _ life: Int64, _ interval: Int64?) -> Answer {
    var answer = Answer(200, #"{"device_code":""#)
    writeToken(
      UInt8(ascii: "d"), TokenName(family: number, number: 0), size: 32, to: &answer.body)
    answer.body.append(#"","user_code":"CODE-"#)
    answer.body.append(decimal: Int64(number))
    answer.body.append(#"","verification_uri":"https://as.example/activate","expires_in":"#)
    answer.body.append(decimal: life)
    if chance(1, of: 2) {
      answer.body.append(#","verification_uri_complete":"https://as.example/activate?c=CODE-"#)
      answer.body.append(decimal: Int64(number))
      answer.body.append("\"")
    }
    if let interval {
      answer.body.append(#","interval":"#)
      answer.body.append(decimal: interval)
    }
    answer.body.append("}")
    return answer
  }

  private func poll(_ request: Request, _ session: Int) -> Answer {
    universe.counts[.poll] += 1
    guard let name = request.token(UInt8(ascii: "d")), codes.indices.contains(name.family) else {
      return Answer(400, #"{"error":"invalid_grant"}"#)
    }
    let number = name.family
    if checksPolls, now < codes[number].notBefore {
      universe.watch.fail(.pollTooEarly, universe)
    }
    if checksPolls, codes[number].isOver { universe.watch.fail(.pollAfterVerdict, universe) }
    codes[number].notBefore = now + codes[number].pause
    if codes[number].isSpent { return Answer(400, #"{"error":"invalid_grant"}"#) }
    if now >= codes[number].end { return Answer(400, #"{"error":"expired_token"}"#) }
    switch codes[number].verdict {
    case .denied:
      var answer = Answer(400, #"{"error":"access_denied"}"#)
      answer.demand = Demand(code: number, isEnd: true, pause: 0, notBefore: 0)
      return answer
    case .approved:
      codes[number].isSpent = true
      return issueGrant(code: number)
    case .none: return pending(number)
    }
  }

  /// An answer with a demand has arrived: from now on the client is bound to it.
  func bind(_ demand: Demand) {
    if demand.isEnd { codes[demand.code].isOver = true }
    codes[demand.code].pause = max(codes[demand.code].pause, demand.pause)
    codes[demand.code].notBefore = max(codes[demand.code].notBefore, demand.notBefore)
  }

  private func pending(_ number: Int) -> Answer {
    if chance(personality.slowDowns, of: 100) { return slowDown(number) }
    var answer: Answer
    switch personality.pending {
    case .oauth: answer = Answer(400, #"{"error":"authorization_pending"}"#)
    case .webex:
      answer = Answer(
        428, #"{"message":"x","errors":[{"description":"authorization_pending"}]}"#)
    case .status428: answer = Answer(428)
    case .google: answer = Answer(428, #"{"error":"authorization_pending"}"#)
    case .withStatus200:
      universe.counts[.errorWithSuccess] += 1
      answer = Answer(200, #"{"error":"authorization_pending"}"#)
    }
    if chance(1, of: 50) {
      universe.counts[.retryAfter] += 1
      let pause = Int64(universe.random(60))
      answer.retryAfter = pause
      answer.demand = Demand(code: number, pause: 0, notBefore: now + pause * 1000)
    }
    return answer
  }

  private func slowDown(_ number: Int) -> Answer {
    universe.counts[.slowDown] += 1
    var pause = codes[number].pause + 5000
    var answer = Answer(400, #"{"error":"slow_down""#)
    let left = (codes[number].end - now) / 1000
    if chance(1, of: 4) {
      let interval = pause / 1000 + Int64(universe.random(20))
      // The client counts the code's life from when it has asked.
      if interval < left - 40 { pause = max(pause, interval * 1000) }
      answer.body.append(#","interval":"#)
      answer.body.append(decimal: interval)
    }
    answer.body.append("}")
    answer.demand = Demand(code: number, pause: pause, notBefore: now + pause)
    return answer
  }

  // MARK: Tokens

  private func issueGrant(code: Int) -> Answer {
    families.append(
      Family(
        person: universe.random(2),
        refreshEnd: personality.refreshLife.map { now + $0 * 1000 } ?? Int64.max))
    universe.counts[.tokensIssued] += 1
    return tokens(families.count - 1, isNew: true, code: code)
  }

  private func refresh(_ request: Request) -> Answer {
    universe.watch.requests(universe)
    universe.counts[.refresh] += 1
    if universe.counts[.refresh] % 1000 == 0 { universe.wear.append(universe.disk.steps) }
    guard let token = request.token(UInt8(ascii: "r")), accepts(refresh: token) else {
      return refuse(request.token(UInt8(ascii: "r")))
    }
    var family = families[token.family]
    if personality.rotates, token.number == family.generation {
      universe.counts[.rotation] += 1
      family.generation += 1
      family.rotatedAt = now
    } else if token.number < family.generation {
      universe.counts[.graceUsed] += 1
    }
    if personality.isMoving, let life = personality.refreshLife {
      family.refreshEnd = now + life * 1000
    }
    families[token.family] = family
    return tokens(token.family, isNew: false, code: nil)
  }

  private func refuse(_ token: TokenName?) -> Answer {
    universe.counts[personality.dead == .oauth ? .invalidGrant : .deadInOtherWords] += 1
    if let token, families.indices.contains(token.family), !hasEnded(token.family) {
      universe.counts[.tokenReused] += 1
      reuses += 1
      universe.watch.tokenReused(universe)
      if personality.detectsReuse { families[token.family].isAlive = false }
    } else {
      universe.counts[.sessionEnded] += 1
    }
    switch personality.dead {
    case .oauth: return repeating(token)
    case .sentence:
      return Answer(400, #"{"message":"The refresh token provided is invalid.","trackingId":"X"}"#)
    case .empty: return Answer(400)
    case .otherWord: return Answer(400, #"{"error":"invalid_request"}"#)
    case .bare401: return Answer(401)
    case .forbidden: return Answer(403, #"{"message":"Forbidden"}"#)
    case .gone: return Answer(universe.chance(1, of: 2) ? 404 : 410)
    case .ownWordWith200: return Answer(200, #"{"error":"session_gone"}"#)
    case .brokenForGood: return Answer(500)
    }
  }

  /// Some servers say in their words what they were sent, or what no terminal should be.
  private func repeating(_ token: TokenName?) -> Answer {
    var answer = Answer(400, #"{"error":"invalid_grant","error_description":"\u001b[2J"#)
    if let token {
      writeToken(UInt8(ascii: "r"), token, size: personality.tokenSize, to: &answer.body)
    }
    answer.body.append("\"}")
    return answer
  }

  private func tokens(_ family: Int, isNew: Bool, code: Int?) -> Answer {
    // Near a session's end there is less left, and then nothing.
    let life = min(personality.accessLife, (families[family].refreshEnd - now) / 1000)
    if life < personality.accessLife { universe.counts[.lastLives] += 1 }
    accessEnds.append(now + life * 1000)
    let access = TokenName(family: family, number: accessEnds.count - 1)
    let refresh = TokenName(family: family, number: families[family].generation)
    var answer = Answer(200, #"{"access_token":""#)
    writeToken(UInt8(ascii: "a"), access, size: personality.tokenSize, to: &answer.body)
    let types: [StaticString] = [
      #"","token_type":"Bearer""#, #"","token_type":"bearer""#, #"","token_type":"BEARER""#, "\"",
    ]
    answer.body.append(types[universe.random(4)])
    if personality.tellsLife {
      answer.body.append(#","expires_in":"#)
      answer.body.append(decimal: life)
    }
    if personality.tokenSize > 1000 { universe.counts[.largeTokens] += 1 }
    let brings = isNew || personality.rotates || chance(1, of: 2)
    let issues = personality.issuesRefreshTokens && brings
    if issues {
      answer.body.append(#","refresh_token":""#)
      writeToken(UInt8(ascii: "r"), refresh, size: personality.tokenSize, to: &answer.body)
      answer.body.append("\"")
      if personality.refreshLife != nil, personality.tellsLife {
        answer.body.append(
          personality.kind == .keycloak
            ? #","refresh_expires_in":"# : #","refresh_token_expires_in":"#)
        answer.body.append(decimal: (families[family].refreshEnd - now) / 1000)
      }
    }
    if chance(1, of: 3) { answer.body.append(#","scope":"board""#) }
    answer.body.append("}")
    answer.issue = IssuedTokens(
      access: access, refresh: issues ? refresh : nil, code: code)
    return answer
  }
}
