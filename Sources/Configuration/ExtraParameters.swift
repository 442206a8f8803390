internal import Bytes

/// What is wrong with a value of `extra_parameters`: other text than `name=value&name=value` in
/// form encoding (RFC 6749 Appendix B), or a parameter that would be in the request twice, which
/// the protocol forbids (RFC 8628 §3.1).
func fault(
  inExtraParameters parameters: borrowing Span<UInt8>, _ preset: Preset
) -> StaticString? {
  var start = 0
  while start < parameters.count || start > 0 {
    let end = parameters.firstIndex(of: UInt8(ascii: "&"), from: start) ?? parameters.count
    let item = parameters.extracting(start..<end)
    guard let equals = item.firstIndex(of: UInt8(ascii: "=")), equals > 0, equals + 1 < item.count,
      isPlain(item.extracting(first: equals)), isEncoded(item.suffix(from: equals + 1))
    else { return "is not name=value&name=value in form encoding" }
    let name = item.extracting(first: equals)
    if isTaken(name) || name.equals(preset.scopeParameter) {
      return "holds a parameter that the program sets itself"
    }
    if hasParameter(parameters.extracting(first: start), name) { return "holds a parameter twice" }
    if end == parameters.count { break }
    start = end + 1
  }
  return nil
}

/// Whether a request holds a parameter of that name anyway. `response_type` is none of them.
private func isTaken(_ name: borrowing Span<UInt8>) -> Bool {
  name.equals("client_id") || name.equals("client_secret") || name.equals("scope")
    || name.equals("grant_type") || name.equals("device_code")
}

/// Whether a list, each item of which ends in an ampersand, has a parameter.
private func hasParameter(
  _ parameters: borrowing Span<UInt8>, _ name: borrowing Span<UInt8>
) -> Bool {
  var start = 0
  while let equals = parameters.firstIndex(of: UInt8(ascii: "="), from: start),
    let end = parameters.firstIndex(of: UInt8(ascii: "&"), from: equals)
  {
    if parameters.extracting(start..<equals).equals(name) { return true }
    start = end + 1
  }
  return false
}

/// Whether the bytes stand for themselves. Names may hold no others, so that each has one form and
/// can be compared.
private func isPlain(_ name: borrowing Span<UInt8>) -> Bool {
  for index in name.indices where !name[index].isUnreserved { return false }
  return true
}

private func isEncoded(_ value: borrowing Span<UInt8>) -> Bool {
  var index = 0
  while index < value.count {
    if value[index] == UInt8(ascii: "%") {
      guard index + 2 < value.count, value[index + 1].hexadecimalValue != nil,
        value[index + 2].hexadecimalValue != nil
      else { return false }
      index += 3
    } else {
      guard value[index].isUnreserved || value[index] == UInt8(ascii: "+") else { return false }
      index += 1
    }
  }
  return true
}
