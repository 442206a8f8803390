public import Bytes
public import Configuration
public import Linux

/// What a life needs of the configuration: values that have been found good.
public struct Plan: Sendable {
  public var place: GrantPlace
  /// Where tokens are handed out, and the number of the socket's group; nil for nowhere.
  public var socket: Path?
  public var socketGroup: UInt32?
  public var hooks = HookPrograms()
  public var start = StartMode.automatic
  public var client: ClientConfiguration
  /// A PEM file.
  public var trustAnchors: Path
  /// What confines the process, in words; empty where there is nothing to say.
  public var sandbox: StaticString = ""

  public init(_ place: GrantPlace, client: ClientConfiguration, trustAnchors: Path) {
    self.place = place
    self.client = client
    self.trustAnchors = trustAnchors
  }

  /// Says what does not work with what is planned for: before there is a life to say more.
  public func tell(_ fault: Fault, to line: Line) {
    if place.tell(fault, to: line) { return }
    if let error = fault.tlsError { line <- error }
  }

  /// "Sign in to Webex"; empty where nobody knows what to.
  var title: Text<64> {
    var title = Text<64>()
    if client.preset.title.utf8CodeUnitCount == 0 { return title }
    title.append("Sign in to ")
    title.append(client.preset.title)
    return title
  }
}

/// Where the grant is kept, and where its access token is published.
public struct GrantPlace: Sendable {
  public let tokenFile: Path
  /// nil: the access token is not published.
  public let accessTokenFile: Path?
  /// The number of the group that may read it; nil: the process's own.
  public let accessTokenGroup: UInt32?
  /// Whether the token file is gone with the power, where a sandbox would hide that.
  public var isVolatile = false

  public init(tokenFile: Path, accessTokenFile: Path?, accessTokenGroup: UInt32?) {
    self.tokenFile = tokenFile
    self.accessTokenFile = accessTokenFile
    self.accessTokenGroup = accessTokenGroup
  }

  /// What publishes the access token; nil for nothing.
  func publication<W: World>(_ log: Log<W>) -> Publication<W>? {
    accessTokenFile.flatMap { Publication(at: $0, group: accessTokenGroup, log) }
  }

  /// Finds out whether the access token could be published.
  public func check<W: World>(_ log: Log<W>) throws(Fault) {
    try publication(log)?.checkWritable()
  }

  /// Takes the published access token back.
  public func withdraw<W: World>(_ log: Log<W>) { publication(log)?.withdraw() }

  /// Says what does not work with the files.
  ///
  /// - Returns: false where the fault is another's, and nothing has been said.
  @discardableResult
  public func tell(_ fault: Fault, to line: Line) -> Bool {
    tellOfFiles(fault, tokenFile, accessTokenFile, to: line)
  }
}

/// The programs that are run when something happens.
public struct HookPrograms: Sendable {
  private var code: PermanentBytes?
  private var signedIn: PermanentBytes?
  private var refreshed: PermanentBytes?
  private var lost: PermanentBytes?

  public init() {}

  /// - Parameter program: gives the program's absolute path; nil for none.
  public init(_ program: (Hook) -> PermanentBytes?) {
    code = program(.code)
    signedIn = program(.signedIn)
    refreshed = program(.refreshed)
    lost = program(.lost)
  }

  /// Calls `body` with each program that may be run.
  public func forEach(_ body: (PermanentBytes) -> Void) {
    if let code { body(code) }
    if let signedIn { body(signedIn) }
    if let refreshed { body(refreshed) }
    if let lost { body(lost) }
  }

  /// The program to run at an event; nil for none.
  subscript(_ hook: Hook) -> Path? {
    let program =
      switch hook {
      case .code: code
      case .signedIn: signedIn
      case .refreshed: refreshed
      case .lost: lost
      }
    return program.flatMap { Path($0.bytes) }
  }
}
