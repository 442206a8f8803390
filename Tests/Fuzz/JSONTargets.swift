import Bytes
import DeviceGrant
import JSON
import OAuth
import TestSupport

nonisolated(unsafe) private let jsonMemory = memory(400 * 1024)

/// What an object is when it is written; nil where the bytes are none, empty where it has no room.
private func written(_ bytes: borrowing Span<UInt8>) -> [UInt8]? {
  guard let object = try? JSONObject(bytes) else { return nil }
  var output = Buffer(storage: jsonMemory)
  return object.write(to: &output) ? array(output.bytes) : []
}

/// The reader of JSON: what is written of an object is the same object.
func fuzzJSON(_ input: Input) {
  guard let once = written(input.span), !once.isEmpty else { return }
  require(once.last == 0x0A, "a line")
  // A number of jansson's own may have more digits than it reads.
  guard let twice = written(once.span) else {
    return require(once.count > 32 * 1024, "what is written can be read")
  }
  require(once == twice, "what is written and read is the same")
  guard let object = try? JSONObject(input.span) else { return }
  if let text = object.string("scope") { require(text.isUTF8, "a text is UTF-8") }
  require(object.literal("interval").count <= 32, "a literal that fits")
  if let down = object.integer("interval"), let up = object.integer("interval", roundedUp: true) {
    require(down == up || down + 1 == up, "the integers around a number")
  }
}

private let secret: StaticString = "7f3a9c2e-device-code"

private let statuses = [200, 400, 401, 403, 404, 428, 429, 500, 503, 201]

/// Whether words repeat the secret, or its first eight bytes.
private func repeatSecret(_ words: [UInt8]) -> Bool {
  words.span.firstIndex(of: "7f3a9c2e") != nil
}

private func check(_ reason: ServerError) {
  var reason = reason
  reason.mask(secret.bytes)
  require(!repeatSecret(bytes(of: reason.code)), "no secret in an error's code")
  require(!repeatSecret(bytes(of: reason.details)), "no secret in an error's words")
}

nonisolated(unsafe) private let tokenMemory = (memory(Tokens.limit), memory(Tokens.limit))

private func makeTokens() -> Tokens {
  Tokens(
    accessToken: Buffer(storage: tokenMemory.0), refreshToken: Buffer(storage: tokenMemory.1))
}

/// The readers of an authorization server's answers. The first byte chooses the status.
func fuzzAnswers(_ input: Input) {
  guard let choice = input.first else { return }
  let status = statuses[Int(choice) % statuses.count]
  let wording = Wording(usesSentences: choice & 0x20 == 0, deadToken: "is dead")
  fuzzDeviceAuthorization(input.rest, status, wording)
  fuzzPoll(input.rest, status, wording)
  fuzzRefresh(input.rest, status, wording)
  require(readName(input.rest.span).count <= 256, "a name that fits")
}

private func fuzzDeviceAuthorization(_ body: Input, _ status: Int, _ wording: Wording) {
  var authorization = DeviceAuthorization()
  var reason = ServerError()
  defer { check(reason) }
  do throws(DeviceAuthorizationError) {
    try readDeviceAuthorization(
      status: status, body: body.span, wording: wording, reason: &reason, into: &authorization)
  } catch { return }
  require(!authorization.deviceCode.isEmpty && !authorization.userCode.isEmpty, "two codes")
  for text in [
    bytes(of: authorization.userCode), bytes(of: authorization.verificationURI),
    bytes(of: authorization.verificationURIComplete),
  ] {
    require(text.span.isUTF8, "text is UTF-8")
    require(!text.contains { $0 < 0x20 || $0 == 0x7F }, "no control character")
  }
  let uri = bytes(of: authorization.verificationURI)
  require(uri.span.extracting(first: 4).equalsIgnoringCase("http"), "an address of the web")
  require((1...86400).contains(authorization.expiresIn), "a life of at most a day")
  require(authorization.interval >= 1, "an interval")
  require(
    authorization.interval < max(2, authorization.expiresIn), "a poll before the code has ended")
}

private func fuzzPoll(_ body: Input, _ status: Int, _ wording: Wording) {
  var tokens = makeTokens()
  var reason = ServerError()
  let answer = readPollAnswer(
    status: status, body: body.span, retryAfter: nil, unixSeconds: 1_800_000_000,
    wording: wording, reason: &reason, into: &tokens)
  check(reason)
  if case .granted = answer {
    checkTokens(tokens)
  } else {
    require(tokens.accessToken.isEmpty && tokens.refreshToken.isEmpty, "no token of a refusal")
  }
}

private func checkTokens(_ tokens: borrowing Tokens) {
  require(Tokens.allow(tokens.accessToken.bytes), "an access token of visible ASCII")
  require(
    tokens.refreshToken.isEmpty || Tokens.allow(tokens.refreshToken.bytes),
    "a refresh token of visible ASCII")
  if let end = tokens.expiresAt { require(end >= 1_000_000_000, "an end that is a time") }
}

private func fuzzRefresh(_ body: Input, _ status: Int, _ wording: Wording) {
  var tokens = makeTokens()
  tokens.wipe()
  tokens.accessToken.append("at-0")
  tokens.refreshToken.append("rt-0")
  tokens.expiresAt = 1_800_000_000
  var reason = ServerError()
  let answer = readRefreshAnswer(
    status: status, body: body.span, retryAfter: nil, unixSeconds: 1_800_000_000,
    wording: wording, reason: &reason, updating: &tokens)
  check(reason)
  if case .refreshed = answer {
    checkTokens(tokens)
    require(!tokens.refreshToken.isEmpty, "a refresh token that is not renewed stays")
  } else {
    let isUntouched =
      tokens.accessToken.bytes.equals("at-0") && tokens.refreshToken.bytes.equals("rt-0")
      && tokens.expiresAt == 1_800_000_000
    require(isUntouched, "what is no success touches no token")
  }
}
