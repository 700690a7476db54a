/** The built program, with daemons in temporary homes on the loopback interface. */
import { createSocket } from "node:dgram";
import { existsSync, readdirSync } from "node:fs";
import process from "node:process";
import * as v from "valibot";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ChatLineSchema,
  DeliveryLineSchema,
  EventLineSchema,
  GroupLineSchema,
  IdLineSchema,
  PeerLineSchema,
  ReplyLineSchema,
  SentLineSchema,
  StatusLineSchema,
  StoppedLineSchema,
} from "../../src/api/lines.js";
import { pathsOf } from "../../src/store/paths.js";
import {
  BIN,
  buildBin,
  CliWorld,
  eventually,
  killDaemon,
  RunningCommand,
} from "../support/cliWorld.js";
import { parseLines } from "../support/jsonLines.js";

beforeAll(() => buildBin());

function parseLine<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S> {
  const [line, ...others] = parseLines(schema, text);
  expect(others).toEqual([]);
  return line;
}

describe("the life of a daemon", () => {
  const world = new CliWorld();
  afterAll(() => world.dispose());

  it("starts, tells its status, refuses a second one, and stops without a trace", async () => {
    const started = await world.run("alice", "start");
    expect(started).toMatchObject({ code: 0, stderr: "" });
    expect(started.stdout).toMatch(/^running: pid \d+, port \d+\n$/);
    const status = parseLine(
      StatusLineSchema,
      (await world.run("alice", "status", "--json")).stdout,
    );
    expect(status).toMatchObject({ name: "alice", discoveryPort: world.discoveryPort });
    expect((await world.run("alice", "status")).stdout).toContain(`running: pid ${status.pid}\n`);

    const second = await world.run("alice", "start");
    expect(second.code).toBe(6);
    expect(second.stderr).toContain(`process id ${status.pid}`);
    expect((await world.run("alice", "daemon")).code).toBe(6);

    expect(await world.run("alice", "stop")).toEqual({
      code: 0,
      stdout: `stopped: pid ${status.pid}\n`,
      stderr: "",
    });
    await eventually(
      () => !existsSync(pathsOf(world.home("alice")).pidFile),
      () => "the pid file to go",
    );
    const left = readdirSync(world.home("alice")).filter((name) => !name.startsWith("udpchat.db"));
    expect(left.toSorted()).toEqual(["identity.json", "run", "udpchat.log"]);
    expect((await world.run("alice", "status")).code).toBe(6);
  });

  it("starts again after kill -9, as the same device", async () => {
    const id = async () =>
      parseLine(IdLineSchema, (await world.run("bob", "id", "--json")).stdout).id;
    expect((await world.run("bob", "start")).code).toBe(0);
    const before = await id();
    killDaemon(world.home("bob"));
    expect((await world.run("bob", "start")).stdout).toMatch(/^running: /);
    expect(await id()).toBe(before);
    expect((await world.run("bob", "stop")).code).toBe(0);
  });

  it("takes another port if the wanted one is taken, and says so", async () => {
    const first = parseLine(StatusLineSchema, (await world.run("alice", "start", "--json")).stdout);
    const second = await world.run("bob", "start", "--port", String(first.port));
    expect(second.stdout).toMatch(/^running: pid \d+, port \d+ \(the wanted port was taken\)\n$/);
    await Promise.all([world.run("alice", "stop"), world.run("bob", "stop")]);
  });

  it.runIf(existsSync("/usr/bin/script"))("logs for people on a terminal", async () => {
    const env = `UDPCHAT_HOME=${world.home("tty")} UDPCHAT_NAME=tty UDPCHAT_INTERFACE=lo UDPCHAT_PORT=0`;
    const discoveryPort = `UDPCHAT_DISCOVERY_PORT=${world.discoveryPort}`;
    const line = `${env} ${discoveryPort} ${process.execPath} ${BIN} daemon`;
    const daemon = new RunningCommand(["-qec", line, "/dev/null"], {}, "/usr/bin/script");
    try {
      await daemon.prints(/INFO.*ready/);
    } finally {
      await world.run("tty", "stop");
    }
    expect(await daemon.ended()).toBe(0);
  });

  it("says that it stopped to whoever depends on it", async () => {
    await world.run("dave", "start");
    const commands = [["listen"], ["join", "#ops"], ["serve", "--exec", "cat"]].map((argv) =>
      world.spawn("dave", ...argv),
    );
    const [listen, join, serve] = commands;
    await listen?.prints(/listening as/);
    await join?.prints(/you joined/);
    await serve?.prints(/serving as/);
    const stopped = await world.run("dave", "stop", "--json");
    expect(parseLine(StoppedLineSchema, stopped.stdout).pid).toBeGreaterThan(0);
    for (const command of commands) {
      expect(await command.ended()).toBe(6);
      expect(command.stderr).toContain(
        "udpchat: the daemon was stopped: start it with `udpchat start`\n",
      );
    }
  });

  it("runs in the foreground until it is asked to stop", async () => {
    const daemon = world.spawn("carol", "daemon");
    await daemon.prints(/"msg":"ready"/);
    daemon.kill("SIGTERM");
    expect(await daemon.ended()).toBe(0);
    expect(daemon.stdout).toBe("");
    expect(existsSync(pathsOf(world.home("carol")).socket)).toBe(false);
  });
});

describe("two users with daemons", () => {
  const world = new CliWorld();
  beforeAll(async () => {
    await world.run("alice", "start");
    await world.run("bob", "start");
    for (const [user, other] of [
      ["alice", "bob"],
      ["bob", "alice"],
    ] as const) {
      await eventually(
        async () => (await world.run(user, "peers")).stdout.includes(other),
        () => `${user} to know ${other}`,
      );
    }
  });
  afterAll(() => world.dispose());

  it("see each other", async () => {
    const discovered = await world.run("alice", "discover", "--json", "--timeout", "300ms");
    expect(discovered.code).toBe(0);
    const [bob] = parseLines(PeerLineSchema, discovered.stdout);
    expect(bob).toMatchObject({ name: "bob", state: "online", address: "127.0.0.1" });
    const peers = parseLines(PeerLineSchema, (await world.run("bob", "peers", "--json")).stdout);
    expect(peers.map(({ name }) => name)).toEqual(["alice"]);
    expect((await world.run("bob", "peers")).stdout).toMatch(/^alice\t127\.0\.0\.1:\d+\tonline\t/);
  });

  it("send to each other", async () => {
    const listener = world.spawn("bob", "listen", "--json");
    await listener.prints(/"ready"/);
    const delivered = await world.run("alice", "send", "--json", "bob", "hello\n世界");
    expect(parseLine(DeliveryLineSchema, delivered.stdout)).toMatchObject({
      status: "delivered",
      to: { name: "bob" },
    });
    const text = world.spawn("alice", "send", "bob", "-");
    text.endInput("from a pipe\n");
    expect(await text.ended()).toBe(0);
    expect(text.stdout).toMatch(/^delivered to bob \(127\.0\.0\.1:\d+\) in [\d.]+ ms\n$/);
    await listener.prints(/from a pipe/);
    listener.kill("SIGINT");
    expect(await listener.ended()).toBe(130);
    const texts = parseLines(EventLineSchema, listener.stdout).flatMap((line) =>
      line.type === "message" ? [line.text] : [],
    );
    expect(texts).toEqual(["hello\n世界", "from a pipe\n"]);
  });

  it("ask and answer", async () => {
    expect(await world.run("alice", "ask", "bob", "anybody?")).toMatchObject({
      code: 5,
      stdout: "",
    });
    const exec =
      'if [ "$(cat)" = fail ]; then echo no >&2; exit 1; fi; echo "hi $UDPCHAT_FROM_NAME"';
    const server = world.spawn("bob", "serve", "--exec", exec);
    await server.prints(/serving as bob/);
    expect(await world.run("alice", "ask", "bob", "hello")).toEqual({
      code: 0,
      stdout: "hi alice\n",
      stderr: "",
    });
    const reply = await world.run("alice", "ask", "bob", "hello", "--json");
    expect(parseLine(ReplyLineSchema, reply.stdout)).toMatchObject({ text: "hi alice" });
    const failed = await world.run("alice", "ask", "bob", "fail");
    expect(failed.code).toBe(5);
    expect(failed.stderr).toContain("no");
    const newer = world.spawn("bob", "serve", "--exec", "true");
    expect(await server.ended()).toBe(5);
    expect(server.stderr).toContain("another program answers the requests now: end it first\n");
    newer.kill("SIGTERM");
    expect(await newer.ended()).toBe(130);
  });

  it("chat in a group through pipes, and everything typed arrives", async () => {
    const bob = world.spawn("bob", "join", "#ops");
    await bob.prints(/you joined #ops \(1 online\)/);
    expect(bob.stderr).toContain("anyone on this network can read this group");
    const alice = world.spawn("alice", "join", "#ops", "--json");
    await bob.prints(/\* alice joined \(2 online\)/);
    bob.type("hello alice\n");
    await alice.prints(/hello alice/);
    const typed = Array.from({ length: 50 }, (_, index) => `line ${index}`);
    alice.endInput(`${typed.join("\n\n")}\nlast without newline`);
    expect(await alice.ended()).toBe(0);
    await bob.prints(/\* alice left \(1 online\)/);
    bob.kill("SIGINT");
    expect(await bob.ended()).toBe(130);
    const heard = [...bob.stdout.matchAll(/^\d\d:\d\d alice: (.*)$/gm)].map(([, text]) => text);
    expect(heard).toEqual([...typed, "last without newline"]);
    expect(parseLines(ChatLineSchema, alice.stdout)[0]).toMatchObject({ type: "group" });
  });

  it("go on chatting after lines that cannot be sent", async () => {
    const bob = world.spawn("bob", "join", "#ops");
    await bob.prints(/you joined/);
    const alice = world.spawn("alice", "join", "#ops");
    // Bob may know her of an earlier time in the group.
    await bob.prints(/alice (joined|is online)/);
    const long = Buffer.from(`${"x".repeat(65_537)}\n`);
    alice.endInput(Buffer.concat([long, Buffer.from([0xff, 0x0a]), Buffer.from("still here\r\n")]));
    expect(await alice.ended()).toBe(0);
    expect(alice.stderr).toContain("more than 65536 bytes");
    expect(alice.stderr).toContain("not UTF-8");
    await bob.prints(/alice: still here\n/);
    bob.endInput("");
    expect(await bob.ended()).toBe(0);
  });

  it("say something to a group in passing", async () => {
    const bob = world.spawn("bob", "join", "224.0.1.100");
    await bob.prints(/you joined/);
    const said = await world.run("alice", "say", "224.0.1.100", "in passing");
    expect(said).toMatchObject({ code: 0, stdout: "sent to 224.0.1.100\n" });
    await bob.prints(/alice: in passing/);
    bob.endInput("");
    expect(await bob.ended()).toBe(0);
  });

  it("stay members across restarts", async () => {
    const joined = await world.run("alice", "join", "#night", "--detach", "--json");
    expect(parseLine(GroupLineSchema, joined.stdout)).toMatchObject({
      group: "#night",
      standing: true,
    });
    await world.run("alice", "stop");
    await world.run("alice", "start");
    const groups = async () => (await world.run("alice", "groups", "--json")).stdout;
    expect(parseLine(GroupLineSchema, await groups())).toMatchObject({ group: "#night" });
    expect((await world.run("alice", "leave", "#night")).stdout).toBe("left #night\n");
    expect(await groups()).toBe("");
    expect((await world.run("alice", "leave", "#night")).code).toBe(2);
  });

  it("are told that flags change nothing while the daemon runs", async () => {
    const other = await world.run("alice", "id", "--name", "zoe");
    expect(other.code).toBe(0);
    expect(other.stdout).toContain(" alice\n");
    expect(other.stderr).toContain("--name changes nothing");
    expect((await world.run("alice", "id", "--name", "alice")).stderr).toBe("");
  });

  it("reach each other without a daemon of their own", async () => {
    const listener = world.spawn("bob", "listen");
    await listener.prints(/listening as bob/);
    expect((await world.run("carol", "send", "bob", "no daemon here")).code).toBe(0);
    await listener.prints(/carol: no daemon here/);
    // Whoever only passes by is in nobody's roster.
    expect((await world.run("bob", "discover", "--timeout", "200ms")).stdout).not.toContain(
      "carol",
    );
    listener.closeStdout();
    await world.run("carol", "send", "bob", "one");
    await world.run("carol", "send", "bob", "two");
    expect(await listener.ended()).toBe(0);
    expect(listener.stderr).not.toContain("EPIPE");
  });

  it("listen and chat without any daemon", async () => {
    const dave = world.spawn("dave", "join", "#bare");
    await dave.prints(/you joined/);
    const erin = world.spawn("erin", "join", "#bare");
    await dave.prints(/erin joined/);
    erin.endInput("good bye\n");
    await dave.prints(/erin: good bye/);
    expect(await erin.ended()).toBe(0);
    dave.endInput("");
    expect(await dave.ended()).toBe(0);
  });
});

describe("a user alone", () => {
  const world = new CliWorld();
  afterAll(() => world.dispose());

  it("discovers nobody", async () => {
    const { code, stdout, stderr } = await world.run("alice", "discover", "--timeout", "200ms");
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toMatch(/^udpchat: nobody answered: check .*\n$/);
  });

  it("finds no such peer", async () => {
    expect((await world.run("alice", "send", "nobody", "x")).code).toBe(3);
  });

  it("waits no longer than the timeout", async () => {
    const { code, stderr } = await world.run(
      "alice",
      "send",
      "127.0.0.1:9",
      "x",
      "--timeout",
      "200ms",
    );
    expect(code).toBe(4);
    expect(stderr).toMatch(
      /^udpchat: not delivered to 127\.0\.0\.1:9 within 200 ms: check that .*\n$/,
    );
    const json = await world.run("alice", "send", "127.0.0.1:9", "x", "--timeout=200ms", "--json");
    expect(json.code).toBe(4);
    expect(json.stderr).toContain("not delivered to 127.0.0.1:9");
    expect(parseLine(DeliveryLineSchema, json.stdout)).toMatchObject({
      status: "undelivered",
      to: { address: "127.0.0.1", port: 9 },
      rttMs: null,
      attempts: null,
    });
    expect((await world.run("alice", "ask", "127.0.0.1:9", "x", "--timeout", "200ms")).code).toBe(
      4,
    );
  });

  it("speaks plain text", async () => {
    const echo = createSocket("udp4");
    echo.on("message", (bytes, { address, port }) =>
      echo.send(`${bytes.toString()}, world\u001b[2J`, port, address),
    );
    await new Promise<void>((resolve) => echo.bind(0, "127.0.0.1", resolve));
    const target = `127.0.0.1:${echo.address().port}`;
    try {
      const plain = await world.run("alice", "send", "--plain", target, "hello", "--wait", "300ms");
      expect(plain).toEqual({ code: 0, stdout: `${target}: hello, world␛[2J\n`, stderr: "" });
      const json = await world.run(
        "alice",
        "send",
        "--plain",
        target,
        "x",
        "--wait",
        "300ms",
        "--json",
      );
      expect(parseLine(EventLineSchema, json.stdout)).toMatchObject({
        scope: "plain",
        verified: false,
        from: { id: null },
      });
    } finally {
      echo.close();
    }
    expect(await world.run("alice", "send", "--plain", "127.0.0.1:9", "x")).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
    const sent = await world.run("alice", "send", "--plain", "127.0.0.1:9", "x", "--json");
    expect(parseLine(SentLineSchema, sent.stdout)).toEqual({ type: "sent", id: null, group: null });
    const silent = ["send", "--plain", "127.0.0.1:9", "x", "--wait", "100ms"];
    expect((await world.run("alice", ...silent)).code).toBe(4);
  });

  it.runIf(existsSync("/dev/full"))("says that a result could not be written", async () => {
    const line = `UDPCHAT_HOME=${world.home("full")} UDPCHAT_INTERFACE=lo ${process.execPath} ${BIN} id >/dev/full`;
    const id = new RunningCommand(["-c", line], {}, "/bin/sh");
    expect(await id.ended()).toBe(1);
    expect(id.stderr).toMatch(/^udpchat: cannot write to standard output: no space left.*\n$/);
  });

  it("is interrupted in the middle of waiting", async () => {
    const send = world.spawn("bob", "send", "127.0.0.1:9", "x", "--timeout", "1m");
    await eventually(
      () => existsSync(pathsOf(world.home("bob")).identityFile),
      () => "an identity",
    );
    send.kill("SIGINT");
    expect(await send.ended()).toBe(130);
    expect(send.stderr).toBe("");
  });
});
