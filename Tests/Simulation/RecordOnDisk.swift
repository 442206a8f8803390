import Board
/// What the token file holds, as the universe reads it, once for each change.
struct RecordOnDisk {
  private(set) var access: TokenName?
  private(set) var refresh: TokenName?
  /// Whether there is a file that is no whole record.
  private(set) var isDamaged = false
  /// As the file says, in seconds since 1970.
  private(set) var expiresAt: Int64?
  private(set) var previousAccess: TokenName?
  private var revision = -1

  var isThere: Bool { access != nil }

  /// Reads the file again where it may be another.
  ///
  /// - Returns: whether it is.
  mutating func read(_ disk: SimulatedDisk) -> Bool {
    if disk.revision == revision { return false }
    revision = disk.revision
    let old = (access, refresh, expiresAt, isDamaged)
    disk.withFile("tokens.json") { take($0) }
    if old.0 != access, old.0 != nil { previousAccess = old.0 }
    return old != (access, refresh, expiresAt, isDamaged)
  }

  private mutating func take(_ bytes: [UInt8]?) {
    (access, refresh, expiresAt, isDamaged) = (nil, nil, nil, false)
    guard let bytes else { return }
    guard bytes.last == UInt8(ascii: "}") || bytes.last == UInt8(ascii: "\n"),
      let token = findToken(UInt8(ascii: "a"), in: bytes)
    else {
      isDamaged = true
      return
    }
    access = token
    refresh = findToken(UInt8(ascii: "r"), in: bytes)
    if let member = bytes.firstRange(of: "\"expires_at\":") {
      var start = member.upperBound
      while start < bytes.count, bytes[start] == 0x20 { start += 1 }
      expiresAt = bytes.decimal(at: start)?.value
    }
  }
}

extension Universe {
  /// A name in the directory of the tokens has changed; who watches it is told.
  func recordMayHaveChanged() {
    if record.read(disk) { watch.recordChanged(self) }
    guard let main, main.watchesRecord, !main.isDead else { return }
    main.post(.recordChanged)
  }
}
