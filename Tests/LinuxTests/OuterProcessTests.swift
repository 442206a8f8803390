import CLinux
import Foundation
import Linux
import TestSupport
import Testing

/// In a child process, since the outer process never returns and ends as the inner one does: what
/// the inner one says by its exit code.
private func divided(_ body: () -> Int32) -> Linux.ExitStatus {
  let child = clinux_fork()
  if child == 0 {
    var words: [UnsafeMutablePointer<CChar>?] = [strdup("devicegrant"), nil]
    let role = words.withUnsafeMutableBufferPointer {
      try? OuterProcess.divide(CommandLine(count: 1, words: $0.baseAddress!))
    }
    switch role {
    case .agent: _exit(body())
    case .checker: _exit(0)
    case nil: _exit(99)
    }
  }
  var status: Int32 = 0
  precondition(waitpid(child, &status, 0) == child)
  return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
}

private func run(_ program: String, _ variables: String = "") -> Result<Int32, Errno> {
  let variables = Array(variables.utf8)
  while true {
    do throws(Errno) {
      return .success(try ChildProcess.spawn(makePath(program), environment: variables.span))
    } catch {
      // A child of another test still holds the script as it was open for writing.
      if error.rawValue != ETXTBSY { return .failure(error) }
    }
  }
}

private func permit(_ program: String) {
  let bytes = Array(program.utf8)
  OuterProcess.permit(bytes.span)
}

/// How a program ends; it is asked for until it has.
private func end(of program: Int32) -> Linux.ExitStatus {
  while true {
    if let status = ChildProcess.reap(program) { return status }
    usleep(1000)
  }
}

@Suite struct OuterProcessTests {
  @Test func itEndsAsTheInnerOneDoes() {
    #expect(divided { 7 } == .exited(7))
    #expect(divided { raise(SIGKILL) } == .killed(SIGKILL))
  }

  @Test func programsThatWereNamedAreRun() {
    let status = divided {
      permit("/bin/false")
      permit("/bin/true")
      OuterProcess.seal()
      guard case .success(let program) = run("/bin/true", "DEVICEGRANT_EVENT=code\0") else {
        return 1
      }
      if end(of: program) != .exited(0) { return 2 }
      if ChildProcess.reap(program) != .unknown { return 3 }
      guard case .success(let other) = run("/bin/false") else { return 4 }
      return end(of: other) == .exited(1) ? 0 : 5
    }
    #expect(status == .exited(0))
  }

  @Test func othersAreNot() {
    let status = divided {
      permit("/bin/true")
      permit("/bin/cat")
      OuterProcess.seal()
      permit("/bin/false")
      for program in ["/bin/false", "/bin/tru", "/bin/true2", "true", "/bin/ca"] {
        if run(program) != .failure(.notPermitted) { return 1 }
      }
      return 0
    }
    #expect(status == .exited(0))
  }

  @Test func noVariableIsAddedButFacts() {
    let status = divided {
      permit("/bin/true")
      OuterProcess.seal()
      let hostile = "DEVICEGRANT_EVENT=code\0LD_PRELOAD=/tmp/x.so\0"
      return run("/bin/true", hostile) == .failure(.notPermitted) ? 0 : 1
    }
    #expect(status == .exited(0))
  }

  /// A program that does not end by itself.
  private func makeSleeper(in directory: TemporaryDirectory) throws -> String {
    let path = "\(directory.name)/sleeper"
    try "#!/bin/sh\nexec sleep 1000\n".write(toFile: path, atomically: false, encoding: .utf8)
    chmod(path, 0o700)
    return path
  }

  @Test func noProcessIsEndedButPrograms() throws {
    let directory = TemporaryDirectory()
    let bystander = try run(makeSleeper(in: directory)).get()
    let status = divided {
      ChildProcess.kill(group: bystander)
      ChildProcess.end(getpid())
      ChildProcess.end(getppid())
      return 5
    }
    #expect(status == .exited(5))
    #expect(ChildProcess.reap(bystander) == nil)
    ChildProcess.end(bystander)
  }

  @Test func programIsEndedAndItsEndIsTold() throws {
    let directory = TemporaryDirectory()
    let sleeper = try makeSleeper(in: directory)
    let status = divided {
      permit(sleeper)
      OuterProcess.seal()
      guard case .success(let program) = run(sleeper) else { return 1 }
      if ChildProcess.reap(program) != nil { return 2 }
      ChildProcess.kill(group: program)
      if end(of: program) != .killed(SIGKILL) { return 3 }
      guard case .success(let other) = run(sleeper) else { return 4 }
      ChildProcess.end(other)
      return ChildProcess.reap(other) == .unknown ? 0 : 5
    }
    #expect(status == .exited(0))
  }

  @Test func whatIsNoPanelIsNotOpenedForTheInnerOne() {
    let directory = TemporaryDirectory()
    let path = "\(directory.name)/file"
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let status = divided {
      _ = Sandbox().close()
      for name in [path, "/dev/null", "/dev/kmsg", "/dev/tty"] {
        do throws(Errno) {
          _ = try FileDescriptor(opening: makePath(name), .readWrite)
          return 1
        } catch {
          if error != .accessDenied, error != .noSuchFile { return 2 }
        }
      }
      return 0
    }
    #expect(status == .exited(0))
  }

  @Test func theConfigurationIsLookedAtByAnother() {
    #expect(divided { OuterProcess.acceptsConfiguration() ? 0 : 1 } == .exited(0))
  }
}
