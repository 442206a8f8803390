internal import CLinux

extension Path {
  /// Puts this file in the place of `other`, in one step for everybody who looks.
  ///
  /// The corresponding C function is `rename`.
  public func rename(to other: Path) throws(Errno) {
    _ = try unsafe withCString { (name) throws(Errno) in
      try unsafe other.withCString { (otherName) throws(Errno) in
        try result { unsafe CLinux.rename(name, otherName) }
      }
    }
  }

  /// Removes the file; whoever has it open keeps it.
  ///
  /// The corresponding C function is `unlink`.
  public func remove() throws(Errno) {
    _ = try unsafe withCString { (name) throws(Errno) in
      try result { unsafe unlink(name) }
    }
  }
}
