internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Linux
internal import OAuth

/// The configuration as it was gathered from the command line, the environment and the file.
struct ConfigurationSource {
  let local: LocalConfiguration
  /// The numbers of the groups of the access token's file and of the socket; nil for the program's
  /// own.
  let accessTokenGroup: UInt32?
  let socketGroup: UInt32?

  private let file: PermanentBytes?

  private var settings: Settings { local.settings }

  init(_ arguments: borrowing Arguments, _ log: inout Log) throws(Failure) {
    var settings = arguments.settings
    Environment.forEach { name, value in
      // An empty variable counts as unset, as a shell's user expects.
      guard value.count > 0, let key = Key(environment: name.bytes) else { return }
      let isSample = !name.bytes.hasPrefix("DEVICEGRANT_")
      settings.set(key, value, isSample ? .sampleEnvironment : .environment)
    }
    let explicit = arguments.configurationFile ?? Environment.value("DEVICEGRANT_CONFIG")
    file = try Self.readFile(explicit, into: &settings, &log)
    var memory = Memory.endpoints()
    do {
      local = try LocalConfiguration(settings)
      // Also where the client is of no concern: a wrong value is better found by `status` than at
      // the next refresh.
      try ClientConfiguration.check(settings, memory: &memory)
      accessTokenGroup = try Self.group(.accessTokenGroup, settings)
      socketGroup = try Self.group(.socketGroup, settings)
    } catch {
      throw Self.failure(error, file)
    }
    log.level = local.logLevel
  }

  /// Finds out whether the configuration as it is now could be used, and leaves the one that is in
  /// use as it is.
  static func check(_ arguments: borrowing Arguments, _ log: Log) throws(Failure) {
    Memory.usesSpare = true
    defer { Memory.usesSpare = false }
    var log = log
    let source = try ConfigurationSource(arguments, &log)
    _ = try findTrustAnchors(source.client(log), source)
    try Publication(source)?.checkWritable()
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
  func value(of key: Key) -> PermanentBytes? { settings[key]?.value }

  /// Who the client is and whom it talks to.
  ///
  /// - Parameter log: where it is said that others can read the client's secret.
  func client(_ log: Log? = nil) throws(Failure) -> ClientConfiguration {
    let secret = try readSecretFile(log)
    var memory = Memory.endpoints()
    do {
      return try ClientConfiguration(settings, secretFile: secret, memory: &memory)
    } catch {
      throw Self.failure(error, file)
    }
  }

  /// The failure for a key whose value turned out to be of no use.
  func failure(_ key: Key, _ reason: StaticString) -> Failure {
    Self.failure(.badValue(key, settings[key]?.origin ?? .preset, reason), file)
  }

  /// The failure for a key whose file can't be read.
  @inline(never)
  func failure(_ key: Key, _ path: borrowing Path, _ error: Errno) -> Failure {
    let place = failure(key, "cannot be read")
    return Failure(.configuration, "\(place): \(path): \(error)")
  }

  /// Where the tokens are kept.
  func tokenFile() throws(Failure) -> Path {
    if let path = local.tokenFile {
      guard let path = Path(path.bytes) else { throw failure(.tokenFile, "is no path") }
      return path
    }
    var path = Text<640>()
    if let directories = Environment.value("STATE_DIRECTORY") {
      // systemd gives a list; the first is the service's own.
      let end = directories.bytes.firstIndex(of: UInt8(ascii: ":")) ?? directories.count
      path.append(directories.extracting(0..<end).bytes)
    } else if User.isRoot {
      path.append("/var/lib/devicegrant")
    } else if let state = Environment.value("XDG_STATE_HOME"), state.bytes.hasPrefix("/") {
      // A relative one is to be ignored (XDG Base Directory Specification).
      path.append(state.bytes)
      path.append("/devicegrant")
    } else if let home = Environment.value("HOME") {
      path.append(home.bytes)
      path.append("/.local/state/devicegrant")
    } else {
      throw Failure(
        .configuration, "there is no place for the token file: set token_file, or HOME")
    }
    path.append("/tokens.json")
    guard let path = Path(path.bytes) else {
      throw Failure(.configuration, "the token file's path is too long: set token_file")
    }
    return path
  }

  private static func readFile(
    _ explicit: PermanentBytes?, into settings: inout Settings, _ log: inout Log
  ) throws(Failure) -> PermanentBytes? {
    let name = explicit ?? PermanentBytes("/etc/devicegrant.conf")
    guard let path = Path(name.bytes) else {
      throw Failure(.configuration, "the configuration file's name is empty or too long")
    }
    var buffer = Memory.configurationFile()
    let mode: UInt32
    do {
      let file = try FileDescriptor(opening: path, .readOnly | .noControllingTerminal)
      mode = try file.status().mode
      try file.readAll(into: &buffer)
    } catch {
      if explicit == nil, error == .noSuchFile { return nil }
      throw Failure(.configuration, "cannot read the configuration file \(path): \(error)")
    }
    do {
      try settings.readFile(Memory.permanent(buffer))
    } catch {
      throw failure(error, name)
    }
    if let secret = settings[.clientSecret], case .file = secret.origin {
      warnOfExposure(path, mode, log)
    }
    return name
  }

  /// A group may have the secret: the service is in one that the file's owner is not.
  @inline(never)
  private static func warnOfExposure(_ path: borrowing Path, _ mode: UInt32, _ log: Log) {
    if mode & 0o007 == 0 { return }
    log.warning("\(path) holds the client's secret and is open to every user; chmod o= it")
  }

  private func readSecretFile(_ log: Log?) throws(Failure) -> PermanentBytes? {
    let name: PermanentBytes?
    do {
      name = try ClientConfiguration.secretFilePath(settings)
    } catch {
      throw Self.failure(error, file)
    }
    guard let name else { return nil }
    guard let path = Path(name.bytes) else { throw failure(.clientSecretFile, "is no path") }
    var buffer = Memory.secretFile()
    do {
      let file = try FileDescriptor(opening: path, .readOnly | .noControllingTerminal)
      if let log { Self.warnOfExposure(path, try file.status().mode, log) }
      try file.readAll(into: &buffer)
    } catch {
      if error == .fileTooLarge {
        throw failure(.clientSecretFile, "names a file of more than 512 bytes")
      }
      throw failure(.clientSecretFile, path, error)
    }
    var end = buffer.count
    while end > 0, buffer.bytes[end - 1] == 0x0A || buffer.bytes[end - 1] == 0x0D { end -= 1 }
    return Memory.permanent(buffer).extracting(0..<end)
  }

  /// Says what is wrong, where it stands, and in which file.
  private static func failure(_ error: ConfigurationError, _ file: PermanentBytes?) -> Failure {
    let name = (file ?? PermanentBytes("/etc/devicegrant.conf")).bytes
    switch error {
    case .malformedLine(let line):
      return Failure(.configuration, "\(name):\(line): the line is not of the form key = value")
    case .unknownKey(let key, let line):
      return Failure(.configuration, "\(name):\(line): unknown key '\(key.bytes)'")
    case .duplicateKey(let key, let line):
      return Failure(.configuration, "\(name):\(line): duplicate key '\(key.name.bytes)'")
    case .duplicateOption(let key):
      return Failure(.usage, "\(key.name.bytes) is given twice")
    case .badValue(let key, .file(let line), let reason):
      return Failure(.configuration, "\(name):\(line): \(key.name.bytes) \(reason)")
    case .badValue(let key, .option, let reason):
      return Failure(.configuration, "on the command line: \(key.name.bytes) \(reason)")
    case .badValue(let key, .preset, let reason):
      return Failure(.configuration, "\(key.name.bytes) \(reason)")
    case .badValue(let key, _, let reason):
      return Failure(.configuration, "in the environment: \(key.name.bytes) \(reason)")
    case .missing(let key, let reason):
      return Failure(.configuration, "\(key.name.bytes) is not set: \(reason); set it in \(name)")
    }
  }
}
