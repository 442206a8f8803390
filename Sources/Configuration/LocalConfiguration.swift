public import Bytes

/// How much is logged; each level holds those before it.
public enum LogLevel: UInt8, Sendable {
  case error
  case warning
  case info
  case debug

  init?(named name: borrowing Span<UInt8>) {
    if name.equals("error") {
      self = .error
    } else if name.equals("warning") {
      self = .warning
    } else if name.equals("info") {
      self = .info
    } else if name.equals("debug") {
      self = .debug
    } else {
      return nil
    }
  }
}

/// When a new code is asked for.
public enum StartMode: UInt8, Sendable {
  /// As long as nobody is signed in: what a board without any input needs.
  case automatic
  /// When somebody asks (RFC 8628 §3.1).
  case onRequest
}

/// What follows a refresh whose answer is lost.
public enum LostAnswer: UInt8, Sendable {
  /// It is sent again a few times at once: many servers take the refresh token again for a while.
  case retry
  /// It is sent again when the access token ends: elsewhere that may end the grant.
  case wait
}

/// What a program of the operator's can be run at.
public enum Hook: UInt8, Sendable {
  case code
  case signedIn
  case refreshed
  case lost

  /// The key that names the program.
  public var key: Key {
    switch self {
    case .code: .onCode
    case .signedIn: .onSignedIn
    case .refreshed: .onRefreshed
    case .lost: .onLost
    }
  }
}

/// The part of the configuration that every command needs.
public struct LocalConfiguration: Sendable {
  /// The longest path of a UNIX socket, in bytes: what `sun_path` holds beside its final zero.
  public static let socketPathLimit = 107

  public let logLevel: LogLevel
  public let displays: DisplayChoices
  /// 0, 90, 180 or 270, clockwise.
  public let rotation: Int
  public let start: StartMode
  /// Whether `run` confines itself.
  public let isSandboxed: Bool

  public let settings: Settings

  public init(_ settings: borrowing Settings) throws(ConfigurationError) {
    try settings.checkForms()
    self.settings = copy settings
    logLevel = try Self.logLevel(settings[.logLevel])
    displays = try Self.displays(settings[.display])
    rotation = try Self.rotation(settings[.rotate])
    start = try Self.start(settings[.start])
    isSandboxed = try Self.isSandboxed(settings[.sandbox])
  }

  /// nil: where the program keeps its state.
  public var tokenFile: PermanentBytes? { settings[.tokenFile]?.value }

  /// nil: the access token is not published in a file.
  public var accessTokenFile: PermanentBytes? { settings[.accessTokenFile]?.value }

  /// The group's name or number; nil: the program's own.
  public var accessTokenGroup: PermanentBytes? { settings[.accessTokenGroup]?.value }

  /// An absolute path of at most `socketPathLimit` bytes; nil: no socket.
  public var socket: PermanentBytes? { settings[.socket]?.value }

  /// As `accessTokenGroup`.
  public var socketGroup: PermanentBytes? { settings[.socketGroup]?.value }

  /// The program to run at an event, by its absolute path; nil where there is none.
  public func program(for hook: Hook) -> PermanentBytes? { settings[hook.key]?.value }

  private static func logLevel(_ setting: Setting?) throws(ConfigurationError) -> LogLevel {
    guard let setting else { return .info }
    guard let level = LogLevel(named: setting.value.bytes) else {
      throw .badValue(.logLevel, setting.origin, "is not error, warning, info or debug")
    }
    return level
  }

  private static func displays(_ setting: Setting?) throws(ConfigurationError) -> DisplayChoices {
    let value = setting?.value ?? PermanentBytes("auto")
    guard let choices = DisplayChoices(value) else {
      throw .badValue(
        .display, setting?.origin ?? .preset,
        """
        is not a list of auto, framebuffer[:/dev/fbN], drm[:/dev/dri/cardN], \
        pbm:PATH[@WIDTHxHEIGHT], console, or none
        """)
    }
    return choices
  }

  private static func rotation(_ setting: Setting?) throws(ConfigurationError) -> Int {
    guard let setting else { return 0 }
    guard let degrees = setting.value.bytes.parseDecimal(), degrees < 360, degrees % 90 == 0 else {
      throw .badValue(.rotate, setting.origin, "is not 0, 90, 180 or 270")
    }
    return Int(degrees)
  }

  private static func isSandboxed(_ setting: Setting?) throws(ConfigurationError) -> Bool {
    guard let setting, !setting.value.bytes.equals("yes") else { return true }
    if setting.value.bytes.equals("no") { return false }
    throw .badValue(.sandbox, setting.origin, "is not yes or no")
  }

  private static func start(_ setting: Setting?) throws(ConfigurationError) -> StartMode {
    guard let setting, !setting.value.bytes.equals("automatic") else { return .automatic }
    if setting.value.bytes.equals("on-request") { return .onRequest }
    throw .badValue(.start, setting.origin, "is not automatic or on-request")
  }
}
