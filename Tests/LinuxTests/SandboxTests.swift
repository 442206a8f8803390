import CLinux
import Foundation
import Linux
import TestSupport
import Testing

/// What a child process says by its exit code: a sandbox can't be taken off again, so each test has
/// a process of its own. It has one thread, so it may not do much.
private func inChild(_ body: () -> Int32) -> Linux.ExitStatus {
  let child = clinux_fork()
  if child == 0 { _exit(body()) }
  precondition(child > 0)
  var status: Int32 = 0
  precondition(waitpid(child, &status, 0) == child)
  return status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
}

/// The error of a system call that fails; 0 where it does not.
private func failure(_ number: Int32, _ first: Int = 0, _ second: Int = 0) -> Int32 {
  clinux_call(Int(number), first, second) < 0 ? errno : 0
}

@Suite struct SandboxTests {
  private let directory = TemporaryDirectory()

  /// The error of opening a file to write, or 0.
  private func write(_ path: String, _ flags: Int32 = O_CREAT) -> Int32 {
    let file = open(path, O_WRONLY | flags, 0o600)
    if file < 0 { return errno }
    close(file)
    return 0
  }

  private func confine(_ file: String, isChanged: Bool = true) {
    let sandbox = Sandbox()
    let bytes = Array(file.utf8)
    sandbox.allow(besides: bytes.span, changing: isChanged)
    _ = sandbox.close()
  }

  @Test func thisKernelHasBoth() {
    let words: StaticString = "landlock and seccomp"
    let status = inChild {
      let said = Sandbox().close()
      return said.utf8CodeUnitCount == words.utf8CodeUnitCount ? 0 : 1
    }
    #expect(status == .exited(0))
  }

  @Test func whatIsAllowedIsWrittenAndNothingElse() {
    let (inside, outside) = ("\(directory.name)/in", "\(directory.name)/out")
    for name in [inside, outside] { mkdir(name, 0o700) }
    #expect(write("\(outside)/there") == 0)
    let status = inChild {
      confine("\(inside)/file")
      if write("\(inside)/file") != 0 || write("\(inside)/file", O_TRUNC) != 0 { return 1 }
      if rename("\(inside)/file", "\(inside)/other") != 0 { return 2 }
      if link("\(inside)/other", "\(inside)/link") != 0 { return 3 }
      if unlink("\(inside)/other") != 0 || mkdir("\(inside)/more", 0o700) != 0 { return 4 }
      if write("\(outside)/file") != EACCES || write("\(outside)/there", 0) != EACCES { return 5 }
      if unlink("\(outside)/there") == 0 || errno != EACCES { return 6 }
      if mkdir("\(outside)/more", 0o700) == 0 || errno != EACCES { return 7 }
      return write("/dev/null", 0) == EACCES ? 0 : 8
    }
    #expect(status == .exited(0))
  }

  @Test func directoryThatIsToBeMadeIsMadeWhereItIsMissing() {
    let base = directory.name
    let status = inChild {
      confine("\(base)/a/b/file")
      if mkdir("\(base)/a", 0o700) != 0 || mkdir("\(base)/a/b", 0o700) != 0 { return 1 }
      return write("\(base)/a/b/file")
    }
    #expect(status == .exited(0))
  }

  @Test func nothingIsAllowedEverywhereForADirectoryThatIsMissing() {
    let status = inChild {
      confine("/devicegrant-has-no-such-directory/file")
      return write("/var/tmp/devicegrant-test") == EACCES ? 0 : 1
    }
    #expect(status == .exited(0))
  }

  @Test func whatIsAllowedToBeReadIsNotWritten() {
    #expect(write("\(directory.name)/file") == 0)
    let path = "\(directory.name)/file"
    let status = inChild {
      confine(path, isChanged: false)
      let file = open(path, O_RDONLY)
      return file >= 0 && write(path, 0) == EACCES ? 0 : 1
    }
    #expect(status == .exited(0))
  }

  @Test(
    arguments: [
      SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2, SYS_unshare,
      SYS_setns, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_bpf,
      SYS_perf_event_open, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd,
      SYS_open_by_handle_at, SYS_reboot, SYS_swapon, SYS_clock_settime, SYS_execve, SYS_execveat,
      SYS_chroot, SYS_pivot_root, 425, 426, 427, 429, 430, 442,
    ] as [Int32])
  func callThatIsNeverMadeFails(number: Int32) {
    let status = inChild {
      _ = Sandbox().close()
      return failure(number)
    }
    #expect(status == .exited(EPERM))
  }

  @Test func namespacesAreNotMadeByOtherDoors() {
    let status = inChild {
      _ = Sandbox().close()
      // clone(2) with CLONE_NEWUSER; clone3(2), whose flags a filter can't see.
      if failure(Int32(SYS_clone), 0x1000_0011) != EPERM { return 1 }
      return failure(435) == ENOSYS ? 0 : 2
    }
    #expect(status == .exited(0))
  }

  /// Else what is read from a terminal could be typed for somebody (TIOCSTI, TIOCLINUX).
  @Test func terminalsAreNotTypedAt() {
    let status = inChild {
      _ = Sandbox().close()
      for request in [0x5412, 0x541C] where failure(Int32(SYS_ioctl), -1, request) != EPERM {
        return 1
      }
      return failure(Int32(SYS_ioctl), -1, 0x5401) == EBADF ? 0 : 2
    }
    #expect(status == .exited(0))
  }

  @Test func otherCallsWork() {
    let status = inChild {
      _ = Sandbox().close()
      let child = clinux_fork()
      if child == 0 { _exit(7) }
      var status: Int32 = 0
      return waitpid(child, &status, 0) == child && status == 7 << 8 ? 0 : 1
    }
    #expect(status == .exited(0))
  }

  #if arch(x86_64)
    @Test func callsOfX32Fail() {
      let status = inChild {
        _ = Sandbox().close()
        return failure(0x4000_0000 | Int32(SYS_getpid))
      }
      #expect(status == .exited(EPERM))
    }
  #endif
}
