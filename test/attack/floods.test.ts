/** Floods from 200 addresses of one host: the daemon stays small, answers, and serves the honest. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { parseGroupName } from "../../src/core/groups/groupName.js";
import { systemRandom } from "../../src/crypto/systemRandom.js";
import { DatagramType, DEFAULT_DISCOVERY_PORT } from "../../src/wire/constants.js";
import { encodeUtf8 } from "../../src/wire/cursor.js";
import { datagramType } from "../../src/wire/header.js";
import { AttackerHost, manyAddresses, residentMiB } from "../support/attackerHost.js";
import { buildBin, eventually } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import {
  beaconOf,
  HandHandshake,
  initOf,
  lineOf,
  queryFrom,
  sealedNoise,
  signedBy,
  throwAwayKey,
} from "../support/forger.js";
import { inParallel } from "../support/inParallel.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

const SOURCES = manyAddresses(200);
const FLOOD = 20_000;
const HONEST_SENDS = 100;
const AT_ONCE = 4;
const PEERS_INVENTED = 4_096;
const HANDSHAKES = 2_000;
const WAVE = 100;
/** The sessions of all of them, the heap that they leave, and room for a busy machine. */
const MAX_GROWTH_MIB = 96;
const SETTLE_MS = 1_000;
const SAMPLE_MS = 100;
const GROUP = "224.0.1.100";
const VICTIM = { address: "10.77.0.2", port: 22400 };
const DISCOVERY = { address: "10.77.0.2", port: DEFAULT_DISCOVERY_PORT };
const LIMIT_MS = 60_000;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const rows: string[] = [];

describeOnNamespaces("a flood", () => {
  let users: LanUsers;
  let alice: LanUser;
  let attacker: AttackerHost;
  let victims = 0;

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(4);
    for (const host of users.lan.hosts) host.setAddress(`${host.address}/16`);
    const host = users.lan.host(2);
    const batch = SOURCES.map((address) => `addr add ${address}/16 dev eth0`).join("\n");
    await host.run("ip", ["-batch", "-"], { input: batch });
    alice = users.user(0, "alice");
    const bindings = SOURCES.map((address) => ({ address, port: 22400 }));
    attacker = await AttackerHost.start(host, bindings, 6);
  });
  afterAll(async () => {
    await attacker.stop();
    await users.dispose();
    const head = "what | datagrams | taken in | before MiB | peak growth | growth after";
    process.stdout.write(`\n${[head, ...rows].join("\n")}\n`);
  });

  /** A daemon that nothing has happened to yet, with somebody who listens. */
  async function freshVictim(): Promise<LanUser> {
    victims += 1;
    const bob = users.user(1, `bob${victims}`);
    const started = await bob.run(["start"]);
    expect(started.code, started.stderr).toBe(0);
    expect((await bob.api.call("status", {})).port).toBe(VICTIM.port);
    return bob;
  }

  /**
   * Floods a daemon while `meanwhile` runs, and states what that did to its memory. Then the
   * daemon must answer, and an honest message arrive.
   */
  async function flood(
    what: string,
    attack: (bob: LanUser) => Promise<number>,
    meanwhile: (bob: LanUser) => Promise<void> = async () => undefined,
  ): Promise<Readonly<Record<string, number>>> {
    const bob = await freshVictim();
    const { pid, counters } = await bob.api.call("status", {});
    const receivedBefore = counters["socketDatagramsReceived"] ?? 0;
    const before = await residentMiB(pid);
    let peak = before;
    const watching = new AbortController();
    const watch = (async () => {
      while (!watching.signal.aborted) {
        peak = Math.max(peak, await residentMiB(pid));
        await delay(SAMPLE_MS);
      }
    })();
    const [sent] = await Promise.all([attack(bob), meanwhile(bob)]);
    const sendDuring = await alice.run(["send", "10.77.0.2:22400", "in the thick of it"]);
    await delay(SETTLE_MS);
    watching.abort();
    await watch;
    const after = await residentMiB(pid);
    const status = await bob.run(["status"]);
    const counted = (await bob.api.call("status", {})).counters;
    const received = (counted["socketDatagramsReceived"] ?? 0) - receivedBefore;
    const figures = [sent, received, ...[before, peak - before, after - before].map(Math.round)];
    rows.push([what, ...figures].join(" | "));
    expect(sendDuring.code, sendDuring.stderr).toBe(0);
    expect(status.code).toBe(0);
    expect(peak - before).toBeLessThan(MAX_GROWTH_MIB);
    expect(received, "what was sent did arrive").toBeGreaterThan(sent / 4);
    await bob.run(["stop"]);
    return counted;
  }

  /** So many datagrams, from one address after the other. */
  async function fire(count: number, to: typeof VICTIM, make: (n: number) => Uint8Array) {
    for (let n = 0; n < count; n += 1) attacker.send(n % SOURCES.length, to, make(n));
    await attacker.drained();
    return count;
  }

  it(
    "of 20,000 handshakes lets 100 honest sends through",
    async () => {
      const inits = Array.from({ length: FLOOD }, () => initOf());
      const counters = await flood(
        "first handshake messages",
        () => fire(FLOOD, VICTIM, (n) => inits[n] ?? initOf()),
        async () => {
          const numbers = Array.from({ length: HONEST_SENDS }, (_, i) => i);
          const codes = await inParallel(AT_ONCE, numbers, async (i) => {
            const sent = await alice.run(["send", "10.77.0.2:22400", `honest ${i}`]);
            return sent.code;
          });
          expect(codes.filter((code) => code !== 0)).toEqual([]);
        },
      );
      expect(counters["cookiesSent"]).toBeGreaterThan(1_000);
      expect(counters["messagesReceived"]).toBeGreaterThanOrEqual(HONEST_SENDS + 1);
    },
    LIMIT_MS,
  );

  it(
    "of 4,096 peers that do not exist leaves room for one that does",
    async () => {
      const keys = Array.from({ length: PEERS_INVENTED }, throwAwayKey);
      const beacons = keys.map((key) => signedBy(key, beaconOf(key.device)));
      await flood("invented peers", async (bob) => {
        const sent = await fire(beacons.length, DISCOVERY, (n) => beacons[n] ?? sealedNoise(16));
        const carol = users.user(3, `carol${victims}`);
        expect((await carol.run(["start"])).code).toBe(0);
        await eventually(
          async () =>
            (await bob.api.call("peers", {})).some(
              ({ name, state }) => name === carol.name && state === "online",
            ),
          () => "the newcomer to be online",
        );
        expect((await bob.run(["send", carol.name, "welcome"])).code).toBe(0);
        await carol.run(["stop"]);
        return sent;
      });
    },
    LIMIT_MS,
  );

  it(
    "of forged beacons and group lines is dropped",
    async () => {
      const forger = throwAwayKey();
      const other = throwAwayKey();
      const { groupId } = parseGroupName(GROUP, DEFAULT_DISCOVERY_PORT);
      const forged = Array.from({ length: FLOOD }, (_, n) =>
        signedBy(
          forger,
          n % 2 === 0
            ? beaconOf(systemDevice(), { sequence: n + 1 })
            : lineOf(other.device, groupId, n + 1),
        ),
      );
      const counters = await flood("forged beacons and group lines", async (bob) => {
        const chat = bob.spawn("join", GROUP);
        await chat.prints(/you joined/);
        const sent = await fire(FLOOD, DISCOVERY, (n) => forged[n] ?? sealedNoise(16));
        await delay(SETTLE_MS);
        expect(chat.stdout).not.toContain("nobody said this");
        chat.kill("SIGINT");
        await chat.ended();
        return sent;
      });
      expect(counters["datagramsForged"]).toBeGreaterThan(100);
    },
    LIMIT_MS,
  );

  it(
    "of queries is answered at a bounded rate",
    async () => {
      const queries = Array.from({ length: FLOOD }, () => queryFrom(22400));
      const counters = await flood("queries", () =>
        fire(FLOOD, DISCOVERY, (n) => queries[n] ?? queryFrom(22400)),
      );
      expect(counters["answersSuppressed"]).toBeGreaterThan(FLOOD / 4);
      expect(counters["answersSent"]).toBeLessThan(2_000);
    },
    LIMIT_MS,
  );

  it(
    "of packets of no session is answered at a bounded rate",
    async () => {
      const startedMs = performance.now();
      const counters = await flood("sealed packets of no session", () =>
        fire(FLOOD, VICTIM, () => sealedNoise(64)),
      );
      // 1,000 a second, and as many at once.
      const elapsedMs = performance.now() - startedMs;
      expect(counters["resetsSent"]).toBeLessThan(1_000 + elapsedMs);
    },
    LIMIT_MS,
  );

  it(
    "of plain text is survived",
    async () => {
      const counters = await flood("plain text", () =>
        fire(FLOOD, VICTIM, (n) => encodeUtf8(`plain line ${n} ${"x".repeat(100)}`)),
      );
      expect(counters["datagramsReceived"], "the core saw none of it").toBeLessThan(1_000);
    },
    LIMIT_MS,
  );

  it(
    "of whole handshakes by 2,000 keys is survived",
    async () => {
      const counters = await flood("whole handshakes", async () => {
        const handshakes = new Map<number, HandHandshake>();
        for (let n = 0; n < HANDSHAKES; n += 1) {
          const handshake = new HandHandshake(throwAwayKey());
          handshakes.set(handshake.senderIndex, handshake);
        }
        let through = 0;
        attacker.onReceived = ({ socket, payload }) => {
          const type = datagramType(payload);
          const isCookie = type === DatagramType.cookie;
          if (!isCookie && type !== DatagramType.handshakeResponse) return;
          const index = Buffer.from(payload).readUInt32BE(isCookie ? 4 : 8);
          const handshake = handshakes.get(index);
          if (handshake === undefined) return;
          if (isCookie) {
            attacker.send(socket, VICTIM, handshake.initWith(payload));
            return;
          }
          handshakes.delete(index);
          through += 1;
          attacker.send(socket, VICTIM, handshake.finish(payload).bytes);
        };
        const waves = [...handshakes.values()].entries();
        for (const [n, one] of waves) {
          attacker.send(n % SOURCES.length, VICTIM, one.init());
          if (n % WAVE !== WAVE - 1) continue;
          await attacker.drained();
          await delay(SAMPLE_MS); // more at once than may be half open would push one another out
        }
        await delay(SETTLE_MS);
        attacker.onReceived = () => undefined;
        return through;
      });
      expect(counters["handshakesCompleted"]).toBeGreaterThan(HANDSHAKES / 2);
    },
    LIMIT_MS,
  );
});

/** The name of a device whose key nobody has. */
function systemDevice(): string {
  return Buffer.from(systemRandom.bytes(32)).toString("hex");
}
