import Bytes
import DeviceGrant
import TestSupport
import Testing

@Suite struct RequestsTests {
  private func deviceAuthorizationRequest(_ id: String, scope: String) -> String {
    let clientID = Array(id.utf8)
    let scope = Array(scope.utf8)
    let bytes = written {
      writeDeviceAuthorizationRequest(clientID: clientID.span, scope: scope.span, to: &$0)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func deviceTokenRequest(_ id: String, deviceCode: String) -> String {
    let clientID = Array(id.utf8)
    let deviceCode = Array(deviceCode.utf8)
    let bytes = written {
      writeDeviceTokenRequest(clientID: clientID.span, deviceCode: deviceCode.span, to: &$0)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(
    "row 2: a device authorization request byte for byte",
    arguments: [
      ("C6edae", "spark:people_read", "client_id=C6edae&scope=spark%3Apeople_read"),
      ("id", "openid profile", "client_id=id&scope=openid+profile"),
      ("a&b=c+d", "x", "client_id=a%26b%3Dc%2Bd&scope=x"),
      ("bücher", "ä €", "client_id=b%C3%BCcher&scope=%C3%A4+%E2%82%AC"),
    ])
  func deviceAuthorizationRequests(id: String, scope: String, expected: String) {
    #expect(deviceAuthorizationRequest(id, scope: scope) == expected)
  }

  @Test("row 4: a scope without a value is not sent") func emptyScope() {
    #expect(deviceAuthorizationRequest("id", scope: "") == "client_id=id")
  }

  @Test(
    "row 16: a device access token request byte for byte",
    arguments: [
      (
        "id", "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
        "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS"
      ),
      ("id", "a/b+c=d", "a%2Fb%2Bc%3Dd"),
      ("id", "\u{1F511} \n", "%F0%9F%94%91+%0A"),
    ])
  func deviceTokenRequests(id: String, deviceCode: String, encoded: String) {
    #expect(
      deviceTokenRequest(id, deviceCode: deviceCode)
        == "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
        + "&device_code=\(encoded)&client_id=\(id)")
  }

  @Test("row 3: no parameter comes twice") func everyParameterOnce() {
    let bodies = [
      deviceAuthorizationRequest("scope=x&client_id=y", scope: "client_id=z&scope=w"),
      deviceTokenRequest("device_code=x&grant_type=y", deviceCode: "client_id=z&device_code=w"),
    ]
    for body in bodies {
      let names = body.split(separator: "&").map { $0.prefix { $0 != "=" } }
      #expect(Set(names).count == names.count)
    }
  }

  @Test func theLongestMembersAreSentWhole() {
    let longest = String(repeating: "%", count: 512)
    let body = deviceAuthorizationRequest(longest, scope: longest + longest)
    #expect(body.utf8.count == "client_id=&scope=".utf8.count + 3 * 1536)
  }
}
