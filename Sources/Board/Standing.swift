internal import Agent
internal import Bytes
internal import DeviceGrant
internal import OAuth

// Theory of operation.
//
// How things stand at the board is one value with one owner, the `Attendant`. It holds the agent,
// which decides, and what there is to say beside it: the code, the person, the last fault. Whoever
// changes something calls one function of it; that tells the agent, reckons `state` anew, and
// counts `revision` up. All views are functions of it (Views.swift): the screen, the socket's
// answers, `status --json`, what hooks are told. None of them keeps anything, so none can be stale.

/// How things stand.
struct Standing: ~Copyable {
  private(set) var agent: Agent
  /// One word for it.
  private(set) var state = State.starting
  /// Grows with each change that a view may show.
  private(set) var revision: Int64 = 0
  /// When the state began, in milliseconds since boot.
  private(set) var since: Int64
  /// When what is counted down to comes, in milliseconds since boot: the code's end, the next code
  /// or the next attempt; nil where nothing is.
  private(set) var endsAt: Int64?

  /// The code that is shown; empty where none is.
  private(set) var authorization = DeviceAuthorization()
  /// What the person is called; empty where nobody knows.
  private(set) var person = Text<256>()
  /// Why the last attempt did not work; nil where it did.
  private(set) var fault: Fault?
  /// The same in words, for a person.
  private(set) var words = Phrase()
  /// When the sign-in ends for good, in seconds since 1970, where that is near; else nil.
  private(set) var signInEndsOn: Int64?
  /// When the access token ends, and what was granted; nil and empty where nobody knows.
  private(set) var accessExpiresAt: Int64?

  /// What the person signs in to, as in "Sign in to Webex"; empty for just "Sign in".
  let title: Text<64>
  /// What confines the process, in words; empty where there is nothing to say.
  var sandbox: StaticString = ""

  /// How the last code, or the last attempt to get one, ended.
  private var outcome = Outcome.none
  /// When new tokens, which are on no disk yet, are saved again, in milliseconds since boot.
  private(set) var savesAgainAt: Int64?
  /// Whether nothing follows any more.
  private var isOver = false
  private let resident = Resident()

  enum Outcome {
    case none
    /// There was no code to be had.
    case noCode
    case denied
    case expired
    /// The server refused to be polled for it.
    case refused
  }

  init(_ agent: Agent, title: Text<64>, now: Int64) {
    self.agent = agent
    self.title = title
    since = now
  }

  /// What to do at `now`.
  mutating func next(now: Int64) -> Agent.Step {
    let wasNeeded = agent.isPersonNeeded
    let step = agent.next(now: now)
    if agent.isPersonNeeded != wasNeeded { settle(now) }
    switch step {
    case .codeEnded(let end): codeEnded(end, now: now)
    case .requestCode: settle(now)
    case .wait, .poll, .refresh, .endGrant: break
    }
    return step
  }

  // MARK: The code

  /// Takes the code that was issued.
  mutating func codeIssued(requestedAt: Int64, now: Int64) {
    agent.codeIssued(
      expiresIn: authorization.expiresIn, interval: authorization.interval,
      requestedAt: requestedAt, now: now)
    outcome = .none
    if !agent.hasGrant { forgetFault() }
    settle(now)
  }

  /// Takes what is to be shown and polled for, from when it counts as issued.
  mutating func take(_ authorization: consuming DeviceAuthorization) {
    self.authorization = authorization
  }

  /// Takes that there was no code to be had.
  mutating func codeFailed(
    _ fault: Fault, _ words: borrowing Phrase, retryAfter: Int64?, now: Int64
  ) {
    agent.codeFailed(
      isRefusal: !fault.isTransient, isUnreached: fault.missing != nil, retryAfter: retryAfter,
      now: now)
    if !agent.hasGrant { note(fault, words) }
    outcome = .noCode
    settle(now)
  }

  /// Takes that the request for a code was given up for something more urgent.
  mutating func codePutOff(now: Int64) {
    agent.codePutOff(now: now)
    settle(now)
  }

  /// Takes the answer to a poll.
  mutating func polled(_ answer: PollAnswer, now: Int64) {
    agent.polled(answer, now: now)
  }

  /// Takes the words for the fault that has ended the code, before `next` says that it has.
  mutating func pollRefused(_ fault: Fault, _ words: borrowing Phrase) {
    if !agent.hasGrant { note(fault, words) }
  }

  private mutating func codeEnded(_ end: Agent.CodeEnd, now: Int64) {
    forgetCode()
    switch end {
    case .denied: outcome = .denied
    case .expired: outcome = .expired
    case .refused: outcome = .refused
    }
    settle(now)
  }

  /// Nobody needs to see the code any more (RFC 8628 §5.5).
  mutating func forgetCode() { authorization.clear() }

  /// A person asks for a code: how the last one ended is over.
  mutating func codeWanted(isInstead: Bool = false, now: Int64) {
    agent.codeWanted(isInstead: isInstead, now: now)
    outcome = .none
    if !agent.hasGrant { forgetFault() }
    settle(now)
  }

  /// Takes that what is outside has changed, and may have come.
  mutating func surroundingsChanged(now: Int64) {
    if agent.surroundingsChanged(now: now) { settle(now) }
  }

  // MARK: The grant

  /// Takes that there is a grant, by a sign-in or found at the start.
  mutating func granted(_ lease: Lease, _ tokens: borrowing Tokens, now: Int64) {
    agent.granted(lease, now: now)
    forgetCode()
    hold(lease, tokens, now)
  }

  /// Takes that the grant was renewed, by this process or another.
  mutating func renewed(_ lease: Lease, _ tokens: borrowing Tokens, now: Int64) {
    agent.renewed(lease, now: now)
    if !agent.showsCode { forgetCode() }
    hold(lease, tokens, now)
  }

  /// Takes that new tokens could not be saved, and are saved again.
  mutating func notSaved(
    _ fault: Fault, _ words: borrowing Phrase, savesAgainAt: Int64, now: Int64
  ) {
    note(fault, words)
    self.savesAgainAt = savesAgainAt
    settle(now)
  }

  /// Takes that nothing could be kept that a refresh brings.
  mutating func hindered(_ fault: Fault, _ words: borrowing Phrase, now: Int64) {
    note(fault, words)
    settle(now)
  }

  private mutating func hold(_ lease: Lease, _ tokens: borrowing Tokens, _ now: Int64) {
    if !lease.isKnown { forgetFault() }
    outcome = .none
    savesAgainAt = nil
    accessExpiresAt = tokens.expiresAt
    // One that ends soon, and does not live longer for being used, ends the grant.
    let isNear = (lease.refreshRemaining ?? Int64.max) < 7 * 86400
    signInEndsOn = isNear ? tokens.refreshTokenExpiresAt : nil
    settle(now)
  }

  /// Takes that a refresh brought nothing: the grant stays, and so does the access token as long as
  /// it is good.
  mutating func refreshFailed(
    _ fault: Fault, _ words: borrowing Phrase, isUncertain: Bool, unanswered: Unanswered?,
    retryAfter: Int64?, now: Int64
  ) {
    agent.refreshFailed(
      isRefusal: !fault.isTransient, isUncertain: isUncertain, unanswered: unanswered,
      reply: fault.reply, retryAfter: retryAfter, now: now)
    note(fault, words)
    settle(now)
  }

  /// The access token is needed for longer, or was refused by the server it is for.
  mutating func refreshWanted(now: Int64) { agent.refreshWanted(now: now) }

  /// There is no grant any more, or none yet.
  mutating func lost(now: Int64) {
    agent.lost(now: now)
    person.removeAll()
    forgetFault()
    outcome = .none
    accessExpiresAt = nil
    signInEndsOn = nil
    settle(now)
  }

  /// The person is called so.
  mutating func named(_ name: borrowing Text<256>, now: Int64) {
    person = copy name
    settle(now)
  }

  /// It is over: nothing follows.
  mutating func end(_ fault: Fault, _ words: borrowing Phrase, now: Int64) {
    note(fault, words)
    isOver = true
    switch fault.kind {
    case .denied: outcome = .denied
    case .expired: outcome = .expired
    default: outcome = .noCode
    }
    settle(now)
  }

  // MARK: The rest

  private mutating func note(_ fault: Fault, _ words: borrowing Phrase) {
    self.fault = fault
    self.words = copy words
  }

  private mutating func forgetFault() {
    fault = nil
    words = Phrase()
  }

  /// Reckons the state anew, and counts the change.
  private mutating func settle(_ now: Int64) {
    revision += 1
    let state = reckonedState
    if state != self.state { since = now }
    self.state = state
    let nextCodeAt = agent.hasGrant ? nil : agent.nextCodeAt
    endsAt = isOver ? nil : savesAgainAt ?? agent.flow?.expiresAt ?? nextCodeAt
  }

  private var reckonedState: State {
    if !isOver {
      if savesAgainAt != nil { return agent.hasGrant ? .notRenewed : .failed }
      if agent.showsCode { return .code }
      if agent.waitsForPerson { return .invitation }
      if agent.hasGrant { return fault == nil ? .signedIn : .notRenewed }
    }
    switch outcome {
    case .none: return .starting
    case .denied: return .denied
    case .expired: return .expired
    case .refused: return .failed
    // Where nothing follows, nothing is waited for.
    case .noCode: return !isOver && fault?.missing != nil ? .waiting : .failed
    }
  }

  /// Whether what failed for want of the right time may work now that the clock has been set.
  var failedWithoutGrant: Bool { !agent.hasGrant && (outcome == .noCode || outcome == .refused) }
}
