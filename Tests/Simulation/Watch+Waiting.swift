/// What waits to be revoked.
extension Watch {
  /// The longest pause between two attempts, and what it takes to notice.
  private static let patience: Int64 = 3_600_000 + 2 * Watch.noticing

  /// Reads what waits, where the disk has changed.
  mutating func lookForWaiting(_ universe: Universe) {
    if universe.disk.revision == waitingRevision { return }
    waitingRevision = universe.disk.revision
    let before = waiting
    waiting = []
    let names: [StaticString] = [
      "tokens.json.revoke0", "tokens.json.revoke1", "tokens.json.revoke2", "tokens.json.revoke3",
    ]
    for name in names {
      let token = universe.disk.withFile(name) { bytes in
        bytes.flatMap {
          findToken(UInt8(ascii: "r"), in: $0) ?? findToken(UInt8(ascii: "a"), in: $0)
        }
      }
      if let token { waiting.append(token) }
    }
    if waiting.isEmpty || !before.contains(waiting[0]) { waitingSince = universe.now }
  }

  /// What waits is revoked, or forgotten, once the server can be asked; what another grant has
  /// taken the place of is nowhere else.
  mutating func lookAtWaiting(_ universe: Universe) {
    lookForWaiting(universe)
    let start = max(calmSince, diskTroubledUntil, readyAt)
    // What is the grant's still is forgotten when that is renewed.
    let waits = waiting.contains {
      $0 != universe.record.refresh && $0 != universe.record.access
    }
    if waits, universe.now > max(start, waitingSince, recordChangedAt) + Self.patience {
      fail(.neverRevoked, universe)
    }
    guard let refresh = universe.record.refresh, !isPutBack,
      universe.now > max(start, recordChangedAt) + Self.patience
    else { return }
    let before = universe.disk.withFile("tokens.json.previous") { bytes in
      bytes.flatMap { findToken(UInt8(ascii: "r"), in: $0) }
    }
    // One that the server called dead is a person's to put back.
    if let before, before.family != refresh.family, universe.server.accepts(refresh: before) {
      fail(.replacedGrantKept, universe)
    }
  }

  /// The server has ended a grant for a token that was revoked.
  mutating func revoked(_ family: Int, _ universe: Universe) {
    _ = universe.record.read(universe.disk)
    if universe.record.refresh?.family == family { fail(.heldGrantRevoked, universe) }
  }
}
