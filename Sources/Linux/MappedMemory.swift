internal import CLinux

/// A file or device mapped into memory for reading and writing, unmapped when it goes away.
public struct MappedMemory: ~Copyable {
  public let bytes: UnsafeMutableRawBufferPointer

  /// The corresponding C function is `mmap`, shared.
  public init(_ file: borrowing FileDescriptor, length: Int) throws(Errno) {
    let address = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, file.rawValue, 0)
    if clinux_map_failed(address) != 0 { throw .current }
    bytes = UnsafeMutableRawBufferPointer(start: address, count: length)
  }

  deinit {
    munmap(bytes.baseAddress, bytes.count)
  }
}
