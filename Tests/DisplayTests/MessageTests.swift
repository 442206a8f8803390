import Bytes
import Testing

@testable import Display

/// The screens without a code.
@Suite struct MessageTests {
  /// Each with the texts that it must show, whatever the size.
  static let screens: [(Screen, [String])] = [
    (.invitation(title: ""), ["Sign in", "Press a key or touch the screen."]),
    (
      .invitation(title: "Sign in to Webex"),
      ["Sign in to Webex", "Press a key or touch the screen."]
    ),
    (
      .denied(secondsToNewCode: 58),
      ["Sign-in denied", "The request was refused.", "A new code in 0:58"]
    ),
    (.denied(secondsToNewCode: nil), ["Sign-in denied", "The request was refused."]),
    (
      .expired(secondsToNewCode: 754),
      ["Code expired", "Nobody approved in time.", "A new code in 12:34"]
    ),
    (
      .failed("192.0.2.7: cannot connect: No route to host", secondsToRetry: 32),
      ["Sign-in failed", "192.0.2.7: cannot connect: No route to host", "Next attempt in 0:32"]
    ),
    (
      .waiting("There is no network yet, or no address for as.example.", secondsToRetry: 2),
      [
        "Please wait", "There is no network yet, or no address for as.example.",
        "Next attempt in 0:02",
      ]
    ),
    (.approved(name: "Ann Miller"), ["Signed in", "as Ann Miller"]),
    (
      .approved(name: "Ann Miller", note: "Offline since 12:03"),
      ["Signed in", "as Ann Miller", "Offline since 12:03"]
    ),
    (
      .approved(name: "Maria del Carmen Fernandez de la Vega", note: "Offline since 12:03"),
      ["Signed in", "as Maria del Carmen Fernandez de la Vega", "Offline since 12:03"]
    ),
    (
      .approved(name: nil, note: "The sign-in ends on 2027-02-01"),
      ["Signed in", "The sign-in ends on 2027-02-01"]
    ),
  ]

  private func painted(_ screen: Screen, _ size: Size) -> Pixels {
    var painter = Painter(size: size)
    let words = painter.prepare(screen)
    let memory = Memory(size)
    var bitmap = Bitmap(panel: size, on: Canvas(memory.bytes))!
    painter.paint(words, on: &bitmap)
    return Pixels(bitmap, panel: size, rotation: .none)
  }

  private func layout(_ screen: Screen, _ size: Size) -> MessageLayout {
    var words = Words()
    words.set(screen, besideQR: true)
    return MessageLayout(words, in: size)
  }

  // Larger ones take too long to search.
  @Test(arguments: sizes.filter { $0.width * $0.height <= 480 * 272 })
  func everyWordIsThere(_ size: Size) {
    for (screen, texts) in MessageTests.screens {
      let pixels = painted(screen, size)
      let layout = layout(screen, size)
      for (index, text) in texts.enumerated() {
        let type = index == 0 ? layout.block.code : layout.block.body
        for word in text.split(separator: " ") {
          #expect(PainterTests.finds(String(word), type, in: pixels), "\(word) of \(text)")
        }
      }
    }
  }

  @Test(arguments: sizes + largeSizes) func itFitsAndTheHeadlineIsLargest(_ size: Size) {
    for (screen, texts) in MessageTests.screens {
      let layout = layout(screen, size)
      #expect(layout.height <= size.height)
      #expect(layout.block.code.step >= layout.block.body.step)
      // Two metres away, on a panel of that many pixels of seven inches.
      let isLarge = min(size.width, size.height) >= 480
      if isLarge {
        #expect(layout.block.body.height * 20 >= min(size.width, size.height), "\(texts)")
        #expect(layout.block.code.step > layout.block.body.step)
        #expect(layout.diameter > 0)
      }
    }
  }

  @Test(arguments: sizes) func namesAndNotesOfAnyLengthFit(_ size: Size) {
    for length in [1, 20, 60, 120, 253] {
      for letter in ["W", "ab ", "a-"] {
        let long = String(String(repeating: letter, count: 253).prefix(length))
        let screens: [Screen] = [
          .approved(name: text(long), note: text(long)), .failed(text(long), secondsToRetry: 1),
          .invitation(title: text(long)),
        ]
        for screen in screens {
          let layout = layout(screen, size)
          #expect(layout.height <= size.height)
          #expect(layout.titleLines > 0)
          // Only on the smallest panels is anything shortened.
          if min(size.width, size.height) >= 240 {
            var words = Words()
            words.set(screen, besideQR: true)
            let block = layout.block
            #expect(block.lines(words, .title, block.code) <= layout.titleLines)
            #expect(block.lines(words, .sentence, block.body) <= layout.sentenceLines)
            #expect(block.lines(words, .note, block.body) <= layout.noteLines)
          }
        }
      }
    }
  }

  @Test(arguments: sizes) func aSecondChangesOneLineOnly(_ size: Size) {
    let pairs: [(Screen, Screen)] = [
      (.denied(secondsToNewCode: 58), .denied(secondsToNewCode: 57)),
      (
        .failed("No route to host", secondsToRetry: 32),
        .failed("No route to host", secondsToRetry: 31)
      ),
      (
        .waiting("There is no network yet.", secondsToRetry: 32),
        .waiting("There is no network yet.", secondsToRetry: 31)
      ),
    ]
    for (before, after) in pairs {
      let (old, new) = (painted(before, size), painted(after, size))
      let changed = (0..<size.height).filter { y in
        (0..<size.width).contains { old[$0, y] != new[$0, y] }
      }
      #expect(!changed.isEmpty)
      #expect(changed.last! - changed.first! < layout(after, size).block.body.height)
    }
  }
}
