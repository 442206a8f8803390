public import Bytes
internal import JSON

/// Appends a profile: the JSON as it came, or for a person in lines.
///
/// - Parameters:
///   - body: the answer of the userinfo endpoint.
///   - draft: memory for the lines before what a terminal would act on is escaped.
/// - Returns: what is wrong with it; nil where nothing is.
public func appendProfile(
  _ body: borrowing Span<UInt8>, isForPerson: Bool, draft: inout Buffer, to output: inout Buffer
) -> StaticString? {
  // Whoever reads this would not take it (RFC 8259 §8.1).
  if !body.isUTF8 { return "text that is not UTF-8" }
  let object: JSONObject
  do {
    object = try JSONObject(body)
  } catch {
    return error.description
  }
  if !isForPerson {
    output.append(trimmed(copy body))
    output.append("\n")
  } else if object.write(to: &draft) {
    append(draft.bytes, to: &output)
  } else {
    append(trimmed(copy body), to: &output)
    output.append("\n")
  }
  return output.isTruncated ? "more than can be shown" : nil
}

/// The bytes without a byte order mark, and without the white space of JSON at either end.
@_lifetime(copy bytes)
private func trimmed(_ bytes: consuming Span<UInt8>) -> Span<UInt8> {
  var start = bytes.hasPrefix("\u{FEFF}") ? 3 : 0
  var end = bytes.count
  while start < end, bytes[start] <= 0x20 { start += 1 }
  while end > start, bytes[end - 1] <= 0x20 { end -= 1 }
  return bytes.extracting(start..<end)
}

/// Appends JSON with the invisible characters escaped that JSON leaves alone: DEL, C1 controls
/// (U+0080 to U+009F), and marks of writing direction and layout (U+2000 to U+206F but for dashes
/// and quotes).
private func append(_ json: borrowing Span<UInt8>, to output: inout Buffer) {
  var index = 0
  while index < json.count {
    let byte = json[index]
    let next = index + 1 < json.count ? json[index + 1] : 0
    let third = index + 2 < json.count ? json[index + 2] : 0
    var code: UInt64 = 0
    if byte == 0x7F { code = 0x7F }
    if byte == 0xC2, next < 0xA0 { code = UInt64(next) }
    if byte == 0xE2, next == 0x80, third < 0x90 || third > 0xA7 {
      code = 0x2000 + UInt64(third & 63)
    }
    if byte == 0xE2, next == 0x81, third >= 0xA0, third < 0xB0 {
      code = 0x2040 + UInt64(third & 63)
    }
    if code == 0 {
      output.append(byte)
      index += 1
    } else {
      output.append("\\u")
      output.append(hexadecimal: code, width: 4)
      index += byte == 0x7F ? 1 : byte == 0xC2 ? 2 : 3
    }
  }
}
