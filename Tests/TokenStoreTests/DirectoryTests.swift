import Bytes
import Foundation
import Linux
import TestSupport
import Testing
import TokenStore

@Suite struct DirectoryTests {
  @Test func onlyTheOwnerCanReadWhatIsSaved() throws {
    let place = Place()
    let store = try place.store()
    #expect(save(Sample("one"), in: store) == nil)
    #expect(save(Sample("two"), in: store) == nil)
    #expect(load(store) == .record(Sample("two")))
    #expect(place.names("state/deep") == ["tokens.json", "tokens.json.previous"])
    #expect(place.mode("state/deep") == 0o700)
    #expect(place.mode("state/deep/tokens.json") == 0o600)
    #expect(place.mode("state/deep/tokens.json.previous") == 0o600)
  }

  @Test(.timeLimit(.minutes(1))) func aFIFOInTheFilesPlaceHangsNothing() throws {
    let place = Place()
    let store = try place.store("tokens.json")
    for name in ["tokens.json", "tokens.json.new", "tokens.json.previous"] {
      #expect(mkfifo("\(place.name)/\(name)", 0o600) == 0)
    }
    #expect(load(store) == .damaged)
    try store.setDamagedAside()
    #expect(save(Sample("x"), in: store) == nil)
    #expect(load(store) == .record(Sample("x")))
  }

  @Test func aDirectoryInTheFilesPlaceIsAnError() throws {
    let place = Place()
    try FileManager.default.createDirectory(
      atPath: "\(place.name)/tokens.json", withIntermediateDirectories: false)
    let store = try place.store("tokens.json")
    guard case .failed = load(store) else {
      Issue.record("a directory was read")
      return
    }
    #expect(save(Sample("x"), in: store) == "it can't be replaced: Is a directory")
    #expect(place.names("") == ["tokens.json"])
  }

  @Test(arguments: ["tokens.json", "tokens.json.new", "tokens.json.previous"])
  func aLinkInAFilesPlaceIsReplacedNotFollowed(name: String) throws {
    let place = Place()
    place.write("victim", "victim")
    let store = try place.store("tokens.json")
    try FileManager.default.createSymbolicLink(
      atPath: "\(place.name)/\(name)", withDestinationPath: "\(place.name)/victim")
    #expect(save(Sample("one"), in: store) == nil)
    #expect(save(Sample("two"), in: store) == nil)
    #expect(load(store) == .record(Sample("two")))
    #expect(FileManager.default.contents(atPath: "\(place.name)/victim") == Data("victim".utf8))
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(place.name)/tokens.json")
    #expect(attributes[.type] as? FileAttributeType == .typeRegular)
  }

  @Test func aDamagedFileIsKeptForAPersonToLookAt() throws {
    let place = Place()
    let store = try place.store("tokens.json")
    place.write("tokens.json", "{\"acc")
    #expect(load(store) == .damaged)
    try store.setDamagedAside()
    #expect(load(store) == .nothing)
    #expect(place.names("") == ["tokens.json.damaged"])
    #expect(throws: TokenStoreError.self) { try place.store("tokens.json").setDamagedAside() }
  }
}
