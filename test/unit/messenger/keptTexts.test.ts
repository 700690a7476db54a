/** Two processes of a home that send with the same client id at the same time. */
import { beforeEach, describe, expect, it } from "vitest";
import { KeptTexts, type WantedText } from "../../../src/messenger/keptTexts.js";
import type { SendOptions } from "../../../src/messenger/types.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import { idOf, ME, partyOf } from "../../support/storedMessages.js";

const NOW_MS = 1_000_000;
const BOB = partyOf("b");
const TO_BOB = { kind: "device", id: BOB.device } as const;

let store: MemoryMessageStore;
let lastId: number;
beforeEach(() => {
  store = new MemoryMessageStore();
  lastId = 0;
});

function process(): KeptTexts {
  return new KeptTexts({
    store,
    clock: { wallMs: () => NOW_MS },
    self: () => ME,
    newMessageId: () => idOf((lastId += 1)),
    nextHlc: () => 1,
    finder: { partyAt: () => BOB },
  });
}

function wanted(options: SendOptions = {}, text = "hello"): WantedText {
  return { label: "bob", text, options: { id: "job 1", ...options } };
}

const state = () => store.findByClientId("job 1")?.state;

describe("a text with a client id", () => {
  it("is one message of both, and another text or recipient is refused", () => {
    const [one, other] = [process(), process()];
    const first = one.keep(wanted(), TO_BOB);
    expect(other.keep(wanted(), TO_BOB)).toMatchObject({ id: first.id, state: "sent" });
    const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    expect(() => other.keep(wanted({}, "goodbye"), TO_BOB)).toThrow(refused);
    const toCarol = { kind: "device", id: partyOf("c").device } as const;
    expect(() => other.keep(wanted(), toCarol)).toThrow(refused);
    expect(store.history({})).toHaveLength(1);
  });

  it("survives a power cut: the same id afterwards is the same message", () => {
    const durabilities: string[] = [];
    store = new (class extends MemoryMessageStore {
      override batch<T>(durability: "promise" | "soon", work: () => T): T {
        durabilities.push(durability);
        return super.batch(durability, work);
      }
    })();
    process().keep(wanted(), TO_BOB);
    process().keep({ ...wanted(), options: {} }, TO_BOB);
    process().keep({ ...wanted(), options: { queue: true } }, TO_BOB);
    expect(durabilities).toEqual(["promise", "soon", "promise"]);
  });

  it("stays queued for who was told so, whatever becomes of the other call", () => {
    const [one, other] = [process(), process()];
    const sent = one.keep(wanted(), TO_BOB);
    const queued = other.keep(wanted({ queue: true }), TO_BOB);
    expect(queued).toMatchObject({ id: sent.id, state: "queued" });
    one.failed(sent);
    expect(state()).toBe("queued");
    expect(one.keep(wanted(), TO_BOB).state).toBe("queued");
    one.failed(sent);
    expect(state()).toBe("queued");
    expect(store.outbox()).toHaveLength(1);
  });

  it("is not taken back when it arrived", () => {
    const [one, other] = [process(), process()];
    const sent = one.keep(wanted(), TO_BOB);
    store.setState(ME.device, sent.id, "delivered");
    expect(other.keep(wanted({ queue: true }), TO_BOB).state).toBe("delivered");
    one.failed(sent);
    expect([state(), store.outbox()]).toEqual(["delivered", []]);
  });

  it("goes again after it was given up, with a new time at which it is", () => {
    const one = process();
    one.failed(one.keep(wanted({ timeoutMs: 1 }), TO_BOB));
    expect([state(), store.nextExpiryMs()]).toEqual(["undelivered", undefined]);
    expect(one.keep(wanted({ timeoutMs: 10_000 }), TO_BOB).state).toBe("sent");
    expect([state(), store.nextExpiryMs()]).toEqual(["sent", NOW_MS + 40_000]);
  });

  it("is refused where the disk has it, and fails to find it", () => {
    let failures = 0;
    store = new (class extends MemoryMessageStore {
      override findByClientId(clientId: string) {
        failures -= 1;
        return failures >= 0 ? undefined : super.findByClientId(clientId);
      }
    })();
    const one = process();
    const { id } = one.keep(wanted(), TO_BOB);
    store.add = () => undefined;
    expect(one.keep(wanted(), TO_BOB).id).toBe(id);
    failures = 1;
    expect(() => one.keep(wanted(), TO_BOB)).toThrow(
      expect.objectContaining({ code: "STORE_UNUSABLE" }),
    );
  });

  it("is the same again though UTF-8 cannot hold all of it", () => {
    const one = process();
    const { id } = one.keep(wanted({}, "a\ud800"), TO_BOB);
    expect(one.keep(wanted({}, "a\ud800"), TO_BOB).id).toBe(id);
  });
});

it.each([
  [0.5, NOW_MS + 1],
  [1e300, 8.64e15],
])("a life of %d ms ends at a time that can be stored", (ttlMs, expiresAtMs) => {
  const kept = process().keep(wanted({ queue: true, ttlMs }), TO_BOB);
  expect(kept.outbox?.expiresAtMs).toBe(expiresAtMs);
});
