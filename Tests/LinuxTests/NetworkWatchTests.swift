import Linux
import Testing

@Suite struct NetworkWatchTests {
  @Test func theKernelHasSuchEvents() throws {
    let watch = try NetworkWatch()
    #expect(watch.rawValue >= 0)
    // Whatever comes of other programs meanwhile, nothing is left behind.
    _ = watch.hasChanged()
    #expect(watch.hasChanged() == false)
  }
}
