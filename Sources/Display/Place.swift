internal import Configuration

/// Where a driver lies, in memory that stays: a driver is kilobytes, and to move one at each use
/// takes more code than to paint. Whoever has put it there takes it away, once.
@safe struct Place<Value: ~Copyable> {
  private let pointer: UnsafeMutablePointer<Value>

  fileprivate init(_ pointer: UnsafeMutablePointer<Value>) {
    unsafe self.pointer = pointer
  }
}

extension Place where Value: ~Copyable {
  /// What lies there, until it is taken away.
  var value: Value {
    unsafeAddress { unsafe UnsafePointer(pointer) }
    nonmutating unsafeMutableAddress { unsafe pointer }
  }

  /// Takes away what lies there.
  func clear() { unsafe pointer.deinitialize(count: 1) }
}

/// The memory that drivers lie in: one part for each display there can be.
@safe public struct DriverMemory {
  private let memory: UnsafeMutableRawBufferPointer
  private let bytesPerPart: Int

  /// - Parameter memory: at an address that is a multiple of sixteen. It outlives the drivers;
  ///   nothing else writes to it.
  public init(_ memory: UnsafeMutableRawBufferPointer) {
    unsafe self.memory = memory
    // Sixteen bytes suit every type.
    bytesPerPart = memory.count / (DisplayChoices.limit + 1) / 16 * 16
  }

  /// Moves a driver into a part that holds none.
  func put<Value: ~Copyable>(_ driver: consuming Value, part: Int) -> Place<Value> {
    precondition(MemoryLayout<Value>.size <= bytesPerPart, "too little memory for a driver")
    let start = unsafe memory.baseAddress! + part * bytesPerPart
    let pointer = unsafe start.bindMemory(to: Value.self, capacity: 1)
    unsafe pointer.initialize(to: driver)
    return unsafe Place(pointer)
  }
}
