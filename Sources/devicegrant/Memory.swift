internal import Board
internal import Bytes
internal import CMemory
internal import Display
internal import OAuth

/// The door to the program's static memory (CShims/CMemory). What is taken here moves into its
/// owner; each command takes each part once.
enum Memory {
  static func exchange() -> ExchangeMemory {
    unsafe ExchangeMemory(
      form: buffer(cmemory_form(), cmemory_form_capacity),
      request: buffer(cmemory_request(), cmemory_request_capacity),
      received: buffer(cmemory_receive(), cmemory_receive_capacity),
      body: buffer(cmemory_response_body(), cmemory_response_body_capacity),
      endpoints: buffer(cmemory_metadata(), cmemory_metadata_capacity))
  }

  static func keeper() -> KeeperMemory {
    unsafe KeeperMemory(
      tokens: Tokens(
        accessToken: buffer(cmemory_access_token(), cmemory_access_token_capacity),
        refreshToken: buffer(cmemory_refresh_token(), cmemory_refresh_token_capacity)),
      file: buffer(cmemory_token_file(), cmemory_token_file_capacity),
      line: buffer(cmemory_published(), cmemory_published_capacity))
  }

  static func attendant() -> AttendantMemory {
    unsafe AttendantMemory(
      token: buffer(cmemory_handed_out(), cmemory_handed_out_capacity),
      answer: buffer(cmemory_answer(), cmemory_answer_capacity),
      facts: buffer(cmemory_facts(), cmemory_facts_capacity))
  }

  static func configuration() -> ConfigurationMemory {
    unsafe ConfigurationMemory(
      file: buffer(cmemory_configuration_file(), cmemory_configuration_file_capacity),
      secret: buffer(cmemory_secret_file(), cmemory_secret_file_capacity),
      endpoints: buffer(cmemory_endpoints(), cmemory_endpoints_capacity))
  }

  /// What a command writes to standard output.
  static func output() -> Buffer { unsafe buffer(cmemory_output(), cmemory_output_capacity) }

  /// The same before it is made fit for a terminal.
  static func draft() -> Buffer { unsafe buffer(cmemory_draft(), cmemory_draft_capacity) }

  /// A line of the socket's.
  static func socketAnswer() -> Buffer {
    unsafe buffer(cmemory_socket_answer(), cmemory_socket_answer_capacity)
  }

  /// The same, where two are asked for.
  static func socketWords() -> Buffer {
    unsafe buffer(cmemory_socket_words(), cmemory_socket_words_capacity)
  }

  static func canvas() -> Canvas {
    unsafe Canvas(storage(cmemory_canvas(), cmemory_canvas_capacity))
  }

  static func drivers() -> DriverMemory {
    unsafe DriverMemory(storage(cmemory_drivers(), cmemory_drivers_capacity))
  }

  /// The contents of a static buffer that nothing writes to again.
  static func permanent(_ buffer: borrowing Buffer) -> PermanentBytes {
    buffer.permanent()
  }

  private static func buffer(_ start: UnsafeMutablePointer<UInt8>!, _ capacity: Int) -> Buffer {
    unsafe Buffer(storage: storage(start, capacity))
  }

  private static func storage(
    _ start: UnsafeMutablePointer<UInt8>!, _ capacity: Int
  ) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: start, count: capacity)
  }
}

/// What a configuration lies in, as long as it is used.
struct ConfigurationMemory: ~Copyable {
  /// The file, as it is.
  var file: Buffer
  /// The client's secret, and its line end.
  var secret: Buffer
  /// The endpoints that are written out from a preset.
  var endpoints: Buffer
}
