import Bytes
import DeviceGrant
import TestSupport

extension PollAnswer {
  /// The answer in words that can be compared.
  var words: String {
    switch self {
    case .granted: "granted"
    case .pending(let retryAfter): "pending" + said(", after", retryAfter)
    case .slowDown(let interval, let retryAfter):
      "slow down" + said(" to", interval) + said(", after", retryAfter)
    case .denied: "denied"
    case .expired: "expired"
    case .refused(let error): "refused: \(string(error.code)) \(error.status)"
    case .unusable(.tokenType(let type)): "unusable: type \(string(type))"
    case .unusable(.tooLong(let name)): "unusable: \(name) too long"
    case .transient(.unreachable, let retryAfter): "unreachable" + said(", after", retryAfter)
    case .transient(.unavailable(let status), let retryAfter):
      "unavailable \(status)" + said(", after", retryAfter)
    case .transient(.unreadable(let status), let retryAfter):
      "unreadable \(status)" + said(", after", retryAfter)
    }
  }
}

private func said(_ words: String, _ number: Int64?) -> String {
  number.map { "\(words) \($0)" } ?? ""
}

/// Lends memory for tokens.
func withTokens<Result>(_ body: (inout Tokens) throws -> Result) rethrows -> Result {
  let storage = (0..<2).map { _ in
    UnsafeMutableRawBufferPointer.allocate(byteCount: Tokens.limit, alignment: 16)
  }
  defer { storage.forEach { $0.deallocate() } }
  var tokens = Tokens(
    accessToken: Buffer(storage: storage[0]), refreshToken: Buffer(storage: storage[1]))
  return try body(&tokens)
}

/// What an answer means, without its tokens.
func answer(_ status: Int, _ body: String, retryAfter: Int64? = nil) -> PollAnswer {
  withTokens { tokens in
    let bytes = Array(body.utf8)
    return readPollAnswer(
      status: status, body: bytes.span, retryAfter: retryAfter, unixSeconds: 0, into: &tokens)
  }
}
