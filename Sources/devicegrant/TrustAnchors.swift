internal import Board
internal import Bytes
internal import Configuration
internal import Invocation
internal import Linux
internal import TLS

/// The bundles of the distributions: Debian and its kin, Fedora and its kin, BSD and Buildroot.
private let systemBundles: InlineArray<3, StaticString> = [
  "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
]

/// The PEM file with the trust anchors: the configured one, which must be good, or the system's.
func findTrustAnchors(
  _ client: borrowing ClientConfiguration, _ source: borrowing ConfigurationSource
) throws(StartError) -> Path {
  if let file = client.caFile {
    guard let path = Path(file.bytes) else { throw source.failure(.caFile, "is no path") }
    do {
      if try TLSSession.holdsTrustAnchors(path) { return path }
    } catch {
      throw source.failure(.caFile, "cannot be read", file, error)
    }
    throw source.failure(.caFile, "holds no PEM certificate", file)
  }
  for index in systemBundles.indices {
    let path = Path(systemBundles[index])
    if (try? FileDescriptor(opening: path, .readOnly)) != nil { return path }
  }
  throw .plain(
    .configuration, "ca_file is not set, and the system has no trust anchors; set it")
}
