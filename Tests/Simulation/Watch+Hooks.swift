/// What the programs are told that are run when something happens.
extension Watch {
  /// A program is run with these variables, each with a zero behind it.
  mutating func told(_ environment: [UInt8], _ universe: Universe) {
    environment.withUnsafeBufferPointer { noteSecret($0, universe) }
    let facts = Facts(environment)
    let isTrue =
      switch facts["EVENT"] {
      case "code": isTrueOfCode(facts, universe)
      case "signed_in": facts["SCOPE"] != nil && isTrueOfTokens(facts, 2, universe)
      case "refreshed": isTrueOfTokens(facts, 1, universe)
      case "lost": isTrueOfLoss(facts, universe)
      default: false
      }
    if !isTrue { fail(.hookMisled, universe) }
  }

  private func isTrueOfCode(_ facts: Facts, _ universe: Universe) -> Bool {
    let session = universe.main?.session
    let codes = universe.server.codes
    guard facts.count == 5, let number = codes.lastIndex(where: { $0.session == session })
    else { return false }
    let code = codes[number]
    let complete = facts["VERIFICATION_URI_COMPLETE"]
    return facts["USER_CODE"] == "CODE-\(number)"
      && facts["VERIFICATION_URI"] == "https://as.example/activate"
      && (complete == "" || complete == "https://as.example/activate?c=CODE-\(number)")
      && facts["EXPIRES_IN"] == "\((code.end - code.issuedAt) / 1000)"
  }

  /// - Parameter count: of the variables without the token's end, which not every server tells.
  private func isTrueOfTokens(_ facts: Facts, _ count: Int, _ universe: Universe) -> Bool {
    let end = facts["EXPIRES_AT"]
    if facts.count != count + (end == nil ? 0 : 1) { return false }
    if !["", "board", nil].contains(facts["SCOPE"]) { return false }
    // Where a display took its time, another program may have put other tokens there.
    if universe.now > recordChangedAt { return true }
    return end == universe.record.expiresAt.map { "\($0)" }
  }

  /// Where the file could not be moved out of the way, or another program has put one there, there
  /// may be one; so where the directory was away a moment before.
  private func isTrueOfLoss(_ facts: Facts, _ universe: Universe) -> Bool {
    let isGone =
      !universe.record.isThere || universe.now <= max(diskTroubledUntil, calmSince) + 60_000
    return facts.count == 3 && isGone && facts["REASON"] != "" && facts["FAULT"] != ""
      && facts["REASON"] != nil && facts["FAULT"] != nil
  }
}

/// The variables of a hook.
private struct Facts {
  private var values: [Substring: Substring] = [:]
  /// How many there are, with those that have the same name.
  private(set) var count = 0

  init(_ environment: [UInt8]) {
    for variable in environment.split(separator: 0) {
      let text = String(decoding: variable, as: UTF8.self)
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      count += 1
      if parts.count == 2 { values[parts[0].dropFirst("DEVICEGRANT_".count)] = parts[1] }
    }
  }

  subscript(_ name: String) -> String? { values[name[...]].map(String.init) }
}
