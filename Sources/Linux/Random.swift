internal import CLinux

/// Fills memory with random bytes of the kernel's (getrandom(2)). Early at boot it waits for the
/// kernel to have gathered enough, which takes at most about a second since Linux 5.6.
public func fillWithRandom(_ space: UnsafeMutableRawBufferPointer) throws(Errno) {
  var filled = 0
  while filled < space.count {
    let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: space[filled...])
    filled += try result { unsafe getrandom(rest.baseAddress, rest.count, 0) }
  }
}

/// A random number of the kernel's; 0 where it has none.
public func randomNumber() -> UInt32 {
  var number: UInt32 = 0
  unsafe withUnsafeMutableBytes(of: &number) { try? unsafe fillWithRandom($0) }
  return number
}
