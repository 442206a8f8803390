import Bytes
import Linux
import Simulation
import TestSupport
import Testing
import TokenStore

private let old = Sample("old")
private let older = Sample("older")

/// Everything that may lie beside a record.
private let everything: [String: [UInt8]] = [
  "tokens.json": file(old), "tokens.json.previous": file(older),
  "tokens.json.new": Array(file(Sample("new")).dropLast(5)),
  "tokens.json.damaged": Array(file(older).dropFirst(3)), "tokens.json.name": Array("Ada".utf8),
  "tokens.json.metadata": Array("{}".utf8), "tokens.json.name.new": Array("Ad".utf8),
  "tokens.json.metadata.new": [], "tokens.json.lock": [], "other": file(Sample("other")),
]

private let kept = ["other", "tokens.json.lock"]

/// The names of the files in which there is something of a token.
private func secrets(on disk: SimulatedDisk) -> [String] {
  disk.contents.filter { name, bytes in
    name != "other" && String(decoding: bytes, as: UTF8.self).contains("refresh")
  }.keys.sorted()
}

private func failure(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch let error as TokenStoreError {
    return words(error)
  } catch {
    return "another error"
  }
}

@Suite struct EraseTests {
  @Test func nothingOfTheTokensIsLeft() throws {
    let disk = SimulatedDisk(everything)
    #expect(secrets(on: disk).count == 4)
    try store(on: disk).erase()
    #expect(disk.contents.keys.sorted() == kept)
    // Not even after a power cut.
    for found in disk.afterPowerCut() { #expect(found.contents.keys.sorted() == kept) }
    // Once more is no error.
    try store(on: disk).erase()
  }

  @Test func whereThereIsNothingNothingIsWrong() throws {
    let disk = SimulatedDisk()
    try store(on: disk).erase()
    #expect(disk.contents.isEmpty)
  }

  @Test func whatCannotBeRemovedKeepsNothingElse() throws {
    let whole = SimulatedDisk(everything)
    try store(on: whole).erase()
    var survivors: Set<String> = []
    for step in 0..<whole.steps {
      let disk = SimulatedDisk(everything)
      disk.failure = (step, Errno(rawValue: 1))
      let message = failure { try store(on: disk).erase() }
      #expect(message == "it can't be removed: Operation not permitted")
      let rest = disk.contents.keys.filter { !kept.contains($0) }
      #expect(rest.count <= 1)
      survivors.formUnion(rest)
      // The next attempt succeeds.
      #expect(failure { try store(on: disk).erase() } == nil)
      #expect(disk.contents.keys.sorted() == kept)
    }
    #expect(survivors.count == 8)
  }

  @Test func aCutAnywhereLeavesTheRecordOrNothing() throws {
    let whole = SimulatedDisk(["tokens.json": file(old), "tokens.json.previous": file(older)])
    try store(on: whole).erase()
    for cut in 0..<whole.steps {
      let disk = SimulatedDisk(["tokens.json": file(old), "tokens.json.previous": file(older)])
      disk.cut = cut
      #expect(failure { try store(on: disk).erase() } != nil)
      for found in disk.afterPowerCut() {
        let loaded = load(store(on: found))
        #expect(loaded == .record(old) || loaded == .nothing)
        #expect(failure { try store(on: found).erase() } == nil)
        #expect(found.contents.isEmpty)
      }
    }
  }
}

@Suite struct RetireTests {
  @Test func theRecordBecomesTheGenerationBefore() throws {
    let disk = SimulatedDisk(everything)
    try store(on: disk).retire()
    for found in disk.afterPowerCut() {
      #expect(load(store(on: found)) == .nothing)
      #expect(found.contents["tokens.json.previous"] == file(old))
      #expect(found.contents["tokens.json.name"] == nil)
      #expect(found.contents["tokens.json.metadata"] != nil)
    }
  }

  @Test func withoutARecordThereIsNothingToRetire() throws {
    let disk = SimulatedDisk(["tokens.json.previous": file(older)])
    try store(on: disk).retire()
    #expect(disk.contents == ["tokens.json.previous": file(older)])
  }

  @Test func aCutAnywhereKeepsTheRecordUnderOneOfItsNames() throws {
    let whole = SimulatedDisk(everything)
    try store(on: whole).retire()
    for cut in 0..<whole.steps {
      let disk = SimulatedDisk(everything)
      disk.cut = cut
      #expect(failure { try store(on: disk).retire() } != nil)
      for found in disk.afterPowerCut() {
        let loaded = load(store(on: found))
        #expect(loaded == .record(old) || loaded == .nothing)
        // The next save works whatever is there.
        #expect(save(Sample("next"), in: store(on: found)) == nil)
        #expect(load(store(on: found)) == .record(Sample("next")))
      }
    }
  }

  @Test func whatCannotBeRetiredIsSaid() {
    let disk = SimulatedDisk(everything)
    disk.failure = (0, Errno(rawValue: 30))
    #expect(
      failure { try store(on: disk).retire() } == "it can't be replaced: Read-only file system")
    #expect(load(store(on: disk)) == .record(old))
  }
}

@Suite struct NoteTests {
  private func load(_ note: TokenStore<SimulatedDisk>.Note, _ disk: SimulatedDisk) -> String? {
    withBuffer(capacity: 64) { buffer in
      store(on: disk).load(note, into: &buffer) ? string(buffer.bytes) : nil
    }
  }

  private func save(
    _ note: TokenStore<SimulatedDisk>.Note, _ text: String, _ disk: SimulatedDisk
  ) {
    let bytes = Array(text.utf8)
    store(on: disk).save(note, bytes.span)
  }

  @Test func whatIsNotedIsFoundAgain() {
    let disk = SimulatedDisk(["tokens.json": file(old)])
    #expect(load(.name, disk) == nil && load(.metadata, disk) == nil)
    save(.name, "Ada", disk)
    save(.metadata, "{}", disk)
    save(.name, "Ädä", disk)
    #expect(load(.name, disk) == "Ädä")
    #expect(load(.metadata, disk) == "{}")
    #expect(
      disk.contents.keys.sorted() == ["tokens.json", "tokens.json.metadata", "tokens.json.name"])
    #expect(disk.contents["tokens.json"] == file(old))
  }

  @Test func anEmptyNoteIsRemoved() {
    let disk = SimulatedDisk()
    save(.name, "Ada", disk)
    save(.name, "", disk)
    #expect(load(.name, disk) == nil)
    #expect(disk.contents.isEmpty)
    save(.name, "", disk)
  }

  @Test func oneThatIsTooLargeIsNone() {
    let disk = SimulatedDisk(["tokens.json.name": [UInt8](repeating: 0x61, count: 100)])
    #expect(load(.name, disk) == nil)
  }

  @Test func whatFailsCostsNothing() {
    let beginning = ["tokens.json": file(old), "tokens.json.name": Array("Ada".utf8)]
    let whole = SimulatedDisk(beginning)
    save(.name, "Grace", whole)
    for step in 0..<whole.steps {
      let disk = SimulatedDisk(beginning)
      disk.failure = (step, Errno(rawValue: 28))
      save(.name, "Grace", disk)
      #expect(load(.name, disk) == "Ada")
      let cut = SimulatedDisk(beginning)
      cut.cut = step
      save(.name, "Grace", cut)
      for found in cut.afterPowerCut() {
        #expect(["Ada", "Grace"].contains(load(.name, found)))
        #expect(TokenStoreTests.load(store(on: found)) == .record(old))
      }
    }
  }
}
