/** Who trusts whom: the built program, with daemons and without, on the loopback interface. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  DeliveryLineSchema,
  ErrorLineSchema,
  EventLineSchema,
  IdLineSchema,
  PeerLineSchema,
  ServeLineSchema,
  TrustLineSchema,
  VerificationLineSchema,
} from "../../src/api/lines.js";
import { BIN, buildBin, CliWorld, eventually, RunningCommand } from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";

const CODE = /^\d{5}( \d{5}){4}$/;
const WRONG = "00000 11111 22222 33333 44444";

beforeAll(() => buildBin());

/** The one line of a command that ends well. */
async function lineOf<S extends v.GenericSchema>(
  world: CliWorld,
  schema: S,
  user: string,
  ...argv: string[]
): Promise<v.InferOutput<S>> {
  const { code, stdout, stderr } = await world.run(user, ...argv, "--json");
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return v.parse(schema, JSON.parse(stdout));
}

async function idOf(world: CliWorld, user: string): Promise<string> {
  return (await lineOf(world, IdLineSchema, user, "id")).id;
}

function trustFile(world: CliWorld, user: string): string {
  return readFileSync(join(world.home(user), "trust.json"), "utf8");
}

describe.each([["with a daemon"], ["without one"]])("alice, %s", (how) => {
  const world = new CliWorld();
  let bobsId: string;
  beforeAll(async () => {
    await world.run("bob", "start");
    if (how === "with a daemon") {
      await world.run("alice", "start");
      await eventually(
        async () => (await world.run("alice", "peers")).stdout.includes("bob"),
        () => "alice to know bob",
      );
    }
    bobsId = await idOf(world, "bob");
  });
  afterAll(() => world.dispose());

  it("knows bob once she wrote to him", async () => {
    const before = await lineOf(world, PeerLineSchema, "alice", "discover");
    expect(before.trust).toBe("unknown");
    const { to } = await lineOf(world, DeliveryLineSchema, "alice", "send", "bob", "hello");
    expect(to).toMatchObject({ id: bobsId, trust: "known" });
    const after = await lineOf(world, PeerLineSchema, "alice", "discover");
    expect(after.trust).toBe("known");
    await eventually(
      () => trustFile(world, "alice").includes(bobsId),
      () => "the file to have it",
    );
  });

  it("writes to verified peers alone if that is asked for", async () => {
    for (const argv of [
      ["send", "bob", "secret"],
      ["ask", "bob", "secret"],
    ]) {
      const refused = await world.run("alice", ...argv, "--require-verified", "--json");
      expect(refused.code).toBe(5);
      const line = v.parse(ErrorLineSchema, JSON.parse(refused.stdout));
      expect(line.code).toBe("NOT_VERIFIED");
    }
    const plain = ["send", "--plain", "127.0.0.1:9", "x", "--require-verified"];
    expect((await world.run("alice", ...plain)).code).toBe(5);
  });

  it("verifies bob by the code that he sees", async () => {
    const shown = await world.run("alice", "verify", "bob");
    expect(shown.stdout.trim()).toMatch(CODE);
    const named = `bob~${bobsId.slice(0, 4)}`;
    expect(shown.stderr).toMatch(new RegExp(`^nothing is decided: .*udpchat verify ${named} CODE`));
    const { peer, code } = await lineOf(world, VerificationLineSchema, "alice", "verify", "bob");
    expect(peer).toMatchObject({ id: bobsId, trust: "known" });
    expect(code).toBe(shown.stdout.trim());
    const alicesId = await idOf(world, "alice");
    const asked = await lineOf(world, VerificationLineSchema, "bob", "verify", alicesId);
    expect(asked.code).toBe(code);

    const wrong = await world.run("alice", "verify", "bob", ...WRONG.split(" "));
    expect(wrong).toMatchObject({ code: 5, stdout: "" });
    expect(wrong.stderr).toContain("udpchat: THE CODES DIFFER: ");
    expect((await world.run("alice", "verify", "bob", "123")).code).toBe(2);
    const right = await world.run("alice", "verify", bobsId.slice(0, 8), ...code.split(" "));
    expect(right).toMatchObject({ code: 0, stdout: `bob (${bobsId.slice(0, 8)}) is verified\n` });
    const sent = await world.run("alice", "send", "bob", "secret", "--require-verified");
    expect(sent.code).toBe(0);
  });

  it("is not misled by somebody who calls himself Bob", async () => {
    await world.run("eve", "start", "--name", "Bob");
    const evesId = await idOf(world, "eve");
    await eventually(
      async () =>
        (await world.run("alice", "discover", "--timeout", "400ms")).stdout.includes(evesId),
      () => "eve to be seen",
    );
    const found = await world.run("alice", "discover", "--json");
    const trust = parseLines(PeerLineSchema, found.stdout).map(
      ({ id, trust: held }) => [id, held] as const,
    );
    expect(new Map(trust)).toEqual(
      new Map([
        [bobsId, "verified"],
        [evesId, "conflict"],
      ]),
    );
    const { to } = await lineOf(world, DeliveryLineSchema, "alice", "send", "bob", "for bob");
    expect(to.id).toBe(bobsId);
    const refused = await world.run("alice", "send", "Bob", "for Bob");
    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain("udpchat: Bob has another key than the one known here: ");
    expect(refused.stderr).toContain(`\`udpchat verify Bob~${evesId.slice(0, 4)}\``);
    const aware = await world.run("alice", "send", `Bob~${evesId.slice(0, 4)}`, "who are you?");
    expect(aware.code).toBe(0);
  });

  it("blocks eve, and takes it back", async () => {
    const evesId = await idOf(world, "eve");
    const eve = `Bob~${evesId.slice(0, 4)}`;
    expect((await world.run("alice", "block")).stderr).toBe("nobody is blocked\n");
    expect((await world.run("alice", "block", "alice")).code).toBe(2);
    expect((await world.run("alice", "block", "nobody")).code).toBe(3);
    const blocked = await lineOf(world, TrustLineSchema, "alice", "block", eve);
    expect(blocked).toMatchObject({ peer: { id: evesId }, trust: "blocked" });
    const listed = await lineOf(world, TrustLineSchema, "alice", "block");
    expect(listed).toMatchObject({ peer: { id: evesId, name: "Bob" }, trust: "blocked" });
    for (const target of [eve, evesId]) {
      const refused = await world.run("alice", "send", target, "x");
      expect(refused.code).toBe(5);
      expect(refused.stderr).toContain("is blocked here");
    }
    const found = await world.run("alice", "discover");
    expect(found.stdout).toContain(bobsId);
    expect(found.stdout).not.toContain(evesId);
    // That gives her no claim to the name.
    const taken = await lineOf(world, TrustLineSchema, "alice", "unblock", "Bob");
    expect(taken).toMatchObject({ peer: { id: evesId }, trust: "conflict" });
    expect((await world.run("alice", "unblock", "Bob")).code).toBe(3);
  });
});

describe("what arrives from others", () => {
  const world = new CliWorld();
  afterAll(() => world.dispose());

  it("is left out, and refused, by --require-verified", async () => {
    await world.run("alice", "start");
    await world.run("bob", "start");
    await world.run("eve", "start");
    for (const other of ["bob", "eve"]) {
      await eventually(
        async () => (await world.run("alice", "peers")).stdout.includes(other),
        () => `alice to know ${other}`,
      );
    }
    const { code } = await lineOf(world, VerificationLineSchema, "alice", "verify", "bob");
    await world.run("alice", "verify", "bob", code);
    const listen = world.spawn("alice", "listen", "--require-verified", "--json");
    const all = world.spawn("alice", "listen", "--json");
    const serve = world.spawn("alice", "serve", "--exec", "cat", "--json", "--require-verified");
    for (const command of [listen, all, serve]) await command.prints(/"ready"/);
    await world.run("eve", "send", "alice", "from eve");
    await world.run("bob", "send", "alice", "from bob");
    expect((await world.run("eve", "ask", "alice", "from eve")).code).toBe(5);
    const { stdout } = await world.run("bob", "ask", "alice", "from bob");
    expect(stdout).toBe("from bob\n");
    for (const command of [listen, all]) await command.prints(/from bob/);
    const [heard, everything] = [listen, all].map((command) =>
      parseLines(EventLineSchema, command.stdout).flatMap((line) =>
        line.type === "message" ? [[line.text, line.from.trust]] : [],
      ),
    );
    expect(heard).toEqual([["from bob", "verified"]]);
    expect(everything).toEqual([
      ["from eve", "unknown"],
      ["from bob", "verified"],
    ]);
    const asked = parseLines(
      v.union([ServeLineSchema, v.object({ type: v.string() })]),
      serve.stdout,
    );
    expect(asked.map(({ type }) => type)).toEqual(["ready", "request", "answered"]);
  });

  it("ends where another process of the same home blocks who sends it", async () => {
    const listen = world.spawn("dave", "listen");
    await listen.prints(/on port \d+/);
    const [, port = ""] = /on port (\d+)/.exec(listen.stderr) ?? [];
    const send = (text: string) =>
      world.run("mallory", "send", `127.0.0.1:${port}`, text, "--timeout", "500ms");
    expect((await send("before")).code).toBe(0);
    const id = await idOf(world, "mallory");
    await eventually(
      () => existsSync(join(world.home("dave"), "trust.json")),
      () => "dave's trust file",
    );
    expect((await world.run("dave", "block", id.slice(0, 8))).code).toBe(0);
    await eventually(
      async () => (await send("meanwhile")).code === 4,
      () => "the block to be in force",
    );
    await send("after");
    expect(listen.stdout).toContain("mallory: before");
    expect(listen.stdout).not.toContain("after");
  });

  it("names the damaged file, whatever the command", async () => {
    const file = join(world.home("carol"), "trust.json");
    await world.run("carol", "id");
    writeFileSync(file, "{");
    const { code, stderr } = await world.run("carol", "discover");
    expect(code).toBe(0);
    expect(stderr).toMatch(/^udpchat: .* was damaged: nobody is blocked or verified any more/);
    writeFileSync(file, "{");
    const listen = world.spawn("carol", "listen");
    await listen.prints(/listening as carol/);
    listen.kill("SIGINT");
    await listen.ended();
    expect(listen.stderr.match(/was damaged/g)).toHaveLength(1);
  });
});

describe.runIf(existsSync("/usr/bin/script"))("on a terminal", () => {
  const world = new CliWorld();
  beforeAll(() => world.run("bob", "start"));
  afterAll(() => world.dispose());

  function onTerminal(...argv: string[]): RunningCommand {
    const env = {
      UDPCHAT_HOME: world.home("alice"),
      UDPCHAT_NAME: "alice",
      UDPCHAT_INTERFACE: "lo",
      UDPCHAT_PORT: "0",
      UDPCHAT_DISCOVERY_PORT: String(world.discoveryPort),
      TERM: "xterm",
    };
    const line = [process.execPath, BIN, ...argv].join(" ");
    return new RunningCommand(["-qec", line, "/dev/null"], env, "/usr/bin/script");
  }

  it("id shows a QR code, and elsewhere one line alone", async () => {
    const id = onTerminal("id");
    expect(await id.ended()).toBe(0);
    expect(id.stdout).toContain("█▀");
    const { fingerprint } = await lineOf(world, IdLineSchema, "alice", "id");
    expect(fingerprint).toMatch(/^[0-9a-f]{4}( [0-9a-f]{4}){15}$/);
    expect(id.stdout).toContain(fingerprint);
    expect((await world.run("alice", "id")).stdout.split("\n")).toHaveLength(2);
  });

  it.each([
    ["n", "not verified", 5, "unknown"],
    ["", "not verified", 5, "unknown"],
    ["y", "is verified", 0, "verified"],
  ])("verify asks: %j", async (answer, outcome, code, trust) => {
    const verify = onTerminal("verify", "bob");
    await verify.prints(/see the same code\? \[y\/N\]/);
    verify.type(`${answer}\r`);
    await verify.prints(new RegExp(outcome));
    expect(await verify.ended()).toBe(code);
    const found = await lineOf(world, PeerLineSchema, "alice", "discover");
    expect(found.trust).toBe(trust);
  });
});
