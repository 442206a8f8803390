internal import CLinux

/// What this process may do from some moment on, and all that it starts: landlock(7) has it read
/// and change files below some directories only, seccomp(2) has it make no call that it does not
/// need. An old kernel has neither, or one of the two.
public struct Sandbox: ~Copyable {
  /// The ruleset; where there is no Landlock, no descriptor.
  private let ruleset: FileDescriptor
  private let rules: clinux_rules

  /// One that allows to read what libraries and devices need, and is not in force.
  public init() {
    var rules = clinux_rules()
    ruleset = unsafe FileDescriptor(owning: clinux_new_ruleset(&rules))
    self.rules = rules
  }

  /// Allows reading the directory that a file is in, and what is below; or making, changing and
  /// removing too. Where it is missing, that is allowed below the one in which it would be made,
  /// unless it is the root.
  @inline(never)
  public borrowing func allow(
    besides file: borrowing Span<UInt8>, changing isChanged: Bool = true
  ) {
    let number = ruleset.rawValue
    if number < 0 { return }
    var rules = rules
    unsafe file.withUnsafeBytes {
      unsafe clinux_allow_beside(
        number, &rules, $0.baseAddress, $0.count, isChanged)
    }
  }

  /// Puts it into force, for good.
  ///
  /// - Returns: what the kernel had for it.
  public consuming func close() -> StaticString {
    let hasRules = clinux_restrict(ruleset.rawValue) == 0
    let hasFilter = clinux_forbid_calls() == 0
    if hasRules { return hasFilter ? "landlock and seccomp" : "landlock" }
    return hasFilter ? "seccomp" : "none, the kernel has none"
  }
}
