import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { idOf, incoming, ME, outgoing, queued } from "../../support/storedMessages.js";

const textsIn = (store: MemoryMessageStore) => store.history({}).map(({ text }) => text);

describe("messages in memory", () => {
  it("are as many as it may have, the oldest go, and none that is queued", () => {
    const store = new MemoryMessageStore({ messages: 3 });
    store.add(queued(1, "queued"));
    for (let n = 2; n <= 5; n += 1) store.add(incoming(n, `${n}`));
    expect(textsIn(store)).toEqual(["queued", "4", "5"]);
    store.setState(ME.device, idOf(1), "delivered");
    store.add(incoming(6, "6"));
    expect(textsIn(store)).toEqual(["4", "5", "6"]);
  });

  it("take as many bytes as they may", () => {
    const store = new MemoryMessageStore({ bytes: 10_000 });
    for (let n = 1; n <= 20; n += 1) store.add(incoming(n, "x".repeat(500)));
    expect(textsIn(store)).toHaveLength(3);
    store.add(incoming(21, "x".repeat(2_000)));
    expect(textsIn(store)).toHaveLength(1);
    for (let n = 22; n <= 40; n += 1) store.add(incoming(n, "small"));
    expect(textsIn(store)).toHaveLength(9);
  });

  it.each([{ messages: 4 }, { bytes: 4 * 1100 }])(
    "are half of it queued at most, and what arrives finds room: %j",
    (bounds) => {
      const store = new MemoryMessageStore(bounds);
      for (const n of [1, 2]) store.add(queued(n, `${n}`));
      expect(() => store.add(queued(3, "3"))).toThrow(
        expect.objectContaining({ code: "LIMIT_REACHED" }),
      );
      for (let n = 4; n <= 9; n += 1) expect(store.add(incoming(n, `${n}`))).toBeDefined();
      expect(textsIn(store)).toEqual(["1", "2", "8", "9"]);
      store.setState(ME.device, idOf(1), "undelivered");
      expect(store.add(queued(3, "3"))).toBeDefined();
    },
  );

  it("are refused when all that is there was queued again, and nothing changes", () => {
    const store = new MemoryMessageStore({ messages: 2 });
    const outbox = { expiresAtMs: 1, requireVerified: false };
    for (const n of [1, 2]) {
      store.add(outgoing(n, `${n}`));
      store.requeue(ME.device, idOf(n), outbox);
    }
    expect(() => store.add(incoming(3, "3"))).toThrow(UdpchatError);
    expect(textsIn(store)).toEqual(["1", "2"]);
    store.setState(ME.device, idOf(1), "undelivered");
    expect(store.add(incoming(3, "3"))).toBeDefined();
  });

  it("come back when a batch that pushed them out fails, and push out in the same order", () => {
    const store = new MemoryMessageStore({ messages: 3 });
    for (const n of [1, 2, 3]) store.add(incoming(n, `${n}`));
    expect(() =>
      store.batch("soon", () => {
        for (const n of [4, 5]) store.add(incoming(n, `${n}`));
        throw new Error("boom");
      }),
    ).toThrow("boom");
    expect(textsIn(store)).toEqual(["1", "2", "3"]);
    store.add(incoming(6, "6"));
    expect(textsIn(store)).toEqual(["2", "3", "6"]);
  });
});
