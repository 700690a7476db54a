/** What somebody who records the whole LAN can read, and what saying it again brings him. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { DatagramType } from "../../src/wire/constants.js";
import { datagramType } from "../../src/wire/header.js";
import { AttackerHost } from "../support/attackerHost.js";
import { Capture, type CapturedDatagram, udpDatagrams } from "../support/capture.js";
import { buildBin, eventually, RunningCommand } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

const WINDOW_BYTES = 8;
const SETTLE_MS = 1_000;
const LIMIT_MS = 60_000;
const ANYBODY_CAN_READ = /any(body|one) on this network can read/i;
const { handshakeInit, handshakeResponse, handshakeFinish, sealed } = DatagramType;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A text that nothing contains by chance, and no option: it begins with a letter. */
function marker(): string {
  return `m${randomBytes(48).toString("base64url")}`;
}

/** How many windows of the text, 8 bytes wide, are somewhere in the capture. */
function windowsSeen(capture: Buffer, text: string): number {
  const bytes = Buffer.from(text);
  let seen = 0;
  for (let at = 0; at + WINDOW_BYTES <= bytes.length; at += 1) {
    if (capture.includes(bytes.subarray(at, at + WINDOW_BYTES))) seen += 1;
  }
  return seen;
}

function ofType(datagrams: readonly CapturedDatagram[], ...types: number[]): CapturedDatagram[] {
  return datagrams.filter(({ payload }) => types.includes(datagramType(payload) ?? -1));
}

describeOnNamespaces("a capture of the whole LAN", () => {
  let users: LanUsers;
  let alice: LanUser;
  let bob: LanUser;
  let carol: LanUser;
  let attacker: AttackerHost;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(4);
    alice = users.user(0, "alice-of-the-long-name");
    bob = users.user(1, "bob-of-the-long-name");
    carol = users.user(2, "carol-of-the-long-name");
    attacker = await AttackerHost.start(
      users.lan.host(3),
      [{ address: users.lan.host(3).address, port: 22400 }],
      1,
    );
    for (const user of [alice, bob]) {
      const started = await user.run(["start"]);
      expect(started.code, started.stderr).toBe(0);
    }
  });
  afterAll(async () => {
    await attacker.stop();
    await users.dispose();
  });

  /** Two members of a group, and what one of them says in it. */
  async function chat(group: readonly string[], text: string, env: Record<string, string> = {}) {
    const chats = [alice, bob].map((user) => spawnWith(user, env, ["join", ...group]));
    await Promise.all(chats.map((one) => one.prints(/\(2 online\)/)));
    chats[0]?.type(`${text}\n`);
    await chats[1]?.prints(new RegExp(text));
    for (const one of chats) one.endInput("");
    await Promise.all(chats.map((one) => one.ended()));
    return chats;
  }

  function spawnWith(user: LanUser, env: Record<string, string>, argv: readonly string[]) {
    const setting = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const words = ["env", `UDPCHAT_HOME=${user.home}`, `UDPCHAT_NAME=${user.name}`, ...setting];
    const inNamespace = ["netns", "exec", user.host.namespace, ...words, process.execPath];
    return new RunningCommand([...inNamespace, "bin/udpchat.js", ...argv], {}, "ip");
  }

  it(
    "holds nothing of what was sent, asked and said in secret, and all that was said in the open",
    async () => {
      const [text, question, reply, back, secret, open] = Array.from({ length: 6 }, marker);
      const capture = await Capture.start(users.lan);
      const answerer = bob.spawn("serve", "--exec", `printf %s ${reply}`);
      await answerer.prints(/answer|serving|request/i);
      expect((await alice.run(["send", bob.host.address, text ?? ""])).code).toBe(0);
      const asked = await alice.run(["ask", bob.host.address, question ?? ""]);
      expect(asked.stdout).toContain(reply);
      expect((await bob.run(["send", alice.host.address, back ?? ""])).code).toBe(0);
      answerer.kill("SIGINT");
      await answerer.ended();
      const passphrase = { UDPCHAT_PASSPHRASE: "correct horse battery staple" };
      const secrets = await chat(["#vault", "--secret"], secret ?? "", passphrase);
      const opens = await chat(["#square"], open ?? "");
      const pcap = await capture.stop();
      const datagrams = udpDatagrams(pcap);

      expect(windowsSeen(pcap, open ?? "")).toBe((open ?? "").length - WINDOW_BYTES + 1);
      for (const one of opens) expect(one.stderr + one.stdout).toMatch(ANYBODY_CAN_READ);
      for (const one of secrets) expect(one.stderr + one.stdout).not.toMatch(ANYBODY_CAN_READ);
      for (const hidden of [text, question, reply, back, secret]) {
        expect(windowsSeen(pcap, hidden ?? "")).toBe(0);
      }

      const unicast = ofType(datagrams, handshakeInit, handshakeResponse, handshakeFinish, sealed);
      for (const type of [handshakeInit, handshakeResponse, handshakeFinish, sealed]) {
        expect(ofType(unicast, type).length, `type ${type}`).toBeGreaterThan(0);
      }
      const clear = Buffer.concat(unicast.map(({ payload }) => payload));
      for (const user of [alice, bob]) {
        const { id } = await user.api.call("status", {});
        expect(pcap.includes(user.name), "an open group shows names").toBe(true);
        expect(clear.includes(user.name), "names are hidden").toBe(false);
        expect(clear.includes(Buffer.from(id, "hex")), "keys are hidden").toBe(false);
      }
    },
    LIMIT_MS,
  );

  it(
    "shows nothing of what a secret group tells a member that comes later",
    async () => {
      const said = marker();
      const env = { UDPCHAT_PASSPHRASE: "correct horse battery staple" };
      await chat(["#archive", "--secret"], said, env);
      const holder = spawnWith(bob, env, ["join", "#archive", "--secret"]);
      await holder.prints(/you joined|joined/i);
      const capture = await Capture.start(users.lan);
      const late = spawnWith(carol, env, ["join", "#archive", "--secret"]);
      await late.prints(new RegExp(said));
      for (const one of [holder, late]) one.endInput("");
      await Promise.all([holder, late].map((one) => one.ended()));
      const pcap = await capture.stop();

      expect(windowsSeen(pcap, said)).toBe(0);
      const hidden = ofType(udpDatagrams(pcap), sealed, DatagramType.groupSealed);
      expect(hidden.length).toBeGreaterThan(5);
      const clear = Buffer.concat(hidden.map(({ payload }) => payload));
      const { id } = await alice.api.call("status", {});
      for (const user of [alice, bob, carol]) expect(clear.includes(user.name)).toBe(false);
      expect(clear.includes(Buffer.from(id, "hex"))).toBe(false);
    },
    LIMIT_MS,
  );

  it(
    "replayed, from the attacker's address and from the senders', has no effect",
    async () => {
      const ran = `${bob.home}/ran`;
      const answerer = bob.spawn("serve", "--exec", `echo ran >> ${ran}; cat`);
      await answerer.prints(/answer|serving|request/i);
      const listener = bob.spawn("listen", "--json");
      await listener.prints(/ready/);
      const capture = await Capture.start(users.lan);
      expect((await carol.run(["start"])).code).toBe(0); // with all its first beacons
      const group = [carol, bob].map((user) => user.spawn("join", "#square"));
      await Promise.all(group.map((one) => one.prints(/\(2 online\)/)));
      group[0]?.type("said-once\n");
      await group[1]?.prints(/said-once/);
      expect((await alice.run(["send", bob.host.address, "sent-once"])).code).toBe(0);
      expect((await alice.run(["ask", bob.host.address, "asked-once"])).code).toBe(0);
      expect((await carol.run(["send", bob.host.address, "carol-once"])).code).toBe(0);
      expect((await carol.run(["discover"])).code).toBe(0);
      group[0]?.endInput("");
      await group[0]?.ended();
      await listener.prints(/carol-once/);

      const recorded = udpDatagrams(await capture.stop()).filter(isOurs);
      const types = new Set(recorded.map(({ payload }) => datagramType(payload)));
      expect(types.size, [...types].join()).toBeGreaterThanOrEqual(8);
      const before = (await bob.api.call("status", {})).counters;
      await replay(recorded);
      const after = (await bob.api.call("status", {})).counters;
      for (const name of ["packetsDuplicate", "groupDatagramsDuplicate"]) {
        expect(after[name], name).toBeGreaterThan(before[name] ?? 0); // they did arrive
      }
      const lastWords = await Capture.start(users.lan);
      await carol.run(["stop"]);
      await eventually(
        async () => (await stateOf(bob, carol.name)) === "offline",
        () => "carol to be gone",
      );
      const goodbye = udpDatagrams(await lastWords.stop());
      const shown = listener.stdout.length;
      await replay([...recorded, ...goodbye.filter(isOurs)]);

      expect(listener.stdout.slice(shown).split("\n").filter(isCarolOnline)).toEqual([]);
      expect(await stateOf(bob, carol.name)).not.toBe("online");

      // Where carol was there is somebody now who never heard of her, nor of her goodbye.
      const dave = users.user(2, "dave");
      expect((await dave.run(["start"])).code).toBe(0);
      const watch = dave.spawn("listen", "--json");
      await watch.prints(/ready/);
      await replay(recorded);
      expect(watch.stdout.split("\n").filter(isCarolOnline)).toEqual([]);
      expect(await stateOf(dave, carol.name)).not.toBe("online");
      watch.kill("SIGINT");
      for (const text of ["sent-once", "carol-once"]) {
        expect(listener.stdout.split(`"${text}"`), text).toHaveLength(2);
      }
      expect(group[1]?.stdout.split("said-once")).toHaveLength(2);
      const runs = await bob.host.run("cat", [ran]);
      expect(runs.stdout).toBe("ran\n");
      expect((await bob.run(["status"])).code).toBe(0);
      expect((await alice.run(["send", bob.host.address, "still-there"])).code).toBe(0);
      await listener.prints(/still-there/);
      for (const one of [answerer, listener, group[1]]) one?.kill("SIGINT");
    },
    LIMIT_MS,
  );

  /** Every datagram once more to whom it was for: as the attacker, then in its sender's name. */
  async function replay(datagrams: readonly CapturedDatagram[]): Promise<void> {
    for (const { to, payload } of datagrams) {
      for (const address of victimsOf(to.address)) {
        attacker.send(0, { address, port: to.port }, payload);
      }
    }
    await attacker.drained();
    for (const user of [alice, bob, carol]) await replayAs(user, datagrams);
    await delay(SETTLE_MS);
  }

  function victimsOf(address: string): string[] {
    const everybody = users.lan.hosts.slice(0, 3).map((host) => host.address);
    return everybody.includes(address) ? [address] : everybody;
  }

  /** With the address of `user` on an interface that nobody asks for it (no ARP from there). */
  async function replayAs(user: LanUser, datagrams: readonly CapturedDatagram[]): Promise<void> {
    const { address } = user.host;
    const host = users.lan.host(3);
    const quiet = "net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2".split(" ");
    await host.run("sysctl", ["-q", "-w", ...quiet]);
    await host.run("ip", ["addr", "add", `${address}/32`, "dev", "lo"]);
    const ports = [
      ...new Set(
        datagrams
          .map(({ from }) => from)
          .filter(isFrom(address))
          .map(portOf),
      ),
    ];
    const bindings = ports.map((port) => ({ address, port }));
    const spoofer = await AttackerHost.start(host, bindings, 1);
    for (const { from, to, payload } of datagrams.filter((one) => one.from.address === address)) {
      for (const victim of victimsOf(to.address)) {
        if (victim === address) continue;
        spoofer.send(ports.indexOf(from.port), { address: victim, port: to.port }, payload);
      }
    }
    if (ports.length > 0) await spoofer.drained();
    await spoofer.stop();
    await host.run("ip", ["addr", "del", `${address}/32`, "dev", "lo"]);
  }
});

const isFrom =
  (address: string) =>
  (from: CapturedDatagram["from"]): boolean =>
    from.address === address;
const portOf = ({ port }: CapturedDatagram["from"]): number => port;

/** A JSON line that says so. */
function isCarolOnline(line: string): boolean {
  return line.includes('"online"') && line.includes("carol");
}

function isOurs({ payload }: CapturedDatagram): boolean {
  return datagramType(payload) !== undefined;
}

async function stateOf(user: LanUser, name: string): Promise<string | undefined> {
  const peers = await user.api.call("peers", {});
  return peers.find((peer) => peer.name === name)?.state;
}
