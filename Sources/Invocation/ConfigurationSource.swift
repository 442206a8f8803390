public import Board
public import Bytes
public import Configuration
public import Linux

/// The configuration as it was gathered from the command line, the environment and the file.
public struct ConfigurationSource: Sendable {
  /// The file that is read where none is named.
  public static var standardFile: PermanentBytes { PermanentBytes("/etc/devicegrant.conf") }

  public let local: LocalConfiguration
  /// The name of the file that was read; nil for none.
  public let file: PermanentBytes?
  /// The numbers of the groups of the access token's file and of the socket; nil for the program's
  /// own.
  public let accessTokenGroup: UInt32?
  public let socketGroup: UInt32?

  private let state: StateDirectories

  /// Takes what was gathered, and checks all of it.
  ///
  /// - Parameters:
  ///   - file: the name of the file that was read; nil for none.
  ///   - state: where the token file may be, unless that is set.
  ///   - endpoints: room for the check, of `ClientConfiguration.endpointMemory` bytes; empty
  ///     afterwards.
  @inline(never)
  public init(
    _ settings: borrowing Settings, file: PermanentBytes?, state: StateDirectories,
    endpoints: inout Buffer
  ) throws(StartError) {
    self.file = file
    self.state = state
    do {
      local = try LocalConfiguration(settings)
      // Also where the client is of no concern: a wrong value is better found by `status` than at
      // the next refresh.
      try ClientConfiguration.check(settings, memory: &endpoints)
      endpoints.removeAll()
      accessTokenGroup = try Self.group(.accessTokenGroup, settings)
      socketGroup = try Self.group(.socketGroup, settings)
    } catch {
      throw .configuration(error, file: file)
    }
  }

  @inline(never)
  private static func group(
    _ key: Key, _ settings: borrowing Settings
  ) throws(ConfigurationError) -> UInt32? {
    guard let setting = settings[key] else { return nil }
    guard let number = Group.number(named: setting.value.bytes) else {
      throw .badValue(key, setting.origin, "is not a group of this system")
    }
    return number
  }

  /// The value of a key that no part of the program interprets further.
  public func value(of key: Key) -> PermanentBytes? { local.settings[key]?.value }

  /// Where `run` listens; nil for nowhere.
  public func socket() throws(StartError) -> Path? {
    guard let socket = local.socket else { return nil }
    guard let path = Path(socket.bytes) else { throw failure(.socket, "is no path") }
    return path
  }

  /// Where the grant is kept.
  public func place() throws(StartError) -> GrantPlace {
    GrantPlace(
      tokenFile: try tokenFile(), accessTokenFile: try accessTokenFile(),
      accessTokenGroup: accessTokenGroup)
  }

  /// Where the access token is published; nil for nowhere.
  private func accessTokenFile() throws(StartError) -> Path? {
    guard let file = local.accessTokenFile else { return nil }
    guard let path = Path(file.bytes), path.name?.appending(".new") != nil else {
      throw failure(.accessTokenFile, "is no path")
    }
    if isTokenFile(path) {
      throw failure(.accessTokenFile, "is the token file")
    }
    return path
  }

  /// Whether a file at that path would be the token file.
  @inline(never)
  public func isTokenFile(_ path: Path) -> Bool {
    guard let tokenFile = try? tokenFile() else { return false }
    return path.leads(whereDoes: tokenFile)
  }

  /// The failure for a key whose value turned out to be of no use.
  public func failure(_ key: Key, _ reason: StaticString) -> StartError {
    .configuration(fault(key, reason), file: file)
  }

  /// The failure for a key whose file can't be used: what the kernel said, where it did.
  public func failure(
    _ key: Key, _ reason: StaticString, _ path: PermanentBytes, _ error: Errno? = nil
  ) -> StartError {
    .file(fault(key, reason), file: file, path, error)
  }

  private func fault(_ key: Key, _ reason: StaticString) -> ConfigurationError {
    .badValue(key, local.settings[key]?.origin ?? .preset, reason)
  }

  private func tokenFile() throws(StartError) -> Path {
    guard let path = local.tokenFile else { return try state.tokenFile() }
    guard let path = Path(path.bytes) else { throw failure(.tokenFile, "is no path") }
    return path
  }
}
