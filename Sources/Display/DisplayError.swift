public import Bytes
public import Linux

/// Why a display shows nothing. It says what failed, not on which display: whoever opened that one
/// knows its path.
public enum DisplayError: Error, Equatable, Sendable {
  /// What a driver asks of the kernel.
  public enum Attempt: UInt8, Sendable {
    case open
    case readMode
    case map
    case create
    case write
    case replace
  }

  /// The kernel refused.
  case system(Attempt, Errno)
  /// The framebuffer is of a kind that this program can't paint.
  case unsupported(UnsupportedFramebuffer)
  /// The kernel refused what a graphics card takes.
  case card(DRMCard.Attempt, Errno)
  /// A picture file needs more memory than there is, or has no pixels.
  case size

  /// Whether no monitor is plugged in.
  var isUnplugged: Bool {
    if case .card(.findPanel, .noSuchDevice) = self { true } else { false }
  }

  /// Whether another program shows its picture on a graphics card. The kernel says "permission
  /// denied" to all but root.
  var isBusy: Bool {
    switch self {
    case .card(.becomeMaster, .busy), .card(.becomeMaster, .accessDenied): true
    default: false
    }
  }

  /// Whether it may be otherwise before long: the device may come, and its rights may be set, a
  /// little after; the other program may end.
  public var mayPass: Bool {
    switch self {
    case .system(.open, .accessDenied), .card(.open, .accessDenied): true
    default: isAbsence || isBusy
    }
  }

  /// Whether a display that was given up for this is no news when it is not to be had for `other`.
  func covers(_ other: DisplayError) -> Bool {
    other.mayPass && (other.isAbsence || !isAbsence)
  }

  /// Whether there is no graphics card of that name, or one that only computes pictures.
  var isNoCard: Bool {
    switch self {
    case .card(.open, _): isAbsence
    case .card(.readResources, let errno): errno == .notSupported
    default: false
    }
  }

  /// Whether the device is not there, or not any more: it may come.
  var isAbsence: Bool {
    @inline(never) get {
      switch self {
      case .system(_, let errno), .card(_, let errno):
        errno == .noSuchFile || errno == .noSuchDevice || errno == .noSuchAddress
      default: false
      }
    }
  }
}

extension ByteSink where Self: ~Copyable {
  /// Appends what was attempted and why it failed, as in "cannot open it: Permission denied".
  public mutating func append(_ error: DisplayError) {
    switch error {
    case .system(let attempt, let errno):
      append(attempt.words, errno, isOpening: attempt == .open)
    case .card(.becomeMaster, let errno) where error.isBusy:
      append("another program shows on it: ")
      append(errno)
    case .card(let attempt, let errno):
      append(attempt.words, errno, isOpening: attempt == .open)
    case .unsupported(let reason):
      append("cannot paint on it: ")
      append(reason)
    case .size:
      append("cannot hold a picture of that size")
    }
  }

  @inline(never)
  private mutating func append(_ attempt: StaticString, _ errno: Errno, isOpening: Bool) {
    append("cannot ")
    append(attempt)
    append(": ")
    append(errno)
    // What is opened are devices, and those of displays belong to a group.
    if isOpening, errno == .accessDenied { append(" (is the user in the group video?)") }
  }
}

extension DisplayError.Attempt {
  fileprivate var words: StaticString {
    switch self {
    case .open: "open it"
    case .readMode: "read its framebuffer mode"
    case .map: "map it"
    case .create: "create the file beside it"
    case .write: "write to it"
    case .replace: "put the new picture in its place"
    }
  }
}

extension DRMCard.Attempt {
  fileprivate var words: StaticString {
    switch self {
    case .open: "open it"
    case .becomeMaster: "take it over"
    case .readResources: "read what it can show"
    case .findPanel: "find a connected panel or monitor"
    case .findController: "find a free controller for its panel"
    case .allocate: "get memory for a picture"
    }
  }
}
