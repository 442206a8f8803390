/// What is counted of many lives: an event that never occurs proves nothing.
public enum Occurrence: Int, CaseIterable, Sendable {
  case life, year, boot, wait, exchange
  // The server.
  case codeIssued, poll, slowDown, tokensIssued, refresh, rotation, invalidGrant, tokenReused
  case deadInOtherWords, lastLives, endpointLeft
  case graceUsed, sessionEnded, revocation, userinfo, metadata, metadataMoved, retryAfter
  case strangeFigures, errorWithSuccess, largeTokens
  // The way there.
  case connectionRefused, connectionHung, nameUnknown, certificateRefused, serverUnavailable
  case serverRefuses, gateway, webPage, requestLost, answerLost, answerCut, answerInPieces
  case chunkedAnswer, answerToClose, interimAnswer, connectionForgotten
  case addressChanged, outage, longOutage, networkBack, triedSoon
  // The board.
  case powerCut, powerCutInWrite, restart, suspension, clockJump, clockUnset, clockSet
  case diskStepFailed, diskFull, diskReadOnly, diskFailing, recordMounted
  case directoryRemoved, directoryBack
  case hangUpSignal, userSignal, displayGone, displayBack
  // Others.
  case strangersNote
  case tokenCommand, signOutInVain, signOutAtSocket, signOutCommand, signInCommand, whoAmICommand,
    commandWaitedForLock
  case clientToken, clientDemand, clientStatus, clientHalfLine, clientFlood, clientSilent
  case clientJunk, clientGone, clientCrowd, clientInsistent, clientAnswered, clientRefused
  case hook, hookHung, hookFailed, hookNotRun
  case approval, denial, walkAway, lateApproval, keyPress, keysHammered
  case grantLost, excuse
}

/// How often each thing has occurred.
public struct Counts: Sendable {
  private var values = [Int](repeating: 0, count: Occurrence.allCases.count)

  public init() {}

  public subscript(_ occurrence: Occurrence) -> Int {
    get { values[occurrence.rawValue] }
    set { values[occurrence.rawValue] = newValue }
  }

  /// Adds what others have counted.
  public mutating func add(_ other: Counts) {
    for index in values.indices { values[index] += other.values[index] }
  }
}
