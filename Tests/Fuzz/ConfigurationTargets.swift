@testable import Configuration
import Board
import Bytes
import HTTP
import Invocation
import JSON
import TestSupport

nonisolated(unsafe) private let endpoints = memory(ClientConfiguration.endpointMemory)
nonisolated(unsafe) private let otherEndpoints = memory(ClientConfiguration.endpointMemory)
nonisolated(unsafe) private let fileMemory = memory(200 * 1024)

/// The reader of the configuration file, and both readers of its values.
func fuzzConfiguration(_ input: Input) {
  var settings = Settings()
  do throws(ConfigurationError) {
    try settings.readFile(PermanentBytes(input))
    check(settings)
    checkLocal(try LocalConfiguration(settings))
    var memory = Buffer(storage: endpoints)
    try ClientConfiguration.check(settings, memory: &memory)
    memory.removeAll()
    checkClient(try ClientConfiguration(settings, secretFile: nil, memory: &memory))
  } catch {
    let error = StartError.configuration(error, file: PermanentBytes("/etc/devicegrant.conf"))
    let line = Phrase { error.tell(to: $0) }
    require(isPrintable(line.bytes) && !line.isTruncated, "a fault in one line of text")
    // What stands in the place of a key is told.
    if case .configuration(.unknownKey, _) = error { return }
    require(line.bytes.firstIndex(of: "hunter2!") == nil, "no secret in a fault's words")
  }
}

/// What is set is the same when it is written as a file, without blanks that begin a comment, and
/// read again.
private func check(_ settings: Settings) {
  var file = Buffer(storage: fileMemory)
  var keys = Cases<Key>()
  while let key = keys.next() {
    guard let setting = settings[key] else { continue }
    require(isFree(of: 0x0A, setting.value.bytes), "a value in one line")
    file.append(key.name.bytes)
    file.append("=")
    file.append(setting.value.bytes)
    file.append("\n")
  }
  require(!file.isTruncated, "a file no longer than what was read, and its keys")
  var again = Settings()
  do throws(ConfigurationError) { try again.readFile(file.permanent()) } catch {
    return require(false, "what is set can be written and read")
  }
  var all = Cases<Key>()
  while let key = all.next() {
    require(settings.text(key).bytes.equals(again.text(key).bytes), "a value read again")
  }
}

private func isFree(of byte: UInt8, _ bytes: borrowing Span<UInt8>) -> Bool {
  !bytes.contains(byte)
}

private func checkLocal(_ configuration: LocalConfiguration) {
  require([0, 90, 180, 270].contains(configuration.rotation), "a quarter's turn")
  if let socket = configuration.socket {
    require(socket.count <= LocalConfiguration.socketPathLimit, "a path that a socket can have")
    require(socket.bytes[0] == UInt8(ascii: "/"), "a socket's absolute path")
  }
  for hook in [Hook.code, .signedIn, .refreshed, .lost] {
    guard let program = configuration.program(for: hook) else { continue }
    require(program.bytes[0] == UInt8(ascii: "/"), "a program's absolute path")
  }
}

private func checkClient(_ client: ClientConfiguration) {
  require(client.clientID.bytes.isUTF8 && client.clientID.count <= 512, "an id for the record")
  require(client.clientSecret.count <= 512, "a secret that has room")
  var all = Cases<Endpoint>()
  while let endpoint = all.next() {
    let isThere = client.text(of: endpoint).count > 0
    require(isThere == (client.url(of: endpoint) != nil), "an endpoint is a URL")
  }
  require(client.issuer.count == 0 || client.metadataURL(.openIDProvider) != nil, "metadata's URL")
  require(
    client.issuer.count == 0 || client.metadataURL(.authorizationServer) != nil, "metadata's URL")
}

private let issuer: StaticString = "https://as.example/realms/board"

private func openClient() -> ClientConfiguration {
  var settings = Settings()
  let file = PermanentBytes("issuer = https://as.example/realms/board\nclient_id = x\n")
  do throws(ConfigurationError) {
    try settings.readFile(file)
    var memory = Buffer(storage: endpoints)
    return try ClientConfiguration(settings, secretFile: nil, memory: &memory)
  } catch { fatalError("the client has no configuration") }
}

private let now: Int64 = 1_800_000_000

/// The reader of an issuer's metadata, or of the cache of them: the first byte chooses.
func fuzzMetadata(_ input: Input) {
  var memory = Buffer(storage: endpoints)
  memory.removeAll()
  var metadata: Metadata?
  let name = PermanentBytes(issuer)
  if input.first == UInt8(ascii: "c") {
    metadata = Metadata(
      cache: input.rest.span, issuer: name, unixSeconds: now, memory: &memory)
  } else {
    do throws(MetadataError) {
      metadata = try Metadata(input.rest.span, issuer: name, memory: &memory)
    } catch {
      var words = Text<256>()
      words.append(error)
      require(!words.isTruncated && words.count > 0, "a fault in words")
    }
  }
  if let metadata { checkCache(metadata, name) }
}

/// What is written of metadata completes a client in the same way.
private func checkCache(_ metadata: Metadata, _ name: PermanentBytes) {
  var cache = Buffer(storage: fileMemory)
  metadata.writeCache(issuer: name, fetchedAt: now, to: &cache)
  require(!cache.isTruncated, "a cache that has room")
  var memory = Buffer(storage: otherEndpoints)
  guard
    let again = Metadata(cache: cache.bytes, issuer: name, unixSeconds: now, memory: &memory)
  else { return require(false, "a cache that is written can be read") }
  var (one, other) = (client, client)
  do throws(MetadataError) { try one.complete(with: metadata) } catch {
    return require(error != .anotherIssuer, "this issuer's")
  }
  do throws(MetadataError) { try other.complete(with: again) } catch {
    return require(false, "a cache tells as much")
  }
  require(!one.needsDiscovery, "all that signing in takes")
  var all = Cases<Endpoint>()
  while let endpoint = all.next() {
    require(
      one.text(of: endpoint).bytes.equals(other.text(of: endpoint).bytes), "an endpoint's URL")
    require(
      one.text(of: endpoint).count == 0 || one.url(of: endpoint) != nil, "an endpoint is a URL")
  }
}

private let client = openClient()
