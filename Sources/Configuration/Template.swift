internal import Bytes

/// Writes an endpoint of a preset to `memory`, with the values of `issuer` and `tenant` in place of
/// their names in braces.
func expand(
  _ template: PermanentBytes, _ settings: borrowing Settings, _ memory: inout Buffer
) throws(ConfigurationError) -> PermanentBytes {
  let issuerName: StaticString = "{issuer}"
  let tenantName: StaticString = "{tenant}"
  let start = memory.count
  var index = 0
  while index < template.count {
    let rest = template.bytes.suffix(from: index)
    if rest.hasPrefix(issuerName) {
      index += issuerName.utf8CodeUnitCount
      try append(settings[.issuer], to: &memory)
    } else if rest.hasPrefix(tenantName) {
      index += tenantName.utf8CodeUnitCount
      memory.append(try tenant(settings[.tenant]).bytes)
    } else {
      memory.append(rest[0])
      index += 1
    }
  }
  precondition(!memory.isTruncated, "less memory than the endpoints take")
  return memory.permanent(from: start)
}

/// Appends an issuer without a final slash: templates go on with one.
private func append(
  _ issuer: Setting?, to memory: inout Buffer
) throws(ConfigurationError) {
  guard let issuer = issuer?.value.bytes else {
    throw .missing(.issuer, "the provider's endpoints begin with it")
  }
  let hasSlash = issuer[issuer.count - 1] == UInt8(ascii: "/")
  memory.append(issuer.extracting(first: hasSlash ? issuer.count - 1 : issuer.count))
}

/// A tenant's identifier or domain, which becomes one segment of a path.
func tenant(_ setting: Setting?) throws(ConfigurationError) -> PermanentBytes {
  guard let setting else { throw .missing(.tenant, "the provider's endpoints hold it") }
  let value = setting.value
  var isSegment = value.count > 0
  for index in value.bytes.indices where !value.bytes[index].isUnreserved { isSegment = false }
  if !isSegment {
    throw .badValue(.tenant, setting.origin, "is not a tenant's identifier or domain")
  }
  return value
}
