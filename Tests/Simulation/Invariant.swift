/// What must hold in every life, at every instant.
public enum Invariant: String, CaseIterable, Sendable {
  /// A poll came sooner after the last one than the interval in force, as the server sees it.
  case pollTooEarly
  /// A poll came after the word that nobody will get tokens for the code.
  case pollAfterVerdict
  /// A code is on the screen after its end.
  case codeOutlivesItself
  /// A code was approved, and nobody came for the tokens.
  case approvalLost
  /// Tokens that arrived are not in the file, or were not there after a power cut.
  case tokensNotKept
  /// The token file is none.
  case fileDamaged
  /// A used refresh token was sent again, for no reason that is known.
  case tokenReused
  /// The server does not take the file's refresh token, for no reason that is known.
  case deadWithoutReason
  /// A grant that is good at the server was given up.
  case goodGrantDropped
  /// A grant that has ended is kept for longer than it takes to notice.
  case deadGrantKept
  /// Neither a grant nor a code nor an invitation for minutes in which nothing was in the way.
  case neitherGrantNorCode
  /// A token was handed out that is neither the file's nor the one before.
  case handedOutStale
  /// A token was handed out after its end, or with another end than it has.
  case handedOutDead
  /// A token that waits to be revoked was used for something else.
  case waitingTokenUsed
  /// A token waits to be revoked for longer than it takes.
  case neverRevoked
  /// The grant that the board holds was revoked with another.
  case heldGrantRevoked
  /// A grant that another has taken the place of is on the disk still.
  case replacedGrantKept
  /// A grant was signed out of, or replaced, and its token is good and waits nowhere.
  case signOutForgotten
  /// A program has gone to another host than the server's.
  case strangersServer
  /// The access token was not renewed while its margin lasted.
  case marginUsedUp
  /// The program ended by itself although there was an access token to hand out.
  case endedWithToken
  /// The network was back, and nobody tried.
  case retriedLate
  /// A code was asked for before the time that the server had named.
  case askedTooEarly
  /// What was sent and not answered was sent again before its time.
  case sentAgainTooEarly
  /// A request went out on a connection that was known to be closed.
  case closedConnectionUsed
  /// Tokens or a code were asked for while nothing could be saved.
  case sentInVain
  /// The file for other programs holds another token than it may.
  case publishedStale
  /// Waits without end in which no time passes.
  case busyWait
  /// A wait that nothing would end.
  case endlessWait
  /// A secret in the log, on the screen, in a hook's environment or in an answer.
  case secretTold
  /// A control character in a line of the log or in an answer.
  case controlTold
  /// The client was refused, and what has to be registered with the provider is not said.
  case helpMissing
  /// The socket says something else of how things stand than the screen.
  case viewsDisagree
  /// A hook is told something else than what has happened.
  case hookMisled
  /// Files, programs, clients or lines of the log grow in number, or a hook runs on and on.
  case growth
  /// More requests in an hour than anybody needs.
  case tooManyRequests
  /// A client that said its line was left without an answer.
  case clientUnanswered
  /// A signal to end did not end the program.
  case signalUnheeded
  /// Somebody has asked for a code, and none came.
  case wishUnheeded
}
