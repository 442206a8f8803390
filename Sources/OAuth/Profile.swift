public import Bytes
internal import JSON

/// The name that a person goes by, out of an answer of the userinfo endpoint (OpenID Connect Core
/// §5.3, or a provider's own): Webex's `displayName`, OpenID's `name` and `preferred_username`,
/// GitHub's and Twitch's `login`.
///
/// - Returns: an empty text where there is none. Text from outside.
public func readName(_ body: borrowing Span<UInt8>) -> Text<256> {
  guard let object = try? JSONObject(body) else { return Text() }
  return readName(object)
}

/// A number that tells the person from others, out of the same answer: of OpenID's `sub`, of a
/// provider's own `id` or `user_id`.
///
/// - Returns: nil where there is none. It is no secret, and does not tell who the person is.
public func readPerson(_ body: borrowing Span<UInt8>) -> Int64? {
  guard let object = try? JSONObject(body) else { return nil }
  return readPerson(object)
}

private func readPerson(_ object: borrowing JSONObject) -> Int64? {
  let members: InlineArray<3, StaticString> = ["sub", "id", "user_id"]
  for index in members.indices {
    if let value = object.string(members[index]), value.count > 0 { return Int64(value.checksum) }
  }
  return nil
}

private func readName(_ object: borrowing JSONObject) -> Text<256> {
  let members: InlineArray<4, StaticString> = [
    "displayName", "name", "preferred_username", "login",
  ]
  for index in members.indices {
    if let value = object.string(members[index]), value.count > 0 { return Text(value) }
  }
  return Text()
}
