import { describe, expect, it } from "vitest";
import type { PeerLine } from "../../../../src/api/lines.js";
import { peerCompletions } from "../../../../src/cli/completion/peerWords.js";
import { findPeer, parseTarget } from "../../../../src/messenger/target.js";

function peer(name: string, digit: string, more: Partial<PeerLine> = {}): PeerLine {
  return {
    type: "peer",
    id: digit.padEnd(64, digit),
    name,
    address: "10.0.0.2",
    port: 22400,
    trust: "unknown",
    state: "online",
    rttMs: null,
    via: "broadcast",
    addresses: [],
    ...more,
  };
}

function valuesOf(...roster: readonly PeerLine[]): string[] {
  return peerCompletions(roster).map(({ value }) => value);
}

describe("the word for a peer", () => {
  it("is its name, if that means nobody else", () => {
    expect(valuesOf(peer("bob", "a"), peer("two words", "b"))).toEqual(["bob", "two words"]);
  });

  it("tells namesakes apart by their keys, and those who are present by name", () => {
    expect(valuesOf(peer("bob", "a"), peer("bob", "b"))).toEqual(["bob~aaaa", "bob~bbbb"]);
    expect(valuesOf(peer("bob", "a"), peer("bob", "b", { state: "offline" }))).toEqual([
      "bob",
      "bob~bbbb",
    ]);
  });

  it("leaves a name to whom we know", () => {
    const known = peer("bob", "a", { trust: "known" });
    expect(valuesOf(peer("bob", "b", { trust: "conflict" }), known)).toEqual(["bob", "bob~bbbb"]);
  });

  it.each([
    "",
    "-rf",
    "--json",
    " bob",
    "#ops",
    "10.0.0.3",
    "bob:22400",
    "-",
    "bob~cccc",
    "bbbbbbbb",
    "CAFE",
    "b\u202eob",
    "bo\u200bb",
    "\u001b[31mbob",
    "bob\nbob",
  ])("is the beginning of its id where the name is %j", (name) => {
    expect(valuesOf(peer(name, "a"))).toEqual(["aaaaaaaa"]);
  });

  it("is the whole id where the beginning is somebody else's as well", () => {
    const id = "b".repeat(60).padEnd(64, "c");
    expect(valuesOf(peer("", "b"), peer("", "b", { id }))).toEqual(["b".repeat(64), id]);
  });

  it("means the peer to every command", () => {
    const roster = ["bob", "bob", "BOB", "$(x)", "10.0.0.9", "eve\t"].map((name, index) =>
      peer(name, index.toString(16)),
    );
    for (const [index, { value }] of peerCompletions(roster).entries()) {
      expect(() => parseTarget(value)).not.toThrow();
      expect(findPeer(value, roster)).toBe(roster[index]);
    }
  });

  it("shows a hostile name with its teeth drawn", () => {
    const [completion] = peerCompletions([peer("\u001b[2Jbob\n", "a")]);
    expect(completion?.description).toBe("␛[2Jbob␊: online, unknown");
  });

  it("is there for those we know, however many strangers there are", () => {
    const strangers = Array.from({ length: 4096 }, (_, index) =>
      peer("stranger", "c", { id: index.toString(16).padStart(64, "0") }),
    );
    const values = valuesOf(
      ...strangers,
      peer("bob", "a", { trust: "verified", state: "offline" }),
    );
    expect(values[0]).toBe("bob");
    expect(values).toHaveLength(256);
  });
});
