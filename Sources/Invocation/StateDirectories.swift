internal import Board
public import Bytes
public import Linux

/// Where a program may keep its state, as its environment says.
public struct StateDirectories: Sendable {
  /// `STATE_DIRECTORY`: a list with colons, as systemd gives it; the first is the service's own.
  let service: PermanentBytes?
  /// Whether the program runs for root.
  let isRoot: Bool
  /// `XDG_STATE_HOME`
  let user: PermanentBytes?
  /// `HOME`
  let home: PermanentBytes?

  public init(
    service: PermanentBytes?, isRoot: Bool, user: PermanentBytes?, home: PermanentBytes?
  ) {
    self.service = service
    self.isRoot = isRoot
    self.user = user
    self.home = home
  }

  /// Where the tokens are kept, unless `token_file` says.
  @inline(never)
  public func tokenFile() throws(StartError) -> Path {
    var path = Text<640>()
    if let service {
      let end = service.bytes.firstIndex(of: UInt8(ascii: ":")) ?? service.count
      path.append(service.extracting(0..<end).bytes)
    } else if isRoot {
      path.append("/var/lib/devicegrant")
    } else if let user, user.bytes.hasPrefix("/") {
      // A relative one is to be ignored (XDG Base Directory Specification).
      path.append(user.bytes)
      path.append("/devicegrant")
    } else if let home {
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
}
