public import Bytes
internal import CLinux

/// The environment of the process, which stays as it was at the start.
public enum Environment {
  /// The value of a variable that is set and not empty.
  public static func value(_ name: StaticString) -> PermanentBytes? {
    var found: PermanentBytes?
    forEach { variable, value in
      if found == nil, variable.bytes.equals(name), value.count > 0 { found = value }
    }
    return found
  }

  /// Gives each variable's name and value to `body`.
  public static func forEach(_ body: (PermanentBytes, PermanentBytes) -> Void) {
    guard let variables = clinux_environment() else { return }
    var index = 0
    while let variable = variables[index] {
      index += 1
      let text = PermanentBytes(cString: variable)
      guard let equals = text.bytes.firstIndex(of: UInt8(ascii: "=")) else { continue }
      body(text.extracting(0..<equals), text.extracting(equals + 1..<text.count))
    }
  }
}

extension PermanentBytes {
  /// - Parameter cString: an argument or a variable of the process, ended by a zero.
  public init(cString: UnsafePointer<CChar>) {
    let start = UnsafeRawPointer(cString).assumingMemoryBound(to: UInt8.self)
    self.init(UnsafeBufferPointer(start: start, count: strlen(cString)))
  }
}

/// The user that the process acts for.
public enum User {
  public static var isRoot: Bool { geteuid() == 0 }
}
