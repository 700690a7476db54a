import { describe, expect, it } from "vitest";
import type { PeerState, PeerView } from "../../../src/core/io.js";
import { addressOf } from "../../../src/messenger/hostLookup.js";
import {
  assertOnePeer,
  findPeer,
  findSimilar,
  isCalled,
  notNicknameBecause,
  parseTarget,
  searchFor,
} from "../../../src/messenger/target.js";
import type { PeerTrust } from "../../../src/messenger/types.js";

function trusted(trust: PeerTrust, name: string, idStart: string, state?: PeerState) {
  return { ...peer(name, idStart, state), trust };
}

function peer(name: string, idStart: string, state: PeerState = "online"): PeerView {
  return {
    id: idStart.padEnd(64, "0"),
    name,
    address: "10.0.0.2",
    port: 22_400,
    incarnation: "0".repeat(16),
    state,
    via: "query",
    rttMs: undefined,
    addresses: [],
  };
}

describe("parseTarget", () => {
  it.each([
    ["10.0.0.2", { kind: "address", to: { address: "10.0.0.2", port: 22_400 } }],
    [" 10.0.0.2:1 ", { kind: "address", to: { address: "10.0.0.2", port: 1 } }],
    ["nas.lan:9", { kind: "host", host: "nas.lan", port: 9, nickname: undefined }],
    ["nas.lan", { kind: "host", host: "nas.lan", port: 22_400, nickname: "nas.lan" }],
    ["nas:22400", { kind: "host", host: "nas", port: 22_400, nickname: undefined }],
    ["localhost", { kind: "host", host: "localhost", port: 22_400, nickname: "localhost" }],
    ["alice", { kind: "peer", name: "alice" }],
    ["alice~ab12", { kind: "peer", name: "alice~ab12" }],
    ["J. Doe", { kind: "peer", name: "J. Doe" }],
    ["10.0.0", { kind: "peer", name: "10.0.0" }],
  ])("reads %s", (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  it.each([
    ["10.0.0.2:99999", "INVALID_PORT", "port 99999 is out of range"],
    ["10.0.0.2:0", "INVALID_PORT", "port 0 is out of range"],
    ["10.0.0.2:http", "INVALID_PORT", '"http" is not a port'],
    ["10.0.0.2:", "INVALID_PORT", '"" is not a port'],
    ["256.1.1.1", "INVALID_TARGET", "256.1.1.1 is not an IPv4 address"],
    ["10.0.0.300:22400", "INVALID_TARGET", "10.0.0.300 is not an IPv4 address"],
    ["http://bob", "INVALID_TARGET", '"http://bob" names nobody'],
    ["http://bob:80", "INVALID_TARGET", '"http://bob:80" names nobody'],
    ["#ops", "INVALID_TARGET", "#ops is a group"],
    ["#ops:22400", "INVALID_TARGET", "#ops:22400 is a group"],
    ["a b:22400", "INVALID_TARGET", '"a b:22400" names nobody'],
    ["  ", "INVALID_TARGET", '"  " names nobody'],
  ])("rejects %s", (text, code, message) => {
    expect(() => parseTarget(text)).toThrow(expect.objectContaining({ code, message }));
  });
});

describe("assertOnePeer", () => {
  const refuse = (address: string, port = 22_400) => {
    return () => assertOnePeer({ address, port }, (one) => one === "10.0.0.255");
  };

  it("advises to say it to the group", () => {
    expect(refuse("224.0.1.100")).toThrow(
      expect.objectContaining({
        code: "INVALID_TARGET",
        message: "224.0.1.100 is a group",
        remedy: "say it to the group instead: udpchat say 224.0.1.100 TEXT",
      }),
    );
    expect(refuse("239.1.2.3", 9000)).toThrow("239.1.2.3:9000 is a group");
  });

  it.each(["0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.255", "10.0.0.255"])(
    "refuses %s",
    (address) => {
      expect(refuse(address)).toThrow(
        expect.objectContaining({
          code: "INVALID_TARGET",
          message: `${address} is not the address of one peer`,
        }),
      );
    },
  );

  it.each(["1.0.0.1", "10.0.1.255", "127.0.0.1", "223.255.255.255"])("takes %s", (address) => {
    expect(refuse(address)).not.toThrow();
  });
});

describe("searchFor", () => {
  /** What an index that folds names would find. */
  function found(name: string, roster: readonly PeerView[]): PeerView[] {
    const { names = [], idPrefix } = searchFor(name);
    const folded = names.map((one) => one.toLowerCase());
    return roster.filter(
      (one) =>
        folded.includes(one.name.toLowerCase()) ||
        (idPrefix !== undefined && one.id.startsWith(idPrefix)),
    );
  }

  it("looks for all whom a name can mean", () => {
    const callings = ["alice", "aa11", "aa112233", "alice~aa11", "Alice", "a~b", "alice~AA11~bb22"];
    const ids = ["aa11", "aa112233", "aa1122334455", "bb22", "aa12"];
    const roster = ids.flatMap((id) => callings.map((calling) => peer(calling, id)));
    const names = [...callings, ...ids, "AA11", "alice~AA112233", "a~b~aa11", "aa1", "alice~aa"];
    for (const name of names) {
      const meant = roster.filter((one) => isCalled(one, name));
      expect(found(name, roster), name).toEqual(expect.arrayContaining(meant));
    }
    expect(names.filter((name) => roster.some((one) => isCalled(one, name)))).toHaveLength(14);
  });
});

describe("findPeer", () => {
  const alice = peer("alice", "aa11");
  const bob = peer("bob", "bb22");
  const otherBob = peer("bob", "bb33");

  it("takes a nickname, a nickname with the start of the key, or the start of the key", () => {
    const roster = [alice, bob, otherBob];
    expect(findPeer("alice", roster)).toBe(alice);
    expect(findPeer("bob~bb33", roster)).toBe(otherBob);
    expect(findPeer("BB22", roster)).toBe(bob);
    expect(findPeer("bb2", roster)).toBeUndefined();
    expect(findPeer("bob~cc44", roster)).toBeUndefined();
    expect(findPeer("Alice", roster)).toBeUndefined();
  });

  it("does not choose between namesakes", () => {
    expect(() => findPeer("bob", [alice, bob, otherBob])).toThrow(
      expect.objectContaining({ code: "AMBIGUOUS_PEER", remedy: "choose one: bob~bb22, bob~bb33" }),
    );
  });

  it("does not let a nickname stand for the key of somebody else", () => {
    const impostor = peer("aa11", "cc44");
    expect(() => findPeer("aa11", [alice, impostor])).toThrow(
      expect.objectContaining({ code: "AMBIGUOUS_PEER" }),
    );
  });

  it("takes eight characters of a key for the key, whoever calls himself that", () => {
    const key = peer("carol", "dd112233");
    const impostor = peer("dd112233", "cc44");
    expect(findPeer("dd112233", [impostor, key])).toBe(key);
    expect(findPeer("DD112233", [impostor, key])).toBe(key);
    expect(findPeer("dd112233", [impostor])).toBe(impostor);
  });

  it("knows whom a name means that differs in case, if it is one", () => {
    expect(findSimilar("ALICE", [alice, bob])).toBe(alice);
    expect(findSimilar("BOB", [alice, bob, otherBob])).toBeUndefined();
    expect(findSimilar("carol", [alice, bob])).toBeUndefined();
  });

  it("is not made ambiguous by strangers: the verified one goes first, then the known one", () => {
    const known = trusted("known", "bob", "aa11");
    const verified = trusted("verified", "bob", "bb22", "offline");
    const strangers = [trusted("conflict", "bob", "cc33"), trusted("unknown", "bob", "dd44")];
    expect(findPeer("bob", [...strangers, known])).toBe(known);
    expect(findPeer("bob", [...strangers, known, verified])).toBe(verified);
    expect(() => findPeer("bob", [known, trusted("known", "bob", "ee55")])).toThrow(
      expect.objectContaining({ code: "AMBIGUOUS_PEER" }),
    );
  });

  it("does not take a stranger under a name that stands for another key", () => {
    const stranger = trusted("conflict", "bob", "cc33");
    expect(() => findPeer("bob", [alice, stranger])).toThrow(
      expect.objectContaining({
        code: "KEY_CHANGED",
        message: "bob has another key than the one known here",
        remedy: expect.stringContaining("`udpchat verify bob~cc33`"),
      }),
    );
    for (const name of ["bob~cc33", "cc33", "cc330000", stranger.id]) {
      expect(findPeer(name, [alice, stranger])).toBe(stranger);
    }
  });

  it("tells namesakes apart by as many digits as it takes", () => {
    const roster = [peer("bob", "aa11000000001"), peer("bob", "aa11000000002")];
    const remedy = "choose one: bob~aa11000000001000, bob~aa11000000002000";
    for (const name of ["bob", "bob~aa11"]) {
      expect(() => findPeer(name, roster)).toThrow(expect.objectContaining({ remedy }));
    }
  });

  it("takes name~digits for the key alone, whoever calls himself that", () => {
    const impostor = peer("bob~bb22", "cc44");
    expect(findPeer("bob~bb22", [impostor, bob])).toBe(bob);
    expect(findPeer("bob~bb22", [impostor])).toBeUndefined();
    expect(notNicknameBecause("bob~bb22")).toBeDefined();
    expect(notNicknameBecause("bob~xx")).toBeUndefined();
  });

  it("prefers who is there to who is gone", () => {
    const gone = peer("bob", "bb44", "offline");
    expect(findPeer("bob", [gone, bob])).toBe(bob);
    expect(findPeer("bob", [gone])).toBe(gone);
  });
});

describe("addressOf", () => {
  it("looks names up and refuses nicknames", async () => {
    const lookUp = async (): Promise<string> => "10.0.0.9";
    expect(await addressOf("nas.lan:9", lookUp)).toEqual({ address: "10.0.0.9", port: 9 });
    await expect(addressOf("alice", lookUp)).rejects.toMatchObject({ code: "INVALID_TARGET" });
  });
});
