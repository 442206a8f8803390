#if !hasFeature(Embedded)
  import Glibc

  /// Memory that ends at a page nobody may touch: a parser that reads one byte too many dies here
  /// instead of passing by luck.
  public final class GuardedMemory {
    private let mapping: UnsafeMutableRawPointer
    private let readable: Int
    private let page = Int(sysconf(Int32(_SC_PAGESIZE)))

    /// - Parameter capacity: the longest input.
    public init(capacity: Int) {
      readable = max(1, (capacity + page - 1) / page) * page
      mapping = mmap(
        nil, readable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
      precondition(mapping != MAP_FAILED)
      precondition(mprotect(mapping + readable, page, PROT_NONE) == 0)
    }

    deinit {
      munmap(mapping, readable + page)
    }

    /// Lends `bytes` so that the last of them is the last of the page.
    public func with<Result>(
      _ bytes: ArraySlice<UInt8>, _ body: (borrowing Span<UInt8>) throws -> Result
    ) rethrows -> Result {
      precondition(bytes.count <= readable)
      let start = mapping + (readable - bytes.count)
      bytes.withUnsafeBytes { bytes in
        UnsafeMutableRawBufferPointer(start: start, count: bytes.count).copyMemory(from: bytes)
      }
      let input = UnsafeBufferPointer(
        start: start.assumingMemoryBound(to: UInt8.self), count: bytes.count)
      return try body(input.span)
    }
  }
#endif
