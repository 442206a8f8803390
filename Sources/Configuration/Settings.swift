public import Bytes

/// Where a setting comes from, the strongest last.
public enum Origin: Sendable, Equatable {
  case preset
  /// A line of the configuration file, counted from 1.
  case file(line: Int)
  /// `CLIENT_ID` or `CLIENT_SECRET`, which yield to their longer names.
  case sampleEnvironment
  case environment
  case option

  var rank: Int {
    switch self {
    case .preset: 0
    case .file: 1
    case .sampleEnvironment: 2
    case .environment: 3
    case .option: 4
    }
  }
}

/// Why the configuration can't be used: the fault, and where it stands.
public enum ConfigurationError: Error, Sendable {
  case malformedLine(Int)
  case unknownKey(PermanentBytes, line: Int)
  case duplicateKey(Key, line: Int)
  case duplicateOption(Key)
  /// A value that is of no use, and why.
  case badValue(Key, Origin, StaticString)
  /// A key that must be set, and why.
  case missing(Key, StaticString)
}

/// One value as it was given.
public struct Setting: Sendable {
  public let value: PermanentBytes
  public let origin: Origin
}

/// The values of all keys, each from the strongest of its sources: option, environment, file,
/// preset.
public struct Settings: Sendable {
  // Takes a literal, which `init` compares.
  private var values = InlineArray<30, Setting?>(repeating: nil)

  public init() {
    precondition(values.count == Key.count, "a key without a place for its value")
  }

  public subscript(_ key: Key) -> Setting? {
    @inline(never) get { values[Int(key.rawValue)] }
  }

  /// The value of a key; empty where it is not set.
  func text(_ key: Key) -> PermanentBytes { self[key]?.value ?? PermanentBytes("") }

  /// Sets a key unless a stronger source has.
  public mutating func set(_ key: Key, _ value: PermanentBytes, _ origin: Origin) {
    if let present = self[key], present.origin.rank > origin.rank { return }
    values[Int(key.rawValue)] = Setting(value: value, origin: origin)
  }

  /// Sets a key from an option, which may be given once.
  public mutating func setOption(
    _ key: Key, _ value: PermanentBytes
  ) throws(ConfigurationError) {
    if let present = self[key], present.origin == .option { throw .duplicateOption(key) }
    set(key, value, .option)
  }

  /// Takes an environment variable, where it is a key's. An empty one counts as unset, as a shell's
  /// user expects.
  @inline(never)
  public mutating func setVariable(_ name: PermanentBytes, _ value: PermanentBytes) {
    guard value.count > 0, let key = Key(environment: name.bytes) else { return }
    let isSample = !name.bytes.hasPrefix("DEVICEGRANT_")
    set(key, value, isSample ? .sampleEnvironment : .environment)
  }

  /// Takes the configuration file: `key = value` lines; `#` begins a comment at the start of a line
  /// and after a blank.
  public mutating func readFile(_ file: PermanentBytes) throws(ConfigurationError) {
    try readLines(file, isPreset: false)
  }

  /// Takes a preset's defaults, which are written like a file and yield to everything.
  mutating func readDefaults(of preset: Preset) throws(ConfigurationError) {
    try readLines(PermanentBytes(preset.defaults), isPreset: true)
  }

  private mutating func readLines(
    _ file: PermanentBytes, isPreset: Bool
  ) throws(ConfigurationError) {
    // Which keys have had their line.
    var seen = ByteSet()
    var number = 0
    var start = file.bytes.hasPrefix("\u{FEFF}") ? 3 : 0
    while start < file.count {
      let end = file.bytes.firstIndex(of: UInt8(ascii: "\n"), from: start) ?? file.count
      number += 1
      let line = file.extracting(start..<end)
      try readLine(line, number, isPreset ? .preset : .file(line: number), &seen)
      start = end + 1
    }
  }

  private mutating func readLine(
    _ line: PermanentBytes, _ number: Int, _ origin: Origin, _ seen: inout ByteSet
  ) throws(ConfigurationError) {
    let content = line.extracting(0..<commentStart(line.bytes)).trimmed()
    if content.count == 0 { return }
    for index in content.bytes.indices where content.bytes[index].isControl {
      throw .malformedLine(number)
    }
    guard let equals = content.bytes.firstIndex(of: UInt8(ascii: "=")) else {
      throw .malformedLine(number)
    }
    let name = content.extracting(0..<equals).trimmed()
    let value = content.extracting(equals + 1..<content.count).trimmed()
    guard let key = Key(named: name.bytes) else {
      // The end of a secret that was wrapped: nobody is to read it in an error.
      if value.count == 0 || value.bytes[0] == UInt8(ascii: "=") { throw .malformedLine(number) }
      throw .unknownKey(name.extracting(0..<min(name.count, 64)), line: number)
    }
    if !seen.insert(key.rawValue) { throw .duplicateKey(key, line: number) }
    set(key, value, origin)
  }
}

/// The offset at which a line's comment begins, or its length.
private func commentStart(_ line: borrowing Span<UInt8>) -> Int {
  for index in line.indices where line[index] == UInt8(ascii: "#") {
    if index == 0 || line[index - 1].isBlank { return index }
  }
  return line.count
}

extension UInt8 {
  fileprivate var isControl: Bool { (self < 0x20 && self != 0x09) || self == 0x7F }
}
