internal import Agent
internal import Bytes
internal import DeviceGrant
internal import Display
internal import JSON

// Each view is a function of how things stand, and keeps nothing.

extension Standing {
  /// What the displays show.
  ///
  /// - Parameter host: whom the agent talks to, before there is anything else to say.
  func screen(host: borrowing Span<UInt8>, now: Int64) -> Screen {
    switch state {
    case .code: return .code(signInCode(now: now))
    case .signedIn, .notRenewed: return .approved(name: person, note: grantNote)
    case .invitation, .unconfigured: return .invitation(title: title)
    case .starting:
      var status: Text<256> = "Connecting to "
      status.append(escaped: host)
      return .starting(status)
    case .denied: return .denied(secondsToNewCode: secondsToNext(now))
    case .expired: return .expired(secondsToNewCode: secondsToNext(now))
    case .waiting: return .waiting(whatIsMissing(host), secondsToRetry: secondsToNext(now))
    case .failed: return .failed(cause, secondsToRetry: secondsToNext(now))
    }
  }

  /// Seconds until what is counted down to, the last of them counted whole; -1 where nothing is.
  func secondsLeft(_ now: Int64) -> Int64 {
    endsAt.map { max(0, wholeSeconds(until: $0, now: now)) } ?? -1
  }

  private func secondsToNext(_ now: Int64) -> Int64? { endsAt == nil ? nil : secondsLeft(now) }

  private func signInCode(now: Int64) -> SignInCode {
    var code = SignInCode(
      userCode: authorization.userCode, verificationURI: authorization.verificationURI)
    code.verificationURIComplete.append(authorization.verificationURIComplete)
    code.title = title
    if agent.isPersonNeeded {
      code.title.removeAll()
      code.title.append(words.bytes)
    }
    code.secondsLeft = secondsLeft(now)
    code.lifetimeSeconds = authorization.expiresIn
    return code
  }

  /// The words of the last fault, as far as a screen has room for them.
  private var cause: Text<256> {
    var cause = Text<256>()
    cause.append(words.bytes)
    return cause
  }

  /// What is waited for, in words for somebody who can plug in a cable: the log has the others.
  private func whatIsMissing(_ host: borrowing Span<UInt8>) -> Text<256> {
    let missing = fault?.missing ?? .server
    let beginning: StaticString =
      switch missing {
      case .clock: "The clock is not set yet"
      case .network: "There is no network yet"
      case .name: "There is no network yet, or no address for "
      case .server: "There is no connection yet to "
      }
    var words = Text<256>()
    words.append(beginning)
    if missing == .name || missing == .server { words.append(escaped: host) }
    words.append(".")
    return words
  }

  /// A line about the grant, for a screen; empty where there is nothing to say.
  private var grantNote: Text<256> {
    var note = Text<256>()
    if fault != nil {
      note.append("Not renewed: ")
      note.append(words.bytes)
    } else if let signInEndsOn {
      note.append("The sign-in ends on ")
      note.append(date: max(0, signInEndsOn))
    }
    return note
  }

  /// What is to be done, or what does not work, for who asks the socket; nothing where all is well.
  func appendHint<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    if state == .notRenewed { appendFailure("refresh failed: ", to: &sink) }
    if !needsPerson { return }
    sink.append("login required: ")
    switch state {
    case .code:
      sink.append("code ")
      sink.append(escaped: authorization.userCode.bytes)
      sink.append(" at ")
      sink.append(escaped: authorization.verificationURI.bytes)
    case .failed, .waiting: appendFailure("no code: ", to: &sink)
    case .invitation: sink.append("ask for a code at the board, by a key or a touch")
    default: sink.append("a code follows")
    }
    if !agent.hasGrant { return }
    sink.append("; ")
    appendFailure("refresh failed: ", to: &sink)
  }

  /// Whether there is no token to hand out before somebody has signed in, as the screen says.
  var needsPerson: Bool {
    !agent.hasGrant || agent.isPersonNeeded && (state == .code || state == .invitation)
  }

  private func appendFailure<Sink: ByteSink & ~Copyable>(
    _ attempt: StaticString, to sink: inout Sink
  ) {
    sink.append(savesAgainAt == nil ? attempt : "the tokens are not saved: ")
    sink.append(words.bytes)
  }

  /// The answer to `status` behind `ok`: a line for a person.
  func appendStatus<Sink: ByteSink & ~Copyable>(to sink: inout Sink) {
    if !needsPerson { sink.append(state == .notRenewed ? "signed in; " : "signed in") }
    appendHint(to: &sink)
  }

  /// The answer to `state` behind `ok`: how things stand, as one JSON object without a secret.
  ///
  /// - Parameters:
  ///   - now: in milliseconds since boot.
  ///   - unixSeconds: the wall clock.
  func appendState<Sink: ByteSink & ~Copyable>(
    to sink: inout Sink, now: Int64, unixSeconds: Int64
  ) {
    func date(_ instant: Int64?) -> Int64? { instant.map { unixSeconds + ($0 - now) / 1000 } }
    let isCode = state == .code
    var object = JSONWriter()
    object.member("version", 1 as Int64, to: &sink)
    object.member("revision", revision, to: &sink)
    object.member("state", state.name.bytes, to: &sink)
    object.member("since", orNull: date(since), to: &sink)
    object.member("title", title.bytes, orNullAt: title.isEmpty, to: &sink)
    let hasNoName = person.isEmpty || !person.bytes.isUTF8
    object.member("person", person.bytes, orNullAt: hasNoName, to: &sink)
    object.member("user_code", authorization.userCode.bytes, orNullAt: !isCode, to: &sink)
    object.member(
      "verification_uri", authorization.verificationURI.bytes, orNullAt: !isCode, to: &sink)
    let complete = authorization.verificationURIComplete.bytes
    object.member(
      "verification_uri_complete", complete, orNullAt: !isCode || complete.count == 0, to: &sink)
    object.member("expires_at", orNull: isCode ? date(endsAt) : nil, to: &sink)
    object.member("access_token_expires_at", orNull: accessExpiresAt, to: &sink)
    let attempt = agent.hasGrant ? agent.nextRefreshAt : isCode ? nil : endsAt
    let next = savesAgainAt ?? attempt
    object.member("retry_at", orNull: fault == nil ? nil : date(next), to: &sink)
    appendError(&object, to: &sink)
    if sandbox.utf8CodeUnitCount != 0 { object.member("sandbox", sandbox.bytes, to: &sink) }
    object.endMember(&sink)
  }

  private func appendError<Sink: ByteSink & ~Copyable>(
    _ object: inout JSONWriter, to sink: inout Sink
  ) {
    guard let fault else {
      object.member("error", orNull: nil, to: &sink)
      return
    }
    object.beginMember("error", to: &sink)
    var error = JSONWriter()
    error.member("code", fault.code.bytes, to: &sink)
    error.member("exit", Int64(fault.exitCode.rawValue), to: &sink)
    error.member("text", words.bytes, to: &sink)
    error.endMember(&sink)
  }
}

/// The seconds until an instant in milliseconds, the last of them counted whole.
func wholeSeconds(until instant: Int64, now: Int64) -> Int64 { (instant - now + 999) / 1000 }

/// The instant, in milliseconds, at which the seconds that are left until `end` change next.
func nextSecond(before end: Int64, now: Int64) -> Int64 {
  now + max(1, (end - now - 1) % 1000 + 1)
}
