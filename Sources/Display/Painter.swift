internal import Bytes
internal import QR

/// Paints one screen. The layout is chosen once; painting can be repeated, band by band.
public struct Painter: ~Copyable {
  private let screen: Screen
  private let size: Size

  /// - Parameter size: the canvas's, in pixels.
  public init(_ screen: Screen, size: Size) {
    self.screen = screen
    self.size = size
  }

  /// Paints all of the canvas.
  public func paint(_ canvas: inout some Canvas & ~Copyable) {
    canvas.fill(Rectangle(x: 0, y: 0, width: size.width, height: size.height), .paper)
  }
}
