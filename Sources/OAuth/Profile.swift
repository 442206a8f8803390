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

private func readName(_ object: borrowing JSONObject) -> Text<256> {
  let members: InlineArray<4, StaticString> = [
    "displayName", "name", "preferred_username", "login",
  ]
  for index in members.indices {
    if let value = object.string(members[index]), value.count > 0 { return Text(value) }
  }
  return Text()
}
