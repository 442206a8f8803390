import Bytes
import JSON
import TestSupport
import Testing

/// What came of parsing, in a form that can be compared.
private func outcome(of document: [UInt8]) -> JSONError? {
  do {
    _ = try JSONObject(document.span)
    return nil
  } catch {
    return error
  }
}

private func outcome(of document: String) -> JSONError? {
  outcome(of: Array(document.utf8))
}

private func string(_ name: StaticString, in document: String) throws -> String? {
  let bytes = Array(document.utf8)
  let object = try JSONObject(bytes.span)
  return TestSupport.string(ifPresent: object.string(name))
}

private func integer(_ name: StaticString, in document: String) throws -> Int64? {
  let bytes = Array(document.utf8)
  let object = try JSONObject(bytes.span)
  return object.integer(name)
}

@Suite struct JSONObjectTests {
  @Test(arguments: [
    "{}", " \t\r\n{ } \n", #"{"a":null}"#, #"{"a":{"a":[[],{},true,false,-0.5e-3]}}"#,
    #"{"":"empty name"}"#, #"{"a":"\u00e4\ud83d\ude00\"\\\/\b\f\n\r\t"}"#,
    "\u{FEFF}{}", #"{"a":"\u0000"}"#,
  ])
  func objectsAreAccepted(document: String) {
    #expect(outcome(of: document) == nil)
  }

  @Test(arguments: [
    "", " ", "{", "}", "{}{}", "{} x", "{},", "\u{FEFF}", "{}\u{FEFF}", "null", "true", "1",
    #""text""#,
    #"{"a":1,"a":2}"#, #"{"a":1,"\u0061":2}"#, #"{"b":{"a":1,"a":1}}"#, #"{"a":1,}"#, #"{,}"#,
    #"{a:1}"#, #"{'a':1}"#, #"{"a" 1}"#, #"{"a":}"#, #"{"a":01}"#, #"{"a":.5}"#, #"{"a":1.}"#,
    #"{"a":+1}"#, #"{"a":0x1}"#, #"{"a":NaN}"#, #"{"a":Infinity}"#, #"{"a":undefined}"#,
    #"{"a":TRUE}"#, #"{"a":"x}"#, "{\"a\":\"line\nbreak\"}", "{\"a\":\"\t\"}", #"{"a":"\x41"}"#,
    #"{"a":"\u12"}"#, #"{"\u0000":1}"#, #"{"a":"\ud800"}"#,
    #"{"a":"\udc00\ud800"}"#, "{\"a\":\"\0\"}", "{}\0", "{\"a\":1\0}", "{\"a\":1.5\0,\"b\":2}",
    "{\"a\":[0\0]}",
    "{/* comment */}", "<html></html>",
    "access_token=x&token_type=bearer", "[{}", "[1,2],",
  ])
  func whatIsNotStrictJSONIsMalformed(document: String) {
    #expect(outcome(of: document) == .malformed)
  }

  @Test(arguments: ["[]", #"[{"access_token":"x"}]"#, "[[[[]]]]", #"["a"]"#])
  func anArrayIsNotAnObject(document: String) {
    #expect(outcome(of: document) == .notAnObject)
  }

  @Test(
    arguments: [
      [0xFF], [0xC3], [0xC3, 0x28], [0xC0, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80], [0x80], [0xF0, 0x80, 0x80, 0x80],
    ] as [[UInt8]])
  func ofInvalidUTF8TheASCIIPartIsLeft(bytes: [UInt8]) throws {
    let document =
      Array(#"{"error":"access_denied","n":99999999999999999999,"d":"n"#.utf8) + bytes
      + Array(#"o"}"#.utf8)
    let object = try JSONObject(document.span)
    let error = TestSupport.string(ifPresent: object.string("error"))
    let description = TestSupport.string(ifPresent: object.string("d"))
    #expect(error == "access_denied")
    let rest = String(decoding: bytes.map { $0 < 0x80 ? $0 : 0x7F }, as: UTF8.self)
    #expect(description == "n\(rest)o")
  }

  @Test func invalidUTF8OutsideOfStringsIsMalformed() {
    #expect(outcome(of: [0x7B, 0xFF, 0x7D]) == .malformed)
    #expect(outcome(of: [0xFF, 0x7B, 0x7D]) == .malformed)
  }

  @Test func validUTF8StaysAsItIsBesideALargeInteger() throws {
    #expect(try string("a", in: #"{"a":"ä","b":99999999999999999999}"#) == "ä")
  }

  @Test func aStringWithU0000IsNone() throws {
    let document = #"{"a":"x\u0000y","b":"\u0000","c":"xy"}"#
    #expect(try string("a", in: document) == nil)
    #expect(try string("b", in: document) == nil)
    #expect(try string("c", in: document) == "xy")
  }

  @Test(arguments: ["1e400", "-1e400"])
  func aNumberBeyondItsTypeIsMalformed(number: String) {
    #expect(outcome(of: "{\"a\":\(number)}") == .malformed)
  }

  @Test func nestingIsLimited() {
    func nested(_ depth: Int) -> String {
      "{\"a\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    }
    #expect(outcome(of: nested(100)) == nil)
    #expect(outcome(of: nested(30000)) == .malformed)
    #expect(outcome(of: String(repeating: "{\"a\":", count: 12000)) == .malformed)
  }

  @Test func stringsAreDecoded() throws {
    let document = #"{"a":"\u00e4ö\ud83d\ude00\"\\\/\b\f\n\r\t","b":""}"#
    #expect(try string("a", in: document) == "äö😀\"\\/\u{8}\u{C}\n\r\t")
    #expect(try string("b", in: document) == "")
  }

  @Test(arguments: ["1", "1.5", "true", "null", "[]", #"["x"]"#, "{}", #"{"a":"x"}"#])
  func aMemberOfAnotherTypeIsNoString(value: String) throws {
    #expect(try string("a", in: "{\"a\":\(value)}") == nil)
  }

  @Test func aMissingMemberIsNil() throws {
    #expect(try string("a", in: #"{"A":"x","aa":"y"}"#) == nil)
    #expect(try integer("a", in: #"{"A":1,"aa":2}"#) == nil)
  }

  @Test func anIntegerTooLargeIsNobodysBusiness() throws {
    let document = #"{"a":5,"b":123456789012345678901234567890,"c":-99999999999999999999}"#
    #expect(try integer("a", in: document) == 5)
    #expect(try integer("b", in: document) == .max)
    #expect(try integer("c", in: document) == .min)
  }

  @Test(
    arguments: [
      ("0", 0), ("-0", 0), ("300", 300), ("-5", -5), ("9223372036854775807", Int64.max),
      ("-9223372036854775808", Int64.min), ("300.0", 300), ("-2.0", -2), ("1e3", 1000),
      ("3E+2", 300), ("9007199254740991.0", 9_007_199_254_740_991), (#""300""#, 300),
      (#""0300""#, 300), (#""9223372036854775807""#, Int64.max),
    ] as [(String, Int64)])
  func integersComeInThreeForms(value: String, expected: Int64) throws {
    #expect(try integer("a", in: "{\"a\":\(value)}") == expected)
  }

  @Test(arguments: [
    #""""#, #""5 ""#, #""-5""#, #""5.0""#, #""five""#, #""9223372036854775808""#, "null", "true",
    "[5]", "{}",
  ])
  func whatIsNoNumberIsNil(value: String) throws {
    #expect(try integer("a", in: "{\"a\":\(value)}") == nil)
  }

  @Test(
    arguments: [
      ("0.5", 0, 1), ("-0.1", -1, 0), ("299.99", 299, 300), ("-2.5", -3, -2), ("3.0", 3, 3),
      ("1e300", .max, .max), ("-1e300", .min, .min), ("9.3e18", .max, .max),
      ("9223372036854775808.0", .max, .max), ("-9223372036854775808.0", .min, .min),
      ("4503599627370495.5", 1 << 52 - 1, 1 << 52), ("9007199254740992.0", 1 << 53, 1 << 53),
      ("1e-300", 0, 1), ("-0.0", 0, 0),
    ] as [(String, Int64, Int64)])
  func realsAreRounded(value: String, down: Int64, up: Int64) throws {
    let bytes = Array("{\"a\":\(value)}".utf8)
    let object = try JSONObject(bytes.span)
    let both = [object.integer("a"), object.integer("a", roundedUp: true)]
    #expect(both == [down, up])
  }

  @Test(arguments: [
    ("2.5", "2.5"), ("1e30", "1e30"), ("1000000000000000000000000000000", "1e30"),
    ("301", "301"),
    ("\"12\"", "\"12\""), ("true", "true"), (#""soon\n""#, #""soon\n""#),
    ("\"\(String(repeating: "1", count: 31))\"", ""),
  ])
  func literals(value: String, expected: String) throws {
    let bytes = Array("{\"a\":\(value)}".utf8)
    let object = try JSONObject(bytes.span)
    let texts = [TestSupport.string(object.literal("a")), TestSupport.string(object.literal("b"))]
    #expect(texts == [expected, ""])
  }

  @Test func presenceExceptsNull() throws {
    let document = Array(#"{"null":null,"false":false,"zero":0,"empty":""}"#.utf8)
    let object = try JSONObject(document.span)
    let present = [object.has("false"), object.has("zero"), object.has("empty")]
    let absent = [object.has("null"), object.has("none")]
    #expect(present == [true, true, true])
    #expect(absent == [false, false])
  }

  @Test(
    arguments: [
      (#"[{"d":"x"}]"#, "x"), (#"[{"d":"x"},{"d":"y"}]"#, "x"), ("[]", nil), (#"[{}]"#, nil),
      (#"[{"d":1}]"#, nil), (#"["x"]"#, nil), (#"{"d":"x"}"#, nil), (#""x""#, nil), ("null", nil),
      (#"[[{"d":"x"}]]"#, nil), (#"[null,{"d":"x"}]"#, nil),
    ] as [(String, String?)])
  func theFirstObjectOfAnArrayIsLookedInto(value: String, expected: String?) throws {
    let document = Array("{\"e\":\(value)}".utf8)
    let object = try JSONObject(document.span)
    let found = TestSupport.string(ifPresent: object.string(inFirstOf: "e", "d"))
    #expect(found == expected)
  }

  @Test(
    arguments: [
      (#"["a","b c"]"#, ["a", "b c"]), (#"["a",1,null,["x"],"b"]"#, ["a", "b"]), ("[]", []),
      (#""a b""#, []), ("null", []), (#"{"a":"b"}"#, []),
    ] as [(String, [String])])
  func theStringsOfAnArrayAreVisitedInOrder(value: String, expected: [String]) throws {
    let document = Array("{\"s\":\(value)}".utf8)
    let object = try JSONObject(document.span)
    var visited: [String] = []
    object.forEachString(in: "s") { visited.append(TestSupport.string($0)) }
    #expect(visited == expected)
  }

  @Test func everyTruncationIsMalformed() {
    let document = Array(
      #"{"device_code":"\u00e4\ud83d\ude00x","n":[-1,2.5e-3,"ö"],"o":{"t":true,"z":null}}"#.utf8)
    let memory = GuardedMemory(capacity: document.count)
    #expect(outcome(of: document) == nil)
    for length in 0..<document.count {
      let error = memory.with(document[..<length]) { input -> JSONError? in
        do {
          _ = try JSONObject(input)
          return nil
        } catch {
          return error as? JSONError
        }
      }
      #expect(error == .malformed, "cut after \(length) bytes")
    }
  }

  @Test func randomDamageNeverTraps() {
    let document = Array(#"{"a":"\u00e4\ud83d\ude00","n":[-1,2.5e-3,"ö"],"o":{"t":true}}"#.utf8)
    let memory = GuardedMemory(capacity: document.count)
    var generator = SeededGenerator(seed: 3)
    var refused = 0
    for _ in 0..<20000 {
      var damaged = document
      for _ in 0..<Int.random(in: 1...3, using: &generator) {
        damaged[Int.random(in: 0..<damaged.count, using: &generator)] =
          UInt8.random(in: 0...255, using: &generator)
      }
      memory.with(damaged[...]) { input in
        if (try? JSONObject(input)) == nil { refused += 1 }
      }
    }
    #expect(refused > 10000)
  }
}
