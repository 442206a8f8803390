public import Bytes

/// What a person sees: a value that the painter or the console turns into a picture or lines.
///
/// Texts may come from a server and may hold anything: whoever shows them makes them harmless.
///
/// Not an enum: taking a payload of this size out of one copies it each time.
public struct Screen: Sendable {
  enum Kind: UInt8, Sendable {
    case blank
    case starting
    case waiting
    case code
    case approved
    case denied
    case expired
    case failed
  }

  let kind: Kind
  /// A status, a cause or a name; empty for none.
  private(set) var words = Text<256>()
  private(set) var newCodeFollows = false
  /// What a screen of the kind `.code` shows; empty for any other.
  private(set) var code = SignInCode()

  @inline(never)
  private init(_ kind: Kind) {
    self.kind = kind
  }

  private init(_ kind: Kind, _ words: borrowing Text<256>) {
    self.init(kind)
    self.words.append(words.bytes)
  }

  private init(_ kind: Kind, newCodeFollows: Bool) {
    self.init(kind)
    self.newCodeFollows = newCodeFollows
  }

  /// Nothing: the display as it is left behind.
  public static var blank: Screen { Screen(.blank) }

  /// Before there is anything to do, with a status in words ("Reading the configuration").
  public static func starting(_ status: borrowing Text<256>) -> Screen {
    Screen(.starting, status)
  }

  /// Something outside is missing, with the cause in words ("No network yet").
  public static func waiting(_ cause: borrowing Text<256>) -> Screen { Screen(.waiting, cause) }

  /// What to open and what to enter there.
  public static func code(_ code: borrowing SignInCode) -> Screen {
    var screen = Screen(.code)
    screen.code = copy code
    return screen
  }

  /// The person approved; their name, where it is known.
  public static func approved(name: Text<256>?) -> Screen {
    guard let name else { return Screen(.approved) }
    return Screen(.approved, name)
  }

  /// The person refused.
  public static func denied(newCodeFollows: Bool) -> Screen {
    Screen(.denied, newCodeFollows: newCodeFollows)
  }

  /// Nobody approved in time.
  public static func expired(newCodeFollows: Bool) -> Screen {
    Screen(.expired, newCodeFollows: newCodeFollows)
  }

  /// It can't go on, with the cause in words.
  public static func failed(_ cause: borrowing Text<256>) -> Screen { Screen(.failed, cause) }
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
