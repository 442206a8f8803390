import Board
import Display
import Linux

/// Looks on as a board lives, and says what does not hold. Times are the universe's milliseconds.
///
/// What is in the way of the board (an outage, a wrong clock, a full disk) is no fault of its: most
/// limits count from `calmSince`, when the last of that was over.
public struct Watch {
  /// The first invariant that did not hold; nil while all do.
  public private(set) var fault: Invariant?
  public private(set) var faultAt: Int64 = 0

  // What is in the way, and until when.
  var calmSince: Int64 = 0
  /// When something is tried at the latest, since the network is back; nil where nothing need be.
  private var triesBy: Int64?
  private var networkToldAt: Int64 = -60_000
  private(set) var diskTroubledUntil: Int64 = 0

  // The grant.

  /// Whether the file's refresh token may have been used up: an answer was lost, or the power went
  /// between an answer and its way to the disk.
  var isExcused = false
  /// Tokens that have arrived at a program and are not in the file yet.
  var unsaved: (issue: IssuedTokens, since: Int64, session: Int)?
  /// The last refresh that brought no answer, of any program, and when it was sent first.
  var lastLoss: (token: TokenName, count: Int, since: Int64)?
  /// What the main program may take for lost although another has sent it again and was answered,
  /// without tokens: only the note that is gone tells.
  var lossOfOthers: TokenName?
  /// Tokens that are on their way.
  var inFlight = 0
  var wasPausedInFlight = false
  /// The sessions whose last request was to renew the grant.
  var refreshing: Set<Int> = []
  var recordChangedAt: Int64 = 0
  /// What the file held before it was changed.
  var lastRecord: (access: TokenName?, refresh: TokenName?)
  /// When the present access token was taken, and what it had left then.
  var heldSince: Int64 = 0
  var held: Int64 = 0
  /// Whether the file may have been put back, or is a dead grant's: nobody knows since when the
  /// program reckons with it.
  var isPutBack = false
  /// Whether the program can know when the access token ends.
  var isTimeRight = true
  var isTimeFromAnswer = false
  var clockSetAt: Int64 = 0
  /// By when the grant is renewed since its refresh token ends; nil where that is not to be known.
  var renewedEarly: Int64?
  var lastSavedAt: Int64 = -60_000
  /// When somebody has signed out last: that ends a grant that is good.
  private(set) var signedOutAt: Int64 = -1_000_000
  /// What waits to be revoked, as it was seen last, and since when something has waited.
  var waiting: [TokenName] = []
  var waitingSince: Int64 = 0
  var waitingRevision = -1

  // The code.
  var approval: (code: Int, at: Int64)?
  var lastCode: Int?
  /// The last code in the log, where there is no screen.
  var toldCode: Int?
  var wishAt: Int64?
  /// Before that time the server wants no request for a code of the main program's.
  var codeNotBefore: Int64 = 0
  var lastProvided: Int64 = 0
  /// Until when what was there at the last look is there; nil where nothing was.
  var providedUntil: Int64?
  private var wasTroubled = false

  // The program.
  var screen: (kind: Screen.Kind, code: Int?, since: Int64)?
  var readyAt: Int64 = 0
  private var endBy: Int64?
  private var requestHour: Int64 = 0
  private var requestsInHour = 0
  private var hour: Int64 = 0
  private var linesInHour = 0
  var publishedRevision = -1
  var published: TokenName?

  /// The longest time that an agent may take to notice that something works again: one exchange
  /// that it gives up, the longest back-off, and what it takes to get an answer.
  static let noticing: Int64 = 440_000

  /// How long a client may wait for a slot.
  static let queueing: Int64 = 10_000

  /// How long a hook may run, and a second.
  private static let hookTime: Int64 = 11_000

  public mutating func fail(_ invariant: Invariant, _ universe: Universe) {
    if fault != nil { return }
    fault = invariant
    faultAt = universe.now
    universe.tell("FAULT: \(invariant.rawValue)")
  }

  // MARK: What is in the way

  mutating func trouble(until time: Int64) { calmSince = max(calmSince, time) }

  mutating func diskTrouble(until time: Int64) {
    diskTroubledUntil = max(diskTroubledUntil, time)
  }

  mutating func diskFailed(_ universe: Universe) {
    trouble(until: universe.now)
    diskTrouble(until: universe.now + 5000)
    // A grant that has ended and could not be moved out of the way is taken up again.
    if let refresh = universe.record.refresh, !universe.server.accepts(refresh: refresh) {
      isPutBack = true
    }
  }

  /// Somebody has removed the directory of the tokens, or has put it back: what was in it is
  /// nobody's fault.
  mutating func directoryRemoved(_ universe: Universe) {
    lastRecord = (nil, nil)
    isPutBack = true
    trouble(until: universe.now)
    diskTrouble(until: universe.now + 5000)
  }

  /// The board was suspended: limits begin anew.
  mutating func paused(_ length: Int64, _ now: Int64) {
    // What is over when the board wakes is not over for a program before its next attempt.
    if diskTroubledUntil > now - length { diskTrouble(until: now + 65_000) }
    if inFlight > 0 { wasPausedInFlight = true }
    recordChangedAt += length
    signedOutAt += length
    if let time = endBy { endBy = time + length }
    lastLoss?.since += length
    if let time = wishAt { wishAt = time + length }
    if let time = triesBy { triesBy = time + length }
    if let (issue, since, session) = unsaved { unsaved = (issue, since + length, session) }
  }

  /// The network is back, and told of: a program that says that it waits for it tries soon.
  mutating func networkIsBack(_ universe: Universe) {
    guard universe.main?.isOccupied == false, universe.command == nil else { return }
    if screen?.kind != .waiting { return }
    let now = universe.now
    if universe.network.isTroubled(now) || universe.clockError != 0 { return }
    if now < universe.diskTroubleUntil { return }
    // It need not do so more often than once a minute.
    if now < networkToldAt + 60_000 { return }
    networkToldAt = now
    // Two seconds, and what its displays and its disk take.
    triesBy = now + 6000
  }

  mutating func connects(_ universe: Universe) {
    if triesBy != nil { universe.counts[.triedSoon] += 1 }
    triesBy = nil
  }

  private mutating func lookAtTries(_ universe: Universe, _ isTroubled: Bool) {
    guard let time = triesBy else { return }
    if isTroubled || screen?.kind != .waiting { triesBy = nil }
    if triesBy != nil, universe.now > time { fail(.retriedLate, universe) }
  }

  mutating func clockSet(_ universe: Universe) {
    clockSetAt = universe.now
    if !isTimeFromAnswer || !universe.server.personality.tellsLife { noteTime(universe) }
  }

  /// Whether what the file says of times is right by the clock as it is.
  mutating func noteTime(_ universe: Universe) {
    isTimeRight = universe.clockError == 0
    guard let access = universe.record.access else { return }
    held = universe.server.end(ofAccess: access.number) - universe.now
    heldSince = universe.now
    guard let told = universe.record.expiresAt else { return }
    let end = 1_800_000_000 + universe.server.end(ofAccess: access.number) / 1000
    if abs(told - end) > 31 { isTimeRight = false }
  }

  // MARK: The program

  mutating func booted(_ universe: Universe) {
    screen = nil
    approval = nil
    wishAt = nil
    triesBy = nil
    codeNotBefore = 0
    endBy = nil
    lastCode = nil
    toldCode = nil
    isTimeFromAnswer = false
    isPutBack = false
    renewedEarly = nil
    lossOfOthers = nil
    trouble(until: universe.now)
    lastProvided = universe.now
    providedUntil = universe.now
    readyAt = universe.now
    lastRecord = (universe.record.access, universe.record.refresh)
    noteTime(universe)
  }

  mutating func ready(_ universe: Universe) {
    readyAt = universe.now
    trouble(until: universe.now)
  }

  /// The program is over by a fault: with a good access token there was work to do.
  mutating func failed(_ universe: Universe) {
    guard isTimeRight, universe.clockError == 0, universe.server.personality.tellsLife,
      let access = universe.record.access
    else { return }
    if universe.server.end(ofAccess: access.number) > universe.now + 60_000 {
      fail(.endedWithToken, universe)
    }
  }

  /// The program is over, by itself: not by a power cut.
  mutating func ended(_ session: Int, _ universe: Universe) {
    endBy = nil
    guard let (_, _, owner) = unsaved, owner == session else { return }
    unsaved = nil
    if universe.now >= diskTroubledUntil {
      fail(.tokensNotKept, universe)
    } else {
      excuse(universe)
    }
  }

  mutating func told(toEndAt time: Int64) {
    if endBy == nil { endBy = time + 5000 }
  }

  mutating func powerCut(_ universe: Universe) {
    publishedRevision = -1
    // What a failing disk took may not be there for good: it is written again.
    let wasSaving =
      unsaved != nil || recordChangedAt == universe.now || universe.now < diskTroubledUntil
    unsaved = nil
    endBy = nil
    approval = nil
    let before = universe.record.refresh
    _ = universe.record.read(universe.disk)
    if wasSaving {
      excuse(universe)
    } else if let before, universe.record.refresh != before {
      // What was saved once, stays.
      fail(.tokensNotKept, universe)
    }
    trouble(until: universe.offUntil)
  }

  mutating func excuse(_ universe: Universe) {
    isExcused = true
    universe.counts[.excuse] += 1
  }

  mutating func waits(until end: Int64, _ world: SimulatedWorld, _ universe: Universe) {
    if world.isDead || end < universe.now + 400 * 86_400_000 { return }
    let isUnknown =
      universe.record.isThere && universe.record.refresh == nil
      && !(universe.server.personality.tellsLife && isTimeRight)
    if !world.isMain || !isUnknown { fail(.endlessWait, universe) }
  }

  // MARK: Secrets and numbers

  mutating func noteSecret(_ bytes: UnsafeBufferPointer<UInt8>, _ universe: Universe) {
    let found = secretMark.withUnsafeBufferPointer { find($0, in: bytes, from: 0) }
    if found != nil { fail(.secretTold, universe) }
  }

  /// A line of the log is text, and says what to do where the client was refused.
  mutating func noteLine(_ line: UnsafeBufferPointer<UInt8>, _ universe: Universe) {
    for byte in line where byte < 0x20 || byte >= 0x7F { fail(.controlTold, universe) }
    let kind = universe.server.personality.kind
    guard kind == .webex || kind == .google else { return }
    let words = Array(line)
    if words.firstRange(of: "invalid_client") != nil,
      words.firstRange(of: "client_id must be") == nil
    {
      fail(.helpMissing, universe)
    }
  }

  mutating func logged(_ universe: Universe) {
    if universe.now / 3_600_000 != hour {
      hour = universe.now / 3_600_000
      linesInHour = 0
    }
    linesInHour += 1
    // Every visitor may have their lines.
    if linesInHour > 1500 + 8 * universe.clients.total { fail(.growth, universe) }
  }

  /// A request that is no poll.
  mutating func requests(_ universe: Universe) {
    let life = universe.server.personality.accessLife
    if universe.now / 3_600_000 != requestHour {
      requestHour = universe.now / 3_600_000
      requestsInHour = 0
    }
    requestsInHour += 1
    // Two codes a minute are denied at once; every visitor may demand a renewal.
    let limit = 130 + Int(2 * 3600 / life) + universe.clients.total
    if requestsInHour > limit { fail(.tooManyRequests, universe) }
  }

  // MARK: Every instant

  /// Looks at how things stand, after each happening.
  mutating func look(_ universe: Universe) {
    guard let main = universe.main, !main.isDead else { return }
    let now = universe.now
    if universe.record.read(universe.disk) { recordChanged(universe) }
    let isTroubled =
      universe.network.isTroubled(now) || universe.clockError != 0
      || now < universe.diskTroubleUntil || universe.command != nil
    // What was in the way at the last look was so until now.
    if isTroubled || wasTroubled { trouble(until: now) }
    wasTroubled = isTroubled
    lookAtTries(universe, isTroubled)
    if let endBy, now > endBy { fail(.signalUnheeded, universe) }
    if let wishAt, now > max(wishAt, calmSince) + 2 * Self.noticing {
      fail(.wishUnheeded, universe)
    }
    lookAtFile(universe)
    lookAtCode(universe)
    lookAtPublished(universe)
    lookAtClients(universe)
    if !isTroubled { lookAtMargin(universe) }
    if let start = universe.programs.oldestStart, now > start + Self.hookTime {
      fail(.growth, universe)
    }
    // Each kind of file once, and four that wait to be revoked.
    if universe.programs.count > 8 || universe.disk.count > 15 { fail(.growth, universe) }
    lookAtWaiting(universe)
  }

  /// Somebody signs out: what the board does about it takes its time.
  mutating func signsOut(_ universe: Universe) { signedOutAt = universe.now }
}
