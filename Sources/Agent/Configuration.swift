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

/// The part of the configuration that every command needs: checked without the client's.
public struct LocalConfiguration: Sendable {
  public let logLevel: LogLevel
  public let displays: DisplayChoices
  /// 0, 90, 180 or 270, clockwise.
  public let rotation: Int
  /// nil: where the program keeps its state.
  public let tokenFile: PermanentBytes?

  public init(_ settings: borrowing Settings) throws(ConfigurationError) {
    logLevel = try Self.logLevel(settings[.logLevel])
    displays = try Self.displays(settings[.display])
    rotation = try Self.rotation(settings[.rotate])
    tokenFile = try Self.file(settings, .tokenFile)
  }

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
        "is not a list of auto, framebuffer[:/dev/fbN], pbm:PATH[@WIDTHxHEIGHT], console, or none")
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

  static func file(
    _ settings: borrowing Settings, _ key: Key
  ) throws(ConfigurationError) -> PermanentBytes? {
    guard let setting = settings[key] else { return nil }
    if setting.value.count == 0 { throw .badValue(key, setting.origin, "is empty") }
    if setting.value.count > 500 { throw .badValue(key, setting.origin, "is too long for a path") }
    return setting.value
  }
}
