import Foundation
import Testing

@testable import Linux

@Suite struct DeviceWatchTests {
  /// The ends of a socket for datagrams: one for the watch, one that the events are sent from.
  private func openPair() -> [Int32] {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_DGRAM.rawValue | SOCK_NONBLOCK.rawValue)
    precondition(socketpair(AF_UNIX, type, 0, &ends) == 0)
    return ends
  }

  private func send(_ properties: [String], on socket: borrowing FileDescriptor) {
    let event = Array(properties.map { $0 + "\0" }.joined().utf8)
    precondition(Foundation.send(socket.rawValue, event, event.count, 0) == event.count)
  }

  @Test(arguments: [
    (["add@/devices/x/graphics/fb0", "ACTION=add", "SUBSYSTEM=graphics", "SEQNUM=7"], true),
    (["change@/devices/x/drm/card0", "ACTION=change", "SUBSYSTEM=drm", "HOTPLUG=1"], true),
    (["libudev", "\u{1}\u{2}", "DEVNAME=/dev/fb0", "SUBSYSTEM=graphics"], true),
    (["add@/devices/x/drm_dp_aux", "SUBSYSTEM=drm_dp_aux_dev"], false),
    (["change@/devices/x/BAT0", "SUBSYSTEM=power_supply"], false),
    ([], false),
  ]) func onlyDisplaysCount(_ properties: [String], _ expected: Bool) {
    let ends = openPair()
    let watch = DeviceWatch(FileDescriptor(owning: ends[0]))
    let sender = FileDescriptor(owning: ends[1])
    #expect(watch.hasDisplayChanged() == false)
    if !properties.isEmpty { send(properties, on: sender) }
    #expect(watch.hasDisplayChanged() == expected)
    #expect(watch.hasDisplayChanged() == false)
    #expect(!isReadable(watch.rawValue))
  }

  @Test func allEventsAreTakenAtOnce() {
    let ends = openPair()
    let watch = DeviceWatch(FileDescriptor(owning: ends[0]))
    let sender = FileDescriptor(owning: ends[1])
    send(["add@/devices/x", "SUBSYSTEM=graphics"], on: sender)
    for _ in 0..<8 { send(["add@/devices/y", "SUBSYSTEM=usb"], on: sender) }
    #expect(isReadable(watch.rawValue))
    #expect(watch.hasDisplayChanged() == true)
    #expect(!isReadable(watch.rawValue))
  }

  @Test func theKernelHasSuchEvents() throws {
    let watch = try DeviceWatch()
    #expect(watch.rawValue >= 0)
  }
}
