import Bytes
import Foundation
import HTTP
import TestSupport
import Testing

@Suite struct RequestTests {
  private func head(_ method: RequestHead.Method, _ url: String) throws -> String {
    let text = Array(url.utf8)
    let url = try HTTP.URL(text.span)
    let head = RequestHead(method)
    let bytes = written { sink in
      head.begin(&sink, url, version: "1.2.3")
      head.end(&sink)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func aPostByteForByte() throws {
    let expected = """
      POST /v1/device/token HTTP/1.1\r
      Host: webexapis.com\r
      User-Agent: devicegrant/1.2.3\r
      Accept: application/json\r
      Accept-Encoding: identity\r
      Content-Type: application/x-www-form-urlencoded\r
      Content-Length: 123\r
      \r

      """
    let bytes = try head(.post(contentLength: 123), "https://webexapis.com/v1/device/token")
    #expect(bytes == expected)
  }

  @Test func aGetByteForByte() throws {
    let expected = """
      GET /v1/people/me?callingData=true HTTP/1.1\r
      Host: webexapis.com:8443\r
      User-Agent: devicegrant/1.2.3\r
      Accept: application/json\r
      Accept-Encoding: identity\r
      \r

      """
    let bytes = try head(.get, "https://webexapis.com:8443/v1/people/me?callingData=true")
    #expect(bytes == expected)
  }

  @Test(arguments: [
    ("https://a", "/"), ("https://a/", "/"), ("https://a?q", "/?q"), ("https://a/p?q", "/p?q"),
  ])
  func aTargetAlwaysBeginsWithASlash(url: String, target: String) throws {
    let bytes = try head(.get, url)
    #expect(bytes.hasPrefix("GET \(target) HTTP/1.1\r\nHost: a\r\n"))
  }

  @Test func anIPv6HostKeepsItsBrackets() throws {
    let bytes = try head(.get, "https://[::1]:8443/")
    #expect(bytes.contains("\r\nHost: [::1]:8443\r\n"))
  }

  @Test(arguments: [
    ("id", "secret", "id:secret"),
    ("id", "", "id:"),
    ("client:1", "se:cret", "client%3A1:se%3Acret"),
    ("a b", ":+%&=/?", "a+b:%3A%2B%25%26%3D%2F%3F"),
    ("ä", "ß€", "%C3%A4:%C3%9F%E2%82%AC"),
    ("C0ffee-._~", "\"\\\u{7F}", "C0ffee-._~:%22%5C%7F"),
  ])
  func basicCredentialsAreFormEncodedBeforeBase64(id: String, secret: String, encoded: String) {
    let clientID = Array(id.utf8)
    let clientSecret = Array(secret.utf8)
    let bytes = written {
      appendBasicAuthorization(to: &$0, clientID: clientID.span, clientSecret: clientSecret.span)
    }
    let expected = "Authorization: Basic \(Data(encoded.utf8).base64EncodedString())\r\n"
    #expect(String(decoding: bytes, as: UTF8.self) == expected)
  }

  @Test func theLongestCredentialsAreSentWhole() {
    let longest = [UInt8](repeating: UInt8(ascii: "+"), count: 512)
    let bytes = written {
      appendBasicAuthorization(to: &$0, clientID: longest.span, clientSecret: longest.span)
    }
    let encoded = String(repeating: "%2B", count: 512)
    let expected = Data("\(encoded):\(encoded)".utf8).base64EncodedString()
    let isWhole = bytes == Array("Authorization: Basic \(expected)\r\n".utf8)
    #expect(isWhole)
  }

  @Test func aBearerTokenIsSentAsItIs() {
    let token = Array("eyJ.a-b_c/+=".utf8)
    let bytes = written { appendBearerAuthorization(to: &$0, accessToken: token.span) }
    #expect(bytes == Array("Authorization: Bearer eyJ.a-b_c/+=\r\n".utf8))
  }
}
