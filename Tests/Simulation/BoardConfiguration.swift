import Board
import Bytes
import Configuration
import Linux

/// The configuration of a board, as its file has it.
final class BoardConfiguration {
  private let text: UnsafeMutableBufferPointer<UInt8>
  private let endpoints = UnsafeMutableRawBufferPointer.allocate(byteCount: 2560, alignment: 16)
  private(set) var plan: Plan

  init(_ script: Script) {
    let bytes = Self.text(script.personality)
    text = UnsafeMutableBufferPointer.allocate(capacity: bytes.count)
    _ = text.initialize(from: bytes)
    var settings = Settings()
    var memory = Buffer(storage: endpoints)
    let client: ClientConfiguration
    do {
      try settings.readFile(PermanentBytes(UnsafeBufferPointer(text)))
      client = try ClientConfiguration(settings, secretFile: nil, memory: &memory)
    } catch {
      fatalError("\(error)")
    }
    let place = GrantPlace(
      tokenFile: Path("/var/lib/devicegrant/tokens.json"),
      accessTokenFile: script.publishes ? Path("/run/devicegrant/token") : nil,
      accessTokenGroup: nil)
    plan = Plan(
      place, client: client, trustAnchors: Path("/etc/ssl/certs/ca-certificates.crt"))
    if script.hasSocket { plan.socket = Path("/run/devicegrant/socket") }
    if script.hasHooks {
      plan.hooks = HookPrograms { _ in PermanentBytes("/usr/local/bin/hook") }
    }
    plan.start = script.isOnRequest ? .onRequest : .automatic
  }

  deinit {
    text.deallocate()
    endpoints.deallocate()
  }

  private static func text(_ personality: Personality) -> [UInt8] {
    var text: [UInt8] = []
    text.append("client_id = board\nclient_secret = Zq7c0x0.secret\n")
    text.append(personality.usesBasic ? "client_auth = basic\n" : "client_auth = post\n")
    if personality.waits { text.append("lost_answer = wait\n") }
    if personality.kind == .webex {
      text.append("provider = webex\n")
    } else if personality.kind == .google {
      text.append("provider = google\n")
    } else if personality.usesMetadata {
      text.append("issuer = https://as.example\n")
    } else {
      text.append(
        """
        provider = custom
        device_authorization_endpoint = https://as.example/v0/device
        token_endpoint = https://as.example/v0/token

        """)
      if personality.hasUserinfo {
        text.append("userinfo_endpoint = https://as.example/v0/me\n")
      }
      if personality.hasRevocation {
        text.append("revocation_endpoint = https://as.example/revoke\n")
      }
    }
    return text
  }
}
