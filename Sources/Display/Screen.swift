public import Bytes

/// What a person sees: a value that the painter or the console turns into a picture or lines.
///
/// Texts may come from a server and may hold anything: whoever shows them makes them harmless.
///
/// Not an enum: taking a payload of this size out of one copies it each time.
public struct Screen: Sendable {
  package enum Kind: UInt8, Sendable {
    case blank
    case starting
    case waiting
    case invitation
    case code
    case approved
    case denied
    case expired
    case failed
  }

  package let kind: Kind
  /// A status, a cause or a name; empty for none.
  package private(set) var words = Text<256>()
  /// What else is to be said below the words; empty for nothing.
  package private(set) var note = Text<256>()
  /// Until the next code or attempt; nil where none follows.
  package private(set) var secondsToNext: Int64?
  /// What a screen of the kind `.code` shows, an invitation only the title of it; else empty.
  package private(set) var code = SignInCode()

  @inline(never)
  private init(_ kind: Kind, secondsToNext: Int64? = nil) {
    self.kind = kind
    self.secondsToNext = secondsToNext
  }

  @inline(never)
  private init(_ kind: Kind, _ words: borrowing Span<UInt8>, secondsToNext: Int64? = nil) {
    self.init(kind, secondsToNext: secondsToNext)
    self.words.append(words)
  }

  /// Nothing: the display as it is left behind.
  public static var blank: Screen { Screen(.blank) }

  public var isBlank: Bool { kind == .blank }

  /// Whether somebody is to come and do something.
  var needsPerson: Bool { kind == .code || kind == .invitation }

  /// Before there is anything to do, with a status in words ("Reading the configuration").
  public static func starting(_ status: borrowing Text<256>) -> Screen {
    Screen(.starting, status.bytes)
  }

  /// Something outside is missing, with what that is in words ("There is no network yet.").
  ///
  /// - Parameter secondsToRetry: until the next attempt; nil where nobody knows.
  public static func waiting(
    _ cause: borrowing Text<256>, secondsToRetry: Int64? = nil
  ) -> Screen {
    Screen(.waiting, cause.bytes, secondsToNext: secondsToRetry)
  }

  /// A code is to be had for the asking, with a key or a touch.
  ///
  /// - Parameter title: as `SignInCode.title`.
  public static func invitation(title: borrowing Text<64>) -> Screen {
    var screen = Screen(.invitation)
    screen.code.title.append(title.bytes)
    return screen
  }

  /// What to open and what to enter there.
  public static func code(_ code: borrowing SignInCode) -> Screen {
    var screen = Screen(.code)
    screen.code = copy code
    return screen
  }

  /// The person approved.
  ///
  /// - Parameter name: theirs; nil or empty where it is not known.
  /// - Parameter note: a line about the grant ("Offline since 12:03"); empty for none.
  public static func approved(name: Text<256>?, note: Text<256> = Text()) -> Screen {
    var screen = Screen(.approved)
    if let name { screen.words.append(name.bytes) }
    screen.note.append(note.bytes)
    return screen
  }

  /// The person refused.
  ///
  /// - Parameter secondsToNewCode: until a new code is asked for; nil where none follows.
  public static func denied(secondsToNewCode: Int64?) -> Screen {
    Screen(.denied, secondsToNext: secondsToNewCode)
  }

  /// Nobody approved in time.
  ///
  /// - Parameter secondsToNewCode: until a new code is asked for; nil where none follows.
  public static func expired(secondsToNewCode: Int64?) -> Screen {
    Screen(.expired, secondsToNext: secondsToNewCode)
  }

  /// It can't go on, with the cause in words.
  ///
  /// - Parameter secondsToRetry: until the next attempt; nil where none follows.
  public static func failed(
    _ cause: borrowing Text<256>, secondsToRetry: Int64? = nil
  ) -> Screen {
    Screen(.failed, cause.bytes, secondsToNext: secondsToRetry)
  }
}

/// What the device authorization endpoint answered, as far as a person needs it (RFC 8628 §3.2).
public struct SignInCode: Sendable {
  /// The user code, as the server wrote it.
  public var userCode = Text<256>()
  /// The verification URI, to be typed.
  public var verificationURI = Text<1024>()
  /// The URI that carries the user code too, to be scanned; empty where the server gave none.
  public var verificationURIComplete = Text<2048>()
  /// What the person signs in to, as in "Sign in to Webex"; empty for just "Sign in".
  public var title = Text<64>()
  /// Seconds until the code expires; nil where nobody knows.
  public var secondsLeft: Int64?
  /// Seconds that the code lives in all, for the bar beside the time left; nil for no bar.
  public var lifetimeSeconds: Int64?

  /// A code of which nothing is known yet.
  @inline(never)
  public init() {}

  public init(userCode: borrowing Text<256>, verificationURI: borrowing Text<1024>) {
    self.init()
    self.userCode.append(userCode.bytes)
    self.verificationURI.append(verificationURI.bytes)
  }
}
