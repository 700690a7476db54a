import { describe, expect, it } from "vitest";
import { UdpchatError } from "../../../src/errors.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { idOf, incoming, ME, outgoing, partyOf, queued } from "../../support/storedMessages.js";

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

  it("that were queued go in the order in which they came, as if they never had been", () => {
    const store = new MemoryMessageStore({ messages: 6 });
    store.add(incoming(1, "1"));
    store.add(queued(2, "2"));
    store.add(incoming(3, "3"));
    store.add(queued(4, "4"));
    store.add(incoming(5, "5"));
    for (const n of [4, 2]) store.setState(ME.device, idOf(n), "delivered");
    for (let n = 6; n <= 8; n += 1) store.add(incoming(n, `${n}`));
    expect(textsIn(store)).toEqual(["3", "4", "5", "6", "7", "8"]);
    store.add(incoming(9, "9"));
    expect(textsIn(store)).toEqual(["4", "5", "6", "7", "8", "9"]);
  });

  it("stay as they were for whoever asked for them before they changed", () => {
    const store = new MemoryMessageStore();
    const added = store.add(outgoing(1, "hi"));
    const found = store.find(ME.device, idOf(1));
    store.setState(ME.device, idOf(1), "undelivered");
    const party = partyOf("b", "robert");
    store.addReceipt(ME.device, idOf(1), { party, status: "delivered", atMs: 5 });
    expect([added?.state, found?.state, found?.to]).toEqual(["sent", "sent", partyOf("b")]);
    const changed = { state: "delivered", to: party };
    expect(store.find(ME.device, idOf(1))).toMatchObject(changed);
    expect(store.history({})).toMatchObject([changed]);
  });

  it("are found again and again by a text that is longer when it is folded", () => {
    const store = new MemoryMessageStore();
    store.add(incoming(1, "\ufdfa"));
    store.add(incoming(2, "Short"));
    for (const words of [["\u0635\u0644\u0649"], ["short"]]) {
      for (let time = 0; time < 2; time += 1) expect(store.history({ words })).toHaveLength(1);
    }
  });

  it("and what changed of them are as before when a batch fails", () => {
    const store = new MemoryMessageStore({ messages: 3 });
    store.add(queued(1, "1"));
    store.add(outgoing(2, "2"));
    const before = store.history({});
    expect(() =>
      store.batch("soon", () => {
        store.setState(ME.device, idOf(1), "undelivered");
        store.requeue(ME.device, idOf(2), { expiresAtMs: 1, requireVerified: false });
        for (const n of [3, 4]) store.add(incoming(n, `${n}`));
        throw new Error("boom");
      }),
    ).toThrow("boom");
    expect(store.history({})).toEqual(before);
    expect(store.outbox().map(({ text }) => text)).toEqual(["1"]);
    for (const n of [5, 6]) store.add(incoming(n, `${n}`));
    expect(textsIn(store)).toEqual(["1", "5", "6"]);
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
