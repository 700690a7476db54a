/** Groups on real hosts that lose datagrams, are cut off and are killed: everybody ends up equal. */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { daemonAnswers } from "../../src/api/client.js";
import { type HistoryLine, HistoryLineSchema } from "../../src/api/lines.js";
import { UdpchatError } from "../../src/errors.js";
import { pathsOf } from "../../src/store/paths.js";
import { buildBin, eventually, killDaemon } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { differenceOf, exportOf } from "../support/histories.js";
import { parseLines } from "../support/jsonLines.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

const NAMES = ["alice", "bob", "carol", "dave", "erin"];
const GROUP = "#converge";
const LINES = 500;
const LIMIT_MS = 240_000;
const PATIENCE_MS = 60_000;
const AWAY_MS = 50;
/** On a machine that does nothing else: 10 s after the end, 5 s after the mending. */
const MOST_AFTER_THE_END_MS = 30_000;
const MOST_AFTER_THE_MENDING_MS = 15_000;

describeOnNamespaces("a group on a bad network", () => {
  let users: LanUsers;
  let members: LanUser[];

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(NAMES.length);
    members = NAMES.map((name, i) => users.user(i, name));
    await Promise.all(members.map(start));
    await Promise.all(members.map(({ api }) => api.call("join", { group: GROUP })));
    await Promise.all(members.map((member) => sees(member, NAMES.length - 1)));
  }, LIMIT_MS);
  afterAll(() => users?.dispose());

  it(
    `${NAMES.length} x ${LINES} lines at 20 % loss, one cut off for 10 s, one killed and restarted`,
    async () => {
      const [, , , cut, killed] = members;
      if (cut === undefined || killed === undefined) return expect.unreachable();
      users.lan.setLoss(20);
      const talking = members.map((member) => talk(member, { lines: LINES, everyMs: 40 }));
      await delay(5_000);
      users.lan.partition([members.filter((member) => member !== cut).map(indexOf)]);
      await delay(4_000);
      await crash(killed);
      await delay(1_000);
      await start(killed);
      await delay(5_000);
      users.lan.partition([]);
      const said = (await Promise.all(talking)).flat();
      const tookMs = await untilEqual(members, said);
      tell(`equal ${Math.round(tookMs)} ms after the end of ${said.length} lines at 20 % loss`);
      await expectSameOutput(members, said);
      expect(tookMs).toBeLessThan(MOST_AFTER_THE_END_MS);
      return undefined;
    },
    LIMIT_MS,
  );

  it(
    "two against three for 30 s, both sides talking",
    async () => {
      users.lan.setLoss(0);
      users.lan.partition([
        [0, 1],
        [2, 3, 4],
      ]);
      const talking = members.map((member) => talk(member, { lines: 150, everyMs: 200 }));
      await delay(30_000);
      users.lan.partition([]);
      const said = (await Promise.all(talking)).flat();
      const tookMs = await untilEqual(members, said);
      tell(`equal ${Math.round(tookMs)} ms after the mending, ${said.length} lines said apart`);
      await expectSameOutput(members, said);
      expect(tookMs).toBeLessThan(MOST_AFTER_THE_MENDING_MS);
    },
    LIMIT_MS,
  );

  it(
    "last words that only one member received reach all the others from there",
    async () => {
      users.lan.setLoss(0);
      const [sender, witness, ...others] = members;
      if (sender === undefined || witness === undefined) return expect.unreachable();
      for (const { host } of others) host.block([sender.host.address]);
      const text = "these are my last words";
      await sender.api.call("say", { group: GROUP, text });
      await eventually(
        async () => await has(witness, text),
        () => "the witness to have it",
      );
      await crash(sender);
      const left = [witness, ...others];
      const tookMs = await untilEqual(left, [text]);
      tell(`last words were everywhere ${Math.round(tookMs)} ms after their author had ended`);
      await expectSameOutput(left, [text]);
      for (const { host } of others) host.block([]);
      await start(sender);
      return undefined;
    },
    LIMIT_MS,
  );

  it(
    "who is restarted has its group and its history, and repeats what it said before",
    async () => {
      users.lan.setLoss(0);
      const [restarted, ...others] = members;
      if (restarted === undefined) return expect.unreachable();
      await sees(restarted, others.length);
      users.lan.partition([others.map(indexOf)]);
      const mine = await talk(restarted, { lines: 20, everyMs: 5 });
      const theirs = (
        await Promise.all(others.map((other) => talk(other, { lines: 5, everyMs: 5 })))
      ).flat();
      const before = await linesOf(restarted);
      await crash(restarted);
      await start(restarted);
      expect(differenceOf(await linesOf(restarted), before)).toBeUndefined();
      const groups = await restarted.api.call("groups", {});
      expect(groups.map(({ group }) => group)).toContain(GROUP);
      for (const other of others) expect(await has(other, mine[0] ?? "")).toBe(false);
      users.lan.partition([]);
      const tookMs = await untilEqual(members, [...mine, ...theirs]);
      tell(`equal ${Math.round(tookMs)} ms after the restarted member was back`);
      await expectSameOutput(members, [...mine, ...theirs]);
      return undefined;
    },
    LIMIT_MS,
  );

  function indexOf(member: LanUser): number {
    return members.indexOf(member);
  }
});

async function start(member: LanUser): Promise<void> {
  const { code, stderr } = await member.run(["start"]);
  expect(code, stderr).toBe(0);
}

/** `kill -9`; resolves when its socket is silent. */
async function crash(member: LanUser): Promise<void> {
  killDaemon(member.home);
  await eventually(
    async () => !(await daemonAnswers(pathsOf(member.home).socket)),
    () => `the daemon of ${member.name} to end`,
  );
}

async function sees(member: LanUser, others: number): Promise<void> {
  await eventually(
    async () => {
      const lines = await member.api.call("groups", {});
      return lines.some((line) => line.type === "group" && line.members.length >= others);
    },
    () => `${member.name} to see the others`,
    PATIENCE_MS,
  );
}

/** Says so many lines, one after the other; the texts of those that were accepted. */
async function talk(
  member: LanUser,
  { lines, everyMs }: { readonly lines: number; readonly everyMs: number },
): Promise<string[]> {
  const startMs = performance.now();
  const said: string[] = [];
  for (let attempt = 0; said.length < lines; attempt += 1) {
    const text = `${member.name} ${Math.round(startMs)} ${attempt}`;
    try {
      await member.api.call("say", { group: GROUP, text });
      said.push(text);
    } catch (error) {
      // It was killed, and is started again.
      if (!(error instanceof UdpchatError) || error.code !== "DAEMON_NOT_RUNNING") throw error;
      await delay(AWAY_MS);
    }
    await delay(Math.max(0, startMs + said.length * everyMs - performance.now()));
  }
  return said;
}

async function linesOf({ api }: LanUser): Promise<HistoryLine[]> {
  return await exportOf(api, { group: GROUP });
}

async function has({ api }: LanUser, text: string): Promise<boolean> {
  const lines = await api.call("history", { group: GROUP, limit: 100 });
  return lines.some((line) => line.text === text);
}

/** How long it took from now until all histories are the same, and hold these texts. */
async function untilEqual(members: readonly LanUser[], texts: readonly string[]): Promise<number> {
  const startMs = performance.now();
  let difference: string | undefined;
  await eventually(
    async () => {
      const [first = [], ...others] = await Promise.all(members.map(linesOf));
      const held = new Set(first.map(({ text }) => text));
      const missing = texts.filter((text) => !held.has(text));
      difference = others
        .map((other) => differenceOf(first, other))
        .find((found) => found !== undefined);
      if (missing.length > 0) difference ??= `nobody has ${missing.length}, "${missing[0]}"`;
      return difference === undefined;
    },
    () => `equal histories: ${difference}`,
    PATIENCE_MS,
  );
  return performance.now() - startMs;
}

/** What the command line prints is the same everywhere, and holds each of these texts once. */
async function expectSameOutput(members: readonly LanUser[], texts: readonly string[]) {
  const argv = ["history", "--group", GROUP, "--limit", "10000", "--json"];
  const printed: HistoryLine[][] = [];
  for (const member of members) {
    const { code, stdout, stderr } = await member.run(argv);
    expect(code, stderr).toBe(0);
    const lines = parseLines(HistoryLineSchema, stdout);
    const shown = lines.map(({ text }) => text);
    expect(new Set(shown).size).toBe(shown.length);
    const held = new Set(shown);
    expect(texts.filter((text) => !held.has(text))).toEqual([]);
    printed.push(lines);
  }
  for (const other of printed) expect(differenceOf(printed[0] ?? [], other)).toBeUndefined();
}

function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}
