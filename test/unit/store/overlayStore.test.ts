import { describe, expect, it } from "vitest";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { OverlayStore } from "../../../src/store/overlayStore.js";
import {
  deviceOf,
  idOf,
  ME,
  MY_INCARNATION,
  OPS,
  outgoing,
  partyOf,
  queued,
} from "../../support/storedMessages.js";

/** A disk that cannot be written, and cannot be read for a while, and what lies over it. */
class BlindDisk {
  readonly disk = new MemoryMessageStore();
  isReadable = true;
  readonly store = new OverlayStore((read, instead) =>
    this.isReadable ? read(this.disk) : instead,
  );
}

const ACKNOWLEDGED = { party: partyOf("b"), status: "delivered", atMs: 7 } as const;

describe("a store over a disk that cannot be read for a while", () => {
  it("remembers what became of a message there, and says so as soon as it can be read", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    disk.add(queued(1, "arrives"));
    disk.add(queued(2, "goes again"));
    world.isReadable = false;
    expect(store.find(ME.device, idOf(1))).toBeUndefined();
    store.addReceipt(ME.device, idOf(1), ACKNOWLEDGED);
    store.setState(ME.device, idOf(2), "undelivered");
    store.requeue(ME.device, idOf(2), { expiresAtMs: 9_000_000, requireVerified: false });
    store.setState(ME.device, idOf(2), "sent");
    world.isReadable = true;

    expect(store.outbox()).toEqual([]);
    expect(store.expired(8_000_000)).toEqual([]);
    expect(store.history({}).map(({ state }) => state)).toEqual(["delivered", "sent"]);
    expect([...store.export({})].map(({ text }) => text)).toEqual(["arrives", "goes again"]);
    store.moveTo(disk);
    expect(disk.history({}).map(({ state }) => state)).toEqual(["delivered", "sent"]);
    expect(disk.nextExpiryMs()).toBe(9_000_000);
  });

  it("tells group datagrams that it cannot read now from those that are not there", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    const of = { device: deviceOf("a"), incarnation: MY_INCARNATION };
    const datagram = (sequence: number) => ({
      sequence,
      bytes: new Uint8Array([sequence]),
      keyId: undefined,
    });
    const read = (first: number, last = first) =>
      store.log.read(OPS.groupId, of, { first, last })?.map(({ sequence }) => sequence);
    disk.log.append(OPS.groupId, of, 10, datagram(1));
    store.log.append(OPS.groupId, of, 20, datagram(2));
    expect([read(1), read(2), read(3), read(1, 3)]).toEqual([[1], [2], [], [1, 2]]);
    world.isReadable = false;
    expect([read(1), read(2), read(3), read(1, 2)]).toEqual([undefined, [2], undefined, undefined]);
  });

  it("shows no message whose state it could not compare", () => {
    const world = new BlindDisk();
    const { disk } = world;
    disk.add(queued(1, "arrives"));
    let reads = 0;
    const store = new OverlayStore((read, instead) => {
      reads += 1;
      return reads > 2 ? read(disk) : instead;
    });
    store.addReceipt(ME.device, idOf(1), ACKNOWLEDGED); // the first read
    expect(store.outbox()).toEqual([]); // the second one, and a third that succeeds
    expect(store.find(ME.device, idOf(1))?.state).toBe("delivered");
  });

  it("gives what it remembers to the disk that works again, though it never read it", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    disk.add(outgoing(1, "arrives"));
    world.isReadable = false;
    store.addReceipt(ME.device, idOf(1), ACKNOWLEDGED);
    store.moveTo(disk);
    const [message] = disk.history({});
    expect(message?.state).toBe("delivered");
    expect(message && disk.receipts(message)).toEqual([ACKNOWLEDGED]);
  });

  it("remembers nothing of a batch that throws", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    disk.add(queued(1, "stays queued"));
    world.isReadable = false;
    const fail = (): void => {
      store.addReceipt(ME.device, idOf(1), ACKNOWLEDGED);
      throw new Error("no");
    };
    expect(() => store.batch("promise", fail)).toThrow("no");
    world.isReadable = true;
    expect(store.outbox()).toHaveLength(1);
  });

  it("learns that a message arrived whose client id was used anew while it could not be seen", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    disk.add({ ...queued(1, "before"), clientId: "mine" });
    world.isReadable = false;
    expect(store.add({ ...queued(2, "anew"), clientId: "mine" })).toBeDefined();
    world.isReadable = true;
    store.addReceipt(ME.device, idOf(1), ACKNOWLEDGED);
    expect(store.outbox().map(({ text }) => text)).toEqual(["anew"]);
    expect(store.findByClientId("mine")?.text).toBe("anew");
    store.moveTo(disk);
    expect(disk.outbox().map(({ text }) => text)).toEqual(["anew"]);
    expect(disk.find(ME.device, idOf(1))).toMatchObject({ state: "delivered", clientId: "mine" });
  });

  it("keeps what was sent anew under a client id that it could not see", () => {
    const world = new BlindDisk();
    const { disk, store } = world;
    disk.add(outgoing(1, "once", { clientId: "arrived" }));
    disk.add(outgoing(2, "later", { clientId: "queued" }));
    world.isReadable = false;
    store.add(outgoing(3, "once", { clientId: "arrived" }));
    store.addReceipt(ME.device, idOf(3), ACKNOWLEDGED);
    store.add(queued(4, "later", { clientId: "queued" }));
    store.moveTo(disk);
    const states = disk.history({}).map(({ id, state }) => [id, state]);
    expect(states).toEqual([
      [idOf(1), "delivered"],
      [idOf(2), "sent"],
      [idOf(3), "delivered"],
      [idOf(4), "queued"],
    ]);
    expect(disk.findByClientId("arrived")?.id).toBe(idOf(1));
    expect(disk.outbox(deviceOf("b")).map(({ id }) => id)).toEqual([idOf(4)]);
  });
});
