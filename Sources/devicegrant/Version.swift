/// The release, as `--version` and the User-Agent say it.
let version: StaticString = "0.1.0"
