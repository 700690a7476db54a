/** The main job between real hosts: three namespaces on a bridge, no default route. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { PeerLineSchema } from "../../src/api/lines.js";
import { buildBin, eventually, type RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { parseLines } from "../support/jsonLines.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

describeOnNamespaces("three hosts without a default route", () => {
  let users: LanUsers;
  let alice: LanUser;
  let bob: LanUser;
  let carol: LanUser;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(4);
    alice = users.user(0, "alice");
    bob = users.user(1, "bob");
    carol = users.user(2, "carol");
    for (const user of [alice, bob, carol]) {
      expect(await user.run(["start"])).toMatchObject({ code: 0, stderr: "" });
    }
  });
  afterAll(() => users.dispose());

  it("have no default route", async () => {
    const routes = await alice.host.run("ip", ["route"]);
    expect(routes.stdout).not.toContain("default");
  });

  it("discover lists both others within 1 s, with address, port, name and round trip", async () => {
    const found = await alice.run(["discover", "--json", "--timeout", "1s"]);
    expect(found).toMatchObject({ code: 0, stderr: "" });
    const peers = parseLines(PeerLineSchema, found.stdout);
    const byName = new Map(peers.map((peer) => [peer.name, peer]));
    expect([...byName.keys()].toSorted()).toEqual(["bob", "carol"]);
    expect(byName.get("bob")).toMatchObject({ address: bob.host.address, port: 22400 });
    expect(byName.get("carol")).toMatchObject({ address: carol.host.address, port: 22400 });
    for (const { rttMs } of peers) expect(rttMs).toBeGreaterThan(0);
  });

  it("send to an address is delivered, and listen shows it once", async () => {
    const listener = bob.spawn("listen");
    await listener.prints(/listening as bob/);
    const sent = await alice.run(["send", `${bob.host.address}:22400`, "hello"]);
    expect(sent.code).toBe(0);
    expect(sent.stdout).toMatch(/^delivered to bob \(10\.77\.0\.2:22400\) in [\d.]+ ms\n$/);
    await listener.prints(/alice: hello/);
    // Whatever came twice would have come by the next delivery.
    await alice.run(["send", "bob", "the end"]);
    await listener.prints(/alice: the end/);
    expect(listener.stdout.match(/alice: hello/g)).toHaveLength(1);
    listener.kill("SIGINT");
    await listener.ended();
  });

  it("every line typed in a group appears on the others in order, with who comes and goes", async () => {
    const chats = [alice, bob, carol].map((user) => user.spawn("join", "224.0.1.100"));
    const [first, second, third] = chats;
    if (first === undefined || second === undefined || third === undefined) throw new Error();
    await Promise.all(chats.map((chat) => chat.prints(/\(3 online\)/)));
    const typed = Array.from({ length: 30 }, (_, i) => `line ${i}`);
    for (const text of typed) for (const chat of chats) chat.type(`${text}\n`);
    const all = [
      [first, "bob"],
      [first, "carol"],
      [second, "alice"],
      [second, "carol"],
      [third, "alice"],
      [third, "bob"],
    ] as const;
    for (const [chat, name] of all) {
      await chat.prints(new RegExp(`${name}: line 29\\n`));
      expect(linesFrom(chat, name)).toEqual(typed);
    }
    third.endInput("");
    expect(await third.ended()).toBe(0);
    for (const chat of [first, second]) await chat.prints(/\* carol left \(2 online\)/);
    for (const chat of [first, second]) chat.endInput("");
    await Promise.all([first.ended(), second.ended()]);
  });

  it("a fourth host without a daemon does the same three commands", async () => {
    const dave = users.user(3, "dave");
    const found = await dave.run(["discover"]);
    expect(found.code).toBe(0);
    for (const name of ["alice", "bob", "carol"]) expect(found.stdout).toContain(`${name}\t10.77`);
    const listener = carol.spawn("listen");
    await listener.prints(/listening/);
    expect((await dave.run(["send", "10.77.0.3:22400", "from dave"])).code).toBe(0);
    await listener.prints(/dave: from dave/);
    expect(listener.stdout).not.toContain("dave is online"); // who only passes by is in no roster
    const chat = dave.spawn("join", "224.0.1.100");
    const other = alice.spawn("join", "224.0.1.100");
    await other.prints(/\(2 online\)/);
    chat.type("hello from dave\n");
    await other.prints(/dave: hello from dave/);
    other.type("hello dave\n");
    await chat.prints(/alice: hello dave/);
    chat.endInput("");
    expect(await chat.ended()).toBe(0);
    await other.prints(/\* dave left \(1 online\)/);
    other.kill("SIGINT");
    listener.kill("SIGINT");
    await Promise.all([other.ended(), listener.ended()]);
  });

  it("two users on one host see each other, and both receive every group line", async () => {
    const annie = users.user(0, "annie");
    const started = await annie.run(["start"]);
    expect(started.code).toBe(0);
    expect(`${started.stdout}${started.stderr}`).toMatch(/port \d+ \(the wanted port was taken\)/);
    await eventually(
      async () => (await annie.run(["discover"])).stdout.includes("alice\t"),
      () => "annie to see alice",
    );
    expect((await alice.run(["discover"])).stdout).toContain("annie\t");
    const chats = [alice, annie, bob].map((user) => user.spawn("join", "#two"));
    await Promise.all(chats.map((chat) => chat.prints(/\(3 online\)/)));
    const typed = Array.from({ length: 20 }, (_, i) => `line ${i}`);
    chats[2]?.endInput(typed.join("\n"));
    for (const chat of chats.slice(0, 2)) {
      await chat.prints(/bob: line 19\n/);
      expect(linesFrom(chat, "bob")).toEqual(typed);
    }
    chats[0]?.type("hello annie\n");
    await chats[1]?.prints(/alice: hello annie/);
    for (const chat of chats) chat.kill("SIGINT");
    await annie.run(["stop"]);
  });

  it("send to a host that is down exits 4 after the timeout", async () => {
    const { code, stderr } = await alice.run([
      "send",
      "10.77.0.99:22400",
      "x",
      "--timeout",
      "500ms",
    ]);
    expect(code).toBe(4);
    expect(stderr).toMatch(/^udpchat: .*10\.77\.0\.99:22400.*500 ms.*\n$/);
  });

  it.each([
    [["send", "10.77.0.2:99999", "x"], /99999/],
    [["send", "", "x"], /peer|target/i],
    [["join", "192.168.1.1"], /multicast/],
    [["join", "224.0.1.100:0"], /port/],
    [["discover", "--name", "x".repeat(40)], /name/],
    [["send", "bob", "x", "--timeout", "soon"], /duration|soon/],
  ])("%j exits 2 and says what is wrong", async (argv, reason) => {
    const { code, stderr } = await users.user(3, "erin").run(argv);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^udpchat: .*\n$/);
    expect(stderr).toMatch(reason);
  });

  it("a text of 64 KiB is sent, one byte more is refused with a sentence", async () => {
    const fits = await alice.run(["send", "bob", "-"], "x".repeat(65_536));
    expect(fits.code).toBe(0);
    const tooMuch = await alice.run(["send", "bob", "-"], "x".repeat(65_537));
    expect(tooMuch.code).toBe(2);
    expect(tooMuch.stderr).toMatch(/^udpchat: .*65,?536.*\n$/);
  });

  it("nc sends a plain, unverified message", async () => {
    const listener = bob.spawn("listen");
    await listener.prints(/listening/);
    await alice.host.run("sh", ["-c", "printf hello | nc -u -w1 10.77.0.2 22400"]);
    await listener.prints(/10\.77\.0\.1:\d+ \(plain, unverified\): hello/);
    expect(listener.stdout.match(/: hello/g)).toHaveLength(1);
    listener.kill("SIGINT");
    await listener.ended();
  });

  it("speaks to a ten-line dgram server in plain text", async () => {
    const script = join(bob.home, "world.cjs");
    writeFileSync(
      script,
      `const socket = require("node:dgram").createSocket("udp4");
       socket.on("message", (_, { port, address }) => socket.send("world", port, address));
       socket.bind(9999, () => console.log("up"));`,
    );
    const server = bob.host.spawn(process.execPath, [script]);
    await new Promise((resolve) => server.stdout.once("data", resolve));
    const replied = await alice.run(["send", "--plain", "10.77.0.2:9999", "hello", "--wait", "1s"]);
    expect(replied).toEqual({ code: 0, stdout: "10.77.0.2:9999: world\n", stderr: "" });
    server.kill();
  });

  it("join with a port shows plain datagrams to the group", async () => {
    const chat = carol.spawn("join", "224.0.1.100:8000");
    await chat.prints(/you joined/);
    // Without a route for multicast, a plain program has to name its interface.
    const sender = `const socket = require("node:dgram").createSocket("udp4");
      socket.bind(0, "10.77.0.1", () => {
        socket.setMulticastInterface("10.77.0.1");
        socket.send("plain to all", 8000, "224.0.1.100", () => socket.close());
      });`;
    await alice.host.run(process.execPath, ["-e", sender]);
    await chat.prints(/10\.77\.0\.1:\d+ \(plain, unverified\): plain to all/);
    expect(chat.stdout.match(/plain to all/g)).toHaveLength(1);
    chat.kill("SIGINT");
    await chat.ended();
  });

  it("stop says goodbye to the network", async () => {
    expect((await carol.run(["stop"])).code).toBe(0);
    const aliceSees = async () => (await alice.run(["peers"])).stdout;
    await eventually(
      async () => /carol\t.*\toffline/.test(await aliceSees()),
      () => "carol to be offline",
    );
    expect(await aliceSees()).toMatch(/bob\t.*\tonline/);
  });

  it("nobody there: discover exits 3", async () => {
    const alone = users.lan.addHost({ connected: false });
    const frank = users.user(users.lan.hosts.indexOf(alone), "frank");
    expect((await frank.run(["discover"])).code).toBe(3);
  });
});

function linesFrom(chat: RunningCommand, name: string): string[] {
  const lines = chat.stdout.matchAll(new RegExp(`^\\d\\d:\\d\\d ${name}: (.*)$`, "gm"));
  return [...lines].map(([, text = ""]) => text);
}
