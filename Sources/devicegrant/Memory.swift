internal import Bytes
internal import CMemory
internal import DeviceGrant

/// The door to the program's static memory (CShims/CMemory). Each buffer is taken once.
enum Memory {
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

  static func configurationFile() -> Buffer {
    buffer(cmemory_configuration_file(), cmemory_configuration_file_capacity)
  }

  static func secretFile() -> Buffer { buffer(cmemory_secret_file(), cmemory_secret_file_capacity) }

  /// The contents of a static buffer that nothing writes to again.
  static func permanent(_ buffer: borrowing Buffer) -> PermanentBytes {
    buffer.bytes.withUnsafeBufferPointer { PermanentBytes($0) }
  }

  static func canvas() -> UnsafeMutableRawBufferPointer {
    storage(cmemory_canvas(), cmemory_canvas_capacity)
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
