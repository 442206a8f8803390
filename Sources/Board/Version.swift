/// The release, as `--version` and the User-Agent say it.
public let version: StaticString = "0.1.0"

/// When it was made, in seconds since 1970 (2026-11-01): a clock that shows an earlier time has not
/// been set. A constant, so that builds are reproducible.
public let releaseUnixSeconds: Int64 = 1_793_491_200
