import Board
import Bytes
import Configuration
import Linux
import TestSupport
import Testing

@testable import Invocation

/// What is gathered from a file, options and the environment.
private func source(
  file: String = "", options: [String] = [], variables: [(String, String)] = [],
  state: StateDirectories = StateDirectories(service: nil, isRoot: true, user: nil, home: nil)
) throws(StartError) -> ConfigurationSource {
  var settings = try Arguments(commandLine(options)).settings
  for (name, value) in variables { settings.setVariable(permanent(name), permanent(value)) }
  let name = permanent("x.conf")
  do {
    try settings.readFile(permanent(file))
  } catch {
    throw .configuration(error, file: name)
  }
  let storage = UnsafeMutableRawBufferPointer.allocate(
    byteCount: ClientConfiguration.endpointMemory, alignment: 16)
  var endpoints = Buffer(storage: storage)
  return try ConfigurationSource(settings, file: name, state: state, endpoints: &endpoints)
}

@Suite struct ConfigurationSourceTests {
  private func told(
    file: String = "", options: [String] = [], variables: [(String, String)] = []
  ) -> String? {
    refusal { () throws(StartError) in
      let source = try source(file: file, options: options, variables: variables)
      _ = try source.place()
      _ = try source.socket()
    }
  }

  @Test func theStrongestCounts() throws {
    let file = "client_id = f\nscope = f\n"
    let variables = [("DEVICEGRANT_SCOPE", "v"), ("CLIENT_ID", "v"), ("DEVICEGRANT_ROTATE", "")]
    let source = try source(file: file, options: ["--scope", "o"], variables: variables)
    #expect(string(source.value(of: .scope)) == "o")
    #expect(string(source.value(of: .clientID)) == "v")
    #expect(source.value(of: .rotate) == nil)
  }

  @Test func theGrantsPlace() throws {
    let source = try source(
      file: "token_file = /a/t.json\naccess_token_file = /b/access\nsocket = /c/s\n",
      options: ["--access-token-group", "7", "--socket-group=8"])
    let place = try source.place()
    #expect(string(place.tokenFile.bytes) == "/a/t.json")
    #expect(place.accessTokenFile.map { string($0.bytes) } == "/b/access")
    #expect(place.accessTokenGroup == 7)
    #expect(source.socketGroup == 8)
    #expect(try source.socket().map { string($0.bytes) } == "/c/s")
  }

  @Test func whatIsNotSetIsNowhere() throws {
    let source = try source()
    #expect(try source.place().accessTokenFile == nil)
    #expect(try source.socket() == nil)
    #expect(source.accessTokenGroup == nil && source.socketGroup == nil)
  }

  @Test func whatIsWrongIsSaidWithItsPlace() {
    #expect(
      told(file: "\nrotate = 45\n") == "78 x.conf:2: rotate is not 0, 90, 180 or 270")
    #expect(
      told(options: ["--rotate", "45"])
        == "78 on the command line: rotate is not 0, 90, 180 or 270")
    #expect(
      told(variables: [("DEVICEGRANT_ROTATE", "45")])
        == "78 in the environment: rotate is not 0, 90, 180 or 270")
    #expect(told(file: "rotate\n") == "78 x.conf:1: the line is not of the form key = value")
    #expect(told(file: "colour = red\n") == "78 x.conf:1: unknown key 'colour'")
    #expect(told(file: "rotate = 0\nrotate = 0\n") == "78 x.conf:2: duplicate key 'rotate'")
    #expect(
      told(options: ["--socket-group", "no such group"])
        == "78 on the command line: socket_group is not a group of this system")
    #expect(
      told(file: "token_file = /a/b\naccess_token_file = /a/b\n")
        == "78 x.conf:2: access_token_file is the token file")
  }
}

@Suite struct StateDirectoriesTests {
  private func place(
    service: String? = nil, isRoot: Bool = false, user: String? = nil, home: String? = nil
  ) -> String {
    var place = ""
    let refused = refusal { () throws(StartError) in
      let state = StateDirectories(
        service: service.map(permanent), isRoot: isRoot, user: user.map(permanent),
        home: home.map(permanent))
      place = string(try state.tokenFile().bytes)
    }
    return refused ?? place
  }

  @Test func theFirstThatIsThereCounts() {
    #expect(
      place(service: "/s:/t", isRoot: true, user: "/u", home: "/h") == "/s/tokens.json")
    #expect(place(service: "/s", home: "/h") == "/s/tokens.json")
    #expect(place(isRoot: true, user: "/u", home: "/h") == "/var/lib/devicegrant/tokens.json")
    #expect(place(user: "/u", home: "/h") == "/u/devicegrant/tokens.json")
    #expect(place(user: "u", home: "/h") == "/h/.local/state/devicegrant/tokens.json")
    #expect(place(home: "/h") == "/h/.local/state/devicegrant/tokens.json")
  }

  @Test func nowhere() {
    #expect(
      place() == "78 there is no place for the token file: set token_file, or HOME")
    #expect(
      place(user: "u") == "78 there is no place for the token file: set token_file, or HOME")
    #expect(
      place(home: "/" + String(repeating: "h", count: 600))
        == "78 the token file's path is too long: set token_file")
  }
}

@Suite struct StartErrorTests {
  @Test(arguments: [
    (StartError.plain(.defect, "words"), "70 words"),
    (.usage("words"), "64 words"),
    (
      .system(.cannotCreate, "cannot write to standard output", .inputOutput),
      "73 cannot write to standard output: Input/output error"
    ),
    (
      .profile(PermanentBytes("https://a.example/"), "no name"),
      "65 https://a.example/ answered with no name"
    ),
    (
      .about(.configuration, "cannot read ", PermanentBytes("a\nb"), "", .noSuchFile),
      #"78 cannot read a\x0ab: No such file or directory"#
    ),
    (.about(.denied, "", PermanentBytes("hint"), " at the end"), "77 hint at the end"),
    (
      .configuration(.missing(.clientID, "why"), file: nil),
      "78 client_id is not set: why; set it in /etc/devicegrant.conf"
    ),
    (.configuration(.duplicateOption(.scope), file: nil), "64 scope is given twice"),
    (
      .file(
        .badValue(.caFile, .preset, "cannot be read"), file: nil, PermanentBytes("/ca.pem"),
        .accessDenied),
      "78 ca_file cannot be read: /ca.pem: Permission denied"
    ),
    (
      .file(
        .badValue(.caFile, .file(line: 3), "holds no PEM certificate"),
        file: PermanentBytes("x.conf"), PermanentBytes("/ca.pem"), nil),
      "78 x.conf:3: ca_file holds no PEM certificate: /ca.pem"
    ),
  ]) func allIsSaid(_ error: StartError, _ words: String) {
    #expect(refusal { () throws(StartError) in throw error } == words)
  }
}
