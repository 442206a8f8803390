internal import Bytes
internal import CLinux

/// What came of looking at an input device.
public enum Input: Sendable, Equatable {
  case nothing
  /// A key or button went down, or a finger touches.
  case pressed
  /// The device has been unplugged: to be removed from where it is watched, then closed.
  case gone
}

/// The kernel's input devices, `/dev/input/event0` to `event31`: keys, buttons and touch panels
/// (evdev). At most sixteen are open at a time, and only ever read.
public struct InputDevices: ~Copyable {
  /// How many devices there is room for.
  public static var capacity: Int { 16 }

  private static var numbers: Range<Int> { 0..<32 }

  /// Where the devices are.
  public static var directory: Path { Path("/dev/input") }

  private struct Device {
    var descriptor: Int32 = -1
    var number = -1
  }

  private var devices = InlineArray<16, Device>(repeating: Device())

  /// None are open yet.
  public init() {}

  deinit {
    for index in 0..<Self.capacity where devices[index].descriptor >= 0 {
      CLinux.close(devices[index].descriptor)
    }
  }

  /// Opens the devices that are not open yet, as far as there is room.
  ///
  /// Nothing is an error: there may be no device, or none that we may read.
  public mutating func rescan(_ directory: Path = Self.directory) {
    for number in Self.numbers where index(of: number) == nil {
      guard let index = index(of: -1) else { return }
      let descriptor = openDevice(directory, number)
      if descriptor < 0 { continue }
      devices[index] = Device(descriptor: descriptor, number: number)
    }
  }

  /// Takes all that has happened at a device, and says whether something was pressed.
  public borrowing func wasPressed(_ index: Int) -> Input {
    let descriptor = devices[index].descriptor
    precondition(descriptor >= 0)
    // A multiple of an event's size, which is 16 or 24 bytes.
    var storage = InlineArray<384, UInt8>(repeating: 0)
    var wasPressed = false
    // What is left is reported again: a device may send without a pause.
    for _ in 0..<EventQueue.readLimit {
      var space = storage.mutableSpan
      let received = unsafe space.withUnsafeMutableBytes { space in
        FileDescriptor.transfer { unsafe read(descriptor, space.baseAddress, space.count) }
      }
      guard case .bytes(let count) = received, count > 0 else {
        if received != .wouldBlock { return .gone }
        return wasPressed ? .pressed : .nothing
      }
      let events = storage.span.extracting(first: count)
      if Self.holdsPress(events, eventSize: Self.eventSize) { wasPressed = true }
    }
    return wasPressed ? .pressed : .nothing
  }

  /// The descriptor at a place below `capacity`, readable when something has happened; -1 where
  /// there is none.
  public func descriptor(_ index: Int) -> Int32 { devices[index].descriptor }

  /// Closes a device that is gone.
  public mutating func close(_ index: Int) {
    CLinux.close(devices[index].descriptor)
    devices[index] = Device()
  }

  /// The size of `struct input_event` here, in bytes.
  public static var eventSize: Int { MemoryLayout<input_event>.size }

  /// Whether the events of `<linux/input.h>` in `bytes` hold one of a key, a button or a touch that
  /// went down. What is no whole event at the end is left alone.
  ///
  /// - Parameter eventSize: 16 or 24 bytes: the time of an event is of two sizes.
  public static func holdsPress(
    _ bytes: borrowing Span<UInt8>, eventSize: Int
  ) -> Bool {
    var end = eventSize
    while end <= bytes.count {
      // Behind the time: a type and a code of 16 bits, a value of 32.
      let (type, code, value) = unsafe bytes.withUnsafeBytes { bytes in
        unsafe (
          bytes.loadUnaligned(fromByteOffset: end - 8, as: UInt16.self),
          bytes.loadUnaligned(fromByteOffset: end - 6, as: UInt16.self),
          bytes.loadUnaligned(fromByteOffset: end - 4, as: Int32.self)
        )
      }
      // 1 is a press, 0 a release, 2 a repetition.
      if type == UInt16(EV_KEY), value == 1 { return true }
      // Some touch panels tell of contacts only: of each new one, which has a number of 0 or more,
      // or of where they all are.
      let isContact = code == UInt16(ABS_MT_TRACKING_ID) || code == UInt16(ABS_MT_POSITION_X)
      if type == UInt16(EV_ABS), isContact, value >= 0 { return true }
      end += eventSize
    }
    return false
  }

  private func index(of number: Int) -> Int? {
    for index in 0..<Self.capacity where devices[index].number == number { return index }
    return nil
  }
}

private func openDevice(_ directory: Path, _ number: Int) -> Int32 {
  var path = Text<512>()
  path.append(directory.bytes)
  path.append("/event")
  path.append(decimal: Int64(number))
  guard !path.isTruncated, let name = Path(path.bytes) else { return -1 }
  return unsafe name.withCString {
    unsafe clinux_openat(AT_FDCWD, $0, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0)
  }
}
