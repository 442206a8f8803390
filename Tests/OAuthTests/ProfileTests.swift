import OAuth
import TestSupport
import Testing

@Suite struct ProfileTests {
  private func name(_ body: String) -> String {
    let bytes = Array(body.utf8)
    return string(readName(bytes.span))
  }

  @Test(arguments: [
    // Webex, OpenID Connect, GitHub, Twitch's first of an array is not read.
    (#"{"id":"1","displayName":"Ada L.","firstName":"Ada"}"#, "Ada L."),
    (#"{"sub":"1","name":"Ada","preferred_username":"ada"}"#, "Ada"),
    (#"{"sub":"1","preferred_username":"ada"}"#, "ada"),
    (#"{"login":"ada","id":1}"#, "ada"), (#"{"login":"ada","name":"Ada"}"#, "Ada"),
    (#"{"name":"Ada","displayName":"Ada L."}"#, "Ada L."),
    // GitHub: a person who has given no name.
    (#"{"login":"ada","name":null}"#, "ada"), (#"{"login":"ada","name":""}"#, "ada"),
    (#"{"name":5,"login":"ada"}"#, "ada"), (#"{"name":["Ada"],"login":"ada"}"#, "ada"),
    (#"{"name":"Ädä 😀"}"#, "Ädä 😀"),
  ])
  func theNameIsFound(body: String, expected: String) {
    #expect(name(body) == expected)
  }

  @Test(arguments: [
    "", "{}", "[]", "null", "<html></html>", #"{"sub":"1"}"#, #"{"name":null}"#, #"{"name":""}"#,
    #"{"name":"Ada""#, #"{"Name":"Ada"}"#, #"{"data":[{"login":"ada"}]}"#,
  ])
  func withoutANameThereIsNone(body: String) {
    #expect(name(body) == "")
  }

  @Test func aNameWithoutEndIsCut() {
    let long = String(repeating: "n", count: 1000)
    #expect(name(#"{"name":"\#(long)"}"#) == String(repeating: "n", count: 256))
  }

  @Test func everyTruncationIsNoName() {
    let body = Array(#"{"displayName":"Ada","id":1}"#.utf8)
    for length in 0..<body.count {
      let beginning = Array(body[..<length])
      let name = string(readName(beginning.span))
      #expect(name == "", "\(length) bytes")
    }
  }
}
