internal import Bytes

/// The commands.
public enum Command: UInt8, Sendable {
  case run
  case signIn
  case token
  case whoami
  case status
  case signOut
  case show

  public static let count: UInt8 = 7

  init?(_ name: borrowing Span<UInt8>) {
    for index in 0..<Command.count {
      guard let command = Command(rawValue: index), name.equals(command.name) else { continue }
      self = command
      return
    }
    return nil
  }

  /// As it is given.
  public var name: StaticString {
    switch self {
    case .run: "run"
    case .signIn: "sign-in"
    case .token: "token"
    case .whoami: "whoami"
    case .status: "status"
    case .signOut: "sign-out"
    case .show: "show"
    }
  }

  /// What `--help` prints behind it.
  public var help: StaticString {
    switch self {
    case .signIn: Help.signIn
    case .status: Help.status
    case .show: Help.show
    case .run: Help.run
    case .token: Help.token
    case .whoami: Help.whoami
    case .signOut: Help.signOut
    }
  }
}
