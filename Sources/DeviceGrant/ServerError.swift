public import Bytes
internal import JSON

/// What an authorization server said went wrong, as it said it. Text from outside: escape it
/// before it is shown.
public struct ServerError: Error, Sendable {
  /// An HTTP status.
  public let status: Int

  /// The error's code, as in RFC 6749 §5.2, or what stands in its place. Never empty.
  public let code: Text<128>

  /// The words for the developer beside the code, or empty.
  public let details: Text<256>
}

/// What an error answer means to a client that waits for approval (RFC 8628 §3.5).
enum Verdict {
  case pending
  case slowDown
  case denied
  case expired

  private static func named(_ word: borrowing Span<UInt8>) -> Verdict? {
    if word.equals("authorization_pending") { return .pending }
    if word.equals("slow_down") { return .slowDown }
    if word.equals("access_denied") || word.equals("authorization_declined") { return .denied }
    if word.equals("expired_token") || word.equals("token_expired") { return .expired }
    return nil
  }

  /// Looks in every place where servers put the word: OAuth's `error`, Webex's
  /// `errors[0].description` and `message`.
  init?(_ object: borrowing JSONObject) {
    if let word = object.string("error"), let verdict = Self.named(word) {
      self = verdict
    } else if let word = object.string(inFirstOf: "errors", "description"),
      let verdict = Self.named(word)
    {
      self = verdict
    } else if let word = object.string("message"), let verdict = Self.named(word) {
      self = verdict
    } else {
      return nil
    }
  }
}

/// Reads the reason out of an error answer; nil where it states none.
func readServerError(_ object: borrowing JSONObject, status: Int) -> ServerError? {
  var code = Text<128>()
  var details = Text<256>()
  if let word = object.string("error") {
    code.append(word)
    if let words = object.string("error_description") { details.append(words) }
  }
  if code.isEmpty, let words = object.string(inFirstOf: "errors", "description") {
    code.append(words)
  }
  // Google's quota errors.
  if code.isEmpty, let word = object.string("error_code") { code.append(word) }
  if code.isEmpty, let words = object.string("message") { code.append(words) }
  return code.isEmpty ? nil : ServerError(status: status, code: code, details: details)
}
