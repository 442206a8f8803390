import Bytes
import DeviceGrant
import OAuth
import TestSupport

/// An answer of the token endpoint, read: what it means, and the server's words beside it.
struct Answer {
  let status: Int
  let meaning: PollAnswer
  let reason: ServerError

  init(
    _ status: Int, _ body: String, retryAfter: Int64? = nil, unixSeconds: Int64 = 0,
    wording: Wording = Wording(usesSentences: true), into tokens: inout Tokens
  ) {
    let bytes = Array(body.utf8)
    var reason = ServerError()
    self.status = status
    meaning = readPollAnswer(
      status: status, body: bytes.span, retryAfter: retryAfter, unixSeconds: unixSeconds,
      wording: wording, reason: &reason, into: &tokens)
    self.reason = reason
  }

  /// The answer in words that can be compared.
  var words: String {
    switch meaning {
    case .granted: "granted"
    case .pending(let retryAfter): "pending" + said(", after", retryAfter)
    case .slowDown(let interval, let retryAfter):
      "slow down" + said(" to", interval) + said(", after", retryAfter)
    case .denied: "denied"
    case .expired: "expired"
    case .refused: "refused: \(string(reason.code)) \(reason.status)"
    case .unusable(.tokenType): "unusable: type \(string(reason.code))"
    case .unusable(.tooLong(let member)): "unusable: \(member.name) too long"
    case .unusable(.malformed(let member)): "unusable: \(member.name) malformed"
    case .unusable(.missing): "unusable: no token"
    case .transient(let kind, let retryAfter): "\(kind) \(status)" + said(", after", retryAfter)
    }
  }
}

private func said(_ words: String, _ number: Int64?) -> String {
  number.map { "\(words) \($0)" } ?? ""
}

/// What an answer means, without its tokens.
func answer(
  _ status: Int, _ body: String, retryAfter: Int64? = nil,
  wording: Wording = Wording(usesSentences: true)
) -> Answer {
  withTokens { Answer(status, body, retryAfter: retryAfter, wording: wording, into: &$0) }
}
