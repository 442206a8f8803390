import Bytes
import Configuration
import HTTP
import TestSupport

/// Bytes that are never freed, as the program's are.
func permanent(_ text: String) -> PermanentBytes {
  let bytes = Array(text.utf8)
  let storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
  _ = storage.initialize(from: bytes)
  return PermanentBytes(UnsafeBufferPointer(storage))
}

func settings(_ file: String) throws -> Settings {
  var settings = Settings()
  try settings.readFile(permanent(file))
  return settings
}

func value(_ setting: Setting?) -> String? {
  setting.map { string($0.value.bytes) }
}

/// The error in words that can be compared; "none" where there is none.
func fault(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "none"
  } catch let error as ConfigurationError {
    return words(error)
  } catch {
    return "another error"
  }
}

private func words(_ error: ConfigurationError) -> String {
  switch error {
  case .malformedLine(let line): "malformed line \(line)"
  case .unknownKey(let key, let line): "unknown key \(string(key.bytes)) in line \(line)"
  case .duplicateKey(let key, let line): "duplicate key \(string(key.name.bytes)) in line \(line)"
  case .duplicateOption(let key): "duplicate option \(string(key.name.bytes))"
  case .badValue(let key, let origin, let reason):
    "\(string(key.name.bytes)) \(string(reason.bytes)) (\(origin))"
  case .missing(let key, _): "missing \(string(key.name.bytes))"
  }
}

func all<Case>(_ cases: Cases<Case>) -> [Case] {
  Array(sequence(state: cases) { $0.next() })
}

func allKeys() -> [Key] { all(Cases()) }

/// The client's part of a configuration.
func client(_ file: String, secret: String? = nil) throws -> ClientConfiguration {
  try client(settings(file), secret: secret)
}

func client(_ settings: Settings, secret: String? = nil) throws -> ClientConfiguration {
  var memory = endpointMemory()
  return try ClientConfiguration(settings, secretFile: secret.map(permanent), memory: &memory)
}

/// What a check of the client's part says.
func checkFault(_ file: String) -> String {
  fault {
    var memory = endpointMemory()
    try ClientConfiguration.check(settings(file), memory: &memory)
  }
}

/// Memory for endpoints, as large as the program's, which is never freed.
func endpointMemory() -> Buffer {
  Buffer(storage: .allocate(byteCount: ClientConfiguration.endpointMemory, alignment: 16))
}

let allEndpoints: [Endpoint] = all(Cases())

let allHooks: [Hook] = all(Cases())

/// Where a request would go.
func url(_ client: ClientConfiguration, _ endpoint: Endpoint) -> String? {
  client.url(of: endpoint).map { string($0.text) }
}
