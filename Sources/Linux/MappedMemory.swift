internal import CLinux

/// A file or device mapped into memory for reading and writing, unmapped when it goes away.
@safe public struct MappedMemory: ~Copyable {
  public let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter length: in bytes; `offset`, where in the file they begin, too.
  ///
  /// The corresponding C function is `mmap`, shared.
  public init(_ file: borrowing FileDescriptor, length: Int, offset: Int64 = 0) throws(Errno) {
    let address = unsafe clinux_map(file.rawValue, length, offset)
    if unsafe clinux_map_failed(address) != 0 { throw .current }
    unsafe bytes = UnsafeMutableRawBufferPointer(start: address, count: length)
  }

  deinit {
    unsafe munmap(bytes.baseAddress, bytes.count)
  }
}
