import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { KeptMessages } from "../../../src/messenger/keptMessages.js";
import { Messenger } from "../../../src/messenger/messenger.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import type { NewMessage, StoredMessage } from "../../../src/store/messageStore.js";
import { StoreFailure } from "../../../src/store/storeFailure.js";
import { ManualClock } from "../../support/manualClock.js";
import { MemorySegment } from "../../support/memoryLan.js";
import { SeededRandom } from "../../support/seededRandom.js";

/** What was stored in each batch; a batch within another is part of it. */
class WatchedStore extends MemoryMessageStore {
  readonly batches: string[][] = [];
  readonly durabilities: string[] = [];
  #depth = 0;

  override batch<T>(durability: "promise" | "soon", work: () => T): T {
    if (this.#depth === 0) {
      this.batches.push([]);
      this.durabilities.push(durability);
    }
    this.#depth += 1;
    try {
      return super.batch(durability, work);
    } finally {
      this.#depth -= 1;
    }
  }

  override add(message: NewMessage): StoredMessage | undefined {
    if (message.text === "full") throw new UdpchatError("LIMIT_REACHED", "no room");
    if (message.text === "broken") throw new StoreFailure("broken", "somewhere", undefined);
    this.batches.at(-1)?.push(message.text);
    return super.add(message);
  }
}

let clock: ManualClock;
let store: WatchedStore;
let alice: Messenger;
let bob: Messenger;

beforeEach(async () => {
  clock = new ManualClock();
  store = new WatchedStore();
  const segment = new MemorySegment();
  const parts = { openLan: segment.open, clock };
  alice = await Messenger.open(
    { ephemeral: true, name: "alice" },
    {
      ...parts,
      random: new SeededRandom(1),
      openMessages: async () => new KeptMessages(store, true),
    },
  );
  bob = await Messenger.open(
    { ephemeral: true, name: "bob" },
    { ...parts, random: new SeededRandom(2) },
  );
  await clock.until(alice.send("10.0.0.2", "first"));
  store.batches.length = 0;
  store.durabilities.length = 0;
});
afterEach(() => clock.until(Promise.all([alice.close(), bob.close()])));

function sendAll(...texts: string[]): Promise<PromiseSettledResult<unknown>[]> {
  return clock.until(Promise.allSettled(texts.map((text) => alice.send("10.0.0.2", text))));
}

async function heard(): Promise<string[]> {
  const messages = await bob.history();
  return messages.map(({ text }) => text).filter((text) => text !== "first");
}

describe("texts of one turn", () => {
  it("are kept in one batch", async () => {
    await sendAll("a", "b", "c");
    expect(store.batches[0]).toEqual(["a", "b", "c"]);
    expect(await heard()).toEqual(["a", "b", "c"]);
  });

  it("are a promise, all of them, if one may be repeated under its id", async () => {
    await clock.until(
      Promise.all([alice.send("10.0.0.2", "a"), alice.send("10.0.0.2", "b", { id: "once" })]),
    );
    expect(store.batches[0]).toEqual(["a", "b"]);
    expect(store.durabilities[0]).toBe("promise");
    await sendAll("c");
    expect(store.durabilities[store.batches.findIndex(([text]) => text === "c")]).toBe("soon");
  });

  it("go without one that finds no room", async () => {
    const [a, full, c] = await sendAll("a", "full", "c");
    expect([a?.status, c?.status]).toEqual(["fulfilled", "fulfilled"]);
    expect(full).toMatchObject({ status: "rejected", reason: { code: "LIMIT_REACHED" } });
    expect(await heard()).toEqual(["a", "c"]);
  });

  it("stay here, all of them, if the store fails", async () => {
    for (const result of await sendAll("a", "broken", "c")) {
      expect(result).toMatchObject({ status: "rejected", reason: { code: "STORE_UNUSABLE" } });
    }
    expect(await heard()).toEqual([]);
    expect(await alice.history()).toHaveLength(1);
  });
});
