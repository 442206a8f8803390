internal import CLinux

extension Path {
  /// A number that is another when the file, to which links may lead, has been written or replaced;
  /// 0 where there is none. By the change time, which nobody can set back.
  ///
  /// The corresponding C function is `statx`.
  public var generation: Int64 { unsafe withCString { unsafe clinux_generation($0) } }
}
