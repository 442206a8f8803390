/// A connector of a graphics card, as far as it takes to choose one.
public struct DRMConnector: Sendable {
  /// What the card knows about the other end of the cable.
  public enum Connection: UInt8, Sendable {
    case disconnected
    /// Nothing tells, as with an analogue output.
    case unknown
    case connected
  }

  public var id: UInt32
  public var connection: Connection
  /// How many modes it can be set to.
  public var modeCount: UInt32
  /// The controller (CRTC) that drives it now; 0 for none.
  public var controller: UInt32

  public init(id: UInt32, connection: Connection, modeCount: UInt32, controller: UInt32) {
    self.id = id
    self.connection = connection
    self.modeCount = modeCount
    self.controller = controller
  }

  /// How good a choice it is; 0 for none at all.
  private var rank: UInt8 { modeCount == 0 ? 0 : connection.rawValue }

  /// The index of the first connector that is connected, else of the first that may be; nil where
  /// there is none, or none has a mode.
  public static func choice(among connectors: borrowing Span<DRMConnector>) -> Int? {
    var best: Int?
    var rank: UInt8 = 0
    for index in connectors.indices where connectors[index].rank > rank {
      best = index
      rank = connectors[index].rank
    }
    return best
  }

  /// The index of the first mode that the panel prefers, else of the first there is; nil for none.
  public static func mode(count: Int, isPreferred: (Int) -> Bool) -> Int? {
    for index in 0..<count where isPreferred(index) { return index }
    return count > 0 ? 0 : nil
  }

  /// The controller for one of the connectors: the one that drives it already, else the first that
  /// can and drives no other connector which may show something; nil where there is none.
  ///
  /// - Parameter chosen: the connector's index.
  /// - Parameter controllers: the card's.
  /// - Parameter possible: those that can drive the connector: bit 0 for the card's first.
  public static func controller(
    for chosen: Int, among connectors: borrowing Span<DRMConnector>,
    controllers: borrowing Span<UInt32>, possible: UInt32
  ) -> UInt32? {
    if connectors[chosen].controller != 0 { return connectors[chosen].controller }
    for index in controllers.indices
    where possible &>> UInt32(truncatingIfNeeded: index) & 1 == 1 {
      var isFree = true
      for other in connectors.indices
      where connectors[other].rank > 0 && connectors[other].controller == controllers[index] {
        isFree = false
      }
      if isFree { return controllers[index] }
    }
    return nil
  }
}
