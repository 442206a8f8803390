internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import HTTP
internal import JSON
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant whoami`: what the userinfo endpoint says of the person, as JSON.
@inline(never)
func whoAmI(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
  let signals = try openSignals()
  let attention = Attention(descriptor: signals.rawValue, service: nil)
  var server = try AuthorizationServer(source, attention, log)
  var files = try GrantFiles(opening: source)
  try server.discover(&files)
  if try !files.load(log) || !files.checkOwner(server.client, log) {
    throw notSignedIn(files.path)
  }
  if !isGood(files.record.tokens, for: 0) {
    try renew(&files, &server, attention, log)
  }
  try server.getUserinfo(files.record.tokens)
  if server.head.status == 401 {
    log.info("the access token is refused: refreshing it")
    try renew(&files, &server, attention, log)
    try server.getUserinfo(files.record.tokens)
  }
  defer { files.record.wipe() }
  try checkStatus(&server, &files)
  try writeProfile(&server)
}

private func checkStatus(
  _ server: inout AuthorizationServer, _ files: inout GrantFiles
) throws(Failure) {
  let status = server.head.status
  let url = server.client.url(of: .userinfo)!
  switch status {
  case 200: return
  case 401:
    throw Failure(.denied, "\(url) refuses a fresh access token, HTTP status 401; sign in again")
  case 403:
    let missing = server.head.missingScope
    if missing.isEmpty {
      throw Failure(
        .denied,
        """
        \(url): the grant does not cover this, HTTP status 403; its scope is \
        '\(files.record.tokens.scope.bytes)': set scope and sign in again
        """)
    }
    throw Failure(
      .denied,
      "\(url): the scope '\(missing.bytes)' is missing, HTTP status 403: add it and sign in again")
  default:
    if isUnavailable(status) {
      throw Failure(.unavailable, "HTTP failed: \(url) is unavailable, HTTP status \(status)")
    }
    throw Failure(.unusableAnswer, "\(url) answered with HTTP status \(status)")
  }
}

private func writeProfile(_ server: inout AuthorizationServer) throws(Failure) {
  var output = Memory.profile()
  let fault = server.withBody { write($0, to: &output) }
  if let fault {
    throw Failure(
      .unusableAnswer, "\(server.client.url(of: .userinfo)!) answered with \(fault)")
  }
  try write(output.bytes)
}

/// Writes the JSON as it came, or for a person in lines.
///
/// - Returns: what is wrong with it.
private func write(_ body: borrowing Span<UInt8>, to output: inout Buffer) -> StaticString? {
  // Whoever reads this would not take it (RFC 8259 §8.1).
  if !body.isUTF8 { return "text that is not UTF-8" }
  let object: JSONObject
  do {
    object = try JSONObject(body)
  } catch {
    return error.description
  }
  var lines = Memory.tokenFile()
  if !StandardOutput.isTerminal {
    output.append(trimmed(copy body))
    output.append("\n")
  } else if object.write(to: &lines) {
    append(lines.bytes, to: &output)
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
    if byte == 0xE2, next == 0x81, third >= 0xA0 { code = 0x2040 + UInt64(third & 63) }
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
