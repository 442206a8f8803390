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
    guard let variables = unsafe clinux_environment() else { return }
    var index = 0
    while let variable = unsafe variables[index] {
      index += 1
      let text = unsafe PermanentBytes(cString: variable)
      guard let equals = text.bytes.firstIndex(of: UInt8(ascii: "=")) else { continue }
      body(text.extracting(0..<equals), text.extracting(equals + 1..<text.count))
    }
  }
}

extension PermanentBytes {
  /// - Parameter cString: an argument or a variable of the process, ended by a zero.
  public init(cString: UnsafePointer<CChar>) {
    let start = unsafe UnsafeRawPointer(cString).assumingMemoryBound(to: UInt8.self)
    unsafe self.init(UnsafeBufferPointer(start: start, count: strlen(cString)))
  }
}

/// The user that the process acts for.
public enum User {
  public static var isRoot: Bool { number == 0 }

  public static var number: UInt32 { UInt32(geteuid()) }
}

/// The groups of the system (group(5)).
public enum Group {
  /// The number of a group that is named, or given by its number.
  public static func number(named name: borrowing Span<UInt8>) -> UInt32? {
    // The highest number means "no group" to the kernel.
    if let number = name.parseDecimal() {
      return number < 0xFFFF_FFFF ? UInt32(truncatingIfNeeded: number) : nil
    }
    guard let path = Path(name) else { return nil }
    let number = unsafe path.withCString { unsafe clinux_group_number($0) }
    return number < 0 ? nil : UInt32(truncatingIfNeeded: number)
  }
}
