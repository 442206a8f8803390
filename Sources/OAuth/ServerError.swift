public import Bytes
public import JSON

/// What an authorization server said went wrong, as it said it: in the caller's memory, since
/// errors that carry texts are copied at every step. Text from outside: escape it before it is
/// shown.
public struct ServerError: Sendable {
  /// An HTTP status.
  public private(set) var status = 0

  /// The error's code, as in RFC 6749 §5.2, or what stands in its place; empty where the server
  /// gave no reason.
  public private(set) var code = Text<128>()

  /// The words for the developer beside the code, or empty.
  public private(set) var details = Text<256>()

  public init() {}

  /// Forgets the last error; the client gives the code that a status stands for.
  public mutating func set(_ code: StaticString, status: Int) {
    self.status = status
    self.code.removeAll()
    self.code.append(code)
    details.removeAll()
  }

  /// Takes the code from what a server sent in its place.
  mutating func set(code bytes: borrowing Span<UInt8>, status: Int) {
    set("", status: status)
    code.append(bytes)
  }

  /// Masks a secret of the request's that the words repeat, whole or its beginning, as it is or
  /// form-encoded: they are logged, shown and handed on.
  public mutating func mask(_ secret: borrowing Span<UInt8>) {
    code.mask(secret)
    details.mask(secret)
  }

  /// Takes the reason from every place where servers put it: OAuth's `error`, Webex's
  /// `errors[0].description`, Google's `error_code` for quotas, `message`. An `error` that is
  /// HTTP's phrase says less than what stands beside it.
  mutating func read(_ object: borrowing JSONObject, status: Int) {
    set("", status: status)
    let word = object.string("error")
    if let word, isErrorCode(word) { code.append(word) }
    if word != nil, let words = object.string("error_description") { details.append(words) }
    if code.isEmpty, let words = object.string(inFirstOf: "errors", "description") {
      code.append(words)
    }
    if code.isEmpty, let word = object.string("error_code") { code.append(word) }
    if code.isEmpty, let words = object.string("message") { code.append(words) }
    if code.isEmpty, let word { code.append(word) }
  }
}

extension Text {
  fileprivate mutating func mask(_ secret: borrowing Span<UInt8>) {
    var index = 0
    while let range = occurrence(of: secret, in: bytes, from: index) {
      mask(range)
      index = range.upperBound
    }
  }
}

/// Where a secret, or at least eight bytes of its beginning, stands in words; to the next blank,
/// since what is behind may be more of it in another spelling.
@inline(never)
private func occurrence(
  of secret: borrowing Span<UInt8>, in words: borrowing Span<UInt8>, from start: Int
) -> Range<Int>? {
  if secret.count == 0 { return nil }
  for first in start..<max(start, words.count) {
    var (end, matched) = (first, 0)
    while matched < secret.count, end < words.count {
      if words[end] == secret[matched] {
        end += 1
      } else if words[end] == UInt8(ascii: "%"), end + 2 < words.count,
        let high = words[end + 1].hexadecimalValue, let low = words[end + 2].hexadecimalValue,
        high &<< 4 | low == secret[matched]
      {
        end += 3
      } else {
        break
      }
      matched += 1
    }
    if matched < min(8, secret.count) { continue }
    while end < words.count, words[end] > 0x20 { end += 1 }
    return first..<end
  }
  return nil
}

/// How a provider words its errors, as it documents them, where that is not OAuth's `error`.
public struct Wording: Sendable {
  /// Whether `errors[0].description`, and `message` beside `status`, count as `error` does.
  let usesSentences: Bool
  /// What the words for a dead refresh token hold where they are not `invalid_grant`; may be empty.
  let deadToken: StaticString

  public init(usesSentences: Bool = false, deadToken: StaticString = "") {
    self.usesSentences = usesSentences
    self.deadToken = deadToken
  }
}

/// Whether a sentence stands where Webex (`errors[0].description`, or `message` beside its
/// `trackingId`) or Twitch (`message` beside its `status`) puts it; gateways say `message` alone.
private func isSentence(_ object: borrowing JSONObject) -> Bool {
  if object.string(inFirstOf: "errors", "description") != nil { return true }
  if object.string("message") == nil { return false }
  return object.has("trackingId") || object.integer("status") != nil
}

/// Whether an `error` looks like OAuth's (RFC 6749 §5.2) and not like HTTP's "Bad Request", as
/// gateways and frameworks send it.
private func isErrorCode(_ word: borrowing Span<UInt8>) -> Bool {
  for index in word.indices {
    let byte = word[index]
    if byte <= 0x20 || byte >= 0x7F || byte != lowercased(byte) { return false }
  }
  return word.count > 0
}

/// What kind of error an answer is, the same for every endpoint; what follows from it is the
/// endpoint's reader's.
public enum ErrorKind: Sendable {
  /// The words of RFC 8628 §3.5.
  case pending
  case slowDown
  case denied
  case expired
  /// Any other reason, in the server's words.
  case refused
  /// A reason in words that are not this server's: maybe those of a gateway before it.
  case foreign
  /// Not now: HTTP status 408, 429 or 5xx, or the words for it.
  case unavailable
  /// An error by its status, or by an `error` of another type, that says no more.
  case silent

  /// What an answer without JSON is.
  init(status: Int) {
    self = isUnavailable(status) ? .unavailable : .silent
  }

  @inline(never)
  private init?(named word: borrowing Span<UInt8>) {
    if word.equals("authorization_pending") {
      self = .pending
    } else if word.equals("slow_down") {
      self = .slowDown
    } else if word.equals("access_denied") || word.equals("authorization_declined") {
      self = .denied
    } else if word.equals("expired_token") || word.equals("token_expired") {
      self = .expired
    } else if word.equals("temporarily_unavailable") || word.equals("server_error")
      || word.equals("rate_limit_exceeded")
    {
      // Words of RFC 6749 §4.1.2.1 for what a status of 5xx says, and another for 429; servers use
      // them here with any.
      self = .unavailable
    } else {
      return nil
    }
  }

  /// Reads an error answer, and its words into `reason`; nil where it is a success.
  ///
  /// Some servers send errors with status 200, so the status alone does not tell.
  public init?(
    _ object: borrowing JSONObject, status: Int, _ wording: Wording, into reason: inout ServerError
  ) {
    reason.read(object, status: status)
    var isVerdict = wording.usesSentences && isSentence(object)
    if let word = object.string("error"), isErrorCode(word) { isVerdict = true }
    if isVerdict, let kind = ErrorKind(named: reason.code.bytes) {
      self = kind
    } else if isUnavailable(status) {
      self = .unavailable
    } else if isSuccess(status), !object.has("error") || object.string("error")?.count == 0 {
      return nil
    } else {
      // 428 means "pending" at a token endpoint whatever else it says.
      let isSilent = status == 428 || reason.code.isEmpty
      self = isSilent ? .silent : isVerdict ? .refused : .foreign
    }
  }
}

/// Whether the status says that the request was done (RFC 9110 §15.3).
public func isSuccess(_ status: Int) -> Bool { status >= 200 && status < 300 }

/// Whether the status says "not now" (RFC 9110 §15): worth another try.
public func isUnavailable(_ status: Int) -> Bool { status == 408 || status == 429 || status >= 500 }

/// Why a request brought nothing to go by.
public enum Transient: Sendable, Equatable {
  /// The exchange failed before there was an answer; the caller knows how.
  case unreachable
  /// HTTP status 408, 429 or 5xx.
  case unavailable
  /// Not JSON, or not an answer of a token endpoint.
  case unreadable
}
