import Foundation
import Linux
import TestSupport
import Testing

@Suite struct ChildProcessTests {
  private let directory = TemporaryDirectory()

  private func makeScript(_ text: String) throws -> Path {
    try "#!/bin/sh\n\(text)\n".write(
      toFile: "\(directory.name)/script", atomically: false, encoding: .utf8)
    chmod("\(directory.name)/script", 0o700)
    return directory.path("script")
  }

  private func spawn(_ program: Path, _ variables: [String] = []) throws(Errno) -> Int32 {
    let environment = variables.flatMap { (variable) -> [UInt8] in Array(variable.utf8) + [0] }
    while true {
      do {
        return try ChildProcess.spawn(program, environment: environment.span)
      } catch {
        // A child of another test still holds the script as it was open for writing.
        if error.rawValue != ETXTBSY { throw error }
      }
    }
  }

  /// Waits for the child's end without taking it.
  private func finish(_ child: Int32) -> Linux.ExitStatus? {
    var information = siginfo_t()
    precondition(waitid(P_PID, id_t(child), &information, WEXITED | WNOWAIT) == 0)
    return ChildProcess.reap(child)
  }

  @Test func anExitCodeIsTold() throws {
    #expect(try finish(spawn(makePath("/bin/true"))) == .exited(0))
    #expect(try finish(spawn(makePath("/bin/false"))) == .exited(1))
    #expect(try finish(spawn(makeScript("exit 255"))) == .exited(255))
  }

  @Test func aChildThatRunsHasNoStatus() throws {
    let child = try spawn(makeScript("sleep 1000 & wait"))
    #expect(ChildProcess.reap(child) == nil)
    ChildProcess.kill(group: child)
    #expect(finish(child) == .killed(SIGKILL))
    #expect(ChildProcess.reap(child) == .unknown)
  }

  @Test func whatTheChildStartedIsKilledWithIt() throws {
    let fifo = "\(directory.name)/fifo"
    mkfifo(fifo, 0o600)
    let reader = FileDescriptor(owning: open(fifo, O_RDONLY | O_NONBLOCK))
    let script = try makeScript("exec 3>\"$FIFO\"; sleep 1000 & echo >&3; wait")
    let child = try spawn(script, ["FIFO=\(fifo)"])
    let later = Clock.milliseconds + 60000
    #expect(wait(on: reader.rawValue, until: later) == .ready)
    #expect(try reader.readAvailable() == "\n")
    ChildProcess.kill(group: child)
    #expect(finish(child) == .killed(SIGKILL))
    // Its end comes when the last one that holds the other end is gone.
    #expect(wait(on: reader.rawValue, until: later) == .ready)
    #expect(try reader.readAvailable() == "")
  }

  @Test func whatCannotBeRunIsAnError() throws {
    try "exit 0".write(
      toFile: "\(directory.name)/plain", atomically: false, encoding: .utf8)
    let plain = directory.path("plain")
    let missing = failure { () throws(Errno) in _ = try spawn(makePath("/no/such/program")) }
    let notExecutable = failure { () throws(Errno) in _ = try spawn(plain) }
    chmod("\(directory.name)/plain", 0o700)
    let noProgram = failure { () throws(Errno) in _ = try spawn(plain) }
    #expect(missing == .noSuchFile)
    #expect(notExecutable == .accessDenied)
    #expect(noProgram == Errno(rawValue: ENOEXEC))
    // Nobody has to reap what never ran.
    let many = (0..<1025).map { "V\($0)=" }
    let tooMany = failure { () throws(Errno) in _ = try spawn(makePath("/bin/true"), many) }
    #expect(tooMany == Errno(rawValue: E2BIG))
  }

  @Test func theEnvironmentIsOursLessWhatIsOursAlone() throws {
    let withheld = [
      "DEVICEGRANT_CLIENT_SECRET", "DEVICEGRANT_", "CLIENT_ID", "CLIENT_SECRET", "NOTIFY_SOCKET",
      "LISTEN_FDS", "LISTEN_PID", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY",
    ]
    let kept = ["CLIENT_IDENTITY", "XDEVICEGRANT_TEST", "DEVICEGRANT"]
    for name in withheld + kept { setenv(name, "inherited", 1) }
    defer { for name in withheld + kept { unsetenv(name) } }
    let output = "\(directory.name)/output"
    let child = try spawn(
      makeScript("env > \"$OUTPUT\""), ["OUTPUT=\(output)", "DEVICEGRANT_STATE=on_code", "EMPTY="])
    #expect(finish(child) == .exited(0))
    let lines = try #require(directory.content(of: "output")).components(separatedBy: "\n")
    let inherited = lines.filter { $0.hasSuffix("=inherited") }.map { $0.split(separator: "=")[0] }
    #expect(Set(inherited) == Set(kept.map { Substring($0) }))
    #expect(lines.contains("DEVICEGRANT_STATE=on_code"))
    #expect(lines.contains("EMPTY="))
    #expect(lines.contains { $0.hasPrefix("PATH=") })
  }

  @Test func aChildStartsAfresh() throws {
    signal(SIGPIPE, SIG_IGN)
    let signals = try SignalQueue(isForService: true)
    let output = "\(directory.name)/output"
    let child = try spawn(
      makeScript(
        """
        exec 3> "$OUTPUT"
        readlink /proc/$$/fd/0 >&3
        [ /proc/$$/fd/1 -ef /proc/$$/fd/2 ] && echo same >&3
        while read -r name value; do
          case $name in SigBlk:|SigIgn:) echo "$value" >&3;; esac
        done < /proc/$$/status
        cut -d' ' -f5,6 /proc/$$/stat >&3
        tr '\\0' '\\n' < /proc/$$/cmdline >&3
        ls /proc/$$/fd >&3
        """),
      ["OUTPUT=\(output)"])
    #expect(finish(child) == .exited(0))
    _ = consume signals
    let lines = try #require(directory.content(of: "output")).components(separatedBy: "\n")
    try #require(lines.count > 8)
    #expect(lines[0] == "/dev/null")
    #expect(lines[1] == "same")
    #expect(lines[2] == "0000000000000000")
    let ignored = try #require(UInt64(lines[3], radix: 16))
    #expect(ignored & 1 << UInt64(SIGPIPE - 1) == 0)
    #expect(lines[4] == "\(child) \(child)")
    // The script's interpreter, the script, and no arguments.
    #expect(Array(lines[5...7]) == ["/bin/sh", "\(directory.name)/script", "0"])
  }
}
