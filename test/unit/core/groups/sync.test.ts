import { describe, expect, it } from "vitest";
import { fromHex } from "../../../../src/wire/cursor.js";
import { decodeGroupData, encodeGroupData } from "../../../../src/wire/group.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  encodeGroupSync,
  encodeOpenSync,
  type GroupSync,
  GroupSyncPurpose,
  type SyncFetch,
} from "../../../../src/wire/groupSync.js";
import { withSignature } from "../../../../src/wire/header.js";
import {
  FIRST_KEYS,
  GroupBus,
  type GroupNode,
  isData,
  noteRecord,
  SECRET_GROUP,
  TEST_GROUP,
  type Weather,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;

/** What `from` told `to` of what it holds, in an open group. */
function told(from: GroupNode, to: GroupNode): GroupSync[] {
  return from.notes
    .filter(({ kind, target }) => {
      return kind === "groupSync" && target.kind === "device" && target.id === to.device;
    })
    .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest));
}

function lastOf<Purpose extends GroupSync["purpose"]>(
  from: GroupNode,
  to: GroupNode,
  purpose: Purpose,
): Extract<GroupSync, { purpose: Purpose }> {
  const isOf = (sync: GroupSync): sync is Extract<GroupSync, { purpose: Purpose }> =>
    sync.purpose === purpose;
  const last = told(from, to).findLast(isOf);
  if (last === undefined) throw new Error(`nothing of purpose ${purpose} was told`);
  return last;
}

/** As if a session had brought it. */
function tell(bus: GroupBus, from: GroupNode, to: GroupNode, sync: GroupSync): void {
  const body = encodeOpenSync(groupId, encodeGroupSync(sync));
  to.groups.receiveNote(bus.nowMs, from.ref, noteRecord("groupSync", body));
  bus.poll(to);
}

/** `victim` misses ten lines that `holder` has; whoever said them is gone, as `holder` tells. */
function missing(
  seed: number,
  options?: Parameters<GroupBus["add"]>[0],
): { bus: GroupBus; author: GroupNode; holder: GroupNode; victim: GroupNode } {
  const bus = new GroupBus(seed);
  const [author, holder] = [bus.add(), bus.add()];
  const victim = bus.add(options);
  for (const node of bus.nodes) node.groups.join(0, TEST_GROUP);
  bus.run(20_000);
  // Neither the lines nor that they exist.
  bus.weather = ({ from, to }) => (from === author && to === victim ? [] : [0.2]);
  for (let i = 0; i < 10; i += 1) {
    author.say(bus.nowMs, `line ${i}`);
    bus.run(30);
  }
  bus.crash(author);
  return { bus, author, holder, victim };
}

const LINES = Array.from({ length: 10 }, (_, i) => `line ${i}`);

/** What `hostile` is told it never reads: the test answers in its place. */
function mute(hostile: GroupNode): Weather {
  return ({ to, bytes }) => (to === hostile && bytes[0] !== 0xf9 ? [] : [0.2]);
}

/** Runs until `victim` has asked. */
function untilAsked(bus: GroupBus, victim: GroupNode): void {
  const before = victim.context.counters.get("syncsStarted");
  for (let i = 0; i < 700 && victim.context.counters.get("syncsStarted") === before; i += 1) {
    bus.run(100);
  }
  expect(victim.context.counters.get("syncsStarted")).toBe(before + 1);
}

/** Runs until `victim` has fetched what the test offered in the place of `hostile`. */
function hostileOffer(seed: number): ReturnType<typeof missing> & { fetch: SyncFetch } {
  const scene = missing(seed);
  const { bus, author, holder, victim } = scene;
  bus.weather = mute(holder);
  untilAsked(bus, victim);
  const { request } = lastOf(victim, holder, GroupSyncPurpose.ask);
  const { incarnation } = author.context;
  const stream = {
    device: author.device,
    incarnation,
    latestHlc: 1,
    ranges: [{ first: 1, last: 10 }],
  };
  const offer = { purpose: GroupSyncPurpose.offer, request, partial: false, streams: [stream] };
  tell(bus, holder, victim, offer);
  return { ...scene, fetch: lastOf(victim, holder, GroupSyncPurpose.fetch) };
}

function dataOf(author: GroupNode): Uint8Array[] {
  return author.sentOf(0x20).filter((bytes) => isData(bytes));
}

describe("members that hold different things", () => {
  it("bring each other to the same, of whom it is from gone or not", () => {
    const { bus, holder, victim } = missing(1);
    for (let i = 0; i < 20_000 && victim.texts().length === 0; i += 1) bus.run(2);
    // Soon the others see that it need not be brought to it any more.
    const heartbeats = victim.context.counters.get("groupHeartbeatsSent");
    bus.run(1200);
    expect(victim.context.counters.get("groupHeartbeatsSent")).toBe(heartbeats + 1);
    expect(victim.texts()).toEqual(LINES);
    // We were there, as was the author for all that we know: nothing came out of order.
    expect(victim.of("groupMessage").some(({ late }) => late)).toBe(false);
    expect(victim.log.streams(groupId)).toEqual(holder.log.streams(groupId));
    expect(victim.context.counters.get("datagramsSynced")).toBe(10);
  });

  it("bring each other soon what was too far ahead to be held at first", () => {
    const bus = new GroupBus(21);
    const [author, holder] = [bus.add(), bus.add()];
    const victim = bus.add({ limits: { heldGroupDatagrams: 8 } });
    for (const node of bus.nodes) node.groups.join(0, TEST_GROUP);
    bus.run(20_000);
    const lines = Array.from({ length: 40 }, (_, i) => `line ${i}`);
    // The second half reaches the holder, the first line both, what is between them nobody.
    bus.weather = ({ from, to, bytes }) => {
      if (from !== author || !isData(bytes)) return to === victim ? [] : [0.2];
      const { sequence } = decodeGroupData(bytes);
      return sequence === 1 || (sequence > 20 && to === holder) ? [0.2] : [];
    };
    for (const line of lines) {
      author.say(bus.nowMs, line);
      bus.run(30);
    }
    bus.crash(author);
    bus.run(120_000);
    expect(victim.texts()).toEqual(lines.slice(0, 1));
    bus.weather = () => [0.2];
    bus.run(240_000);
    expect(holder.texts()).toEqual([lines[0], ...lines.slice(20)]);
    expect(victim.texts()).toEqual(holder.texts());
  });

  it("say nothing more to each other once they hold the same", () => {
    const { bus, victim, holder } = missing(2);
    bus.run(60_000);
    const asked = victim.notes.length + holder.notes.length;
    bus.run(600_000);
    expect(victim.notes.length + holder.notes.length).toBe(asked);
  });

  it("fetch from whoever asks what it shows that they lack", () => {
    const bus = new GroupBus(3);
    const authors = [bus.add(), bus.add()];
    const [a, b] = [bus.add(), bus.add()];
    for (const node of bus.nodes) node.groups.join(0, TEST_GROUP);
    bus.run(20_000);
    // What one of them said reached a alone, what the other one said b alone.
    bus.weather = ({ from, to }) => {
      const isLost = (from === authors[0] && to === b) || (from === authors[1] && to === a);
      return isLost ? [] : [0.2];
    };
    for (const author of authors) author.say(bus.nowMs, "last words");
    bus.run(50);
    for (const author of authors) bus.crash(author);
    bus.run(60_000);
    for (const node of [a, b]) expect(node.texts()).toEqual(["last words", "last words"]);
    expect(a.context.counters.get("syncsStarted") + b.context.counters.get("syncsStarted")).toBe(1);
  });

  it("bring a newcomer what was said at once", () => {
    const { bus, victim } = missing(8);
    bus.crash(victim);
    const late = bus.add({ deviceSeed: 98 });
    late.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(700);
    expect(late.texts()).toEqual(LINES);
  });

  it("come again soon to whoever had no time", () => {
    const { bus, holder, victim } = missing(9);
    bus.weather = mute(holder);
    untilAsked(bus, victim);
    const { request } = lastOf(victim, holder, GroupSyncPurpose.ask);
    tell(bus, holder, victim, { purpose: GroupSyncPurpose.busy, request });
    bus.run(900);
    expect(lastOf(victim, holder, GroupSyncPurpose.ask).request).toBe(request);
    bus.weather = () => [0.2];
    bus.run(400);
    expect(victim.texts()).toEqual(LINES);
  });

  it("leave one another alone amid talk", () => {
    const bus = new GroupBus(4);
    const nodes = bus.joined(4);
    for (let i = 0; i < 200; i += 1) {
      nodes[i % 4]?.say(bus.nowMs, `line ${i}`);
      bus.run(50);
    }
    bus.run(5000);
    for (const node of nodes) expect(node.context.counters.get("syncsStarted")).toBe(0);
  });

  it("ask ever less when they differ for good: one keeps less, or has blocked an author", () => {
    const keepsLess = missing(5, { limits: { groupLogDatagrams: 5 } });
    keepsLess.bus.run(40_000);
    expect(keepsLess.victim.log.streams(groupId)).not.toEqual(
      keepsLess.holder.log.streams(groupId),
    );
    const blocks = missing(6);
    blocks.victim.blocked.add(blocks.author.device);
    for (const { bus, victim, holder } of [keepsLess, blocks]) {
      bus.run(60_000);
      const bytes = (): number =>
        victim.context.counters.get("syncBytesSent") + holder.context.counters.get("syncBytesSent");
      const asked = victim.context.counters.get("syncsStarted");
      const before = bytes();
      bus.run(3_600_000);
      expect(victim.context.counters.get("syncsStarted") - asked).toBeLessThan(15);
      expect(bytes() - before).toBeLessThan(30_000);
      expect(victim.context.counters.get("syncsStarted")).toBeGreaterThan(0);
    }
    expect(blocks.victim.texts()).toEqual([]);
    const fetches = told(blocks.victim, blocks.holder).filter(
      ({ purpose }) => purpose === GroupSyncPurpose.fetch,
    );
    expect(fetches).toEqual([]);
  });

  it("do not fetch what they would forget at once, after a restart either", () => {
    const { bus, author, victim } = missing(24, { limits: { groupLogDatagrams: 5 } });
    bus.run(40_000);
    expect(victim.log.streams(groupId).map(({ ranges }) => ranges)).toEqual([
      [{ first: 6, last: 10 }],
    ]);
    bus.crash(victim);
    const again = bus.add({ log: victim.log, deviceSeed: 3, limits: { groupLogDatagrams: 5 } });
    again.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(60_000);
    expect(again.texts(author)).toEqual([]);
    expect(again.context.counters.get("syncsStarted")).toBeGreaterThan(0);
    expect(again.context.counters.get("datagramsSynced")).toBe(0);
  });

  it("turn to somebody else when one does not answer", () => {
    const { bus, holder, victim } = missing(7);
    bus.weather = mute(holder);
    untilAsked(bus, victim);
    const second = bus.add({ log: holder.log, deviceSeed: 99 });
    second.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(90_000);
    expect(victim.texts()).toEqual(LINES);
  });
});

describe("a member that lies", () => {
  it("is believed no forged datagram, and left alone", () => {
    const { bus, author, holder, victim, fetch } = hostileOffer(10);
    const [genuine] = dataOf(author);
    if (genuine === undefined) throw new Error("unreachable");
    const data = decodeGroupData(genuine);
    const forged = encodeGroupData({ ...data, name: "mallory" });
    const datagrams = [withSignature(forged, holder.context.identity.sign(forged))];
    answer(bus, holder, victim, fetch, datagrams);
    expectNothingTaken(bus, victim, holder);
  });

  it("can give nothing that was not asked for", () => {
    const { bus, holder, victim, fetch } = hostileOffer(11);
    holder.say(bus.nowMs, "mine");
    bus.weather = () => [];
    bus.poll(holder);
    answer(bus, holder, victim, fetch, dataOf(holder).slice(-1));
    expectNothingTaken(bus, victim, holder);
  });

  it("can give the same only once", () => {
    const { bus, author, holder, victim, fetch } = hostileOffer(12);
    const [first] = dataOf(author);
    if (first === undefined) throw new Error("unreachable");
    answer(bus, holder, victim, fetch, [first, first]);
    expect(victim.context.counters.get("datagramsSynced")).toBe(1);
    expect(victim.context.counters.get("syncDatagramsRefused")).toBe(1);
  });

  it("can answer nothing but what it was asked just now", () => {
    const { bus, author, holder, victim } = missing(16);
    bus.weather = mute(holder);
    untilAsked(bus, victim);
    const { request } = lastOf(victim, holder, GroupSyncPurpose.ask);
    answer(bus, holder, victim, { request }, dataOf(author));
    expect(victim.context.counters.get("datagramsSynced")).toBe(0);
    const { device, context } = author;
    const ranges = [{ first: 1, last: 10 }];
    const streams = [{ device, incarnation: context.incarnation, latestHlc: 1, ranges }];
    const offer = { purpose: GroupSyncPurpose.offer, partial: false, streams };
    tell(bus, holder, victim, { ...offer, request });
    const fetch = lastOf(victim, holder, GroupSyncPurpose.fetch);
    tell(bus, holder, victim, { ...offer, request: fetch.request });
    expect(lastOf(victim, holder, GroupSyncPurpose.fetch)).toEqual(fetch);
    answer(bus, holder, victim, fetch, dataOf(author));
    expect(victim.texts()).toEqual(LINES);
  });

  it("gains nothing by garbage", () => {
    const { bus, holder, victim, fetch } = hostileOffer(13);
    answer(bus, holder, victim, fetch, [new Uint8Array(90).fill(0xf9)]);
    expectNothingTaken(bus, victim, holder);
    expect(victim.context.counters.get("datagramsMalformed")).toBe(1);
  });

  it("cannot go on for ever", () => {
    const { bus, holder, victim } = offerOfNothing(14);
    let fetches = 0;
    let last = 0;
    for (;;) {
      const { request } = lastOf(victim, holder, GroupSyncPurpose.fetch);
      if (request === last) break;
      last = request;
      fetches += 1;
      const data = { purpose: GroupSyncPurpose.data, index: 0, last: true, looked: 1 };
      tell(bus, holder, victim, { ...data, request, datagrams: [] });
    }
    expect(fetches).toBeLessThanOrEqual(16);
  });

  it("does not make us look through numbers without end", () => {
    const { bus, holder, victim } = offerOfNothing(15);
    const { request, streams } = lastOf(victim, holder, GroupSyncPurpose.fetch);
    const last = victim.context.limits.groupLogDatagrams;
    expect(streams[0]?.ranges).toEqual([{ first: 1, last }]);
    const data = { purpose: GroupSyncPurpose.data, request, index: 0, last: true };
    tell(bus, holder, victim, { ...data, looked: Number.MAX_SAFE_INTEGER, datagrams: [] });
    bus.run(1000);
  });

  /** A member offers what does not exist, as much of it as there are numbers. */
  function offerOfNothing(seed: number): ReturnType<typeof missing> {
    const scene = missing(seed);
    const { bus, holder, victim } = scene;
    bus.weather = mute(holder);
    untilAsked(bus, victim);
    const { request } = lastOf(victim, holder, GroupSyncPurpose.ask);
    const ranges = [{ first: 1, last: Number.MAX_SAFE_INTEGER - 1 }];
    const stream = { device: "ab".repeat(32), incarnation: "cd".repeat(8), latestHlc: 1, ranges };
    const purpose = GroupSyncPurpose.offer;
    tell(bus, holder, victim, { purpose, request, partial: false, streams: [stream] });
    return scene;
  }

  function answer(
    bus: GroupBus,
    from: GroupNode,
    to: GroupNode,
    { request }: Pick<SyncFetch, "request">,
    datagrams: Uint8Array[],
  ): void {
    const purpose = GroupSyncPurpose.data;
    tell(bus, from, to, { purpose, request, index: 0, last: true, looked: 10, datagrams });
  }

  function expectNothingTaken(bus: GroupBus, victim: GroupNode, liar: GroupNode): void {
    const asks = (): GroupSync[] =>
      told(victim, liar).filter(({ purpose }) => purpose === GroupSyncPurpose.ask);
    expect(victim.context.counters.get("datagramsSynced")).toBe(0);
    const asked = asks().length;
    bus.weather = () => [0.2];
    bus.run(590_000);
    expect(asks()).toHaveLength(asked);
    bus.run(60_000);
    expect(asks().length).toBeGreaterThan(asked);
  }
});

describe("whoever asks", () => {
  it("is a member", () => {
    const { bus, holder } = missing(20);
    const stranger = bus.add({ deviceSeed: 50 });
    const ask = { purpose: GroupSyncPurpose.ask, request: 7, partial: false, streams: [] };
    tell(bus, stranger, holder, ask);
    expect(told(holder, stranger)).toEqual([{ purpose: GroupSyncPurpose.busy, request: 7 }]);
    const streams = holder.log.streams(groupId).map((stream) => ({ ...stream }));
    tell(bus, stranger, holder, {
      purpose: GroupSyncPurpose.fetch,
      request: 8,
      keyIds: [],
      streams,
    });
    expect(told(holder, stranger).at(-1)).toEqual({ purpose: GroupSyncPurpose.busy, request: 8 });
  });

  it("is not blocked", () => {
    const { bus, holder, victim } = missing(21);
    holder.blocked.add(victim.device);
    const ask = { purpose: GroupSyncPurpose.ask, request: 7, partial: false, streams: [] };
    tell(bus, victim, holder, ask);
    expect(told(holder, victim)).toEqual([]);
  });

  it("has us look at 1024 numbers for one question, however many it names", () => {
    const { bus, holder, victim } = missing(24);
    const ranges = [{ first: 1, last: 100_000 }];
    const streams = holder.log.streams(groupId).map((stream) => ({ ...stream, ranges }));
    tell(bus, victim, holder, {
      purpose: GroupSyncPurpose.fetch,
      request: 7,
      keyIds: [],
      streams,
    });
    expect(lastOf(holder, victim, GroupSyncPurpose.data).looked).toBe(1024);
  });

  it("cannot make us send without end", () => {
    const { bus, holder, victim } = missing(22);
    const streams = holder.log.streams(groupId).map((stream) => ({ ...stream }));
    const fetch = { purpose: GroupSyncPurpose.fetch, keyIds: [], streams };
    for (let request = 1; request <= 5000; request += 1) {
      tell(bus, victim, holder, { ...fetch, request });
      tell(bus, victim, holder, {
        purpose: GroupSyncPurpose.ask,
        request,
        partial: false,
        streams: [],
      });
    }
    const { syncBurstBytesPerPeer } = holder.context.limits;
    expect(holder.context.counters.get("syncBytesSent")).toBeLessThan(syncBurstBytesPerPeer);
    expect(holder.notes.length).toBeLessThan(300);
    expect(holder.context.counters.get("syncsRefused")).toBeGreaterThan(9000);
  });

  it("is served again after a while", () => {
    const { bus, holder, victim } = missing(23);
    const ask = { purpose: GroupSyncPurpose.ask, partial: false, streams: [] };
    for (let request = 1; request <= 100; request += 1)
      tell(bus, victim, holder, { ...ask, request });
    expect(lastOf(holder, victim, GroupSyncPurpose.busy).request).toBeGreaterThan(8);
    bus.run(5000);
    tell(bus, victim, holder, { ...ask, request: 1000 });
    expect(lastOf(holder, victim, GroupSyncPurpose.offer).request).toBe(1000);
  });
});

describe("a secret group", () => {
  it("gives whoever has the passphrase all that was said under it", () => {
    const bus = new GroupBus(30);
    const [a, b] = bus.secret(2);
    a?.say(bus.nowMs, "one");
    bus.run(100);
    b?.say(bus.nowMs, "two");
    bus.run(10_000);
    const late = bus.addSecret(FIRST_KEYS);
    bus.run(5000);
    expect(late.texts()).toEqual(["one", "two"]);
  });

  it("gives whoever was invited after a change of the key nothing of before", () => {
    const bus = new GroupBus(31);
    const [a, b, c] = bus.secret(3);
    if (a === undefined || b === undefined || c === undefined) throw new Error("unreachable");
    a.say(bus.nowMs, "before");
    bus.run(5000);
    a.groups.removeMember(bus.nowMs, SECRET_GROUP.groupId, c.device);
    bus.run(5000);
    b.say(bus.nowMs, "after");
    bus.run(5000);
    const { epoch, key, change } = a.keys ?? FIRST_KEYS;
    const invited = bus.addSecret({ epoch, key, change, retired: [], removed: [] });
    bus.run(30_000);
    expect(invited.texts()).toEqual(["after"]);
    // Nor any byte of it that it could read later.
    expect(
      a.context.counters.get("syncDatagramsSent") + b.context.counters.get("syncDatagramsSent"),
    ).toBe(1);
    // Who was there all the time, and lost what it kept, gets both.
    const again = bus.addSecret({ ...(b.keys ?? FIRST_KEYS) }, { deviceSeed: 77 });
    bus.run(30_000);
    expect(again.texts().toSorted()).toEqual(["after", "before"]);
  });

  it("tells nobody else what is held, and takes no record that was for another one", () => {
    const bus = new GroupBus(32);
    const [a, b] = bus.secret(2);
    if (a === undefined || b === undefined) throw new Error("unreachable");
    a.say(bus.nowMs, "one");
    bus.run(10_000);
    const late = bus.addSecret(FIRST_KEYS);
    bus.run(5000);
    const asked = late.notes.find(({ kind }) => kind === "groupSync");
    if (asked?.target.kind !== "device") throw new Error("nothing was asked");
    for (const hidden of [a.device, b.device, late.device]) {
      expect(Buffer.from(asked.body).includes(Buffer.from(fromHex(hidden)))).toBe(false);
    }
    const { id } = asked.target;
    const [other, meant] = id === a.device ? [b, a] : [a, b];
    const before = other.notes.length;
    other.groups.receiveNote(bus.nowMs, late.ref, noteRecord("groupSync", asked.body));
    other.groups.receiveNote(bus.nowMs, meant.ref, noteRecord("groupSync", asked.body));
    expect(other.notes).toHaveLength(before);
    expect(other.context.counters.get("datagramsForged")).toBe(2);
  });
});
