public import Bytes
internal import JSON
internal import Linux
internal import OAuth

// Theory of operation.
//
// A refresh token that is nobody's any more, and that the server does not know to be so, waits in a
// file of its own to be revoked: `.revoke0` and so on. What is in there is never a grant: nothing
// loads it but what revokes it. It is written before the record goes, so that a power cut leaves
// the token in one place or in both; one that is the record's still is no one's to revoke.

extension TokenStore where Storage: ~Copyable {
  /// How many tokens can wait to be revoked; one more takes the oldest's place.
  public static var places: Int { 4 }

  @inline(never)
  borrowing func path(waiting place: Int) -> Path {
    let suffixes: InlineArray<4, StaticString> = [".revoke0", ".revoke1", ".revoke2", ".revoke3"]
    return current.appending(suffixes[place])!
  }

  /// How many tokens wait to be revoked.
  public var waiting: Int {
    var count = 0
    for place in 0..<Self.places where status(waiting: place) != nil { count += 1 }
    return count
  }

  private borrowing func status(waiting place: Int) -> FileStatus? {
    try? directory.status(of: path(waiting: place))
  }

  /// The first place that is free, else the oldest's.
  private borrowing func nextPlace() -> Path {
    var (next, time) = (0, Int64.max)
    for place in 0..<Self.places {
      guard let status = status(waiting: place) else { return path(waiting: place) }
      if status.writtenAt < time { (next, time) = (place, status.writtenAt) }
    }
    return path(waiting: next)
  }

  /// Keeps in a place of its own what it takes to revoke the record's token: of the two the one
  /// that renews, where there is one. Who may not use the record may have it revoked. The record
  /// stays where it is, unless there is no room for both.
  ///
  /// - Parameters:
  ///   - person: a number that tells the person from others; nil where nobody knows.
  ///   - mayMove: whether the record may be moved where nothing can be written.
  ///   - last: a checksum of what was set aside last, which is not set aside again; 0 for nothing.
  ///   - scratch: memory for the whole file; wiped before this returns.
  /// - Returns: `.damaged` where no token can be read.
  public borrowing func setAside(
    person: Int64?, mayMove: Bool, last: inout UInt32, scratch: inout Buffer
  ) throws(TokenStoreError) -> Contents {
    scratch.removeAll()
    defer { scratch.wipe() }
    let owner: UInt32
    do {
      owner = try directory.read(current, into: &scratch).owner
    } catch {
      if error == .noSuchFile { return .nothing }
      if error == .fileTooLarge || error == .isLink { return .damaged }
      throw .read(error)
    }
    guard let record = try? JSONObject(scratch.bytes) else { return .damaged }
    scratch.wipe()
    if !writeWaiting(record, person, to: &scratch) { return .damaged }
    let sum = scratch.bytes.checksum
    if sum == last { return .record }
    do {
      try keepWaiting(scratch.bytes, owner)
      last = sum
    } catch {
      if !mayMove { throw .write(error) }
      do { try directory.rename(current, to: nextPlace()) } catch { throw .replace(error) }
    }
    return .record
  }

  private borrowing func keepWaiting(
    _ bytes: borrowing Span<UInt8>, _ owner: UInt32
  ) throws(Errno) {
    do {
      try directory.write(path(.new), bytes, mode: Self.mode, group: nil)
      // What root sets aside is the service's still.
      if owner != User.number { try directory.give(path(.new), to: owner) }
      try directory.rename(path(.new), to: nextPlace())
      try directory.synchronize()
    } catch {
      try? directory.removeIfPresent(path(.new))
      throw error
    }
  }

  /// Reads what waits at a place, whoever else can get at it: it is only ever revoked.
  ///
  /// - Parameter scratch: memory for the whole file; wiped before this returns.
  public borrowing func load(
    waiting place: Int, _ record: inout TokenRecord, scratch: inout Buffer
  ) throws(TokenStoreError) -> Contents {
    record.wipe()
    scratch.removeAll()
    defer { scratch.wipe() }
    do {
      let status = try directory.read(path(waiting: place), into: &scratch)
      guard record.read(waiting: scratch.bytes) else { return .damaged }
      record.writtenAt = status.writtenAt
      return .record
    } catch {
      if error == .noSuchFile { return .nothing }
      if error == .fileTooLarge || error == .isLink { return .damaged }
      throw .read(error)
    }
  }

  /// Forgets what waits at a place, and a generation before of the same grant.
  public borrowing func remove(waiting place: Int) throws(TokenStoreError) {
    do {
      try directory.removeIfPresent(path(.previous))
      try directory.removeIfPresent(path(waiting: place))
      try directory.synchronize()
    } catch {
      throw .remove(error)
    }
  }

  /// Forgets the generation before, and whose the grant was: there is another.
  public borrowing func forgetReplaced() {
    try? directory.removeIfPresent(path(.previous))
    try? directory.removeIfPresent(path(.person))
    try? directory.synchronize()
  }
}

/// - Returns: false where there is no token.
private func writeWaiting<Sink: ByteSink & ~Copyable>(
  _ record: borrowing JSONObject, _ person: Int64?, to sink: inout Sink
) -> Bool {
  var object = JSONWriter()
  let renews = holdsToken("refresh_token", record)
  let token: StaticString = renews ? "refresh_token" : "access_token"
  guard let value = record.string(token), holdsToken(token, record) else { return false }
  object.member(token, value, to: &sink)
  let end: StaticString = renews ? "refresh_token_expires_at" : "expires_at"
  if let value = record.integer(end) { object.member(end, value, to: &sink) }
  let names: InlineArray<3, StaticString> = ["issuer", "token_endpoint", "client_id"]
  for index in names.indices {
    if let value = record.string(names[index]) { object.member(names[index], value, to: &sink) }
  }
  if let person { object.member("person", person, to: &sink) }
  object.end(&sink)
  return true
}
