/// The two colours of everything that is painted.
public enum Ink: Sendable {
  /// The background: white, or what comes nearest.
  case paper
  /// Text and dark modules: black, or what comes nearest.
  case ink
}

/// Width and height in pixels.
public struct Size: Equatable, Sendable {
  public var width: Int
  public var height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

/// A rectangle in pixels, the origin at the top left, y downwards. Empty where a side is not
/// positive.
public struct Rectangle: Equatable, Sendable {
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int

  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  public var isEmpty: Bool { width <= 0 || height <= 0 }

  /// The rectangle without a border of so many pixels on each side.
  func inset(by border: Int) -> Rectangle {
    Rectangle(
      x: x + border, y: y + border, width: width - 2 * border, height: height - 2 * border)
  }

  /// The part that lies inside `other` too.
  public func intersection(_ other: Rectangle) -> Rectangle {
    let left = max(x, other.x)
    let top = max(y, other.y)
    return Rectangle(
      x: left, y: top, width: min(x + width, other.x + other.width) - left,
      height: min(y + height, other.y + other.height) - top)
  }
}

/// How far the picture is turned, clockwise, to stand upright on a panel that is mounted turned.
public enum Rotation: Sendable {
  case none
  case quarter
  case half
  case threeQuarters

  /// - Parameter degrees: 0, 90, 180 or 270; nil for anything else.
  public init?(degrees: Int) {
    switch degrees {
    case 0: self = .none
    case 90: self = .quarter
    case 180: self = .half
    case 270: self = .threeQuarters
    default: return nil
    }
  }

  /// The size that a person sees on a panel of `size`, and the other way round.
  func applied(to size: Size) -> Size {
    switch self {
    case .none, .half: size
    case .quarter, .threeQuarters: Size(width: size.height, height: size.width)
    }
  }

  /// Where a rectangle of the picture lies on the panel.
  ///
  /// - Parameter size: the picture's size, as the person sees it.
  func applied(to rectangle: Rectangle, in size: Size) -> Rectangle {
    let (x, y) = (rectangle.x, rectangle.y)
    let (width, height) = (rectangle.width, rectangle.height)
    return switch self {
    case .none: rectangle
    case .quarter: Rectangle(x: size.height - y - height, y: x, width: height, height: width)
    case .half:
      Rectangle(
        x: size.width - x - width, y: size.height - y - height, width: width, height: height)
    case .threeQuarters: Rectangle(x: y, y: size.width - x - width, width: height, height: width)
    }
  }
}
