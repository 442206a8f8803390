internal import Board
internal import Bytes
internal import Configuration
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

  init(
    _ arguments: borrowing Arguments, _ memory: inout ConfigurationMemory, _ log: inout KernelLog
  ) throws(StartError) {
    var settings = arguments.settings
    Environment.forEach { name, value in
      // An empty variable counts as unset, as a shell's user expects.
      guard value.count > 0, let key = Key(environment: name.bytes) else { return }
      let isSample = !name.bytes.hasPrefix("DEVICEGRANT_")
      settings.set(key, value, isSample ? .sampleEnvironment : .environment)
    }
    let explicit = arguments.configurationFile ?? Environment.value("DEVICEGRANT_CONFIG")
    file = try Self.readFile(explicit, into: &settings, &memory.file, log)
    do {
      local = try LocalConfiguration(settings)
      // Also where the client is of no concern: a wrong value is better found by `status` than at
      // the next refresh.
      try ClientConfiguration.check(settings, memory: &memory.endpoints)
      memory.endpoints.removeAll()
      accessTokenGroup = try Self.group(.accessTokenGroup, settings)
      socketGroup = try Self.group(.socketGroup, settings)
    } catch {
      throw .configuration(error, file: file)
    }
    log.level = local.logLevel
  }

  /// Whether the configuration as it is now could be used; where not, that is said. The one that is
  /// in use stays as it is.
  static func isGood(_ commandLine: CommandLine, _ log: KernelLog) -> Bool {
    var log = log
    do {
      var memory = Memory.spareConfiguration()
      let arguments = try Arguments(commandLine)
      let source = try ConfigurationSource(arguments, &memory, &log)
      let plan = try source.plan(&memory, log)
      do {
        try plan.place.check(log)
      } catch {
        log.warning {
          $0 <- "the configuration stays as it was: "
          plan.tell(error, to: $0)
        }
        return false
      }
      return true
    } catch {
      log.warning {
        $0 <- "the configuration stays as it was: "
        error.tell(to: $0)
      }
      return false
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
  func value(of key: Key) -> PermanentBytes? { settings[key]?.value }

  /// Who the client is and whom it talks to.
  ///
  /// - Parameter log: where it is said that others can read the client's secret; nil for nowhere.
  func client(
    _ memory: inout ConfigurationMemory, _ log: KernelLog?
  ) throws(StartError) -> ClientConfiguration {
    let secret = try readSecretFile(&memory.secret, log)
    do {
      return try ClientConfiguration(settings, secretFile: secret, memory: &memory.endpoints)
    } catch {
      throw .configuration(error, file: file)
    }
  }

  /// What a life needs.
  func plan(
    _ memory: inout ConfigurationMemory, _ log: KernelLog
  ) throws(StartError) -> Plan {
    let client = try client(&memory, log)
    let anchors = try findTrustAnchors(client, self)
    var plan = Plan(try place(), client: client, trustAnchors: anchors)
    plan.socket = try socket()
    plan.socketGroup = socketGroup
    plan.hooks = HookPrograms { local.program(for: $0) }
    plan.start = local.start
    return plan
  }

  private func socket() throws(StartError) -> Path? {
    guard let socket = local.socket else { return nil }
    guard let path = Path(socket.bytes) else { throw failure(.socket, "is no path") }
    return path
  }

  /// Where the grant is kept.
  func place() throws(StartError) -> GrantPlace {
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
    if path.bytes.equals(try tokenFile().bytes) {
      throw failure(.accessTokenFile, "is the token file")
    }
    return path
  }

  /// The failure for a key whose value turned out to be of no use.
  func failure(_ key: Key, _ reason: StaticString) -> StartError {
    .configuration(fault(key, reason), file: file)
  }

  /// The failure for a key whose file can't be used: what the kernel said, where it did.
  func failure(
    _ key: Key, _ reason: StaticString, _ path: PermanentBytes, _ error: Errno? = nil
  ) -> StartError {
    .file(fault(key, reason), file: file, path, error)
  }

  private func fault(_ key: Key, _ reason: StaticString) -> ConfigurationError {
    .badValue(key, settings[key]?.origin ?? .preset, reason)
  }

  /// Where the tokens are kept.
  func tokenFile() throws(StartError) -> Path {
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
      throw .plain(
        .configuration, "there is no place for the token file: set token_file, or HOME")
    }
    path.append("/tokens.json")
    guard let path = Path(path.bytes) else {
      throw .plain(.configuration, "the token file's path is too long: set token_file")
    }
    return path
  }

  private static func readFile(
    _ explicit: PermanentBytes?, into settings: inout Settings, _ buffer: inout Buffer,
    _ log: KernelLog
  ) throws(StartError) -> PermanentBytes? {
    let name = explicit ?? PermanentBytes("/etc/devicegrant.conf")
    guard let path = Path(name.bytes) else {
      throw .plain(.configuration, "the configuration file's name is empty or too long")
    }
    let mode: UInt32
    do {
      let file = try FileDescriptor(opening: path, .readOnly | .noControllingTerminal)
      mode = try file.status().mode
      try file.readAll(into: &buffer)
    } catch {
      if explicit == nil, error == .noSuchFile { return nil }
      throw .about(.configuration, "cannot read the configuration file ", name, "", error)
    }
    do {
      try settings.readFile(Memory.permanent(buffer))
    } catch {
      throw .configuration(error, file: name)
    }
    if let secret = settings[.clientSecret], case .file = secret.origin {
      warnOfExposure(name, mode, log)
    }
    return name
  }

  /// A group may have the secret: the service is in one that the file's owner is not.
  @inline(never)
  private static func warnOfExposure(_ path: PermanentBytes, _ mode: UInt32, _ log: KernelLog) {
    if mode & 0o007 == 0 { return }
    log.warning {
      $0 <- path.bytes <- " holds the client's secret and is open to every user; chmod o= it"
    }
  }

  private func readSecretFile(
    _ buffer: inout Buffer, _ log: KernelLog?
  ) throws(StartError) -> PermanentBytes? {
    let name: PermanentBytes?
    do {
      name = try ClientConfiguration.secretFilePath(settings)
    } catch {
      throw .configuration(error, file: file)
    }
    guard let name else { return nil }
    guard let path = Path(name.bytes) else { throw failure(.clientSecretFile, "is no path") }
    do {
      let file = try FileDescriptor(opening: path, .readOnly | .noControllingTerminal)
      if let log { Self.warnOfExposure(name, try file.status().mode, log) }
      try file.readAll(into: &buffer)
    } catch {
      if error == .fileTooLarge {
        throw failure(.clientSecretFile, "names a file of more than 512 bytes")
      }
      throw failure(.clientSecretFile, "cannot be read", name, error)
    }
    var end = buffer.count
    while end > 0, buffer.bytes[end - 1] == 0x0A || buffer.bytes[end - 1] == 0x0D { end -= 1 }
    return Memory.permanent(buffer).extracting(0..<end)
  }
}
