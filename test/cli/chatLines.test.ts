/** `chat` in a pipe and for scripts: lines alone. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildBin, CliWorld, type RunningCommand } from "../support/cliWorld.js";

const world = new CliWorld();
beforeAll(async () => {
  await buildBin();
  for (const user of ["alice", "bob"]) expect((await world.run(user, "start")).code).toBe(0);
});
afterAll(() => world.dispose());

/** When it is there, and shows what comes in. */
async function chat(user: string, ...argv: string[]): Promise<RunningCommand> {
  const command = world.spawn(user, "chat", ...argv);
  await command.prints(argv.includes("--json") ? /"ready"/ : /talking with/);
  return command;
}

it("says what comes in, in its order, and leaves at its end", async () => {
  const bob = await chat("bob", "alice");
  const alice = await chat("alice", "bob");
  alice.endInput("one\n\ntwo\n");
  expect(await alice.ended()).toBe(0);
  // That they arrived goes without saying.
  expect(alice).toMatchObject({ stdout: "", stderr: "talking with bob\n" });
  await bob.prints(/alice: one\n\d\d:\d\d alice: two\n/);
  const carol = world.spawn("carol", "send", "bob", "I am not alice");
  expect(await carol.ended()).toBe(0);
  bob.type("and back\n");
  bob.endInput("");
  expect(await bob.ended()).toBe(0);
  expect(bob.stdout).not.toContain("not alice");
  const stored = await world.run("alice", "history", "--peer", "bob");
  expect(stored.stdout.split("\n").map((row) => row.split("\t").slice(1))).toEqual([
    ["you", "bob", "delivered", "one"],
    ["you", "bob", "delivered", "two"],
    ["bob", "you", "unread", "and back"],
    [],
  ]);
});

it("is JSON lines for a script", async () => {
  const bob = await chat("bob", "alice", "--json");
  const alice = await chat("alice", "bob", "--json");
  alice.type("hello\n");
  await bob.prints(/"text":"hello"/);
  bob.endInput("hello back\n");
  await alice.prints(/"text":"hello back"/);
  alice.endInput("");
  expect([await alice.ended(), await bob.ended()]).toEqual([0, 0]);
  const kinds = (stdout: string): unknown[] =>
    stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
  expect(kinds(alice.stdout)).toMatchObject([
    { type: "ready" },
    { type: "delivery", status: "delivered", to: { name: "bob" } },
    { type: "message", scope: "direct", text: "hello back", from: { name: "bob" } },
  ]);
  expect(kinds(bob.stdout)).toMatchObject([
    { type: "ready" },
    { type: "message", scope: "direct", text: "hello", from: { name: "alice" } },
    { type: "delivery", status: "delivered", to: { name: "alice" } },
  ]);
});

it("ends with 2 if a line was left out, and says the others", async () => {
  const bob = await chat("bob", "alice");
  const alice = await chat("alice", "bob");
  alice.endInput(`${"x".repeat(65_537)}\nthe next one\n`);
  expect(await alice.ended()).toBe(2);
  expect(alice.stderr).toContain("udpchat: a line of more than 65536 bytes is left out\n");
  await bob.prints(/alice: the next one\n/);
  bob.endInput("");
  expect(await bob.ended()).toBe(0);
});

it("keeps what somebody who is away does not get, and says so", async () => {
  expect((await world.run("bob", "stop")).code).toBe(0);
  const alice = await chat("alice", "bob", "--timeout", "50ms");
  alice.endInput("see you\n");
  expect(await alice.ended()).toBe(0);
  expect(alice.stdout).toMatch(/^(?:\* bob is offline.*\n)?queued for bob, message [0-9a-f]{8}\n$/);
});

it("without a daemon says at its end what still waits", async () => {
  const carol = await chat("carol", "127.0.0.1:9", "--timeout", "50ms");
  carol.endInput("one\ntwo\n");
  expect(await carol.ended()).toBe(0);
  expect(carol.stdout).toMatch(/^(?:queued for .*\n){2}$/);
  expect(carol.stderr).toMatch(/udpchat: 2 messages still wait here: .* udpchat start\n$/);
});

it("without a daemon queues nothing in memory, and ends with 4", async () => {
  const argv = ["127.0.0.1:9", "--store", "memory", "--timeout", "50ms"];
  const carol = await chat("carol", ...argv);
  carol.endInput("one\n");
  expect(await carol.ended()).toBe(4);
  expect(carol.stdout).toBe("");
  expect(carol.stderr).toMatch(/udpchat: not delivered to .* within 50 ms: .*udpchat start`\n$/);
});

it.each([
  ["nobody", [], 3, "nobody called nobody was found on this network"],
  ["#ops", [], 2, "#ops is a group"],
  [
    "bob",
    ["--require-verified"],
    5,
    "bob is not verified: compare codes first: udpchat verify bob",
  ],
  ["bob", ["--notify", "loud"], 2, '--notify: "loud" is not possible: use bell or desktop'],
])("chat %s %j ends with %d", async (peer, flags, code, words) => {
  const ended = await world.run("alice", "chat", peer, ...flags);
  expect(ended).toMatchObject({ code, stdout: "" });
  expect(ended.stderr).toContain(words);
});
