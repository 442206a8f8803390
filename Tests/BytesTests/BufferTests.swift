import Bytes
import TestSupport
import Testing

@Suite struct BufferTests {
  @Test func appendingPastTheCapacityIsDroppedAndRemembered() {
    withBuffer(capacity: 3) { buffer in
      buffer.append("abcd")
      let content = string(buffer.bytes)
      let isTruncated = buffer.isTruncated
      #expect(content == "abc")
      #expect(isTruncated)
      buffer.removeAll()
      let isEmpty = buffer.isEmpty && !buffer.isTruncated
      #expect(isEmpty)
    }
  }

  @Test func aBufferWithoutStorageHoldsNothing() {
    var buffer = Buffer(storage: UnsafeMutableRawBufferPointer(start: nil, count: 0))
    buffer.append(1)
    let content = array(buffer.bytes)
    let isTruncated = buffer.isTruncated
    #expect(content == [])
    #expect(isTruncated)
  }

  @Test func aWriterGetsTheFreeSpaceOnly() {
    withBuffer(capacity: 8) { buffer in
      buffer.append("abc")
      let added = buffer.append { space in
        #expect(space.count == 5)
        space[0] = UInt8(ascii: "d")
        return 1
      }
      let content = string(buffer.bytes)
      #expect(added == 1)
      #expect(content == "abcd")
    }
  }

  @Test func aFailedWriterLeavesTheBufferAsItWas() {
    struct Failure: Error, Equatable {}
    withBuffer(capacity: 8) { buffer in
      buffer.append("abc")
      var failure: Failure?
      do throws(Failure) {
        _ = try buffer.append { (space) throws(Failure) -> Int in
          space[0] = 0
          throw Failure()
        }
      } catch {
        failure = error
      }
      let content = string(buffer.bytes)
      #expect(failure == Failure())
      #expect(content == "abc")
    }
  }

  @Test func wipingOverwritesTheStorage() {
    let storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 8, alignment: 1)
    defer { storage.deallocate() }
    storage.initializeMemory(as: UInt8.self, repeating: 0xFF)
    var buffer = Buffer(storage: storage)
    buffer.append("secret")
    buffer.wipe()
    let isEmpty = buffer.isEmpty
    #expect(isEmpty)
    #expect(Array(storage) == [0, 0, 0, 0, 0, 0, 0xFF, 0xFF])
  }
}
