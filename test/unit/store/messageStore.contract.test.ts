/** What every store of messages does, whatever it keeps them in. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { forgetSaidBefore } from "../../../src/store/groupLogRetention.js";
import { MemoryMessageStore } from "../../../src/store/memoryMessageStore.js";
import type { HistoryQuery, MessageStore } from "../../../src/store/messageStore.js";
import { SqlMessageStore } from "../../../src/store/sqlMessageStore.js";
import { databaseKinds } from "../../support/messageDatabases.js";
import {
  deviceOf,
  idOf,
  incoming,
  line,
  ME,
  MY_INCARNATION,
  OPS,
  outgoing,
  ownLine,
  partyOf,
  queued,
} from "../../support/storedMessages.js";

const KINDS: readonly { name: string; open: () => MessageStore }[] = [
  { name: "memory", open: () => new MemoryMessageStore() },
  ...(await databaseKinds()).map(({ engine, open }) => ({
    name: engine,
    open: () => new SqlMessageStore(open()),
  })),
];

const BOB = partyOf("b");
const CAROL = partyOf("c");
const FROM_BOB = deviceOf("b");

describe.each(KINDS)("a store in $name", ({ open }) => {
  let store: MessageStore;
  beforeEach(() => {
    store = open();
  });
  afterEach(() => store.close());

  const textsOf = (query: HistoryQuery): string[] => store.history(query).map(({ text }) => text);
  const found = (...words: string[]): string[] => textsOf({ words });
  const stateOf = (n: number, author = ME.device) => store.find(author, idOf(n))?.state;

  describe("keeps messages", () => {
    it("gives back what it was given", () => {
      const direct = queued(1, "hi", { clientId: "job-1" });
      const said = ownLine(2, "all");
      expect(store.add(direct)).toEqual({ ...direct, row: expect.any(Number) });
      expect(store.add(said)).toEqual({ ...said, row: expect.any(Number) });
      expect(store.find(ME.device, idOf(1))).toEqual({ ...direct, row: expect.any(Number) });
      expect(store.find(ME.device, idOf(2))).toEqual({ ...said, row: expect.any(Number) });
      expect(store.findByClientId("job-1")?.id).toBe(idOf(1));
      expect(store.findByClientId("job-2")).toBeUndefined();
      expect(store.find(FROM_BOB, idOf(1))).toBeUndefined();
    });

    it("takes the same message once, and the same id of two authors twice", () => {
      store.add(incoming(1, "first"));
      expect(store.add(incoming(1, "again"))).toBeUndefined();
      expect(store.add(line(1, "carol's"))).toBeDefined();
      expect(textsOf({})).toEqual(["first", "carol's"]);
      expect(found("again")).toEqual([]);
    });

    it("takes a client id once", () => {
      store.add(outgoing(1, "first", { clientId: "x" }));
      expect(store.add(outgoing(2, "second", { clientId: "x" }))).toBeUndefined();
      expect(textsOf({})).toEqual(["first"]);
    });

    it("numbers rows upwards, and none twice", () => {
      const first = store.add(incoming(1, "gone"));
      store.prune(undefined, 0);
      const second = store.add(incoming(2, "next"));
      expect(second?.row).toBeGreaterThan(first?.row ?? Number.POSITIVE_INFINITY);
    });

    it.each([
      ["NUL", "a\0b"],
      ["64 KiB", "ü".repeat(32_768)],
      ["emoji", "👩‍👩‍👧‍👦 ❤️ 🇩🇪"],
      ["right to left", "\u202eשלום\u202c مرحبا"],
      ["quotes", `'; DROP TABLE messages; -- " ""`],
      ["nothing", ""],
    ])("keeps text as it is: %s", (_, text) => {
      store.add(incoming(1, text, { author: partyOf("b", `n${text.slice(0, 20)}`) }));
      const kept = store.find(FROM_BOB, idOf(1));
      expect(kept?.text).toBe(text);
      expect(kept?.author.name).toBe(`n${text.slice(0, 20)}`);
    });

    it("makes whole text of half characters, as the wire does", () => {
      expect(store.add(incoming(1, "a\ud800b\udc00"))?.text).toBe("a\ufffdb\ufffd");
      expect(store.find(FROM_BOB, idOf(1))?.text).toBe("a\ufffdb\ufffd");
    });
  });

  describe("tells the history", () => {
    it("by the hybrid clock, then author, then id", () => {
      store.add(line(4, "later"));
      store.add(line(3, "tie, carol", { hlc: 7 }));
      store.add(incoming(2, "tie, bob, 2", { hlc: 7 }));
      store.add(incoming(1, "tie, bob, 1", { hlc: 7 }));
      store.add(line(5, "earliest", { hlc: 1 }));
      const all = ["earliest", "tie, bob, 1", "tie, bob, 2", "tie, carol", "later"];
      expect(textsOf({})).toEqual(all);
      expect([...store.export({})].map(({ text }) => text)).toEqual(all);
    });

    it("the latest, the oldest of them first", () => {
      for (let n = 1; n <= 9; n += 1) store.add(incoming(n, `${n}`));
      expect(textsOf({ limit: 3 })).toEqual(["7", "8", "9"]);
      expect(textsOf({ limit: 0 })).toEqual([]);
      expect([...store.export({ limit: 3 })].map(({ text }) => text)).toEqual(["7", "8", "9"]);
    });

    it("the latest whose texts fit, as UTF-8", () => {
      for (const [n, text] of ["aaaa", "üü", "bbb", "天"].entries()) store.add(incoming(n, text));
      expect(textsOf({ textBytes: 6 })).toEqual(["bbb", "天"]);
      expect(textsOf({ textBytes: 9 })).toEqual(["bbb", "天"]);
      expect(textsOf({ textBytes: 10, limit: 3 })).toEqual(["üü", "bbb", "天"]);
      expect(textsOf({ textBytes: 100, limit: 2 })).toEqual(["bbb", "天"]);
      expect(textsOf({ textBytes: 2 })).toEqual([]);
      expect([...store.export({ textBytes: 2 })]).toHaveLength(4);
    });

    it("with one peer, in one group, since a time, behind a row", () => {
      store.add(incoming(1, "from bob"));
      store.add(outgoing(2, "to bob"));
      store.add(incoming(3, "from dave", { author: partyOf("d") }));
      store.add(line(4, "carol in ops"));
      store.add(line(5, "bob in ops", { author: BOB }));
      const last = store.add(
        line(6, "bob in dev", { author: BOB, group: { ...OPS, label: "#dev" } }),
      );
      store.add(ownLine(7, "mine in ops"));
      expect(textsOf({ device: FROM_BOB })).toEqual([
        "from bob",
        "to bob",
        "bob in ops",
        "bob in dev",
      ]);
      expect(textsOf({ device: ME.device })).toEqual(["mine in ops"]);
      expect(textsOf({ groupLabel: "#ops" })).toEqual([
        "carol in ops",
        "bob in ops",
        "mine in ops",
      ]);
      expect(textsOf({ groupLabel: "#ops", device: FROM_BOB })).toEqual(["bob in ops"]);
      expect(textsOf({ sinceMs: 6_000 })).toEqual(["bob in dev", "mine in ops"]);
      expect(textsOf({ afterRow: last?.row })).toEqual(["mine in ops"]);
      expect(textsOf({ device: FROM_BOB, sinceMs: 2_000, words: ["bob"], limit: 2 })).toEqual([
        "bob in ops",
        "bob in dev",
      ]);
    });

    it("exports what was there when it began, while others write", () => {
      for (let n = 1; n <= 300; n += 1) store.add(incoming(n, `${n}`));
      const texts: string[] = [];
      for (const { text } of store.export({})) {
        texts.push(text);
        if (texts.length === 200) store.add(incoming(400, "meanwhile"));
      }
      expect(texts).toEqual(Array.from({ length: 300 }, (_, n) => `${n + 1}`));
    });
  });

  describe("finds words", () => {
    it.each([
      ["a part of a word", "The quick brown fox", ["rown"]],
      ["one letter", "The quick brown fox", ["q"]],
      ["two letters", "The quick brown fox", ["ox"]],
      ["all of several words, in any order", "The quick brown fox", ["fox", "q", "brown"]],
      ["more words than anybody types", "abcdefghijk", "abcdefghijk".split("")],
      ["another case", "Grüße aus KÖLN", ["GRÜSSE", "köln"]],
      ["sharp s as ss", "Straße", ["strasse"]],
      ["capital sharp s", "STRAẞE", ["straße"]],
      ["a dotless i", "Iğdır", ["IĞDIR"]],
      ["a dotted I", "İSTANBUL", ["istanbul"]],
      ["a dotted I, by itself", "istanbul", ["İ"]],
      ["any sigma", "ΟΔΟΣ ὁδός", ["οδοσ", "δός"]],
      ["Cyrillic", "Привет", ["ПРИВЕТ"]],
      ["one Chinese character", "今天天气很好", ["气"]],
      ["two", "今天天气很好", ["天气"]],
      ["three", "今天天气很好", ["天气很"]],
      ["at the end", "今天天气很好", ["很好"]],
      ["Japanese", "会議は明日の午後です", ["明日", "です", "午後で"]],
      ["half-width katakana", "ﾃﾞｰﾀ", ["データ"]],
      ["by half-width katakana", "データベース", ["ﾃﾞｰﾀ"]],
      ["full-width Latin", "ＵＤＰ ｃｈａｔ", ["udp", "chat"]],
      ["by full-width Latin", "udp chat", ["ＵＤＰ"]],
      ["Korean", "안녕하세요 여러분", ["하세", "여러분", "안"]],
      ["decomposed Korean", "안녕".normalize("NFD"), ["안녕"]],
      ["Thai", "สวัสดีครับ", ["วัส", "ดี", "ครับ"]],
      ["across zero-width spaces", "สวัส\u200bดี", ["สวัสดี"]],
      ["composed and decomposed", "café", ["cafe\u0301"]],
      ["emoji", "well done 🎉🎉", ["🎉"]],
      ["emoji outside of the first plane, three", "🎉🎈🎁", ["🎉🎈🎁"]],
      ["right to left", "\u202bשלום עולם", ["עולם"]],
      ["FTS syntax", 'say "a" OR b* NEAR(c) -d col:e ^f', ['"a"', "b*", "NEAR(c)", "col:e", "^f"]],
      ["wildcards", "100%_\\ sure", ["0%_", "%", "_\\"]],
      ["a quote", "it's", ["'s", "t's"]],
      ["behind NUL", "a\0bcd", ["bcd"]],
      ["half characters", "x\ud800y", ["\ufffdy"]],
    ])("%s", (_, text, words) => {
      store.add(incoming(1, text));
      store.add(incoming(2, "zzz"));
      expect(found(...words)).toContain(text.replaceAll(/\p{Cs}/gu, "\ufffd"));
      expect(found(...words, "zzz")).toEqual([]);
    });

    it.each([
      ["AND", "OR"],
      ["NOT", "x"],
      ['"'],
      ['""""'],
      ["a*"],
      ["*"],
      ["(", ")"],
      ["NEAR(a b, 2)"],
      ["{folded} : a"],
      ["folded:abc"],
      ["%%%"],
      ["___"],
      ["\\%a"],
      ["'; --"],
      ["\0\0\0"],
      ["e".repeat(65_536)],
      Array.from({ length: 2_000 }, (_, n) => `word${n}`),
    ])("takes nothing in a word for syntax: %s", (...words) => {
      store.add(incoming(1, "The quick brown fox"));
      const nothingVisible = words.every((word) => word.replaceAll("\0", "") === "");
      expect(found(...words)).toEqual(nothingVisible ? ["The quick brown fox"] : []);
    });

    it("finds everything by nothing", () => {
      store.add(incoming(1, "anything"));
      expect(found("", "\u200b")).toEqual(["anything"]);
    });

    it("does not find what has all the parts elsewhere", () => {
      store.add(incoming(1, "abcd bcde"));
      expect(found("abcde")).toEqual([]);
      store.add(incoming(2, "e is not é"));
      expect(found("é")).toEqual(["e is not é"]);
    });

    it("that are common, by a limit and filters", () => {
      for (let n = 1; n <= 50; n += 1) {
        store.add(n % 5 === 0 ? line(n, `common ${n}`) : incoming(n, `common ${n}`));
      }
      expect(textsOf({ words: ["common"], limit: 2 })).toEqual(["common 49", "common 50"]);
      expect(textsOf({ words: ["common"], groupLabel: "#ops", limit: 2 })).toEqual([
        "common 45",
        "common 50",
      ]);
      expect(textsOf({ words: ["co", "4"], device: FROM_BOB, limit: 3 })).toEqual([
        "common 47",
        "common 48",
        "common 49",
      ]);
    });
  });

  describe("follows what becomes of a message", () => {
    it("lets nothing that arrived go back", () => {
      store.add(outgoing(1, "x"));
      store.setState(ME.device, idOf(1), "undelivered");
      expect(stateOf(1)).toBe("undelivered");
      store.setState(ME.device, idOf(1), "sent");
      expect(stateOf(1)).toBe("sent");
      store.setState(ME.device, idOf(1), "delivered");
      for (const state of ["queued", "sent", "undelivered"] as const) {
        store.setState(ME.device, idOf(1), state);
        expect(stateOf(1)).toBe("delivered");
      }
      store.setState(ME.device, idOf(1), "read");
      store.setState(ME.device, idOf(1), "delivered");
      expect(stateOf(1)).toBe("read");
    });

    it("changes no state of what others wrote", () => {
      store.add(incoming(1, "x"));
      store.setState(FROM_BOB, idOf(1), "read");
      expect(stateOf(1, FROM_BOB)).toBe("unread");
    });

    it("raises the state by receipts, once", () => {
      store.add(outgoing(1, "x"));
      const delivered = { party: BOB, status: "delivered", atMs: 5 } as const;
      const read = { party: BOB, status: "read", atMs: 6 } as const;
      expect(store.addReceipt(ME.device, idOf(1), delivered)).toBe(true);
      expect(stateOf(1)).toBe("delivered");
      expect(store.addReceipt(ME.device, idOf(1), { ...delivered, atMs: 9 })).toBe(false);
      expect(store.addReceipt(ME.device, idOf(1), read)).toBe(true);
      expect(stateOf(1)).toBe("read");
      expect(store.addReceipt(ME.device, idOf(1), delivered)).toBe(false);
      expect(stateOf(1)).toBe("read");
      expect(store.addReceipt(ME.device, idOf(2), read)).toBe(false);
      const kept = store.find(ME.device, idOf(1));
      expect(kept && store.receipts(kept)).toEqual([read]);
    });

    it("believes a receipt of whom it was written to alone", () => {
      const nobody = { device: "", name: "", address: "10.0.0.9", port: 5 };
      store.add(queued(1, "to bob"));
      store.add(queued(2, "to an address", { to: nobody }));
      store.add(incoming(3, "bob's"));
      store.add(ownLine(4, "in ops"));
      const by = (digit: string) => ({ party: partyOf(digit), status: "read", atMs: 5 }) as const;
      expect(store.addReceipt(ME.device, idOf(1), by("c"))).toBe(false);
      expect(store.addReceipt(ME.device, idOf(2), { ...by("c"), party: nobody })).toBe(false);
      expect(store.addReceipt(FROM_BOB, idOf(3), by("b"))).toBe(false);
      expect(store.addReceipt(FROM_BOB, idOf(3), { ...by("b"), party: ME })).toBe(false);
      expect(store.addReceipt(ME.device, idOf(4), by("c"))).toBe(false);
      expect([stateOf(1), stateOf(2)]).toEqual(["queued", "queued"]);
      // The first one who has it is whom it was for.
      expect(store.addReceipt(ME.device, idOf(2), by("b"))).toBe(true);
      expect(store.addReceipt(ME.device, idOf(2), by("c"))).toBe(false);
    });

    it("learns from receipts who is at an address, and where he is now", () => {
      store.add(queued(1, "x", { to: { device: "", name: "", address: "10.0.0.9", port: 5 } }));
      store.addReceipt(ME.device, idOf(1), { party: BOB, status: "delivered", atMs: 5 });
      expect(store.find(ME.device, idOf(1))?.to).toEqual(BOB);
      expect(textsOf({ device: FROM_BOB })).toEqual(["x"]);
      const moved = { ...BOB, name: "robert", address: "10.0.0.77" };
      // One that says nothing new changes nothing.
      store.addReceipt(ME.device, idOf(1), { party: moved, status: "delivered", atMs: 6 });
      expect(store.find(ME.device, idOf(1))?.to).toEqual(BOB);
      const read = { party: moved, status: "read", atMs: 7 } as const;
      store.addReceipt(ME.device, idOf(1), read);
      const kept = store.find(ME.device, idOf(1));
      expect(kept?.to).toEqual(moved);
      expect(kept && store.receipts(kept)).toEqual([read]);
    });

    it("knows which lines a member has by the last of them", () => {
      for (const n of [1, 2, 3]) store.add(ownLine(n, `${n}`));
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, CAROL, 2, 77);
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, BOB, 1);
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, BOB, 3);
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, CAROL, 1, 99);
      store.addGroupReceipt(OPS.groupId, "f".repeat(16), partyOf("d"), 3);
      store.addGroupReceipt("cd".repeat(16), MY_INCARNATION, partyOf("d"), 3);
      const receiptsOf = (n: number) => {
        const message = store.find(ME.device, idOf(n));
        return message && store.receipts(message).map(({ party, atMs }) => [party.name, atMs]);
      };
      expect(receiptsOf(1)).toEqual([
        ["user-b", undefined],
        ["user-c", undefined],
      ]);
      expect(receiptsOf(2)).toEqual([
        ["user-b", undefined],
        ["user-c", 77],
      ]);
      expect(receiptsOf(3)).toEqual([["user-b", undefined]]);
      store.add(line(4, "carol's"));
      const theirs = store.find(CAROL.device, idOf(4));
      expect(theirs && store.receipts(theirs)).toEqual([]);
    });
  });

  describe("keeps an outbox", () => {
    const address = { device: "", name: "", address: "10.0.0.9", port: 5 };

    it("of what is queued, the oldest first", () => {
      store.add(queued(3, "3"));
      store.add(outgoing(4, "sent"));
      store.add(queued(1, "1"));
      store.add(queued(2, "to carol", { to: CAROL }));
      store.add(queued(5, "to an address", { to: address }));
      const texts = (to?: string, limit?: number) =>
        store.outbox(to, limit).map(({ text }) => text);
      expect(texts()).toEqual(["3", "1", "to carol", "to an address"]);
      expect(texts(undefined, 2)).toEqual(["3", "1"]);
      expect(texts(FROM_BOB)).toEqual(["3", "1"]);
      expect(texts(FROM_BOB, 1)).toEqual(["3"]);
      expect(texts("10.0.0.9:5")).toEqual(["to an address"]);
      expect(texts("10.0.0.9:6")).toEqual([]);
      store.setState(ME.device, idOf(3), "delivered");
      expect(texts(FROM_BOB)).toEqual(["1"]);
    });

    it("knows each recipient once, as it was last", () => {
      store.add(queued(1, "1", { to: partyOf("b", "robert") }));
      store.add(queued(2, "2", { to: address }));
      store.add(queued(3, "3", { to: { ...address, port: 6 } }));
      store.add(queued(4, "4", { to: BOB }));
      store.add(queued(5, "5", { to: address }));
      store.add(outgoing(6, "sent", { to: CAROL }));
      expect(store.recipients()).toEqual([{ ...address, port: 6 }, BOB, address]);
    });

    it("expires", () => {
      expect(store.nextExpiryMs()).toBeUndefined();
      for (const [n, expiresAtMs] of [
        [1, 300],
        [2, 100],
        [3, 200],
      ] as const) {
        store.add(queued(n, `${n}`, { outbox: { expiresAtMs, requireVerified: true } }));
      }
      expect(store.nextExpiryMs()).toBe(100);
      expect(store.expired(99)).toEqual([]);
      expect(store.expired(200).map(({ text }) => text)).toEqual(["2", "3"]);
      store.setState(ME.device, idOf(2), "undelivered");
      expect(store.nextExpiryMs()).toBe(200);
      expect(store.expired(200).map(({ text }) => text)).toEqual(["3"]);
    });

    it("expires while it is on its way as well, for as long as it is", () => {
      const outbox = { expiresAtMs: 300, requireVerified: false };
      store.add(outgoing(1, "on its way", { outbox }));
      store.add(ownLine(2, "said"));
      store.add(outgoing(3, "nobody knows how long"));
      expect(store.nextExpiryMs()).toBe(300);
      expect(store.expired(Number.MAX_SAFE_INTEGER).map(({ text }) => text)).toEqual([
        "on its way",
      ]);
      expect(store.outbox()).toEqual([]);
      store.setState(ME.device, idOf(1), "delivered");
      expect(store.nextExpiryMs()).toBeUndefined();
    });

    it("takes back what was given up, but not what arrived", () => {
      const outbox = { expiresAtMs: 500, requireVerified: true };
      store.add(outgoing(1, "x", { state: "undelivered" }));
      store.add(outgoing(2, "y", { state: "delivered" }));
      store.requeue(ME.device, idOf(1), outbox);
      store.requeue(ME.device, idOf(2), outbox);
      expect(store.outbox().map((message) => [message.text, message.outbox])).toEqual([
        ["x", outbox],
      ]);
      store.add(ownLine(3, "z"));
      store.requeue(ME.device, idOf(3), outbox);
      store.add(incoming(4, "bob's"));
      store.requeue(FROM_BOB, idOf(4), outbox);
      expect(store.outbox()).toHaveLength(1);
    });
  });

  describe("knows what a person was shown", () => {
    it("of direct messages of others", () => {
      store.add(incoming(1, "bob's"));
      store.add(incoming(2, "bob's too"));
      store.add(line(3, "a line"));
      store.add(outgoing(4, "ours"));
      store.add(incoming(1, "carol's", { author: CAROL }));
      expect(store.unread([idOf(1), idOf(3), idOf(4), idOf(9), idOf(1)])).toEqual([
        { author: FROM_BOB, id: idOf(1) },
        { author: CAROL.device, id: idOf(1) },
      ]);
      expect(store.markRead(FROM_BOB, [idOf(1), idOf(9)], true)).toEqual([idOf(1)]);
      expect(store.markRead(FROM_BOB, [idOf(1)], true)).toEqual([]);
      expect(store.markRead(FROM_BOB, [idOf(2)], false)).toEqual([idOf(2)]);
      expect(store.markRead(CAROL.device, [idOf(3)], true)).toEqual([]);
      expect(store.markRead(ME.device, [idOf(4)], true)).toEqual([]);
      expect(store.unread([idOf(1), idOf(2)])).toEqual([{ author: CAROL.device, id: idOf(1) }]);
      expect(stateOf(1, FROM_BOB)).toBe("read");
      expect(store.receiptsOwed(FROM_BOB, 10)).toEqual([idOf(1)]);
      expect(store.receiptsOwed(CAROL.device, 10)).toEqual([]);
    });

    it("and which receipts are owed, until they are paid", () => {
      for (const n of [3, 1, 2]) store.add(incoming(n, `${n}`));
      store.markRead(FROM_BOB, [idOf(1), idOf(2), idOf(3)], true);
      expect(store.receiptsOwed(FROM_BOB, 2)).toEqual([idOf(3), idOf(1)]);
      store.receiptsPaid(FROM_BOB, [idOf(1), idOf(3), idOf(8)]);
      expect(store.receiptsOwed(FROM_BOB, 9)).toEqual([idOf(2)]);
      expect(store.markRead(FROM_BOB, [idOf(1)], true)).toEqual([]);
      expect(store.receiptsOwed(FROM_BOB, 9)).toEqual([idOf(2)]);
    });
  });

  describe("forgets", () => {
    it("what is old, and the oldest of too many, but nothing that is queued", () => {
      store.add(queued(1, "queued"));
      for (let n = 2; n <= 9; n += 1) store.add(incoming(n, `text ${n}`));
      expect(store.prune(undefined, 100)).toBe(0);
      expect(store.prune(4_000, 100)).toBe(2);
      expect(textsOf({ limit: 2 })).toEqual(["text 8", "text 9"]);
      expect(found("text 3")).toEqual([]);
      expect(store.prune(undefined, 3)).toBe(3);
      expect(textsOf({})).toEqual(["queued", "text 7", "text 8", "text 9"]);
      expect(store.prune(undefined, 3)).toBe(0);
      expect(found("text")).toEqual(["text 7", "text 8", "text 9"]);
    });

    it("a part at a time", () => {
      for (let n = 1; n <= 9; n += 1) store.add(incoming(n, `${n}`));
      expect(store.prune(6_000, 2, 3)).toBe(3);
      expect(store.prune(6_000, 2, 3)).toBe(3);
      expect(store.prune(6_000, 2, 3)).toBe(1);
      expect(textsOf({})).toEqual(["8", "9"]);
    });

    it("the receipts with the messages", () => {
      store.add(outgoing(1, "x"));
      store.addReceipt(ME.device, idOf(1), { party: BOB, status: "read", atMs: 5 });
      store.add(ownLine(2, "line"));
      store.addGroupReceipt(OPS.groupId, MY_INCARNATION, CAROL, 2);
      const kept = store.find(ME.device, idOf(2));
      expect(store.prune(2_000, 9)).toBe(1);
      expect(kept && store.receipts(kept)).toHaveLength(1);
      expect(store.prune(3_000, 9)).toBe(1);
      expect(kept && store.receipts(kept)).toEqual([]);
      const again = store.add(outgoing(1, "x"));
      expect(again && store.receipts(again)).toEqual([]);
    });
  });

  describe("takes a batch whole or not at all", () => {
    const boom = new Error("boom");
    const of = { device: FROM_BOB, incarnation: MY_INCARNATION };
    const datagram = (sequence: number) => ({
      sequence,
      bytes: new Uint8Array([sequence]),
      keyId: undefined,
    });
    const everything = () => ({
      history: [...store.export({})],
      receipts: store.history({}).map((message) => store.receipts(message)),
      owed: store.receiptsOwed(FROM_BOB, 9),
      log: store.log.streams(OPS.groupId),
      read: store.log
        .read(OPS.groupId, of, { first: 0, last: 99 })
        ?.map(({ sequence }) => sequence),
    });

    beforeEach(() => {
      store.add(queued(1, "queued", { clientId: "job" }));
      store.add(incoming(2, "bob's"));
      store.add(outgoing(3, "sent"));
      store.add(ownLine(4, "line"));
      store.log.append(OPS.groupId, of, 5, datagram(1));
      store.log.append(OPS.groupId, of, 6, datagram(2));
    });

    it("returns what the work returned", () => {
      expect(
        store.batch("promise", () => store.batch("soon", () => store.add(incoming(9, "9")))?.text),
      ).toBe("9");
      expect(textsOf({})).toHaveLength(5);
    });

    it("undoes all of it if the work throws", () => {
      const before = everything();
      expect(() =>
        store.batch("promise", () => {
          store.add(incoming(9, "new", { clientId: "new" }));
          store.setState(ME.device, idOf(3), "undelivered");
          store.batch("soon", () => store.markRead(FROM_BOB, [idOf(2)], true));
          store.addReceipt(ME.device, idOf(1), { party: BOB, status: "delivered", atMs: 7 });
          store.addReceipt(ME.device, idOf(3), { party: BOB, status: "read", atMs: 7 });
          store.addGroupReceipt(OPS.groupId, MY_INCARNATION, BOB, 9);
          store.prune(undefined, 1);
          store.log.append(OPS.groupId, of, 9, datagram(2));
          store.log.append(OPS.groupId, of, 9, datagram(3));
          store.log.append("cd".repeat(16), of, 9, datagram(3));
          store.log.forget(OPS.groupId, of, 9);
          store.log.append(OPS.groupId, of, 99, datagram(7));
          throw boom;
        }),
      ).toThrow(boom);
      expect(everything()).toEqual(before);
      expect(store.log.streams("cd".repeat(16))).toEqual([]);
      expect(store.findByClientId("new")).toBeUndefined();
      expect(store.findByClientId("job")?.text).toBe("queued");
      expect(found("new")).toEqual([]);
      expect(store.add(incoming(9, "new"))).toBeDefined();
    });
  });

  describe("keeps group datagrams", () => {
    const group = OPS.groupId;
    const ofBob = { device: FROM_BOB, incarnation: "1".repeat(16) };
    const ofBobBefore = { device: FROM_BOB, incarnation: "0".repeat(16) };
    const datagramOf = (sequence: number) => {
      return { sequence, bytes: new Uint8Array([sequence, 255]), keyId: undefined };
    };
    const append = (of: typeof ofBob, hlc: number, sequence: number, keyId?: string) =>
      store.log.append(group, of, hlc, { sequence, bytes: new Uint8Array([sequence, 255]), keyId });

    it("in streams, by ranges", () => {
      for (const sequence of [5, 1, 2, 4]) append(ofBob, 100 - sequence, sequence);
      append(ofBobBefore, 7, 1);
      expect(store.log.streams(group)).toEqual([
        {
          ...ofBob,
          latestHlc: 99,
          ranges: [
            { first: 1, last: 2 },
            { first: 4, last: 5 },
          ],
        },
        { ...ofBobBefore, latestHlc: 7, ranges: [{ first: 1, last: 1 }] },
      ]);
      expect(store.log.streams("cd".repeat(16))).toEqual([]);
    });

    it("and reads what is in a range", () => {
      for (const sequence of [5, 1, 4])
        append(ofBob, 9, sequence, sequence === 4 ? "ef".repeat(8) : undefined);
      append(ofBobBefore, 9, 4);
      const read = store.log.read(group, ofBob, { first: 2, last: 5 });
      expect(read?.map(({ sequence, keyId }) => [sequence, keyId])).toEqual([
        [4, "ef".repeat(8)],
        [5, undefined],
      ]);
      expect(read?.map(({ bytes }) => [...bytes])).toEqual([
        [4, 255],
        [5, 255],
      ]);
      expect(store.log.read("cd".repeat(16), ofBob, { first: 2, last: 5 })).toEqual([]);
      expect(store.log.read(group, ofBob, { first: 6, last: Number.MAX_SAFE_INTEGER })).toEqual([]);
    });

    it("and knows how old they are", () => {
      for (const sequence of [2, 3, 5]) append(ofBob, 1024 * 10 * sequence + 7, sequence);
      const saidBefore = (beforeMs: number) => store.log.saidBefore(group, ofBob, beforeMs);
      expect([20, 21, 30, 31, 50, 51].map(saidBefore)).toEqual([1, 2, 2, 4, 4, 5]);
      expect(store.log.saidBefore(group, ofBobBefore, 99)).toBeUndefined();
      expect(store.log.saidBefore("cd".repeat(16), ofBob, 99)).toBeUndefined();
      // Its author's clock is ahead.
      store.log.append(group, ofBob, 1024 * 99, datagramOf(6), 60);
      expect([60, 61].map(saidBefore)).toEqual([5, 6]);
      expect(store.log.streams(group)).toMatchObject([{ latestHlc: 1024 * 99 }]);
    });

    it("and forgets what is older, in a group that nobody is in", () => {
      const other = "ab".repeat(8);
      for (const sequence of [1, 2, 3]) append(ofBob, 1024 * sequence, sequence);
      append(ofBobBefore, 1024, 8);
      store.log.append(other, ofBob, 1024, datagramOf(1));
      expect(store.log.groupIds()).toEqual([group, other].toSorted());
      forgetSaidBefore(store.log, group, 1);
      expect(store.log.streams(group)).toHaveLength(2);
      forgetSaidBefore(store.log, group, 3);
      expect(store.log.streams(group)).toEqual([
        { ...ofBob, latestHlc: 3072, ranges: [{ first: 3, last: 3 }] },
      ]);
      forgetSaidBefore(store.log, group, Number.POSITIVE_INFINITY);
      expect(store.log.groupIds()).toEqual([other]);
    });

    it("and forgets them, the stream with the last one", () => {
      for (const sequence of [1, 2, 3]) append(ofBob, 9, sequence);
      store.log.forget(group, ofBob, 2);
      store.log.forget(group, ofBobBefore, 2);
      expect(store.log.streams(group)).toEqual([
        { ...ofBob, latestHlc: 9, ranges: [{ first: 3, last: 3 }] },
      ]);
      store.log.forget(group, ofBob, 3);
      expect(store.log.streams(group)).toEqual([]);
    });
  });
});
