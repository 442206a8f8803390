internal import Agent
internal import Bytes
internal import Configuration
internal import DeviceGrant
internal import Linux
internal import OAuth
internal import TokenStore

/// `devicegrant sign-out`: revokes the grant where the server lets one (RFC 7009), and erases it
/// here whatever the server says.
@inline(never)
func signOut(_ source: borrowing ConfigurationSource, _ log: Log) throws(Failure) {
  let signals = try openSignals()
  let attention = Attention(descriptor: signals.rawValue, service: nil)
  guard var files = try openFiles(source, log) else { return }
  // A refresh that is under way would bring the grant back.
  let lock = try files.lock(attention.patience(for: GrantFiles.lockPatience))
  defer { lock.release() }
  do {
    try revoke(source, &files, attention, log)
  } catch {
    log.warning("the grant is not revoked: \(error); it is erased here all the same")
  }
  try files.erase(log)
  log.info("signed out; the tokens in \(files.path) are erased")
}

/// - Returns: nil where there is not even the directory of a token file.
private func openFiles(
  _ source: borrowing ConfigurationSource, _ log: Log
) throws(Failure) -> GrantFiles? {
  do {
    return try GrantFiles(opening: source)
  } catch {
    if error.code != .denied { throw error }
    try Publication(source)?.withdraw(log)
    log.info("not signed in: there is no grant in \(try source.tokenFile())")
    return nil
  }
}

private func revoke(
  _ source: borrowing ConfigurationSource, _ files: inout GrantFiles, _ attention: Attention,
  _ log: Log
) throws(Failure) {
  guard try files.load(log) else {
    log.info("not signed in: there is no grant in \(files.path)")
    return
  }
  var server = try AuthorizationServer(source, attention, log)
  try server.discover(&files)
  if !files.checkOwner(server.client, log) {
    log.warning("it is not revoked; it is erased here all the same")
    return
  }
  if server.client.text(of: .revocation).count == 0 {
    log.warning(
      "the provider has no revocation endpoint: to the server the grant goes on until it ends")
    return
  }
  if files.record.tokens.refreshToken.isEmpty {
    try server.revoke(files.record.tokens.accessToken.bytes, hint: .accessToken)
  } else {
    // With it the server revokes the access tokens too (RFC 7009 §2.1).
    try server.revoke(files.record.tokens.refreshToken.bytes, hint: .refreshToken)
  }
  log.info("the grant is revoked at the server")
}
