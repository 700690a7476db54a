import { beforeEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { type NamedPeer, TrustBook } from "../../../src/messenger/trustBook.js";
import type { Warning } from "../../../src/messenger/types.js";
import {
  MemoryTrust,
  type TrustChange,
  type TrustEntry,
  type TrustRecord,
} from "../../../src/store/trust.js";
import { ManualClock } from "../../support/manualClock.js";

/** A store whose writes can fail, and whose file can be lost. */
class FragileTrust extends MemoryTrust {
  failure: UdpchatError | undefined;
  lost: { readonly setAside: string | undefined } | undefined;
  writes = 0;
  /** Tells whoever watches that it was changed. */
  changed: () => void = () => undefined;

  override watch(changed: () => void = () => undefined): () => void {
    this.changed = changed;
    return () => (this.changed = () => undefined);
  }

  override async load(): Promise<TrustRecord> {
    const record = await super.load();
    if (this.lost === undefined) return record;
    return { entries: new Map(), setAside: this.lost.setAside, fresh: true };
  }

  override async change(changes: readonly TrustChange[]): Promise<TrustRecord> {
    this.writes += 1;
    if (this.failure !== undefined) throw this.failure;
    const { lost } = this;
    if (lost === undefined) return super.change(changes);
    this.lost = undefined;
    const known = [...(await super.load()).entries.keys()];
    await super.change(known.map((device) => ({ device, apply: () => undefined })));
    return { ...(await super.change(changes)), setAside: lost.setAside, fresh: true };
  }
}

const SELF = "ff".repeat(32);
const nobody = (): NamedPeer[] => [];
const peer = (start: string, name: string) => ({
  id: start.padEnd(64, "0"),
  name,
  address: "10.0.0.9",
  port: 22_400,
});
const alice = peer("a1", "alice");
const impostor = peer("e7", "alice");

let clock: ManualClock;
let store: FragileTrust;
let book: TrustBook;
let warnings: Warning[];

async function openBook(): Promise<TrustBook> {
  const opened = await TrustBook.load({ store, self: SELF, clock });
  opened.onWarning((warning) => warnings.push(warning));
  return opened;
}

/** What the next run would know. */
async function stored(): Promise<TrustEntry[]> {
  await book.settled();
  return (await openBook()).entries();
}

async function eventLoopTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

const byName = ([one]: readonly [string, ...unknown[]], [other]: readonly [string, ...unknown[]]) =>
  one.localeCompare(other);

const trustOf = ({ id, name }: NamedPeer) => book.trustOf(id, name);

beforeEach(async () => {
  clock = new ManualClock();
  store = new FragileTrust();
  warnings = [];
  book = await openBook();
});

describe("first use", () => {
  it("pins whom we reached, and whoever wrote to us", async () => {
    const bob = peer("b0", "bob");
    expect([trustOf(alice), trustOf(bob)]).toEqual(["unknown", "unknown"]);
    book.used(alice, nobody);
    book.heardFrom(bob, nobody);
    expect([trustOf(alice), trustOf(bob)]).toEqual(["known", "known"]);
    expect(await stored()).toMatchObject([
      { device: alice.id, name: "alice", trust: "known", byUs: true },
      { device: bob.id, name: "bob", trust: "known", byUs: false },
    ]);
    book.used(bob, nobody);
    expect(await stored()).toMatchObject([{ byUs: true }, { device: bob.id, byUs: true }]);
  });

  it("gives no name to who merely writes to us, where another one has it too", () => {
    book.heardFrom(impostor, () => [peer("c3", "ALICE"), impostor]);
    expect(trustOf(impostor)).toBe("unknown");
    book.heardFrom(impostor, nobody);
    expect(trustOf(impostor)).toBe("unknown");
    book.used(alice, nobody);
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["known", "conflict"]);
  });

  it("is not ours: our own key is always verified, and no entry", () => {
    book.used({ id: SELF, name: "me" }, nobody);
    expect(book.trustOf(SELF, "me")).toBe("verified");
    expect(book.isVerified(SELF)).toBe(true);
    expect(book.entries()).toEqual([]);
  });
});

describe("a name that stands for another key", () => {
  it.each(["alice", "Alice", "al\u200bice", "ａｌｉｃｅ"])("is a conflict: %j", (name) => {
    book.used(alice, nobody);
    const stranger = { ...impostor, name };
    expect(trustOf(stranger)).toBe("conflict");
    expect(trustOf({ ...stranger, name: "alicia" })).toBe("unknown");
    expect(trustOf(alice)).toBe("known");
  });

  it("is never pinned, whatever the key does, and not even after a restart", async () => {
    book.used(alice, nobody);
    book.used(impostor, nobody);
    book.heardFrom(impostor, nobody);
    expect(trustOf(impostor)).toBe("conflict");
    await book.settled();
    book = await openBook();
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["known", "conflict"]);
  });

  it("is none for who had it before, and none once both are verified", async () => {
    book.used(alice, nobody);
    await book.decide(impostor, "verified");
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["known", "verified"]);
    const third = peer("c3", "alice");
    expect(trustOf(third)).toBe("conflict");
  });

  it("cannot be taken by renaming, not even by a verified key", async () => {
    const eve = peer("e7", "eve");
    book.used(alice, nobody);
    await book.decide(eve, "verified");
    const renamed = { ...eve, name: "alice" };
    expect(trustOf(renamed)).toBe("conflict");
    book.renamed(renamed, nobody);
    book.used(renamed, nobody);
    expect(await stored()).toMatchObject([{ name: "alice" }, { name: "eve", trust: "verified" }]);
    expect(trustOf(eve)).toBe("verified");
  });

  it.each([
    ["wrote to us", (eve: NamedPeer) => book.heardFrom(eve, nobody)],
    ["we wrote to", (eve: NamedPeer) => book.used(eve, nobody)],
  ])("cannot be taken by renaming from others who are here, by one who %s", async (_, meet) => {
    const eve = peer("e7", "eve");
    meet(eve);
    const renamed = { ...eve, name: "Alice" };
    const roster = () => [alice, renamed];
    book.renamed(renamed, roster);
    book.used(renamed, roster);
    book.heardFrom(renamed, roster);
    expect([trustOf(alice), trustOf(renamed)]).toEqual(["unknown", "unknown"]);
    // A name that is free is its own all the same.
    book.renamed({ ...eve, name: "eva" }, roster);
    expect(trustOf({ ...eve, name: "eva" })).toBe("known");
    expect(await stored()).toMatchObject([{ device: eve.id, name: "eva" }]);
  });

  it("frees the old name and holds the new one when a known key is renamed", async () => {
    book.used(alice, nobody);
    book.renamed({ ...alice, name: "alicia" }, nobody);
    expect(trustOf(impostor)).toBe("unknown");
    expect(trustOf({ ...impostor, name: "Alicia" })).toBe("conflict");
    expect(await stored()).toMatchObject([{ device: alice.id, name: "alicia" }]);
  });

  it("is not gained by being blocked and unblocked", async () => {
    book.used(alice, nobody);
    await book.decide(impostor, "blocked");
    await book.decide(impostor, "known");
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["known", "conflict"]);
  });

  it("stays with a key that we knew when it is blocked, and stands for no other blocked one", async () => {
    await book.decide(alice, "blocked");
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["blocked", "unknown"]);
    await book.decide(alice, "known");
    await book.decide(alice, "blocked");
    expect([trustOf(alice), trustOf(impostor)]).toEqual(["blocked", "conflict"]);
  });

  it("warns once per key, and not of hundreds", () => {
    book.used(alice, nobody);
    book.notice(alice);
    book.notice(peer("b0", "bob"));
    expect(warnings).toEqual([]);
    book.notice(impostor);
    book.notice({ ...impostor, address: "10.0.0.10" });
    expect(warnings).toEqual([
      {
        code: "KEY_CHANGED",
        message:
          "alice is known here with another key: compare codes with `udpchat verify alice~e700`",
        peer: { ...impostor, trust: "conflict" },
      },
    ]);
    for (let index = 0; index < 500; index += 1) book.notice(peer(`e${1000 + index}`, "alice"));
    expect(warnings).toHaveLength(32);
    const bob = peer("b0", "bob");
    book.used(bob, nobody);
    book.notice({ ...bob, id: impostor.id });
    expect(warnings).toHaveLength(32);
    book.notice({ ...bob, id: peer("c0", "").id });
    expect(warnings).toHaveLength(33);
  });

  it("names a key by its digits where the name would do something in a shell", () => {
    const name = "$(reboot)";
    book.used({ ...alice, name }, nobody);
    book.notice({ ...impostor, name });
    expect(warnings[0]?.message).toContain("`udpchat verify e7000000`");
  });
});

describe("decisions", () => {
  it("are in force at once and outlast the run", async () => {
    const decided = book.decide(alice, "blocked");
    expect(book.isBlocked(alice.id)).toBe(true);
    await decided;
    expect(await stored()).toMatchObject([{ device: alice.id, trust: "blocked", byUs: false }]);
    book.used(alice, nobody);
    book.heardFrom(alice, nobody);
    book.renamed({ ...alice, name: "mallory" }, nobody);
    expect(await stored()).toMatchObject([{ name: "alice", trust: "blocked" }]);
    await book.decide(alice, "known");
    expect(trustOf(alice)).toBe("known");
    await book.decide(alice, "verified");
    expect(book.isVerified(alice.id)).toBe(true);
    expect(book.isBlocked(alice.id)).toBe(false);
  });

  it("of another process are taken over with the next write, and not overwritten", async () => {
    const other = await openBook();
    await other.decide(alice, "blocked");
    book.used(alice, nobody);
    await book.settled();
    expect(book.isBlocked(alice.id)).toBe(true);
  });

  it("of another process are in force when the store is seen to have changed", async () => {
    const told: string[] = [];
    book.used(alice, nobody);
    await book.decide(peer("b0", "bob"), "blocked");
    book.follow((device) => told.push(device));
    const other = await openBook();
    await other.decide(alice, "blocked");
    expect(book.isBlocked(alice.id)).toBe(false);
    store.changed();
    await eventLoopTurns();
    expect(book.isBlocked(alice.id)).toBe(true);
    expect(told).toEqual([alice.id]);
    await book.settled();
    await other.decide(alice, "known");
    store.changed();
    await eventLoopTurns();
    expect(book.isBlocked(alice.id)).toBe(true);
  });

  it("that cannot be stored are refused, in force all the same, and stored when that works", async () => {
    store.failure = new UdpchatError("HOME_UNUSABLE", "the disk is full");
    await expect(book.decide(alice, "blocked")).rejects.toMatchObject({ code: "HOME_UNUSABLE" });
    expect(book.isBlocked(alice.id)).toBe(true);
    book.used(peer("b0", "bob"), nobody);
    await book.settled();
    expect(warnings).toEqual([
      {
        code: "TRUST_NOT_STORED",
        message: expect.stringContaining("the disk is full"),
        peer: null,
      },
    ]);
    store.failure = undefined;
    book.used(peer("c0", "carol"), nobody);
    await book.settled();
    expect(book.isBlocked(alice.id)).toBe(true);
    expect(await stored()).toContainEqual(
      expect.objectContaining({ device: alice.id, trust: "blocked" }),
    );
  });
});

describe("the store", () => {
  it("is not kept busy by strangers: what they bring about is written together", async () => {
    for (let index = 0; index < 100; index += 1) {
      book.heardFrom(peer(`b${1000 + index}`, `b${index}`), nobody);
    }
    await clock.advance(1999);
    expect(store.writes).toBe(0);
    await clock.advance(1);
    expect(store.writes).toBe(1);
    expect(await stored()).toHaveLength(100);
  });

  it("that was damaged is told of when it is opened", async () => {
    store.lost = { setAside: "/home/trust.json.damaged-1" };
    const { earlyWarnings } = await openBook();
    expect(earlyWarnings).toMatchObject([{ code: "TRUST_DAMAGED", peer: null }]);
    expect(earlyWarnings[0]?.message).toContain("nobody is blocked");
    expect(earlyWarnings[0]?.message).toContain("/home/trust.json.damaged-1");
  });

  it.each([[{ setAside: "/home/trust.json.damaged-1" }], [{ setAside: undefined }]])(
    "that is lost while we run is written anew: %o",
    async (lost) => {
      await book.decide(alice, "blocked");
      book.used(peer("b0", "bob"), nobody);
      await book.settled();
      store.lost = lost;
      book.used(peer("c0", "carol"), nobody);
      expect(
        (await stored()).map(({ name, trust }) => [name, trust] as const).toSorted(byName),
      ).toEqual([
        ["alice", "blocked"],
        ["bob", "known"],
        ["carol", "known"],
      ]);
      expect(book.isBlocked(alice.id)).toBe(true);
      expect(warnings).toHaveLength(lost.setAside === undefined ? 0 : 1);
    },
  );
});
