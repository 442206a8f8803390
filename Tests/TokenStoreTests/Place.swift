import Foundation
import Linux
import TokenStore

/// The real file system below a directory that goes away with everything in it.
final class Place {
  let name: String

  init() {
    name = NSTemporaryDirectory() + "/devicegrant." + UUID().uuidString
    try! FileManager.default.createDirectory(atPath: name, withIntermediateDirectories: true)
  }

  deinit {
    try? FileManager.default.removeItem(atPath: name)
  }

  func path(_ file: String) -> Path {
    let bytes = Array("\(name)/\(file)".utf8)
    return Path(bytes.span)!
  }

  func write(_ file: String, _ content: String) {
    precondition(
      FileManager.default.createFile(atPath: "\(name)/\(file)", contents: Data(content.utf8)))
  }

  func mode(_ file: String) -> Int? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: "\(name)/\(file)")
    return attributes?[.posixPermissions] as? Int
  }

  func names(_ directory: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(name)/\(directory)")) ?? []).sorted()
  }

  func store(
    _ file: String = "state/deep/tokens.json"
  ) throws(TokenStoreError) -> TokenStore<Directory> {
    let path = path(file)
    let directory: Directory
    do {
      directory = try Directory(creating: path.directory)
    } catch {
      throw .openDirectory(error)
    }
    return try TokenStore(in: directory, name: path.name!)
  }
}
