/// What happens to a board at some time. Whoever adds a case says in `Universe.take` what it does,
/// and in `Script` when it comes.
enum Happening {
  // The network and the server.
  case trouble(Trouble, length: Int64)
  case addressChanged
  /// What was missing is there, and the kernel or the resolver's file tells.
  case networkBack(nameServers: Bool)
  case grantRevoked
  case metadataMoved
  // The board.
  case powerCut(off: Int64)
  /// The power goes before that step of the disk, counted from now.
  case powerCutInWrite(steps: Int, off: Int64)
  case restart
  case suspension(Int64)
  case clockJump(Int64)
  case clockRight
  case disk(DiskTrouble, length: Int64)
  case diskRight
  case diskStepFails(Int)
  /// Somebody removes the directory of the tokens; nil: for good, else it is put back after that.
  case directoryRemoved(length: Int64?)
  case directoryBack
  /// Another user puts metadata of their own beside the record, and the program begins again.
  case strangersNote
  case signal(Int32)
  case displayGone(length: Int64)
  case displayBack
  // People.
  case pressed
  /// Somebody presses a key twenty times a second, at a board whose server wants to be left alone.
  case hammered
  case personActs(code: Int, denies: Bool, isLate: Bool)
  // Other programs.
  case command(Command)
  case commandWakes(session: Int)
  case recordNoticed
  case visitor(Manner)
  case clientSpeaks(Int)
  case programEnds(Int32)
}

/// What is wrong with the way to the server.
enum Trouble: Int, CaseIterable {
  case none
  /// Nobody listens.
  case refused
  /// Nothing comes back.
  case hung
  case nameUnknown
  /// The server's word: HTTP status 503 and the like.
  case unavailable
  /// The server knows the client no more.
  case refuses
  /// Something answers in the server's stead, with a status that is none of OAuth's.
  case gateway
  /// The same with a web page.
  case portal
  /// Requests get there, and no answer comes back.
  case answersLost
}

/// What is wrong with the disk.
enum DiskTrouble {
  case full
  case readOnly
  case failing
  /// The token file is a mount of its own, as container managers make them.
  case mounted
}

/// A second program on the board.
enum Command: CaseIterable {
  case token
  case signOut
  case signIn
  case whoAmI
}

/// What a client of the socket is like.
enum Manner: CaseIterable {
  case token
  /// Wants a token that is good for long.
  case demand
  case status
  /// Says half of a line, and then nothing.
  case halfLine
  /// Says a line byte by byte.
  case slow
  case flood
  case silent
  case junk
  /// Says a line and is gone.
  case gone
  /// One of many at once.
  case crowd
  /// Never reads.
  case deaf
  /// Wants a token that is good for nearly its whole life, each second for minutes.
  case insistent
  /// One of those times.
  case insisting
  /// Signs out.
  case signOut
}
