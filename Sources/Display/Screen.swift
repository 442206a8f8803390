public import Bytes

/// What a person sees: a value that the painter or the console turns into a picture or lines.
///
/// Texts may come from a server and may hold anything: whoever shows them makes them harmless.
public enum Screen: Sendable {
  /// Nothing: the display as it is left behind.
  case blank
  /// Before there is anything to do, with a status in words ("Reading the configuration").
  case starting(Text<128>)
  /// Something outside is missing, with the cause in words ("No network yet").
  case waiting(Text<128>)
  /// What to open and what to enter there.
  case code(SignInCode)
  /// The person approved; their name, where it is known.
  case approved(name: Text<128>?)
  /// The person refused.
  case denied(newCodeFollows: Bool)
  /// Nobody approved in time.
  case expired(newCodeFollows: Bool)
  /// It can't go on, with the cause in words.
  case failed(Text<256>)
}

/// What the device authorization endpoint answered, as far as a person needs it (RFC 8628 §3.2).
public struct SignInCode: Sendable {
  /// The user code, as the server wrote it.
  public var userCode: Text<64>
  /// The verification URI, to be typed.
  public var verificationURI: Text<512>
  /// The URI that carries the user code too, to be scanned; empty where the server gave none.
  public var verificationURIComplete: Text<1024>
  /// What the person signs in to, as in "Sign in to Webex"; empty for just "Sign in".
  public var title: Text<64>
  /// Seconds until the code expires; nil where nobody knows.
  public var secondsLeft: Int64?
  /// Seconds that the code lives in all, for the bar beside the time left; nil for no bar.
  public var lifetimeSeconds: Int64?

  public init(
    userCode: Text<64>, verificationURI: Text<512>, verificationURIComplete: Text<1024> = "",
    title: Text<64> = "", secondsLeft: Int64? = nil, lifetimeSeconds: Int64? = nil
  ) {
    self.userCode = userCode
    self.verificationURI = verificationURI
    self.verificationURIComplete = verificationURIComplete
    self.title = title
    self.secondsLeft = secondsLeft
    self.lifetimeSeconds = lifetimeSeconds
  }
}
