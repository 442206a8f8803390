internal import Bytes
internal import CMemory
internal import DeviceGrant
internal import OAuth

/// The door to the program's static memory (CShims/CMemory). What is taken from it more than once
/// is used for one thing at a time.
enum Memory {
  static func published() -> Buffer { buffer(cmemory_published(), cmemory_published_capacity) }

  static func handedOut() -> Buffer { buffer(cmemory_handed_out(), cmemory_handed_out_capacity) }

  static func answer() -> Buffer { buffer(cmemory_answer(), cmemory_answer_capacity) }

  static func facts() -> Buffer { buffer(cmemory_facts(), cmemory_facts_capacity) }

  static func profile() -> Buffer { buffer(cmemory_profile(), cmemory_profile_capacity) }

  static func form() -> Buffer { buffer(cmemory_form(), cmemory_form_capacity) }

  static func request() -> Buffer { buffer(cmemory_request(), cmemory_request_capacity) }

  static func responseBody() -> Buffer {
    buffer(cmemory_response_body(), cmemory_response_body_capacity)
  }

  static func receive() -> Buffer { buffer(cmemory_receive(), cmemory_receive_capacity) }

  static func tokens() -> Tokens {
    Tokens(
      accessToken: buffer(cmemory_access_token(), cmemory_access_token_capacity),
      refreshToken: buffer(cmemory_refresh_token(), cmemory_refresh_token_capacity))
  }

  static func tokenFile() -> Buffer { buffer(cmemory_token_file(), cmemory_token_file_capacity) }

  /// Whether what a configuration lies in is the other half of its memory: where one is looked at
  /// beside the one that is in use.
  nonisolated(unsafe) static var usesSpare = false

  static func configurationFile() -> Buffer {
    half(cmemory_configuration_file(), cmemory_configuration_file_capacity)
  }

  static func secretFile() -> Buffer { half(cmemory_secret_file(), cmemory_secret_file_capacity) }

  static func endpoints() -> Buffer { half(cmemory_endpoints(), cmemory_endpoints_capacity) }

  private static func half(_ start: UnsafeMutablePointer<UInt8>!, _ capacity: Int) -> Buffer {
    buffer(start + (usesSpare ? capacity / 2 : 0), capacity / 2)
  }

  /// The contents of a static buffer that nothing writes to again.
  static func permanent(_ buffer: borrowing Buffer) -> PermanentBytes {
    buffer.bytes.withUnsafeBufferPointer { PermanentBytes($0) }
  }

  static func canvas() -> UnsafeMutableRawBufferPointer {
    storage(cmemory_canvas(), cmemory_canvas_capacity)
  }

  /// How much of the memory for display drivers is given away.
  nonisolated(unsafe) private static var driversUsed = 0

  /// Moves a display driver into static memory, for as long as the program runs.
  static func place<Driver: ~Copyable>(
    _ driver: consuming Driver
  ) -> UnsafeMutablePointer<Driver> {
    let memory = storage(cmemory_drivers(), cmemory_drivers_capacity)
    // Sixteen bytes suit every type.
    let end = driversUsed + (MemoryLayout<Driver>.size + 15) / 16 * 16
    precondition(end <= memory.count, "more display drivers than the configuration can name")
    let place = (memory.baseAddress! + driversUsed).bindMemory(to: Driver.self, capacity: 1)
    driversUsed = end
    place.initialize(to: driver)
    return place
  }

  private static func buffer(_ start: UnsafeMutablePointer<UInt8>!, _ capacity: Int) -> Buffer {
    Buffer(storage: storage(start, capacity))
  }

  private static func storage(
    _ start: UnsafeMutablePointer<UInt8>!, _ capacity: Int
  ) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(start: start, count: capacity)
  }
}
