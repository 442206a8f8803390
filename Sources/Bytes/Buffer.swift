/// A growing-in-place view of memory that the caller owns: static storage on the board, an
/// allocation in a test. For what is too large for `Text`.
@safe public struct Buffer: ByteSink, ~Copyable {
  private let storage: UnsafeMutableRawBufferPointer

  /// The number of bytes held.
  public private(set) var count = 0

  public private(set) var isTruncated = false

  /// - Parameter storage: memory that outlives the buffer and that nothing else writes to.
  public init(storage: UnsafeMutableRawBufferPointer) {
    unsafe self.storage = storage
  }

  public var capacity: Int { unsafe storage.count }

  public var isEmpty: Bool { count == 0 }

  public var bytes: Span<UInt8> {
    @_lifetime(borrow self)
    borrowing get {
      let start = unsafe storage.baseAddress?.assumingMemoryBound(to: UInt8.self)
      let pointer = unsafe UnsafeBufferPointer(start: start, count: count)
      return unsafe _overrideLifetime(Span(_unsafeElements: pointer), borrowing: self)
    }
  }

  @inline(never)
  public mutating func append(_ byte: UInt8) {
    guard unsafe count < storage.count else {
      isTruncated = true
      return
    }
    unsafe storage[count] = byte
    count += 1
  }

  /// Lets `body` write into the free space; it returns how many bytes it wrote.
  public mutating func append<Failure: Error>(
    with body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    let added = try unsafe body(UnsafeMutableRawBufferPointer(rebasing: storage[count...]))
    unsafe precondition(added >= 0 && added <= storage.count - count)
    count += added
    return added
  }

  /// Appends the same byte so many times, as far as there is room.
  public mutating func append(_ byte: UInt8, count: Int) {
    let fitting = min(count, capacity - self.count)
    _ = unsafe append { space in
      for index in 0..<fitting { unsafe space[index] = byte }
      return fitting
    }
    if fitting < count { isTruncated = true }
  }

  /// Forgets everything, and that something did not fit. For secrets there is `wipe`.
  public mutating func removeAll() {
    count = 0
    isTruncated = false
  }

  /// Overwrites what was held with zeros: for secrets.
  @inline(never)
  public mutating func wipe() {
    for index in 0..<count { unsafe storage[index] = 0 }
    removeAll()
  }

  /// What follows the first `start` bytes, in memory that lives as long as the program and is only
  /// appended to.
  public func permanent(from start: Int = 0) -> PermanentBytes {
    unsafe bytes.withUnsafeBufferPointer { unsafe PermanentBytes($0) }.extracting(start..<count)
  }
}
