import Bytes
import Linux
import Simulation
import Testing
import TokenStore

private let old = Sample("old")
private let new = Sample("new")
private let newest = Sample("newest")

/// The disks to start from.
private let beginnings: [[String: [UInt8]]] = [
  [:],
  ["tokens.json": file(old)],
  ["tokens.json": file(old), "tokens.json.previous": file(Sample("older"))],
  // Left by a cut.
  ["tokens.json": file(old), "tokens.json.new": Array(file(new).dropLast(9))],
  ["tokens.json": file(old), "tokens.json.new": [], "tokens.json.previous": file(old)],
  // Beside the lock and the notes.
  notes.merging(["tokens.json": file(old)]) { $1 },
]

/// What a save leaves alone.
private let notes: [String: [UInt8]] = [
  "tokens.json.lock": [], "tokens.json.name": Array("Ada".utf8),
  "tokens.json.metadata": Array("{}".utf8), "tokens.json.name.new": [1],
]

@Suite struct PowerCutTests {
  /// The number of steps of a save that nothing disturbs.
  private func stepsOfSave(_ beginning: [String: [UInt8]]) -> Int {
    let disk = SimulatedDisk(beginning)
    #expect(save(new, in: store(on: disk)) == nil)
    return disk.steps
  }

  @Test(arguments: beginnings)
  func aCutAnywhereLeavesTheOldOrTheNewRecord(beginning: [String: [UInt8]]) {
    let before: Loaded = beginning.isEmpty ? .nothing : .record(old)
    let steps = stepsOfSave(beginning)
    #expect(steps >= 8)
    var outcomes: [Loaded] = []
    for cut in 0..<steps {
      let disk = SimulatedDisk(beginning)
      disk.cut = cut
      #expect(save(new, in: store(on: disk)) != nil)
      for found in disk.afterPowerCut() {
        let loaded = load(store(on: found))
        #expect(loaded == before || loaded == .record(new), "cut before step \(cut)")
        if !outcomes.contains(loaded) { outcomes.append(loaded) }
        // Whatever lies about, the next save succeeds, and lasts.
        #expect(save(newest, in: store(on: found)) == nil)
        for last in found.afterPowerCut() {
          #expect(load(store(on: last)) == .record(newest))
        }
      }
    }
    // Both happen, so the disk does lose something.
    #expect(outcomes.count == 2)
  }

  @Test(arguments: beginnings)
  func whatWasSavedLastsAndTheOneBeforeIsKept(beginning: [String: [UInt8]]) {
    let disk = SimulatedDisk(beginning)
    #expect(save(new, in: store(on: disk)) == nil)
    let found = disk.afterPowerCut()
    #expect(!found.isEmpty)
    for found in found {
      #expect(load(store(on: found)) == .record(new))
      #expect(found.contents["tokens.json.previous"] == beginning["tokens.json"])
      #expect(found.contents["tokens.json.new"] == nil)
      for name in notes.keys { #expect(found.contents[name] == beginning[name]) }
    }
  }

  @Test func aCutAnywhereKeepsADamagedFileUnderOneOfItsNames() {
    let bytes = Array("{\"access_".utf8)
    for cut in 0...2 {
      let disk = SimulatedDisk(["tokens.json": bytes])
      disk.cut = cut
      let outcome = Result { () throws in try store(on: disk).setDamagedAside() }
      for found in disk.afterPowerCut() {
        let loaded = load(store(on: found))
        #expect(loaded == .damaged || loaded == .nothing)
        if (try? outcome.get()) != nil {
          #expect(loaded == .nothing)
          #expect(found.contents == ["tokens.json.damaged": bytes])
        }
      }
      #expect(((try? outcome.get()) != nil) == (cut == 2))
    }
  }

  @Test(
    arguments: [(28, "No space left on device"), (5, "Input/output error"), (30, "Read-only")]
      as [(Int32, String)])
  func aFailureAnywhereLeavesAWholeRecord(code: Int32, name: String) {
    let beginning = beginnings[2]
    let steps = stepsOfSave(beginning)
    for step in 0..<steps {
      let disk = SimulatedDisk(beginning)
      disk.failure = (step, Errno(rawValue: code))
      let error = save(new, in: store(on: disk))
      if let error {
        #expect(error.contains(name))
        // Only the very last step, the flush, comes after the new record is in its place.
        #expect(load(store(on: disk)) == .record(step == steps - 1 ? new : old))
      } else {
        #expect(load(store(on: disk)) == .record(new))
      }
      #expect(disk.contents["tokens.json.new"] == nil, "step \(step) failed")
      #expect(save(newest, in: store(on: disk)) == nil)
      #expect(load(store(on: disk)) == .record(newest))
    }
  }

  @Test func aSecondGenerationThatCannotBeKeptCostsNoTokens() {
    let disk = SimulatedDisk(beginnings[2])
    disk.hasHardLinks = false
    #expect(save(new, in: store(on: disk)) == nil)
    for found in disk.afterPowerCut() { #expect(load(store(on: found)) == .record(new)) }
    #expect(disk.contents.keys.sorted() == ["tokens.json"])
  }

  @Test func tryingOutWhetherToSaveChangesNothing() throws {
    let disk = SimulatedDisk(beginnings[2])
    let memory = Memory()
    defer { memory.free() }
    var scratch = memory.scratch()
    try store(on: disk).checkWritable(size: 9000, scratch: &scratch)
    #expect(disk.largest >= 9000)
    #expect(disk.contents == beginnings[2])
    for step in 0..<disk.steps {
      let full = SimulatedDisk(beginnings[2])
      full.failure = (step, Errno(rawValue: 28))
      #expect(throws: TokenStoreError.self) {
        try store(on: full).checkWritable(size: 9000, scratch: &scratch)
      }
      #expect(load(store(on: full)) == .record(old))
    }
  }

  /// What keeping tokens would come to, found out before there are any.
  @Test(
    arguments: [
      (
        nil,
        "it can't be replaced: Device or resource busy; mount its directory, not the file alone"
      ),
      (
        .mode(0o755),
        "other users can get at it, its mode is 0755: sign in again if they may have, "
          + "else chmod 600 it; on vfat, mount with umask=077"
      ),
      (
        .owner(7),
        "it belongs to user 7: run this as that user, or give the file to this one with chown"
      ),
    ] as [(Exposure?, String)])
  func tryingOutDoesWhatSavingAndLoadingDo(exposure: Exposure?, expected: String) {
    let disk = SimulatedDisk(beginnings[2])
    disk.exposures["tokens.json.probe"] = exposure
    if exposure == nil { disk.mounted = "tokens.json" }
    let memory = Memory()
    defer { memory.free() }
    var scratch = memory.scratch()
    do throws(TokenStoreError) {
      try store(on: disk).checkWritable(size: 9000, scratch: &scratch)
      Issue.record("it is found good")
    } catch {
      #expect(words(error) == expected)
    }
    #expect(disk.contents == beginnings[2])
  }
}
