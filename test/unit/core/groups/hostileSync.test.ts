/** Members that use what is exchanged between two of them for something else. */
import { describe, expect, it } from "vitest";
import { encodeUtf8 } from "../../../../src/wire/cursor.js";
import { encodeGroupData } from "../../../../src/wire/group.js";
import {
  decodeGroupSync,
  decodeSyncGroup,
  encodeGroupSync,
  encodeOpenSync,
  type GroupSync,
  GroupSyncPurpose,
} from "../../../../src/wire/groupSync.js";
import { withSignature } from "../../../../src/wire/header.js";
import {
  FIRST_KEYS,
  GroupBus,
  type GroupNode,
  noteRecord,
  SECRET_GROUP,
  TEST_GROUP,
} from "../../../support/groupBus.js";

const { groupId } = TEST_GROUP;
/** A stream begins here and ends at once. */
const GARBAGE = Uint8Array.of(0xff);
const NEVER = Number.MAX_SAFE_INTEGER;

function pair(seed: number): { bus: GroupBus; mallory: GroupNode; victim: GroupNode } {
  const bus = new GroupBus(seed);
  const [mallory, victim] = bus.joined(2);
  if (mallory === undefined || victim === undefined) throw new Error("unreachable");
  bus.run(20_000);
  return { bus, mallory, victim };
}

function tell(bus: GroupBus, from: GroupNode, to: GroupNode, sync: GroupSync, tail?: Uint8Array) {
  const content = Buffer.concat([encodeGroupSync(sync), tail ?? new Uint8Array(0)]);
  const body = encodeOpenSync(groupId, content);
  to.groups.receiveNote(bus.nowMs, from.ref, noteRecord("groupSync", body));
  bus.poll(to);
}

/** Requests with which `from` fetched. */
function fetches(from: GroupNode): number[] {
  return from.notes
    .filter(({ kind }) => kind === "groupSync")
    .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest))
    .filter(({ purpose }) => purpose === GroupSyncPurpose.fetch)
    .map(({ request }) => request);
}

/** What `author` says, whatever that is. */
function lineOf(
  { context }: GroupNode,
  { sequence, hlc, incarnation }: { sequence: number; hlc: number; incarnation?: string },
): Uint8Array {
  const unsigned = encodeGroupData({
    groupId,
    device: context.identity.device,
    incarnation: incarnation ?? context.incarnation,
    sequence,
    name: "mallory",
    entries: [
      {
        messageSequence: sequence,
        sentAtMs: NEVER,
        hlc,
        continues: false,
        continued: false,
        body: encodeUtf8(`line ${sequence}`),
      },
    ],
  });
  return withSignature(unsigned, context.identity.sign(unsigned));
}

describe("a record about what is held", () => {
  it.each([
    { purpose: GroupSyncPurpose.ask, partial: false, streams: [] },
    { purpose: GroupSyncPurpose.fetch, keyIds: [], streams: [] },
  ])("is not read at a rate that its sender chooses (purpose $purpose)", (question) => {
    const { bus, mallory, victim } = pair(1);
    if (question.purpose === GroupSyncPurpose.fetch) {
      // Nothing costs nothing: what it may cost is spent by what is huge.
      const stream = { device: mallory.device, incarnation: "00".repeat(8), latestHlc: 0 };
      const ranges = Array.from({ length: 5000 }, (_, n) => ({
        first: 3 * n + 1,
        last: 3 * n + 1,
      }));
      for (let request = 1; request <= 100; request += 1) {
        tell(bus, mallory, victim, { ...question, request, streams: [{ ...stream, ranges }] });
      }
    }
    for (let request = 1; request <= 100; request += 1) {
      tell(bus, mallory, victim, { ...question, request }, GARBAGE);
    }
    expect(victim.context.counters.get("datagramsMalformed")).toBeLessThanOrEqual(8);
    expect(victim.context.counters.get("syncsRefused")).toBeGreaterThan(90);
  });

  it("is not read if it answers nothing", () => {
    const { bus, mallory, victim } = pair(2);
    for (const purpose of [GroupSyncPurpose.offer, GroupSyncPurpose.busy]) {
      const sync = { purpose, request: 7, partial: false, streams: [] };
      tell(bus, mallory, victim, sync, GARBAGE);
    }
    expect(victim.context.counters.get("datagramsMalformed")).toBe(0);
  });

  it("a drop at a time does not keep us from asking anybody else", () => {
    const { bus, mallory, victim } = pair(3);
    bus.carriesSync = false;
    const incarnation = "0d".repeat(8);
    const stream = { device: mallory.device, incarnation, latestHlc: 1 };
    const streams = [{ ...stream, ranges: [{ first: 1, last: 1000 }] }];
    // Shows what it holds by asking.
    tell(bus, mallory, victim, {
      purpose: GroupSyncPurpose.ask,
      request: 1,
      partial: false,
      streams,
    });
    let drops = 0;
    for (let sequence = 1; sequence <= 60; sequence += 1) {
      const request = fetches(victim).at(-1) ?? 0;
      const datagrams = [lineOf(mallory, { sequence, hlc: 1, incarnation })];
      const data = { purpose: GroupSyncPurpose.data, request, index: 0, last: true, looked: 1 };
      const before = victim.context.counters.get("datagramsSynced");
      tell(bus, mallory, victim, { ...data, datagrams });
      drops += victim.context.counters.get("datagramsSynced") - before;
      bus.run(9_000);
    }
    expect(drops).toBeGreaterThan(5);
    expect(drops).toBeLessThan(20);
  });
});

describe("a line from the far future", () => {
  it("stands where it came in, is no newer than what comes next, and pulls nobody's clock", () => {
    const { bus, mallory, victim } = pair(4);
    const hear = (bytes: Uint8Array) => {
      victim.groups.receive(bus.nowMs, mallory.received(bytes));
      bus.poll(victim);
    };
    hear(lineOf(mallory, { sequence: 1, hlc: NEVER }));
    bus.run(1000);
    victim.say(bus.nowMs, "an answer");
    bus.poll(victim);
    const [theirs] = victim.of("groupMessage");
    const ours = victim.of("groupSaid").at(-1);
    expect(ours?.hlc).toBeGreaterThan(theirs?.hlc ?? NEVER);
    const kept = victim.log.streams(groupId).find(({ device }) => device === mallory.device);
    expect(kept?.latestHlc).toBe(theirs?.hlc);
    expect(ours?.hlc).toBeLessThan(NEVER / 2);
  });

  it("within a day of our clock stands where it says, as for everybody", () => {
    const { bus, mallory, victim } = pair(5);
    const hlc = (victim.context.startedAtMs + 80_000_000) * 1024;
    victim.groups.receive(bus.nowMs, mallory.received(lineOf(mallory, { sequence: 1, hlc })));
    bus.poll(victim);
    expect(victim.of("groupMessage").map((event) => event.hlc)).toEqual([hlc]);
  });
});

describe("numbers without end", () => {
  it("are kept, asked for and given like any other", () => {
    const { bus, mallory, victim } = pair(6);
    for (const sequence of [1, 2 ** 32, NEVER - 2, NEVER]) {
      const bytes = lineOf(mallory, { sequence, hlc: 1, incarnation: "0d".repeat(8) });
      const streams = [
        {
          device: mallory.device,
          incarnation: "0d".repeat(8),
          latestHlc: NEVER,
          ranges: [{ first: sequence, last: sequence }],
        },
      ];
      const ask = { purpose: GroupSyncPurpose.ask, request: 1, partial: false, streams };
      tell(bus, mallory, victim, ask);
      const request = fetches(victim).at(-1) ?? 0;
      const data = { purpose: GroupSyncPurpose.data, request, index: 0, last: true, looked: 1 };
      tell(bus, mallory, victim, { ...data, datagrams: [bytes] });
      bus.run(5_000);
    }
    expect(victim.texts()).toHaveLength(4);
    const newcomer = bus.add();
    newcomer.groups.join(bus.nowMs, TEST_GROUP);
    bus.run(30_000);
    expect(newcomer.texts()).toHaveLength(4);
  });
});

describe("an answer", () => {
  const incarnation = "0d".repeat(8);

  /** The victim fetches three numbers of somebody else that `mallory` showed by asking. */
  function fetching(seed: number) {
    const scene = pair(seed);
    const { bus, mallory, victim } = scene;
    const author = bus.add();
    bus.carriesSync = false;
    const ranges = [{ first: 1, last: 3 }];
    const streams = [{ device: author.device, incarnation, latestHlc: 1, ranges }];
    const show = () => {
      const ask = { purpose: GroupSyncPurpose.ask, request: 1, partial: false, streams };
      tell(bus, mallory, victim, ask);
    };
    const answer = (index: number, last: boolean, sequences: readonly number[]) => {
      const request = fetches(victim).at(-1) ?? 0;
      const datagrams = sequences.map((n) => lineOf(author, { sequence: n, hlc: 1, incarnation }));
      const looked = last ? sequences.length : 0;
      const data = { purpose: GroupSyncPurpose.data, request, index, last, looked, datagrams };
      tell(bus, mallory, victim, data);
    };
    show();
    expect(fetches(victim)).toHaveLength(1);
    return { ...scene, author, show, answer };
  }

  it("that comes twice, and in another order, is taken once", () => {
    const { victim, answer } = fetching(8);
    answer(1, false, [2]);
    answer(1, false, [2]);
    answer(0, false, [1]);
    answer(2, true, [3]);
    expect(victim.context.counters.get("datagramsSynced")).toBe(3);
    expect(victim.context.counters.get("syncDatagramsRefused")).toBe(0);
  });

  it("in more parts than any has is a lie: its sender is left alone for a while", () => {
    const { bus, victim, show, answer } = fetching(9);
    answer(16, true, [1]);
    expect(victim.context.counters.get("datagramsSynced")).toBe(0);
    bus.run(20_000);
    show();
    expect(fetches(victim)).toHaveLength(1);
  });

  it("with what was said by somebody who was blocked meanwhile shows nothing, and is no lie", () => {
    const { bus, author, victim, show, answer } = fetching(10);
    answer(0, false, [1]);
    victim.blocked.add(author.device);
    answer(1, true, [2]);
    victim.blocked.clear();
    expect(victim.texts()).toEqual(["line 1"]);
    bus.run(20_000);
    show();
    const fetch = victim.notes
      .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest))
      .findLast(({ purpose }) => purpose === GroupSyncPurpose.fetch);
    expect(fetch).toMatchObject({ streams: [{ ranges: [{ first: 2, last: 3 }] }] });
  });

  it("that there is no time is followed by another question soon, and not for ever", () => {
    const { bus, mallory, victim } = fetching(11);
    for (let told = 0; told < fetches(victim).length && told < 100; told += 1) {
      const request = fetches(victim).at(-1) ?? 0;
      tell(bus, mallory, victim, { purpose: GroupSyncPurpose.busy, request });
      bus.run(600);
    }
    expect(fetches(victim).length).toBeGreaterThan(10);
    expect(fetches(victim).length).toBeLessThan(25);
    expect(new Set(fetches(victim)).size).toBe(fetches(victim).length);
  });

  it("to a question that does not name everything is about what it names alone", () => {
    const { bus, mallory, victim } = pair(12);
    bus.carriesSync = false;
    victim.say(bus.nowMs, "one");
    bus.run(1_000);
    const purpose = GroupSyncPurpose.ask;
    const offers = (): number[] =>
      victim.notes
        .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest))
        .flatMap((sync) => (sync.purpose === GroupSyncPurpose.offer ? [sync.streams.length] : []));
    tell(bus, mallory, victim, { purpose, request: 1, partial: true, streams: [] });
    bus.run(60_000);
    tell(bus, mallory, victim, { purpose, request: 2, partial: false, streams: [] });
    expect(offers()).toEqual([0, 1]);
  });
});

describe("a member that shows more holes than can be fetched", () => {
  it("is asked for some of them", () => {
    const { bus, mallory, victim } = pair(13);
    bus.carriesSync = false;
    const ranges = Array.from({ length: 5_000 }, (_, n) => ({ first: 2 * n + 1, last: 2 * n + 1 }));
    const streams = ["0d", "0e"].map((byte) => ({
      device: mallory.device,
      incarnation: byte.repeat(8),
      latestHlc: 1,
      ranges,
    }));
    const ask = { purpose: GroupSyncPurpose.ask, request: 1, partial: false, streams };
    tell(bus, mallory, victim, ask);
    const asked = victim.notes
      .map(({ body }) => decodeGroupSync(decodeSyncGroup(body).rest))
      .flatMap((sync) => (sync.purpose === GroupSyncPurpose.fetch ? sync.streams : []));
    expect(asked.map(({ ranges: { length } }) => length)).toEqual([5_000, 8_192 - 5_000]);
  });
});

/** Every proper beginning, and the whole with one bit of each byte turned over. */
function damaged(body: Uint8Array): Uint8Array[] {
  return Array.from(body, (byte, at) => {
    const bent = body.slice();
    bent[at] = byte ^ (1 << (at % 8));
    return [body.slice(0, at), bent];
  }).flat();
}

describe.each([
  ["an open group", TEST_GROUP],
  ["a secret group", SECRET_GROUP],
])("every record of an exchange in %s", (_what, group) => {
  it("shows nothing when it is cut or bent, and keeps nobody out for ever", () => {
    const bus = new GroupBus(7);
    const keys = group.secret ? FIRST_KEYS : undefined;
    const author = bus.add({ group });
    author.groups.join(0, group, keys);
    bus.run(3_000);
    author.say(bus.nowMs, "one");
    author.say(bus.nowMs, "two");
    bus.run(3_000);
    const late = bus.add({ group });
    const seen = new Set<unknown>();
    bus.weather = ({ from, to }) => {
      // Each record comes damaged to whom it is for, before it comes as it is.
      for (const note of from.notes.filter(({ kind }) => kind === "groupSync")) {
        const isFor = note.target.kind === "device" && note.target.id === to.device;
        if (!isFor || seen.has(note)) continue;
        seen.add(note);
        for (const body of damaged(note.body)) {
          to.groups.receiveNote(bus.nowMs, from.ref, noteRecord("groupSync", body));
        }
      }
      return [0.2];
    };
    late.groups.join(bus.nowMs, group, keys);
    bus.run(10_000);
    expect(seen.size).toBeGreaterThanOrEqual(2);
    expect(late.texts()).toEqual([]);
    bus.weather = () => [0.2];
    bus.run(1_500_000); // whoever seemed to cheat is asked again
    expect(late.texts()).toEqual(["one", "two"]);
    const [dropped] = [late, author].map(({ context: { counters } }) => {
      return counters.get("datagramsMalformed") + counters.get("datagramsForged");
    });
    expect(dropped).toBeGreaterThan(50);
  });
});
