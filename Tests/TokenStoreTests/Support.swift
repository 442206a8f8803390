import Bytes
import Linux
import OAuth
import Simulation
import TestSupport
import TokenStore

/// The contents of a record, to be compared and printed.
struct Sample: Equatable {
  var accessToken = "at"
  var refreshToken = "rt"
  var tokenType = "Bearer"
  var scope = "a b"
  var expiresAt: Int64? = 1_800_000_000
  var refreshTokenExpiresAt: Int64?
  var tokenEndpoint = "https://as.example/token"
  var clientID = "board"

  /// One whose every value tells it from others.
  init(_ name: String) {
    accessToken = "access-\(name)"
    refreshToken = "refresh-\(name)"
  }

  init(accessToken: String, refreshToken: String) {
    self.accessToken = accessToken
    self.refreshToken = refreshToken
  }
}

/// Memory as large as the program's.
struct Memory {
  private let all = UnsafeMutableRawBufferPointer.allocate(byteCount: 240 * 1024, alignment: 16)

  func free() {
    all.deallocate()
  }

  private func part(_ range: Range<Int>) -> Buffer {
    Buffer(storage: UnsafeMutableRawBufferPointer(rebasing: all[range]))
  }

  /// An empty record.
  func record() -> TokenRecord {
    let limit = Tokens.limit
    return TokenRecord(
      tokens: Tokens(accessToken: part(0..<limit), refreshToken: part(limit..<2 * limit)))
  }

  /// An empty buffer for a whole file.
  func scratch() -> Buffer { part(2 * Tokens.limit..<2 * Tokens.limit + 200 * 1024) }
}

extension TokenRecord {
  mutating func fill(_ sample: Sample) {
    wipe()
    for byte in sample.accessToken.utf8 { tokens.accessToken.append(byte) }
    for byte in sample.refreshToken.utf8 { tokens.refreshToken.append(byte) }
    for byte in sample.scope.utf8 { tokens.scope.append(byte) }
    tokens.tokenType = text(sample.tokenType)
    tokens.expiresAt = sample.expiresAt
    tokens.refreshTokenExpiresAt = sample.refreshTokenExpiresAt
    tokenEndpoint = text(sample.tokenEndpoint)
    clientID = text(sample.clientID)
  }

  borrowing func sample() -> Sample {
    var sample = Sample("")
    sample.accessToken = string(tokens.accessToken.bytes)
    sample.refreshToken = string(tokens.refreshToken.bytes)
    sample.tokenType = string(tokens.tokenType)
    sample.scope = string(tokens.scope)
    sample.expiresAt = tokens.expiresAt
    sample.refreshTokenExpiresAt = tokens.refreshTokenExpiresAt
    sample.tokenEndpoint = string(tokenEndpoint)
    sample.clientID = string(clientID)
    return sample
  }
}

/// The file that holds a sample.
func file(_ sample: Sample) -> [UInt8] {
  let memory = Memory()
  defer { memory.free() }
  var record = memory.record()
  record.fill(sample)
  var buffer = memory.scratch()
  record.write(to: &buffer)
  precondition(!buffer.isTruncated)
  return array(buffer.bytes)
}

/// What a load comes to.
enum Loaded: Equatable {
  case nothing
  case damaged
  case record(Sample)
  case failed(String)
}

func load<Storage: TokenDirectory & ~Copyable>(_ store: borrowing TokenStore<Storage>) -> Loaded {
  let memory = Memory()
  defer { memory.free() }
  var record = memory.record()
  var scratch = memory.scratch()
  let contents: TokenStore<Storage>.Contents
  do {
    contents = try store.load(&record, scratch: &scratch)
  } catch {
    return .failed(words(error))
  }
  precondition(scratch.isEmpty)
  switch contents {
  case .nothing: return .nothing
  case .damaged: return .damaged
  case .record: return .record(record.sample())
  }
}

/// The error that a save ends with, in words; nil where it has succeeded.
func save<Storage: TokenDirectory & ~Copyable>(
  _ sample: Sample, in store: borrowing TokenStore<Storage>
) -> String? {
  let memory = Memory()
  defer { memory.free() }
  var record = memory.record()
  record.fill(sample)
  var scratch = memory.scratch()
  do {
    try store.save(
      record.tokens, issuer: record.issuer.bytes, tokenEndpoint: record.tokenEndpoint.bytes,
      clientID: record.clientID.bytes,
      scratch: &scratch)
  } catch {
    return words(error)
  }
  precondition(scratch.isEmpty)
  return nil
}

func words(_ error: TokenStoreError) -> String {
  String(decoding: written { $0.append(error) }, as: UTF8.self)
}

func store(on disk: SimulatedDisk) -> TokenStore<SimulatedDisk> {
  try! TokenStore(in: disk, name: Path("tokens.json"))
}
