internal import Bytes
internal import JSON

/// What the answer to a revocation request means (RFC 7009 §2.2).
public enum RevocationAnswer: Sendable {
  case revoked
  /// There is nothing to revoke, or never will be: the server knows no such token, or does not
  /// revoke such ones.
  case pointless
  /// Another time, maybe.
  case failed
}

/// Reads the answer to a revocation request.
public func readRevocationAnswer(status: Int, body: borrowing Span<UInt8>) -> RevocationAnswer {
  if status == 200 { return .revoked }
  guard status == 400, let object = try? JSONObject(body) else { return .failed }
  return isPointless(object) ? .pointless : .failed
}

private func isPointless(_ object: borrowing JSONObject) -> Bool {
  guard let word = object.string("error") else { return false }
  let words: InlineArray<3, StaticString> = [
    "unsupported_token_type", "invalid_token", "invalid_grant",
  ]
  for index in words.indices where word.equals(words[index]) { return true }
  return false
}
