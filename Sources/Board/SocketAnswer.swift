public import Bytes
internal import OAuth

/// What a line means that the socket answers: the reverse of what `HandOut` writes.
public enum SocketAnswer: Sendable {
  /// An access token, and when it ends in seconds since 1970; zero where nobody knows.
  case token(PermanentBytes, expiresAt: Int64)
  /// No token, and what is to be done.
  case refused(Refusal, hint: PermanentBytes)
  /// No answer of `run`'s.
  case junk

  /// - Parameter line: without its end.
  public init(_ line: PermanentBytes) {
    if line.bytes.hasPrefix("ok ") {
      self = Self.token(in: line.extracting(3..<line.count))
    } else if line.bytes.hasPrefix("error ") {
      self = Self.refusal(in: line.extracting(6..<line.count))
    } else {
      self = .junk
    }
  }

  private static func token(in words: PermanentBytes) -> SocketAnswer {
    guard let space = words.bytes.firstIndex(of: 0x20), space + 1 < words.count else {
      return .junk
    }
    let token = words.extracting(space + 1..<words.count)
    if !Tokens.allow(token.bytes) { return .junk }
    return .token(
      token,
      expiresAt: words.bytes.extracting(first: space).parseDecimal() ?? 0)
  }

  private static func refusal(in words: PermanentBytes) -> SocketAnswer {
    let space = words.bytes.firstIndex(of: 0x20) ?? words.count
    let reason = words.extracting(0..<space)
    let hint = words.extracting(min(space + 1, words.count)..<words.count)
    let isPersons = reason.bytes.equals(Refusal.loginRequired.name)
    return .refused(isPersons ? .loginRequired : .unavailable, hint: hint)
  }
}
