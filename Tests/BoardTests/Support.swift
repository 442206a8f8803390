@testable import Board
import Agent
import Bytes
import Configuration
import DeviceGrant
import JSON
import Linux
import OAuth
import TestSupport

/// Bytes that are never freed, as the program's are.
func permanent(_ text: String) -> PermanentBytes {
  let bytes = Array(text.utf8)
  let storage = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
  _ = storage.initialize(from: bytes)
  return PermanentBytes(UnsafeBufferPointer(storage))
}

/// Memory that is never freed: a part of the plan.
func buffer(_ capacity: Int) -> Buffer {
  Buffer(storage: .allocate(byteCount: capacity, alignment: 16))
}

func exchangeMemory() -> ExchangeMemory {
  ExchangeMemory(
    form: buffer(4096), request: buffer(8192), received: buffer(4096), body: buffer(65537),
    endpoints: buffer(2560))
}

func keeperMemory() -> KeeperMemory {
  KeeperMemory(
    tokens: Tokens(accessToken: buffer(Tokens.limit), refreshToken: buffer(Tokens.limit)),
    file: buffer(200 * 1024), line: buffer(20 * 1024))
}

func attendantMemory() -> AttendantMemory {
  AttendantMemory(token: buffer(Tokens.limit), answer: buffer(20 * 1024), facts: buffer(8192))
}

/// A client of a server that has each endpoint.
let everyEndpoint = """
  provider = custom
  client_id = board
  device_authorization_endpoint = https://as.example/device
  token_endpoint = https://as.example/token
  userinfo_endpoint = https://as.example/me
  revocation_endpoint = https://as.example/revoke
  """

func makeClient(_ configuration: String = everyEndpoint) -> ClientConfiguration {
  var settings = Settings()
  try! settings.readFile(permanent(configuration))
  var memory = buffer(ClientConfiguration.endpointMemory)
  return try! ClientConfiguration(settings, secretFile: nil, memory: &memory)
}

extension Plan {
  init(_ world: SmallWorld, _ configuration: String = everyEndpoint, start: StartMode = .automatic)
  {
    let client = makeClient(configuration)
    let place = GrantPlace(
      tokenFile: world.path("tokens.json"), accessTokenFile: world.path("token"),
      accessTokenGroup: nil)
    self.init(place, client: client, trustAnchors: world.path("anchors.pem"))
    self.start = start
    socket = world.path("socket")
    hooks = HookPrograms { _ in PermanentBytes("/bin/hook") }
  }
}

extension Life<SmallWorld> {
  init(
    _ world: SmallWorld, _ configuration: String = everyEndpoint, start: StartMode = .automatic
  ) {
    let plan = Plan(world, configuration, start: start)
    let log = Log(world)
    let account = try! Account(creating: plan, exchangeMemory(), keeperMemory(), log)
    self.init(
      plan, account, attendantMemory(), SmallSources(world), SmallPanels(world: world), log)
  }

  /// What `tell` says of a fault.
  func said(_ fault: Fault) -> String { string(words(fault).bytes) }

  /// What the socket answers to a line, without its end.
  mutating func answer(to line: String) -> String {
    world.arrivals += [
      SmallWorld.Arrival(at: 0, event: .visitor),
      SmallWorld.Arrival(at: 0, event: .client(0), bytes: Array("\(line)\n".utf8)),
    ]
    attendant.serve()
    return String(world.sent.removeLast().dropLast())
  }
}

extension Phrase {
  init(_ words: StaticString) { self.init { $0 <- words } }
}

/// What a server answers to the request for a code.
func issuedCode(
  _ members: String = "", expiresIn: Int = 900
) -> DeviceAuthorization {
  var authorization = DeviceAuthorization()
  var reason = ServerError()
  let body = Array(
    """
    {"device_code":"secret","user_code":"WDJB-MJHT","expires_in":\(expiresIn),
     "verification_uri":"https://as.example/go"\(members)}
    """.utf8)
  try! readDeviceAuthorization(
    status: 200, body: body.span, wording: Wording(), reason: &reason, into: &authorization)
  return authorization
}

extension Lease {
  /// One hour, with a refresh token whose end nobody knows.
  static let hour = Lease(remaining: 3600, isRefreshable: true, refreshRemaining: nil)
}
