internal import Bytes
internal import HTTP

extension Settings {
  /// Finds a value that has not the form of its key, whether it counts or is outranked by another
  /// key's.
  @inline(never)
  func checkForms() throws(ConfigurationError) {
    var keys = Cases<Key>()
    while let key = keys.next() {
      guard let setting = self[key], let fault = key.fault(in: setting.value.bytes) else {
        continue
      }
      throw .badValue(key, setting.origin, fault)
    }
  }
}

extension Key {
  /// Why a value has not the key's form; nil for a choice, which is for its reader to refuse.
  @inline(never)
  func fault(in value: borrowing Span<UInt8>) -> StaticString? {
    switch row.form {
    case .url: urlFault(value)
    case .path: pathFault(value, isAbsolute: false)
    case .absolutePath: pathFault(value, isAbsolute: true)
    case .socketPath: pathFault(value, isAbsolute: true) ?? socketPathFault(value)
    case .group: value.count == 0 ? "is empty" : nil
    case .text(let limit): value.count > limit ? "is too long" : nil
    case .choice, .displays: nil
    }
  }
}

private func urlFault(_ value: borrowing Span<UInt8>) -> StaticString? {
  do {
    _ = try URL(value)
    return nil
  } catch {
    return error.description
  }
}

private func pathFault(_ path: borrowing Span<UInt8>, isAbsolute: Bool) -> StaticString? {
  if path.count == 0 { return "is empty" }
  if path.count > Key.Form.pathLimit { return "is too long for a path" }
  if path[path.count - 1] == UInt8(ascii: "/") { return "ends in a slash" }
  return isAbsolute && path[0] != UInt8(ascii: "/") ? "is not an absolute path" : nil
}

private func socketPathFault(_ path: borrowing Span<UInt8>) -> StaticString? {
  path.count > LocalConfiguration.socketPathLimit ? "is longer than 107 bytes" : nil
}
