import { describe, expect, it } from "vitest";
import { Mentions } from "../../../../src/cli/chat/mentions.js";

describe("a name", () => {
  it.each([
    ["alice", "alice: hello"],
    ["alice", "thanks, ALICE!"],
    ["alice", "@alice"],
    ["alice", "ａｌｉｃｅ?"],
    ["Anne Marie", "is anne marie there?"],
    ["anne-marie", "hi Anne-Marie!"],
    ["j.doe", "ask j.doe."],
    ["李雷", "你好李雷在吗"],
    ["c++", "c++ rocks"],
    ["al", "@al look"],
    ["Ünal", "hallo ünal"],
  ])("%j is in %j", (name, text) => {
    expect(new Mentions(name).areIn(text)).toBe(true);
  });

  it.each([
    ["alice", "malice"],
    ["alice", "alices"],
    ["alice", "alice_2"],
    ["j.doe", "jadoe"],
    ["al", "al dente"],
    ["李雷", "李磊"],
    [" ", "a b"],
    ["\u200b", "text"],
  ])("%j is not in %j", (name, text) => {
    expect(new Mentions(name).areIn(text)).toBe(false);
  });
});
