/** What is kept: messages that wait, what became of them, and the history; by the built program. */
import { existsSync, mkdirSync } from "node:fs";
import { PassThrough } from "node:stream";
import { afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  DeliveryLineSchema,
  type HistoryLine,
  HistoryLineSchema,
  ProgressLineSchema,
} from "../../src/api/lines.js";
import { pathsOf } from "../../src/store/paths.js";
import { type CliResult, runCli } from "../support/cliInProcess.js";
import { buildBin, CliWorld, eventually, killDaemon } from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";

beforeAll(() => buildBin());

let world: CliWorld;
beforeEach(() => (world = new CliWorld()));
afterEach(() => world.dispose());

/** They know each other. */
async function startBoth(): Promise<void> {
  await Promise.all([start("alice"), start("bob")]);
  await eventually(
    async () => (await world.run("alice", "peers")).stdout.includes("bob\t"),
    () => "alice to see bob",
  );
  await tellBob("hello");
}

async function tellBob(text: string): Promise<void> {
  expect(await world.run("alice", "send", "bob", text)).toMatchObject({ code: 0, stderr: "" });
}

async function start(user: string): Promise<void> {
  expect(await world.run(user, "start")).toMatchObject({ code: 0, stderr: "" });
}

async function stop(user: string): Promise<void> {
  expect((await world.run(user, "stop")).code).toBe(0);
}

async function history(user: string, ...argv: string[]): Promise<HistoryLine[]> {
  const { code, stdout, stderr } = await world.run(user, "history", "--json", ...argv);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return parseLines(HistoryLineSchema, stdout);
}

const texts = (lines: readonly HistoryLine[]): string[] => lines.map(({ text }) => text);

async function queue(user: string, ...argv: string[]): Promise<string> {
  const sent = await world.run(user, "send", ...argv, "--queue", "--timeout", "300ms", "--json");
  expect(sent).toMatchObject({ code: 0, stderr: "" });
  const [line] = parseLines(DeliveryLineSchema, sent.stdout);
  expect(line).toMatchObject({ status: "queued", rttMs: null, attempts: null });
  return line?.id ?? "";
}

/** A command of a user at a terminal, in this process. */
function atTerminal(user: string, argv: string[], onShown: (text: string) => void) {
  const keyboard = new PassThrough();
  const env = {
    UDPCHAT_HOME: world.home(user),
    UDPCHAT_INTERFACE: "lo",
    UDPCHAT_PORT: "0",
    UDPCHAT_DISCOVERY_PORT: String(world.discoveryPort),
  };
  let raise: () => void = () => undefined;
  const ended: Promise<CliResult> = runCli(argv, {
    env,
    typing: { keyboard, onShown },
    onStart: (raiser) => (raise = raiser),
  });
  return { ended, interrupt: () => raise() };
}

describe("a message to somebody who is away", () => {
  it("waits, survives kill -9 of the daemon, goes when he is back, and says so", async () => {
    await startBoth();
    await stop("bob");
    const id = await queue("alice", "bob", "call me");
    const waiting = { id, own: true, text: "call me", state: "queued", clientId: null };
    expect(await history("alice", "call")).toMatchObject([waiting]);
    killDaemon(world.home("alice"));
    const [queued] = parseLines(
      HistoryLineSchema,
      (await world.run("alice", "outbox", "--json")).stdout,
    );
    expect(queued).toMatchObject({ ...waiting, to: { name: "bob" } });
    const lifeMs = Date.parse(queued?.expiresAt ?? "") - Date.parse(queued?.sentAt ?? "");
    expect(lifeMs).toBeGreaterThan(6.9 * 86_400_000);
    expect(lifeMs).toBeLessThan(7.1 * 86_400_000);

    await start("alice");
    const listener = world.spawn("alice", "listen", "--json");
    await listener.prints(/"ready"/);
    await start("bob");
    await listener.prints(/"delivery"/);
    listener.kill("SIGINT");
    await listener.ended();
    const progress = listener.stdout.split("\n").filter((line) => line.includes('"delivery"'));
    expect(parseLines(ProgressLineSchema, progress.join("\n"))).toMatchObject([
      { id, status: "delivered", to: { name: "bob" } },
    ]);
    expect(await history("alice", "call")).toMatchObject([
      {
        id,
        state: "delivered",
        expiresAt: null,
        receipts: [{ peer: { name: "bob" }, status: "delivered" }],
      },
    ]);
    expect(await history("bob", "call")).toMatchObject([
      { id, own: false, state: "unread", from: { name: "alice" }, receipts: [] },
    ]);
    expect(await world.run("alice", "outbox")).toMatchObject({
      stdout: "",
      stderr: "nothing is queued\n",
    });
  });

  it("is not called queued where it cannot be stored, and no daemon holds it", async () => {
    mkdirSync(pathsOf(world.home("alice")).databaseFile, { recursive: true });
    const sent = await world.run(
      "alice",
      ...["send", "127.0.0.1:9", "later", "--queue", "--timeout", "300ms", "--json"],
    );
    expect(sent.code).toBe(1);
    expect(sent.stdout).toContain('"code":"STORE_UNUSABLE"');
    expect(sent.stdout).not.toContain('"queued"');
    expect((await world.run("alice", "outbox")).stdout).toBe("");
  });

  it("is given up when its time is over, which is said loudly", async () => {
    await startBoth();
    await stop("bob");
    const listener = world.spawn("alice", "listen");
    await listener.prints(/listening/);
    const id = await queue("alice", "bob", "soon too late", "--ttl", "1s");
    await listener.prints(/given up/);
    listener.kill("SIGINT");
    await listener.ended();
    expect(listener.stdout).toContain(`* message ${id.slice(-8)} to bob is given up: `);
    expect(await history("alice", "soon too late")).toMatchObject([{ id, state: "undelivered" }]);
    expect((await world.run("alice", "outbox")).stdout).toBe("");
  });

  it("can be dropped, once", async () => {
    await startBoth();
    await stop("bob");
    const id = await queue("alice", "bob", "never mind");
    const outbox = await world.run("alice", "outbox");
    expect(outbox.stdout).toMatch(new RegExp(`^${id}\tbob\t\\S+Z\t\\S+Z\tnever mind\n$`));
    const listener = world.spawn("alice", "listen");
    await listener.prints(/listening/);
    const dropped = await world.run("alice", "outbox", "drop", id.slice(-4));
    expect(dropped).toMatchObject({
      code: 0,
      stdout: `${id.slice(-8)} to bob is dropped: never mind\n`,
    });
    await listener.prints(/given up/);
    listener.kill("SIGINT");
    await listener.ended();
    expect(await history("alice", "never mind")).toMatchObject([{ id, state: "undelivered" }]);
    const again = await world.run("alice", "outbox", "drop", id.slice(-4));
    expect(again).toMatchObject({ code: 2, stdout: "" });
    expect(again.stderr).toContain("no queued message has the id");
    await start("bob");
    await tellBob("after it");
    expect(texts(await history("bob", "never mind"))).toEqual([]);
  });
});

describe("an id that was chosen", () => {
  it("makes a repeated send one message, and stands for one text", async () => {
    await startBoth();
    const send = (...argv: string[]): Promise<CliResult> =>
      world.run("alice", "send", "bob", ...argv, "--id", "backup-1", "--json");
    const [first] = parseLines(DeliveryLineSchema, (await send("backup done")).stdout);
    const [second] = parseLines(DeliveryLineSchema, (await send("backup done")).stdout);
    expect(first).toMatchObject({ status: "delivered" });
    expect(second?.id).toBe(first?.id);
    expect(second?.status).toBe("delivered");
    expect(await history("bob", "backup done")).toHaveLength(1);
    expect(await history("alice", "backup done")).toMatchObject([{ clientId: "backup-1" }]);
    expect((await send("another text")).code).toBe(2);
  });
});

describe("who reads", () => {
  it("is told to the author when it was on a terminal, and not before", async () => {
    await startBoth();
    const listener = world.spawn("alice", "listen", "--json");
    await listener.prints(/"ready"/);
    await tellBob("read me");
    expect(await history("bob", "read me")).toMatchObject([{ state: "unread" }]);
    expect((await world.run("bob", "history", "read me")).stdout).toContain("\tunread\tread me\n");
    expect(await history("alice", "read me")).toMatchObject([{ state: "delivered" }]);
    const shown = await atTerminal("bob", ["history", "read me"], () => undefined).ended;
    expect(shown.stdout).toContain("read me");
    await listener.prints(/"status":"read"/);
    listener.kill("SIGINT");
    await listener.ended();
    expect(await history("alice", "read me")).toMatchObject([
      { state: "read", receipts: [{ peer: { name: "bob" }, status: "read" }] },
    ]);
    expect(await history("bob", "read me")).toMatchObject([{ state: "read" }]);
  });

  it("is told by the next daemon where none runs", async () => {
    await startBoth();
    await tellBob("read me later");
    await stop("bob");
    const shown = await atTerminal("bob", ["history", "read me later"], () => undefined).ended;
    expect(shown.stdout).toContain("read me later");
    expect(await history("bob", "read me later")).toMatchObject([{ state: "read" }]);
    expect(await history("alice", "read me later")).toMatchObject([{ state: "delivered" }]);
    await start("bob");
    await eventually(
      async () => (await history("alice", "read me later"))[0]?.state === "read",
      () => "the receipt",
    );
  });

  it("listens at a terminal", async () => {
    await startBoth();
    let shown = "";
    const bob = atTerminal("bob", ["listen"], (text) => (shown += text));
    await eventually(
      () => shown.includes("listening"),
      () => shown,
    );
    await tellBob("look here");
    await eventually(
      async () => (await history("alice", "look here"))[0]?.state === "read",
      () => `the receipt after ${shown}`,
    );
    bob.interrupt();
    expect((await bob.ended).code).toBe(130);
  });
});

describe("the history", () => {
  it("is searched, filtered and exported, also in Chinese", async () => {
    await startBoth();
    for (const text of ["今天午饭吃什么", "one", "two", "three"]) await tellBob(text);
    expect((await world.run("alice", "say", "#ops", "the Build is green")).code).toBe(0);
    expect(texts(await history("bob", "午饭"))).toEqual(["今天午饭吃什么"]);
    expect(texts(await history("bob", "--peer", "alice", "午饭"))).toEqual(["今天午饭吃什么"]);
    expect(texts(await history("alice", "green build"))).toEqual(["the Build is green"]);
    expect(await history("alice", "--group", "#ops")).toMatchObject([
      { scope: "group", group: "#ops", own: true, to: null, state: "sent" },
    ]);
    const all = await history("alice", "--since", "1h");
    expect(all.length).toBeGreaterThan(5);
    expect(await history("alice", "--limit", "2")).toEqual(all.slice(-2));
    expect(await history("alice", "--since", "2099-01-01")).toEqual([]);
    expect((await world.run("alice", "history", "--peer", "nobody")).code).toBe(3);
    const none = await world.run("alice", "history", "xyzzy");
    expect(none).toEqual({ code: 0, stdout: "", stderr: "nothing was found\n" });

    const exported = await world.run("alice", "export");
    expect(exported.code).toBe(0);
    const lines = parseLines(HistoryLineSchema, exported.stdout);
    expect(lines).toHaveLength(all.length);
    expect(new Set(texts(lines))).toEqual(new Set(texts(all)));
    const ofGroup = await world.run("alice", "export", "--group", "#ops");
    expect(texts(parseLines(HistoryLineSchema, ofGroup.stdout))).toEqual(["the Build is green"]);
  });

  it("is the same without a daemon", async () => {
    await startBoth();
    for (const text of ["one", "two"]) await tellBob(text);
    expect((await world.run("alice", "say", "#ops", "three")).code).toBe(0);
    const before = await history("alice");
    const asText = await world.run("alice", "history");
    const exported = await world.run("alice", "export");
    await stop("alice");
    expect(texts(await history("alice"))).toEqual(texts(before));
    expect(await world.run("alice", "history")).toEqual(asText);
    const withoutPeers = (text: string): string[] =>
      parseLines(HistoryLineSchema, text).map(({ id, state }) => `${id} ${state}`);
    expect(withoutPeers((await world.run("alice", "export")).stdout)).toEqual(
      withoutPeers(exported.stdout),
    );
  });
});

describe("without a daemon", () => {
  it("a message is stored, and goes when one runs", async () => {
    await startBoth();
    await Promise.all([stop("alice"), stop("bob")]);
    const sent = await world.run(
      "alice",
      "send",
      "bob",
      "from the shell",
      "--queue",
      "--timeout",
      "300ms",
    );
    expect(sent.stdout).toMatch(/^queued for bob, message [0-9a-f]{8}\n$/);
    expect(sent.stderr).toBe("no daemon runs here: it goes when one does (`udpchat start`)\n");
    expect(sent.code).toBe(0);
    await Promise.all([start("alice"), start("bob")]);
    await eventually(
      async () => (await history("alice", "from the shell"))[0]?.state === "delivered",
      () => "the delivery",
    );
    expect(await history("bob", "from the shell")).toHaveLength(1);
  });

  it("a message to nobody that is known is not queued", async () => {
    const sent = await world.run("alice", "send", "stranger", "x", "--queue", "--timeout", "2s");
    expect(sent).toMatchObject({ code: 3, stdout: "" });
  });
});

describe("a group", () => {
  it("gives those who come later what was said, in the same order", async () => {
    await startBoth();
    const alice = world.spawn("alice", "join", "#late", "--json");
    await alice.prints(/"group"/);
    for (const text of ["one", "two", "three"]) alice.type(`${text}\n`);
    await eventually(
      async () => (await history("alice", "--group", "#late")).length === 3,
      () => "three lines",
    );
    const bob = world.spawn("bob", "join", "#late");
    await bob.prints(/three/);
    // Somebody who comes within moments may be taken for one who was there: then nothing is late.
    expect(bob.stdout).toMatch(
      /:\d\d alice( \(earlier\))?: one\n.* alice\1: two\n.* alice\1: three\n/,
    );
    const lines = async (user: string): Promise<string[]> =>
      (await history(user, "--group", "#late")).map(({ id, text }) => `${id} ${text}`);
    expect(await lines("bob")).toEqual(await lines("alice"));
    expect((await world.run("alice", "groups")).stdout).toMatch(
      /^#late\t\S+\t2\tno\tno\t(multicast|mixed|unicast)\n$/,
    );
    alice.endInput("");
    bob.endInput("");
    await Promise.all([alice.ended(), bob.ended()]);
  });
});

describe("--store memory", () => {
  it("keeps messages until the daemon ends, and none on the disk", async () => {
    expect((await world.run("carol", "start", "--store", "memory")).code).toBe(0);
    const dave = world.spawn("dave", "listen");
    await dave.prints(/listening as dave on port (\d+)/);
    const [, port = ""] = /on port (\d+)/.exec(dave.stderr) ?? [];
    expect((await world.run("carol", "send", `127.0.0.1:${port}`, "off the record")).code).toBe(0);
    expect(texts(await history("carol"))).toEqual(["off the record"]);
    await stop("carol");
    expect(existsSync(pathsOf(world.home("carol")).databaseFile)).toBe(false);
    expect(await history("carol")).toEqual([]);
    dave.kill("SIGINT");
    await dave.ended();
    expect(texts(await history("dave"))).toEqual(["off the record"]);
  });
});
