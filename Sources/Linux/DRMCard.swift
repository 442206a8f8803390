internal import Bytes
internal import CLinux

extension Errno {
  public static let noSuchDevice = Errno(rawValue: ENODEV)
  /// A device file behind which there is no device.
  public static let noSuchAddress = Errno(rawValue: ENXIO)
}

/// A graphics card with kernel mode setting, such as `/dev/dri/card0`, with one picture in the size
/// of its first connected panel. What was shown before comes back when this goes away.
public struct DRMCard: ~Copyable {
  /// What is asked of the kernel.
  public enum Attempt: UInt8, Sendable {
    case open
    case becomeMaster
    case readResources
    case findPanel
    case findController
    case allocate
  }

  private let file: FileDescriptor
  private let output: DRMOutput
  private let panel: UInt64
  private let picture: DRMPicture

  /// How the picture lies in memory.
  public var mode: FramebufferMode { picture.mode }

  /// Opens the card, becomes its master and gets memory for a picture, which nobody sees yet.
  ///
  /// - Parameter attempt: what is being done, to be read where it fails.
  /// - Throws: `ENODEV` where no panel is connected, or none that has a mode; `EBUSY` where all
  ///   controllers (CRTCs) show something else; `ENOSYS` where the card has no memory that the
  ///   processor can write.
  public init(opening path: borrowing Path, _ attempt: inout Attempt) throws(Errno) {
    attempt = .open
    let file = try FileDescriptor(opening: path, .readWrite)
    let descriptor = file.rawValue
    attempt = .becomeMaster
    // Whoever opens it first is its master already.
    _ = try result { clinux_drm_set_master(descriptor) }
    let output = try DRMOutput(descriptor, &attempt)
    let panel = try lookAtPanel(descriptor, output.connector)
    attempt = .allocate
    let depth = clinux_drm_capability(descriptor, CLINUX_DRM_CAP_DUMB_PREFERRED_DEPTH)
    // Deep pictures look no better here, but every card has them.
    let bits: UInt32 = depth == 16 ? 16 : 32
    var picture = try? DRMPicture(descriptor, output.mode, bits)
    if picture == nil { picture = try DRMPicture(descriptor, output.mode, 48 - bits) }
    self.picture = picture!
    self.output = output
    self.panel = panel
    self.file = file
  }

  /// Whether the panel is still connected, and no other in its place, as far as the card knows
  /// without asking it: it is told, or looks from time to time.
  ///
  /// - Throws: `ENODEV` where the card itself is gone.
  public borrowing func isConnected() throws(Errno) -> Bool {
    try lookAtPanel(file.rawValue, output.connector) == panel
  }

  /// Maps the picture's memory.
  ///
  /// The corresponding request is `DRM_IOCTL_MODE_MAP_DUMB`.
  public borrowing func map() throws(Errno) -> MappedMemory {
    var request = clinux_drm_mode_map_dumb()
    request.handle = picture.handle
    let descriptor = file.rawValue
    _ = try result { unsafe clinux_drm_map_dumb(descriptor, &request) }
    return try MappedMemory(
      file, length: mode.memoryLength, offset: Int64(bitPattern: request.offset))
  }

  /// Has the panel show the picture.
  ///
  /// The corresponding request is `DRM_IOCTL_MODE_SETCRTC`.
  public borrowing func show() throws(Errno) {
    var request = output.before
    request.fb_id = picture.framebuffer
    request.x = 0
    request.y = 0
    request.mode = output.mode
    request.mode_valid = 1
    let descriptor = file.rawValue
    let connector = output.connector
    _ = try result { unsafe clinux_drm_set_crtc(descriptor, &request, connector) }
  }

  /// Has the panel, once it shows the picture, show what was written to the memory since: some
  /// drivers copy it.
  ///
  /// The corresponding request is `DRM_IOCTL_MODE_DIRTYFB`.
  public borrowing func flush() throws(Errno) {
    let descriptor = file.rawValue
    let framebuffer = picture.framebuffer
    do throws(Errno) {
      _ = try result { clinux_drm_dirty_fb(descriptor, framebuffer) }
    } catch {
      // The others have the panel read the memory by itself.
      if error.rawValue != ENOSYS, error.rawValue != EINVAL { throw error }
    }
  }

  deinit {
    var before = output.before
    if before.mode_valid != 0, before.fb_id != 0 {
      _ = unsafe clinux_drm_set_crtc(file.rawValue, &before, output.connector)
    }
    _ = clinux_drm_drop_master(file.rawValue)
  }
}

/// What tells a connected panel from others: its size in millimetres and how many modes it has; 0
/// where none is connected.
///
/// The corresponding request is `DRM_IOCTL_MODE_GETCONNECTOR`.
@inline(never)
private func lookAtPanel(_ descriptor: Int32, _ connector: UInt32) throws(Errno) -> UInt64 {
  var mode = clinux_drm_mode_modeinfo()
  var request = clinux_drm_mode_get_connector()
  request.connector_id = connector
  // Without room for a mode the card would ask the panel, which takes its time.
  request.count_modes = 1
  _ = try result { unsafe clinux_drm_connector(descriptor, &request, &mode, nil) }
  if request.count_modes == 0 || DRMConnector.Connection(request) == .disconnected { return 0 }
  return UInt64(request.mm_width) &<< 40 ^ UInt64(request.mm_height) &<< 16
    ^ UInt64(request.count_modes)
}

/// Which connector is to show what, through which controller.
private struct DRMOutput {
  private(set) var connector: UInt32 = 0
  private(set) var mode = clinux_drm_mode_modeinfo()
  /// The controller as it was found.
  private(set) var before = clinux_drm_mode_crtc()

  init(_ descriptor: Int32, _ attempt: inout DRMCard.Attempt) throws(Errno) {
    var card = DRMResources()
    attempt = .readResources
    try card.read(descriptor)
    attempt = .findPanel
    let connectors = card.connectors.span.extracting(first: card.connectorCount)
    guard let index = DRMConnector.choice(among: connectors) else { throw .noSuchDevice }
    connector = connectors[index].id
    var possible: UInt32 = 0
    guard readModes(descriptor, &possible) else { throw .noSuchDevice }
    attempt = .findController
    guard
      let controller = DRMConnector.controller(
        for: index, among: connectors,
        controllers: card.controllers.span.extracting(first: card.controllerCount),
        possible: possible)
    else { throw Errno(rawValue: EBUSY) }
    before.crtc_id = controller
    _ = unsafe clinux_drm_crtc(descriptor, &before)
  }

  /// Chooses the connector's mode and finds which controllers can drive it. A connector with more
  /// modes than there is room for, which no monitor's description can name, has none.
  ///
  /// - Parameter possible: bit 0 for the card's first controller.
  ///
  /// The corresponding request is `DRM_IOCTL_MODE_GETCONNECTOR`.
  private mutating func readModes(_ descriptor: Int32, _ possible: inout UInt32) -> Bool {
    var modes = InlineArray<128, clinux_drm_mode_modeinfo>(repeating: mode)
    var encoders = InlineArray<32, UInt32>(repeating: 0)
    var request = clinux_drm_mode_get_connector()
    request.connector_id = connector
    request.count_modes = 128
    request.count_encoders = DRMResources.limit
    var modeSpan = modes.mutableSpan
    var encoderSpan = encoders.mutableSpan
    let answer = unsafe modeSpan.withUnsafeMutableBufferPointer { modes in
      unsafe encoderSpan.withUnsafeMutableBufferPointer { encoders in
        unsafe clinux_drm_connector(descriptor, &request, modes.baseAddress, encoders.baseAddress)
      }
    }
    let count = request.count_modes
    guard answer == 0, count <= 128, request.count_encoders <= DRMResources.limit,
      let choice = DRMConnector.mode(
        count: Int(count),
        isPreferred: { modes[$0].type & UInt32(CLINUX_DRM_MODE_TYPE_PREFERRED) != 0 })
    else { return false }
    mode = modes[choice]
    for index in 0..<Int(request.count_encoders) {
      possible |= readEncoder(descriptor, encoders[index]).possible_crtcs
    }
    return true
  }
}

/// The connectors and controllers of a card.
private struct DRMResources {
  /// As many as are looked at: a bit mask can't name more.
  static let limit: UInt32 = 32

  var connectors = InlineArray<32, DRMConnector>(
    repeating: DRMConnector(id: 0, connection: .disconnected, modeCount: 0, controller: 0))
  var connectorCount = 0
  var controllers = InlineArray<32, UInt32>(repeating: 0)
  var controllerCount = 0

  /// The corresponding requests are `DRM_IOCTL_MODE_GETRESOURCES` and, so that each connector looks
  /// what is connected, `DRM_IOCTL_MODE_GETCONNECTOR`.
  mutating func read(_ descriptor: Int32) throws(Errno) {
    var request = clinux_drm_mode_card_res()
    request.count_crtcs = DRMResources.limit
    request.count_connectors = DRMResources.limit
    var ids = InlineArray<32, UInt32>(repeating: 0)
    var idSpan = ids.mutableSpan
    var controllerSpan = controllers.mutableSpan
    let answer = unsafe idSpan.withUnsafeMutableBufferPointer { ids in
      unsafe controllerSpan.withUnsafeMutableBufferPointer { controllers in
        unsafe clinux_drm_resources(descriptor, &request, controllers.baseAddress, ids.baseAddress)
      }
    }
    if answer != 0 { throw .current }
    controllerCount = Int(min(DRMResources.limit, request.count_crtcs))
    connectorCount = Int(min(DRMResources.limit, request.count_connectors))
    for index in 0..<connectorCount {
      var connector = clinux_drm_mode_get_connector()
      connector.connector_id = ids[index]
      guard unsafe clinux_drm_connector(descriptor, &connector, nil, nil) == 0 else { continue }
      connectors[index] = DRMConnector(
        id: ids[index],
        connection: .init(connector),
        modeCount: connector.count_modes,
        controller: readEncoder(descriptor, connector.encoder_id).crtc_id)
    }
  }
}

extension DRMConnector.Connection {
  fileprivate init(_ connector: clinux_drm_mode_get_connector) {
    self =
      switch Int32(truncatingIfNeeded: connector.connection) {
      case CLINUX_DRM_CONNECTED: .connected
      case CLINUX_DRM_CONNECTION_UNKNOWN: .unknown
      default: .disconnected
      }
  }
}

/// What an encoder is; nothing where there is none of that number.
///
/// The corresponding request is `DRM_IOCTL_MODE_GETENCODER`.
@inline(never)
private func readEncoder(
  _ descriptor: Int32, _ number: UInt32
) -> clinux_drm_mode_get_encoder {
  var request = clinux_drm_mode_get_encoder()
  request.encoder_id = number
  _ = unsafe clinux_drm_encoder(descriptor, &request)
  return request
}

/// Memory of the card that it can show ("dumb buffer").
private struct DRMPicture {
  let handle: UInt32
  let framebuffer: UInt32
  let mode: FramebufferMode

  /// The corresponding requests are `DRM_IOCTL_MODE_CREATE_DUMB` and `DRM_IOCTL_MODE_ADDFB`.
  @inline(never)
  init(
    _ descriptor: Int32, _ mode: clinux_drm_mode_modeinfo, _ bitsPerPixel: UInt32
  ) throws(Errno) {
    var memory = clinux_drm_mode_create_dumb()
    memory.width = UInt32(mode.hdisplay)
    memory.height = UInt32(mode.vdisplay)
    memory.bpp = bitsPerPixel
    _ = try result { unsafe clinux_drm_create_dumb(descriptor, &memory) }
    var picture = clinux_drm_mode_fb_cmd()
    picture.width = memory.width
    picture.height = memory.height
    picture.pitch = memory.pitch
    picture.bpp = bitsPerPixel
    picture.depth = bitsPerPixel == 32 ? 24 : 16
    picture.handle = memory.handle
    _ = try result { unsafe clinux_drm_add_fb(descriptor, &picture) }
    handle = memory.handle
    framebuffer = picture.fb_id
    let isDeep = bitsPerPixel == 32
    self.mode = FramebufferMode(
      width: Int(memory.width), height: Int(memory.height), bitsPerPixel: Int(bitsPerPixel),
      stride: Int(memory.pitch), memoryLength: Int(Int64(bitPattern: memory.size)),
      red: isDeep ? .init(offset: 16, length: 8) : .init(offset: 11, length: 5),
      green: isDeep ? .init(offset: 8, length: 8) : .init(offset: 5, length: 6),
      blue: isDeep ? .init(offset: 0, length: 8) : .init(offset: 0, length: 5))
  }
}
