import { describe, expect, it } from "vitest";
import type { ExaminationLine } from "../../../../src/api/lines.js";
import { judgeNeighbour, judgeNobody } from "../../../../src/doctor/judgements/neighbours.js";
import { judgeExamination, judgeOwnClock } from "../../../../src/doctor/judgements/peers.js";
import { MulticastWatch } from "../../../../src/doctor/judgements/watch.js";
import { unheard } from "../../../../src/doctor/probes/neighbours.js";

const BOB = {
  id: "b0".repeat(32),
  name: "bob",
  address: "10.0.0.3",
  port: 22_400,
  trust: "known",
} as const;
const NAMES = [
  "unicast",
  "fullUnicast",
  "fragments",
  "broadcast",
  "discoveryGroup",
  "defaultGroup",
  "namedGroup",
];

/** Everything passes but these: [heard there, heard here]. */
function examination(
  lost: Readonly<Record<string, readonly [number | null, number]>> = {},
  more: Partial<ExaminationLine> = {},
): ExaminationLine {
  const ways = NAMES.map((way) => {
    const [heardThere, heardHere] = lost[way] ?? [3, 3];
    return { way, sent: 3, heardThere, heardHere };
  });
  return {
    type: "examination",
    peer: BOB,
    result: "examined",
    rttMs: 1,
    clockAheadMs: 0,
    ways,
    ...more,
  };
}

const codes = (line: ExaminationLine): string[] =>
  judgeExamination(line, "linux").map(({ code }) => code);

describe("an examination", () => {
  it.each<[Parameters<typeof examination>[0], readonly string[]]>([
    [{}, ["PEER_OK"]],
    [{ broadcast: [1, 1] }, ["PEER_OK"]],
    [{ broadcast: [0, 3] }, ["BROADCAST_ONE_WAY"]],
    [{ broadcast: [3, 0] }, ["BROADCAST_ONE_WAY"]],
    [{ broadcast: [0, 0] }, ["BROADCAST_BLOCKED"]],
    [{ defaultGroup: [0, 0] }, ["DEFAULT_GROUP_BLOCKED"]],
    [{ namedGroup: [0, 3], defaultGroup: [0, 3], discoveryGroup: [0, 3] }, ["MULTICAST_ONE_WAY"]],
    [{ namedGroup: [0, 0], defaultGroup: [0, 0], discoveryGroup: [0, 0] }, ["MULTICAST_BLOCKED"]],
    [{ discoveryGroup: [3, 0] }, ["MULTICAST_ONE_WAY"]],
    [{ fragments: [0, 3] }, ["FRAGMENTS_LOST", "PEER_OK"]],
    [{ fullUnicast: [0, 0], fragments: [0, 0] }, ["FULL_DATAGRAMS_LOST"]],
    [{ unicast: [3, 0], fullUnicast: [3, 0], fragments: [3, 0] }, ["UNICAST_ONE_WAY"]],
    // Without a report, what we heard is all that is known.
    [{ broadcast: [null, 3] }, ["PEER_OK"]],
    [{ broadcast: [null, 0] }, ["BROADCAST_BLOCKED"]],
  ])("with %j is %j", (lost, expected) => {
    expect(codes(examination(lost))).toEqual(expected);
  });

  it("says which side does not hear", () => {
    const [ours] = judgeExamination(examination({ broadcast: [0, 3] }), "linux");
    expect(ours?.seen).toBe(
      "broadcast of ours does not reach bob (10.0.0.3:22400); what it sends reaches this machine",
    );
    expect(ours?.remedy).toContain("on the other machine");
    const [theirs] = judgeExamination(examination({ broadcast: [3, 0] }), "linux");
    expect(theirs?.seen).toContain("from bob (10.0.0.3:22400) does not reach this machine");
    expect(theirs?.remedy).toContain("this machine");
  });

  it("ignores ways that it does not know", () => {
    const later = { way: "later", sent: 3, heardThere: 0, heardHere: 0 };
    const line = examination();
    expect(codes({ ...line, ways: [...line.ways, later] })).toEqual(["PEER_OK"]);
    expect(codes({ ...line, ways: [] })).toEqual(["PEER_OK"]);
  });

  it("sanitises names", () => {
    const peer = { ...BOB, name: "bob\u001b[2J\n" };
    const seen = judgeExamination(examination({}, { peer }), "linux")[0]?.seen ?? "";
    expect(Array.from(seen).filter((character) => character < " ")).toEqual([]);
    expect(seen).toContain("bob");
  });

  it.each([
    ["busy", /too many at once/],
    ["unknown", /knows no examinations/],
  ] as const)("that is %s is a note", (result, sentence) => {
    expect(judgeExamination(examination({}, { result, ways: [] }), "linux")).toMatchObject([
      { code: "PEER_NOT_EXAMINED", severity: "note", seen: expect.stringMatching(sentence) },
    ]);
  });

  it.each([
    [4_000, undefined, ""],
    [6_000, "note", "6 seconds ahead of"],
    [-90_000, "problem", "90 seconds behind"],
    [3 * 86_400_000, "problem", "3 days ahead of"],
  ])("tells a clock that is %i ms ahead", (clockAheadMs, severity, text) => {
    const [first] = judgeExamination(examination({}, { clockAheadMs }), "linux");
    if (severity === undefined) expect(first?.code).toBe("PEER_OK");
    else
      expect(first).toMatchObject({
        code: "CLOCK_OFF",
        severity,
        seen: expect.stringContaining(text),
      });
  });

  it("takes our own clock for the wrong one if all others agree", () => {
    const ahead = (clockAheadMs: number) => examination({}, { clockAheadMs });
    expect(judgeOwnClock([ahead(3_600_000)], "linux")).toEqual([]);
    expect(judgeOwnClock([ahead(3_600_000), ahead(0)], "linux")).toEqual([]);
    expect(judgeOwnClock([ahead(1_000), ahead(1_200)], "linux")).toEqual([]);
    const [found] = judgeOwnClock([ahead(3_600_000), ahead(3_601_000)], "linux");
    expect(found).toMatchObject({ code: "CLOCK_OFF", peer: null });
    expect(found?.seen).toContain("60 minutes behind those of all 2 peers");
  });
});

describe("who could not be examined", () => {
  const at = { address: "10.0.0.3", port: 22_400 };
  it.each([
    [{ answered: true }, ["PEER_NOT_EXAMINED"]],
    [{ announced: true, askedUs: true }, ["PEER_DEAF"]],
    [{ askedUs: true }, ["PEER_DEAF"]],
    [{ announced: true }, ["PEER_ONLY_HEARD"]],
    [{}, ["PEER_SILENT"]],
  ])("with %j is %j", (heard, expected) => {
    const found = judgeNeighbour({ ...unheard(at), ...heard }, undefined, "linux");
    expect(found.map(({ code }) => code)).toEqual(expected);
  });

  it("is explained by our own firewall", () => {
    const explanation = { cause: "the packet filter drops it", command: "sudo nft …" };
    const [found] = judgeNeighbour(unheard(at), explanation, "linux");
    expect(found).toMatchObject({ command: "sudo nft …", remedy: "let it pass" });
    expect(found?.seen).toContain("the packet filter drops it");
  });

  it("may be nobody", () => {
    expect(judgeNobody(13_000)).toMatchObject({ code: "NOBODY_FOUND", severity: "note" });
  });
});

describe("the command that helps", () => {
  it.each([
    ["linux", "ip link", "sudo timedatectl set-ntp true", "ping -c 3 10.0.0.3"],
    ["darwin", "ifconfig", "sudo systemsetup -setusingnetworktime on", "ping -c 3 10.0.0.3"],
    ["win32", "netsh interface ipv4 show subinterfaces", "w32tm /resync", "ping -n 3 10.0.0.3"],
    ["freebsd", "ifconfig", null, "ping -c 3 10.0.0.3"],
  ] as const)("is one of %s", (platform, mtu, clock, ping) => {
    const late = examination({ fullUnicast: [0, 0] }, { clockAheadMs: 90_000 });
    const commands = judgeExamination(late, platform).map(({ command }) => command);
    expect(commands).toEqual([mtu, clock]);
    expect(judgeOwnClock([late, late], platform)[0]?.command).toBe(clock);
    const silent = judgeNeighbour(
      unheard({ address: "10.0.0.3", port: 22_400 }),
      undefined,
      platform,
    );
    expect(silent[0]?.command).toBe(ping);
  });
});

describe("a watch", () => {
  const groups = (heardHere: number) =>
    examination({
      discoveryGroup: [3, heardHere],
      namedGroup: [3, heardHere],
      defaultGroup: [3, heardHere],
    });

  it("tells when multicast stops, and when it comes back", () => {
    const watch = new MulticastWatch(0);
    const said = [3, 3, 0, 0, 0, 3, 3].flatMap((heard, index) =>
      watch.observe(60_000 * (index + 1), groups(heard)).map(({ code, seen }) => [code, seen]),
    );
    expect(said.map(([code]) => code)).toEqual(["MULTICAST_STOPPED", "MULTICAST_RETURNED"]);
    expect(said[0]?.[1]).toMatch(/^\d\d:\d\d:\d\d: multicast of bob .* any more, after 4 min 0 s$/);
    expect(said[1]?.[1]).toMatch(/arrives again, after 2 min 0 s$/);
  });

  it("does not take weather for it, nor what never came, nor a peer that is gone", () => {
    const watch = new MulticastWatch(0);
    const silent = examination({
      unicast: [3, 0],
      discoveryGroup: [3, 0],
      namedGroup: [3, 0],
      defaultGroup: [3, 0],
    });
    const seen = [groups(3), groups(0), groups(3), groups(0), silent, silent, groups(3)];
    expect(seen.flatMap((line) => watch.observe(1, line))).toEqual([]);
    const never = new MulticastWatch(0);
    expect([0, 0, 0, 0].flatMap((heard) => never.observe(1, groups(heard)))).toEqual([]);
  });
});
