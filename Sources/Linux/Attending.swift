/// What is attended to in the midst of a wait: an exclusive access to whoever does it, for as long
/// as this value lives. So nothing that a wait calls can touch what the one who waits is at.
public struct Attending: ~Escapable {
  fileprivate let descriptor: Int32
  private let context: UnsafeMutableRawPointer?
  private let service: Service?

  /// What a wait calls, with the attendant, when its descriptor is readable. True ends the wait as
  /// interrupted; where it returns false it must have taken all that made the descriptor readable:
  /// otherwise the wait calls it again and again.
  ///
  /// A C function, since a closure with a context would need the heap.
  public typealias Service = @convention(c) (UnsafeMutableRawPointer?) -> Bool

  /// Where the descriptor is readable, the wait ends; -1 for nobody.
  @_lifetime(immortal)
  public init(descriptor: Int32 = -1) {
    self.descriptor = descriptor
    context = nil
    service = nil
  }

  /// Where the descriptor is readable, the service does what can't be put off.
  @_lifetime(&attendant)
  public init<Attendant: ~Copyable>(
    _ attendant: inout Attendant, descriptor: Int32, service: @escaping Service
  ) {
    self.descriptor = descriptor
    self.service = service
    context = withUnsafeMutablePointer(to: &attendant) { UnsafeMutableRawPointer($0) }
  }

  fileprivate func attend() -> Bool { service?(context) ?? true }
}

/// Waits until `descriptor` is ready, the deadline has passed or whoever attends ends it.
///
/// - Parameter descriptor: -1 waits for the deadline and the attendant alone.
/// - Parameter deadline: in milliseconds since boot.
///
/// The corresponding C function is `poll`.
public func wait(
  for readiness: Readiness, on descriptor: Int32, until deadline: Int64,
  attending: borrowing Attending
) -> Wakeup {
  let patience = Patience(deadline: deadline, interrupt: attending.descriptor)
  while true {
    let wakeup = wait(for: readiness, on: descriptor, patience)
    if wakeup != .interrupted || attending.attend() { return wakeup }
  }
}
