public import Bytes
public import JSON
internal import OAuth

/// Tells one pair of tokens from another, without holding either: what was renewed is another
/// generation of the same grant.
public struct Generation: Sendable, Equatable {
  private let access: UInt32
  private let refresh: UInt32

  /// Of no tokens.
  public static let none = Generation(access: 0, refresh: 0)

  private init(access: UInt32, refresh: UInt32) {
    self.access = access
    self.refresh = refresh
  }

  /// Whether what is renewed with is the same token.
  public func hasSameRefreshToken(as other: Generation) -> Bool { refresh == other.refresh }

  /// Writes it as members of an object.
  public func write<Sink: ByteSink & ~Copyable>(
    to object: inout JSONWriter, _ sink: inout Sink
  ) {
    object.member("access", Int64(access), to: &sink)
    object.member("refresh", Int64(refresh), to: &sink)
  }

  /// Whether it is the one that was written so.
  public func isWritten(in object: borrowing JSONObject) -> Bool {
    object.integer("access") == Int64(access) && object.integer("refresh") == Int64(refresh)
  }

  fileprivate init(_ tokens: borrowing Tokens) {
    access = tokens.accessToken.bytes.checksum
    refresh = tokens.refreshToken.bytes.checksum
  }
}

extension TokenRecord {
  /// Which pair of tokens it holds.
  public var generation: Generation { isEmpty ? .none : Generation(tokens) }

  /// Whether the record is this client's, from this server, as far as both say. A server is known
  /// by its issuer or its preset, wherever its endpoints are; without, by its token endpoint.
  public func belongs(
    issuer name: borrowing Span<UInt8>, tokenEndpoint endpoint: borrowing Span<UInt8>,
    clientID client: borrowing Span<UInt8>
  ) -> Bool {
    if !agree(clientID.bytes, client) { return false }
    if issuer.isEmpty || name.count == 0 { return agree(tokenEndpoint.bytes, endpoint) }
    return name.equals(issuer.bytes) || endpoint.equals(tokenEndpoint.bytes)
  }

  /// Cuts times that can't be right. The clock that the record was written by may have been years
  /// ahead of today's, and with it the times in the record; but not the time from one to the other.
  ///
  /// - Parameters:
  ///   - written: when, by the wall clock, in seconds since 1970.
  ///   - unixSeconds: the wall clock now.
  public mutating func distrust(written: Int64, unixSeconds: Int64) {
    tokens.expiresAt = plausible(tokens.expiresAt, written: written, now: unixSeconds)
    tokens.refreshTokenExpiresAt = plausible(
      tokens.refreshTokenExpiresAt, written: written, now: unixSeconds)
  }

  /// Moves the times, where the wall clock has been set since they were reckoned by it.
  ///
  /// - Parameter seconds: what it was set ahead by; one more or less is a matter of rounding.
  public mutating func move(by seconds: Int64) {
    if abs(seconds) <= 1 { return }
    tokens.expiresAt = tokens.expiresAt.map { max(0, $0 + seconds) }
    tokens.refreshTokenExpiresAt = tokens.refreshTokenExpiresAt.map { max(0, $0 + seconds) }
  }
}

private func agree(_ one: borrowing Span<UInt8>, _ other: borrowing Span<UInt8>) -> Bool {
  one.count == 0 || other.count == 0 || one.equals(other)
}

/// An end that is no further from `now` than it was from `written`: what had ended by then, has.
private func plausible(_ end: Int64?, written: Int64, now: Int64) -> Int64? {
  guard let end else { return nil }
  let (life, isAbsurd) = end.subtractingReportingOverflow(written)
  if isAbsurd { return end }
  let (latest, isLater) = now.addingReportingOverflow(max(0, life))
  return isLater ? end : min(end, latest)
}
