import Display

/// The grant, from the server to the file.
extension Watch {
  // MARK: Tokens on their way

  /// The server has issued tokens.
  mutating func issued(_ issue: IssuedTokens, _ world: SimulatedWorld, _ universe: Universe) {
    inFlight += 1
    if let code = issue.code, approval?.code == code { approval = nil }
  }

  /// Tokens did not arrive.
  mutating func lost(_ issue: IssuedTokens, _ universe: Universe) {
    inFlight -= 1
    trouble(until: universe.now)
    if universe.server.personality.rotates, issue.code == nil { excuse(universe) }
  }

  /// Tokens have arrived at a program.
  mutating func delivered(_ issue: IssuedTokens, _ world: SimulatedWorld, _ universe: Universe) {
    inFlight -= 1
    lastLoss = nil
    unsaved = (issue, universe.now, world.session)
    if world.isMain { isTimeFromAnswer = true }
  }

  /// The token file, as programs see it, is another.
  mutating func recordChanged(_ universe: Universe) {
    recordChangedAt = universe.now
    let record = universe.record
    if record.isDamaged { fail(.fileDamaged, universe) }
    checkLoss(universe)
    checkForgetting(universe)
    lastRecord = (record.access, record.refresh)
    guard let access = record.access else {
      isTimeFromAnswer = false
      return
    }
    renewedEarly = nil
    if let (issue, _, session) = unsaved, issue.access == access {
      let isMain = session == universe.main?.session
      checkKept(issue, universe)
      unsaved = nil
      if isMain { isPutBack = false }
      isExcused = false
      lastLoss = nil
      isTimeFromAnswer = isMain
      // The program counts from when the answer was there.
      isTimeRight = !wasPausedInFlight && universe.isClockPlausible
      wasPausedInFlight = false
      heldSince = universe.now
      held = universe.server.end(ofAccess: access.number) - universe.now
      if isMain { noteSaving(issue, universe) } else { noteTime(universe) }
    }
    approval = nil
    if !universe.script.hasScreens { lastCode = nil }
  }

  /// What came is what is kept: the new refresh token, or else the one that was sent.
  private mutating func checkKept(_ issue: IssuedTokens, _ universe: Universe) {
    let isKept = issue.refresh.map { $0 == universe.record.refresh }
    if !(isKept ?? (issue.code != nil || universe.record.refresh != nil)) {
      fail(.tokensNotKept, universe)
    }
  }

  /// The main program has saved what it got: the refresh token's end is told.
  private mutating func noteSaving(_ issue: IssuedTokens, _ universe: Universe) {
    let personality = universe.server.personality
    // One that lives no longer for being used is not worth a request.
    guard let refresh = issue.refresh, personality.refreshLife != nil, personality.isMoving,
      personality.tellsLife, universe.now > lastSavedAt + 10_000
    else { return }
    let end = universe.server.refreshEnd(refresh.family)
    renewedEarly = end - min((end - universe.now) / 8, 7 * 86_400_000)
    lastSavedAt = universe.now
  }

  /// A grant that is good is not given up.
  private mutating func checkLoss(_ universe: Universe) {
    guard universe.record.access == nil, let access = lastRecord.access else { return }
    universe.counts[.grantLost] += 1
    if universe.now - signedOutAt < 400_000 { return }
    if let refresh = lastRecord.refresh {
      if universe.server.accepts(refresh: refresh) { fail(.goodGrantDropped, universe) }
    } else if universe.server.personality.tellsLife, isTimeRight,
      universe.server.accepts(access: access),
      universe.server.end(ofAccess: access.number) > universe.now + 60_000
    {
      fail(.goodGrantDropped, universe)
    }
  }

  /// A grant that was signed out of, or that another has taken the place of, waits to be revoked.
  private mutating func checkForgetting(_ universe: Universe) {
    guard let before = lastRecord.refresh, universe.server.accepts(refresh: before),
      before.family != universe.record.refresh?.family, universe.now >= diskTroubledUntil,
      !isPutBack
    else { return }
    if universe.record.isThere, universe.record.refresh == nil { return }
    lookForWaiting(universe)
    if !waiting.contains(before) { fail(.signOutForgotten, universe) }
  }

  /// A refresh token came that the server knows as used.
  mutating func tokenReused(_ universe: Universe) {
    if !isExcused { fail(.tokenReused, universe) }
  }

  // MARK: Requests

  /// A program has sent a request, wherever it gets to.
  mutating func sent(_ request: Request, _ world: SimulatedWorld, _ universe: Universe) {
    checkPlace(request, universe)
    if world.isMain, request.isForCode, universe.now < codeNotBefore {
      fail(.askedTooEarly, universe)
    }
    refreshing.remove(world.session)
    guard request.form("grant_type=refresh_token"), let token = request.token(UInt8(ascii: "r"))
    else { return }
    refreshing.insert(world.session)
    checkRepetition(token, universe)
    lookForWaiting(universe)
    if waiting.contains(token), token != universe.record.refresh {
      fail(.waitingTokenUsed, universe)
    }
    let isRepeated = lastLoss?.token == token
    let (count, since) = isRepeated ? (lastLoss!.count, lastLoss!.since) : (0, universe.now)
    lastLoss = (token, count + 1, since)
  }

  /// What may bring tokens is sent only where they could be kept a moment before: the endpoints may
  /// have been asked for in between.
  private mutating func checkPlace(_ request: Request, _ universe: Universe) {
    let isForTokens =
      request.form("grant_type=refresh_token") || request.isForCode
    // What is mounted over the record alone is not met by what is written beside it: a save within
    // the hour counts as proof.
    let isMounted = universe.disk.isMounted
    guard isForTokens, universe.disk.trouble != nil || isMounted else { return }
    let delay: Int64 = isMounted ? 3_700_000 : 100_000
    if universe.now > universe.diskTroubleSince + delay { fail(.sentInVain, universe) }
  }

  /// The last request was answered, so that the program knows what came of it.
  mutating func wasAnswered(_ world: SimulatedWorld, _ universe: Universe) {
    guard refreshing.contains(world.session) else { return }
    // The last moment has been waited for: whatever the answer was, what follows takes its time.
    if let lastLoss, lastLoss.count > 1 {
      trouble(until: universe.now)
      if !world.isMain { lossOfOthers = lastLoss.token }
    }
    lastLoss = nil
  }

  /// What was sent and not answered is sent again a few times at once, unless the configuration has
  /// the board wait; then just before the access token's end, and then not before it. So it is over
  /// a restart, and with a second program.
  private mutating func checkRepetition(_ token: TokenName, _ universe: Universe) {
    guard let loss = lastLoss, loss.token == token, isTimeRight, isTimeFromAnswer,
      universe.server.personality.tellsLife, let access = universe.record.access
    else { return }
    let left = universe.server.end(ofAccess: access.number) - universe.now
    // The first may have hung for half a minute, and a poll that is under way comes before the
    // last.
    let isSoon = universe.now - loss.since < 100_000
    if !universe.server.personality.waits, isSoon, loss.count <= 5 { return }
    let tries = universe.server.personality.waits ? 1 : 5
    if left > 33_000 { fail(.sentAgainTooEarly, universe) }
    if loss.count > tries, left > 4000 { fail(.sentAgainTooEarly, universe) }
  }

  // MARK: Every instant

  /// The pair in the file is good; if it is not, for a reason that is known, that is noticed soon.
  mutating func lookAtFile(_ universe: Universe) {
    let now = universe.now
    if let (_, since, _) = unsaved, now > max(since, diskTroubledUntil, calmSince) + 105_000 {
      fail(.tokensNotKept, universe)
    }
    guard let access = universe.record.access, !isPutBack else { return }
    let personality = universe.server.personality
    let told = personality.tellsLife ? universe.server.end(ofAccess: access.number) : 0
    let assumed = personality.tellsLife ? 0 : heldSince + 3_600_000
    // A refresh has to fail before a code is asked for, which has a pause of its own.
    var deadline = max(told, assumed, calmSince) + 2 * Self.noticing
    // Of a server that says "not now" for good, it takes ten minutes to know.
    if personality.dead == .brokenForGood { deadline += 700_000 }
    // A time that was written by a wrong clock is reckoned anew at each start.
    if !isTimeRight {
      deadline = max(deadline, max(recordChangedAt, heldSince) + 90 * 86_400_000)
    }
    guard let refresh = universe.record.refresh else {
      if personality.tellsLife, now > deadline, !isAskingForSignIn(universe) {
        fail(.deadGrantKept, universe)
      }
      return
    }
    if universe.server.accepts(refresh: refresh) { return }
    if inFlight > 0 || unsaved != nil { return }
    if !isExcused, !universe.server.hasEnded(refresh.family) {
      fail(.deadWithoutReason, universe)
    }
    if now > deadline, !isAskingForSignIn(universe) { fail(.deadGrantKept, universe) }
  }

  /// Whether a person is asked to sign in: then the file may be what it is, where it could not be
  /// moved out of the way.
  private func isAskingForSignIn(_ universe: Universe) -> Bool {
    // Another follows.
    if let lastCode, universe.server.codes[lastCode].end > universe.now - Self.noticing {
      return true
    }
    guard let screen else { return false }
    // While a code is asked for beside the grant, the grant is on the screen.
    if universe.script.isOnRequest, universe.now - screen.since < 120_000 { return true }
    return screen.kind != .approved && screen.kind != .blank
  }

  /// The access token is renewed before its margin is used up.
  mutating func lookAtMargin(_ universe: Universe) {
    let now = universe.now
    // A note of a refresh that was never sent stays where the power went, or the disk took nothing,
    // between the two: who finds it can't tell.
    let isNoted = universe.disk.withFile("tokens.json.sent") { $0 != nil }
    guard isTimeRight, !isPutBack, !isExcused, lastLoss == nil, !isNoted, unsaved == nil,
      let access = universe.record.access, let refresh = universe.record.refresh,
      refresh != lossOfOthers, universe.server.personality.tellsLife,
      !universe.server.hasEnded(refresh.family),
      now - calmSince > Self.noticing, now - heldSince > Self.noticing,
      !isAskingForSignIn(universe)
    else { return }
    let slack = 12_000 + 2 * universe.server.personality.latency.upperBound
    let margin = min(held / 8, 86_400_000)
    if universe.server.end(ofAccess: access.number) - now < margin - slack {
      fail(.marginUsedUp, universe)
    }
    if let renewedEarly, now > renewedEarly + slack { fail(.marginUsedUp, universe) }
  }

  /// The file for other programs holds the token file's access token, or the one before.
  mutating func lookAtPublished(_ universe: Universe) {
    if publishedRevision != universe.volatile.revision {
      published = universe.volatile.withFile("token") { bytes in
        bytes.flatMap { findToken(UInt8(ascii: "a"), in: $0) }
      }
      publishedRevision = universe.volatile.revision
    }
    // In a directory that was removed the main program sees nothing of what others put there.
    guard let token = published, !isPutBack else { return }
    if universe.now - recordChangedAt <= fileLag(universe) { return }
    if token != universe.record.access { fail(.publishedStale, universe) }
  }
}
