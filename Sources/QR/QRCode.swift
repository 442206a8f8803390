internal import Bytes
internal import CQRencode

/// A QR code as a square of modules (ISO/IEC 18004), without its quiet zone. The only door to
/// libqrencode.
@safe public struct QRCode: ~Copyable {
  /// How much of the symbol may be unreadable: about 7 % or 15 %.
  public enum ErrorCorrection: Sendable {
    case low
    case medium
  }

  /// Why there is no symbol.
  public enum Failure: Error, Sendable {
    /// The bytes don't fit the largest symbol (version 40: 2953 bytes at the low level).
    case tooLong
    /// libqrencode had no memory, or refused; its errno.
    case encoder(Int32)
  }

  /// Light modules that a scanner needs on each side (ISO/IEC 18004 §6.3.8).
  public static let quietZone = 4

  private let symbol: UnsafeMutablePointer<CQRencode.QRcode>

  /// Encodes bytes in the smallest symbol that holds them at that level.
  public init(_ bytes: borrowing Span<UInt8>, _ level: ErrorCorrection) throws(Failure) {
    let encoded = unsafe bytes.withUnsafeBufferPointer { bytes in
      unsafe QRcode_encodeData(
        Int32(bytes.count), bytes.baseAddress, 0, level == .low ? QR_ECLEVEL_L : QR_ECLEVEL_M)
    }
    guard let encoded = unsafe encoded else {
      throw cqrencode_errno() == cqrencode_too_long() ? .tooLong : .encoder(cqrencode_errno())
    }
    unsafe symbol = encoded
  }

  deinit {
    unsafe QRcode_free(symbol)
  }

  /// Modules on each side: 21 to 177.
  public var width: Int { unsafe Int(symbol.pointee.width) }

  /// Whether the module in that column and row is dark.
  public func isDark(column: Int, row: Int) -> Bool {
    precondition(column >= 0 && column < width && row >= 0 && row < width)
    return unsafe symbol.pointee.data[row * width + column] & 1 == 1
  }
}
