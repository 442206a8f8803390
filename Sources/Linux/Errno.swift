public import Bytes
internal import CLinux

/// An error number of the kernel or libc (errno(3)). A struct, not an enum: numbers that we have
/// no name for must survive.
public struct Errno: Error, Equatable, Sendable {
  public let rawValue: Int32

  public init(rawValue: Int32) {
    self.rawValue = rawValue
  }

  /// What the last failed call of this thread left in `errno`.
  static var current: Errno { Errno(rawValue: clinux_errno()) }

  public static let interrupted = Errno(rawValue: EINTR)
  public static let wouldBlock = Errno(rawValue: EAGAIN)
  public static let noSuchFile = Errno(rawValue: ENOENT)
  public static let exists = Errno(rawValue: EEXIST)
  public static let busy = Errno(rawValue: EBUSY)
  public static let notPermitted = Errno(rawValue: EPERM)
  public static let accessDenied = Errno(rawValue: EACCES)
  public static let notSupported = Errno(rawValue: EOPNOTSUPP)
  public static let tooManyLinks = Errno(rawValue: EMLINK)
  public static let inputOutput = Errno(rawValue: EIO)
  public static let fileTooLarge = Errno(rawValue: EFBIG)
  public static let timedOut = Errno(rawValue: ETIMEDOUT)
  public static let nameTooLong = Errno(rawValue: ENAMETOOLONG)
  /// Something is not any more what it was.
  public static let stale = Errno(rawValue: ESTALE)
  public static let notDirectory = Errno(rawValue: ENOTDIR)
  /// A link where none is followed.
  public static let isLink = Errno(rawValue: ELOOP)
  public static let isDirectory = Errno(rawValue: EISDIR)

  /// Whether it says that the machine has no network, or none that leads to the other end.
  public var isOfNetwork: Bool {
    rawValue == ENETUNREACH || rawValue == ENETDOWN
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends the system's description, as in "Permission denied".
  public mutating func append(_ error: Errno) {
    guard let description = unsafe strerror(error.rawValue) else { return }
    var index = 0
    while unsafe description[index] != 0 {
      unsafe append(UInt8(bitPattern: description[index]))
      index += 1
    }
  }
}

extension Text.StringInterpolation {
  public mutating func appendInterpolation(_ error: Errno) {
    var description = Text<80>()
    description.append(error)
    appendInterpolation(description)
  }
}

/// Calls `body` until it is not interrupted by a signal; -1 becomes the error that errno holds.
func result<Value: FixedWidthInteger & SignedInteger>(
  _ body: () -> Value
) throws(Errno) -> Value {
  while true {
    let value = body()
    if value != -1 { return value }
    try checkForInterruption()
  }
}

/// Throws the error of the last call unless a signal interrupted it.
@inline(never)
private func checkForInterruption() throws(Errno) {
  let error = Errno.current
  if error != .interrupted { throw error }
}
