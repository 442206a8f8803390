internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux

/// What the configuration is gathered from: the environment and the files.
extension ConfigurationSource {
  init(
    _ arguments: borrowing Arguments, _ memory: inout ConfigurationMemory, _ log: inout KernelLog
  ) throws(StartError) {
    var settings = arguments.settings
    Environment.forEach { settings.setVariable($0, $1) }
    let explicit = arguments.configurationFile ?? Environment.value("DEVICEGRANT_CONFIG")
    let file = try Self.readFile(explicit, into: &settings, &memory.file, log)
    try self.init(
      settings, file: file, state: .ofProcess, endpoints: &memory.endpoints)
    log.level = local.logLevel
  }

  /// Whether the configuration as it is now could be used; where not, that is said. For a process
  /// of its own, as `divide` has it: the one that is in use stays as it is.
  static func isGood(_ commandLine: CommandLine, _ log: KernelLog) -> Bool {
    var log = log
    do {
      var memory = Memory.configuration()
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

  /// Who the client is and whom it talks to.
  ///
  /// - Parameter log: where it is said that others can read the client's secret; nil for nowhere.
  func client(
    _ memory: inout ConfigurationMemory, _ log: KernelLog?
  ) throws(StartError) -> ClientConfiguration {
    let secret = try readSecretFile(&memory.secret, log)
    do {
      return try ClientConfiguration(local.settings, secretFile: secret, memory: &memory.endpoints)
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
    plan.hooks = HookPrograms { hook in
      let program = local.program(for: hook)
      Self.look(at: program, log)
      return program
    }
    Self.look(at: client.caFile, log)
    plan.start = local.start
    return plan
  }

  private static func readFile(
    _ explicit: PermanentBytes?, into settings: inout Settings, _ buffer: inout Buffer,
    _ log: KernelLog
  ) throws(StartError) -> PermanentBytes? {
    let name = explicit ?? standardFile
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
    look(at: name, log)
    return name
  }

  /// Looks at who else may write what says to whom secrets go, or what is run.
  @inline(never)
  private static func look(at name: PermanentBytes?, _ log: KernelLog) {
    guard let name, let status = try? Path(name.bytes)?.status(), status.isOpenToOthers else {
      return
    }
    log.warning { $0 <- name.bytes <- changeable }
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
      name = try ClientConfiguration.secretFilePath(local.settings)
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

extension StateDirectories {
  fileprivate static var ofProcess: StateDirectories {
    StateDirectories(
      service: Environment.value("STATE_DIRECTORY"), isRoot: User.isRoot,
      user: Environment.value("XDG_STATE_HOME"), home: Environment.value("HOME"))
  }
}
