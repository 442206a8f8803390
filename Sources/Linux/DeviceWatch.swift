internal import CLinux

/// Tells when a display may have come or gone: the kernel's events about graphics cards,
/// framebuffers and what is plugged into them, and the same from udev, when it has set the rights
/// to a new device (netlink(7), NETLINK_KOBJECT_UEVENT).
public struct DeviceWatch: ~Copyable {
  private let descriptor: FileDescriptor

  /// - Throws: `EAFNOSUPPORT` or `EPROTONOSUPPORT` where the kernel or a sandbox has no netlink.
  public init() throws(Errno) {
    descriptor = FileDescriptor(owning: try result { clinux_device_events() })
  }

  /// Takes over a socket whose datagrams are events.
  init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = descriptor
  }

  /// Readable when something has happened to any device.
  public var rawValue: Int32 { descriptor.rawValue }

  /// Whether something has happened to a display since the last call. Also where that can't be
  /// told, because too much has happened.
  public borrowing func hasDisplayChanged() -> Bool {
    var hasChanged = false
    var storage = InlineArray<1024, UInt64>(repeating: 0)
    let socket = descriptor.rawValue
    for _ in 0..<EventQueue.readLimit {
      var space = storage.mutableSpan
      let count = unsafe space.withUnsafeMutableBytes {
        unsafe recv(socket, $0.baseAddress, $0.count, 0)
      }
      if count < 0 {
        guard Errno.current.rawValue == ENOBUFS else { return hasChanged }
        hasChanged = true
      }
      if count == 0 { return hasChanged }
      let isDisplay = unsafe storage.span.withUnsafeBytes {
        let event = unsafe UnsafeRawBufferPointer(rebasing: $0[..<max(0, count)])
        return unsafe contains(event, "SUBSYSTEM=drm") || contains(event, "SUBSYSTEM=graphics")
      }
      if isDisplay { hasChanged = true }
    }
    return hasChanged
  }
}

private func contains(_ event: UnsafeRawBufferPointer, _ property: StaticString) -> Bool {
  // With the zero at its end.
  guard let start = event.baseAddress else { return false }
  return unsafe memmem(start, event.count, property.utf8Start, property.utf8CodeUnitCount + 1)
    != nil
}
