/** Which key a secret group is joined with, and that its name never stands for the open one. */
import { describe, expect, it } from "vitest";
import type { GroupKeys } from "../../../src/core/io.js";
import { passphraseGroupKey } from "../../../src/crypto/passphrase.js";
import { EventStream } from "../../../src/messenger/eventStream.js";
import type { TrustReader } from "../../../src/messenger/peerShapes.js";
import { SecretGroups } from "../../../src/messenger/secretGroups.js";
import type { JoinOptions, MessengerEvent, PeerTrust } from "../../../src/messenger/types.js";
import { type GroupKeyStore, memoryGroupKeys } from "../../../src/store/groupKeys.js";

const PASSPHRASE = "correct horse battery staple";
const ALICE = { id: "a1".repeat(32), name: "alice", address: "10.0.0.2", port: 22400 };
const MALLORY = { id: "bad0".repeat(16), name: "mallory", address: "10.0.0.9", port: 22400 };

class World {
  readonly store: GroupKeyStore;
  readonly stream = new EventStream();
  readonly blocked = new Set<string>();
  readonly trusts = new Map<string, PeerTrust>();
  readonly secrets: SecretGroups;

  constructor(store: GroupKeyStore = memoryGroupKeys(), requireVerified = false) {
    this.store = store;
    const trust: TrustReader = {
      trustOf: (id) => this.trusts.get(id) ?? (this.blocked.has(id) ? "blocked" : "unknown"),
    };
    const { stream } = this;
    const discoveryPort = 22401;
    this.secrets = new SecretGroups({
      store,
      stream,
      trust,
      discoveryPort,
      requireVerified: () => requireVerified,
    });
  }

  keysFor(options: JoinOptions = {}): Promise<GroupKeys | undefined> {
    return this.secrets.keysFor("#ops", options);
  }

  async invite(from: typeof ALICE, keys: GroupKeys, label = "#ops"): Promise<void> {
    this.secrets.invited({ kind: "groupInvitation", label, from, keys });
    await this.secrets.settled();
  }

  /** What was published so far. */
  told(): MessengerEvent[] {
    const events: MessengerEvent[] = [];
    const queue = this.stream.subscribe();
    for (let event = queue.take(); event !== undefined; event = queue.take()) events.push(event);
    return events;
  }
}

function keys(digit: string, epoch = 0): GroupKeys {
  const retired = Array.from({ length: epoch }, (_, index) => `${index}`.repeat(64));
  return { epoch, key: digit.repeat(64), retired, removed: [], change: undefined };
}

describe("the key to join with", () => {
  it("is none for an open group", async () => {
    expect(await new World().keysFor()).toBeUndefined();
  });

  it("is made from the passphrase, and kept", async () => {
    const world = new World();
    const key = await passphraseGroupKey("#ops", PASSPHRASE);
    const made = { epoch: 0, key, retired: [], removed: [], change: undefined };
    expect(await world.keysFor({ passphrase: PASSPHRASE })).toEqual(made);
    expect(await world.keysFor({ secret: true })).toEqual(made);
    expect(await world.keysFor()).toEqual(made);
  });

  it("is not made from an empty passphrase, nor from none", async () => {
    const world = new World();
    const code = "INVALID_PASSPHRASE";
    await expect(world.keysFor({ passphrase: "" })).rejects.toMatchObject({ code });
    await expect(world.keysFor({ secret: true })).rejects.toMatchObject({
      code,
      remedy: expect.stringContaining("UDPCHAT_PASSPHRASE"),
    });
    expect((await world.store.list()).groups.size).toBe(0);
  });

  it("is the kept one; a passphrase that contradicts it is refused", async () => {
    const world = new World();
    await world.keysFor({ passphrase: PASSPHRASE });
    const wrong = world.keysFor({ passphrase: "something else entirely" });
    await expect(wrong).rejects.toMatchObject({
      code: "INVALID_PASSPHRASE",
      remedy: expect.stringContaining("leave it first"),
    });
    const [[, first] = ["", null]] = [...(await world.store.list()).groups];
    const changed = { ...keys("f", 1), retired: [first?.key ?? ""] };
    await world.store.update("#ops", changed);
    expect(await world.keysFor({ passphrase: PASSPHRASE })).toEqual(changed);
    await expect(world.keysFor({ passphrase: "wrong" })).rejects.toMatchObject({
      code: "INVALID_PASSPHRASE",
    });
  });

  it("is the kept one whatever the passphrase if the first key is not known here", async () => {
    const world = new World();
    const later = { ...keys("f", 5), retired: [] };
    await world.store.keep("#ops", later);
    expect(await world.keysFor({ passphrase: PASSPHRASE })).toEqual(later);
  });
});

describe("an invitation", () => {
  it("is told, pending, and accepted by a join that says so", async () => {
    const world = new World();
    await world.invite(ALICE, keys("a", 3));
    expect(world.told()).toMatchObject([
      { type: "invitation", invitation: { group: "#ops", from: { name: "alice" } } },
    ]);
    expect(await world.secrets.invitations()).toMatchObject([{ group: "#ops" }]);
    expect(await world.keysFor()).toBeUndefined();
    expect(await world.keysFor({ secret: true })).toEqual(keys("a", 3));
    expect(await world.secrets.invitations()).toEqual([]);
  });

  it("replaces no key", async () => {
    const world = new World();
    await world.store.keep("#ops", keys("f"));
    await world.invite(MALLORY, keys("a", 9));
    expect(await world.keysFor({ secret: true })).toEqual(keys("f"));
  });

  it("counts less than a passphrase that is given", async () => {
    const world = new World();
    await world.invite(MALLORY, keys("a", 9));
    const joined = await world.keysFor({ secret: true, passphrase: PASSPHRASE });
    expect(joined?.key).toBe(await passphraseGroupKey("#ops", PASSPHRASE));
  });

  it("of another key than the others is not chosen, however late its epoch", async () => {
    const world = new World();
    await world.invite(ALICE, keys("a", 1));
    await world.invite(MALLORY, keys("b", 9));
    await expect(world.keysFor({ secret: true })).rejects.toMatchObject({
      code: "AMBIGUOUS_PEER",
      remedy: expect.stringContaining("mallory~bad0"),
    });
    world.blocked.add(MALLORY.id);
    expect(await world.secrets.invitations()).toHaveLength(1);
    expect(await world.keysFor({ secret: true })).toEqual(keys("a", 1));
  });

  it("to a label that nobody could type is dropped", async () => {
    const world = new World();
    for (const label of ["#OPS", "#two words", "10.0.0.1", "#x\u202e", ""]) {
      await world.invite(ALICE, keys("a"), label);
    }
    expect(world.told()).toEqual([]);
    expect(await world.secrets.invitations()).toEqual([]);
  });
});

describe("the name of a secret group", () => {
  it("does not become the open one's when we are removed", async () => {
    const world = new World();
    await world.keysFor({ passphrase: PASSPHRASE });
    world.secrets.expelled("#ops");
    await world.secrets.settled();
    await expect(world.keysFor()).rejects.toMatchObject({ code: "NO_GROUP_KEY" });
    await world.invite(ALICE, keys("a", 2));
    await expect(world.keysFor()).rejects.toMatchObject({ code: "NO_GROUP_KEY" });
    expect(await world.keysFor({ secret: true })).toEqual(keys("a", 2));
  });

  it("does not become the open one's when its key is lost", async () => {
    const world = new World();
    const restored = world.keysFor({ secret: true, kept: true });
    await expect(restored).rejects.toMatchObject({ code: "NO_GROUP_KEY" });
    await expect(world.keysFor()).rejects.toMatchObject({ code: "NO_GROUP_KEY" });
  });

  it("is free once it is forgotten", async () => {
    const world = new World();
    await world.keysFor({ passphrase: PASSPHRASE });
    expect(await world.secrets.forget("#ops")).toBe(true);
    expect(await world.keysFor()).toBeUndefined();
  });

  it("joins nothing with a kept key if there is none", async () => {
    const world = new World();
    await world.invite(ALICE, keys("a"));
    await expect(world.keysFor({ kept: true })).rejects.toMatchObject({ code: "INVALID_GROUP" });
    expect(await world.keysFor()).toBeUndefined();
  });
});

describe("keys that change", () => {
  it("are written, and waited for", async () => {
    const world = new World();
    await world.keysFor({ passphrase: PASSPHRASE });
    world.secrets.changed("#ops", keys("f", 1));
    await world.secrets.settled();
    expect(await world.keysFor()).toEqual(keys("f", 1));
  });

  it("are said to be lost if they cannot be written", async () => {
    const failing = { ...memoryGroupKeys(), update: () => Promise.reject(new Error("disk full")) };
    const world = new World(failing);
    world.secrets.changed("#ops", keys("f", 1));
    await world.secrets.settled();
    expect(world.told()).toMatchObject([
      { warning: { code: "GROUP_KEYS_NOT_KEPT", message: expect.stringContaining("disk full") } },
    ]);
  });
});

it("an invitation in another's name is shown, and gives no key", async () => {
  const world = new World();
  world.trusts.set(MALLORY.id, "conflict");
  await world.invite(MALLORY, keys("b"));
  expect(world.told()).toHaveLength(1);
  await expect(world.keysFor({ secret: true })).rejects.toMatchObject({
    code: "INVALID_PASSPHRASE",
  });
  await world.invite(ALICE, keys("a"));
  expect((await world.keysFor({ secret: true }))?.key).toBe(keys("a").key);
});

describe("where only verified peers count", () => {
  it("strangers invite in vain, also those who did so before", async () => {
    const world = new World(memoryGroupKeys(), true);
    world.trusts.set(ALICE.id, "verified");
    await world.invite(MALLORY, keys("b"));
    expect(world.told()).toEqual([]);
    const from = MALLORY;
    await world.store.invite({ label: "#ops", from, keys: keys("b") });
    await world.store.invite({ label: "#dev", from, keys: keys("b") });
    await world.invite(ALICE, keys("a"));
    expect(await world.secrets.invitations()).toMatchObject([{ from: { id: ALICE.id } }]);
    expect((await world.keysFor({ secret: true }))?.key).toBe(keys("a").key);
    await expect(world.secrets.keysFor("#dev", { secret: true })).rejects.toMatchObject({
      code: "INVALID_PASSPHRASE",
    });
  });
});

it("keys that change faster than they are written are written once, the latest", async () => {
  const store = memoryGroupKeys();
  const world = new World(store);
  await store.keep("#ops", keys("a"));
  let writes = 0;
  let proceed = (): void => undefined;
  const disk = new Promise<void>((resolve) => (proceed = resolve));
  const update = store.update.bind(store);
  store.update = async (label, written) => {
    writes += 1;
    await disk;
    await update(label, written);
  };
  for (let epoch = 1; epoch <= 9; epoch += 1) world.secrets.changed("#ops", keys("b", epoch));
  proceed();
  await world.secrets.settled();
  expect(writes).toBe(2);
  expect((await store.list()).groups.get("#ops")?.epoch).toBe(9);
});
