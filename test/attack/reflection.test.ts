/** What a stranger's datagram brings back: never more than three times its bytes. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noiseSuite } from "../../src/crypto/noise.js";
import { systemRandom } from "../../src/crypto/systemRandom.js";
import {
  COOKIE_BYTES,
  DatagramType,
  DEFAULT_DISCOVERY_PORT,
  MIN_QUERY_BYTES,
  SIGNATURE_BYTES,
} from "../../src/wire/constants.js";
import { encodeUtf8 } from "../../src/wire/cursor.js";
import { datagramType } from "../../src/wire/header.js";
import { decodeBeacon, decodeQuery, encodeAnswer } from "../../src/wire/presence.js";
import {
  decodeHandshakeInit,
  decodeHandshakeResponse,
  encodeClaims,
  encodeCookie,
  encodeHandshakeFinish,
  encodeHandshakeResponse,
  encodeReset,
} from "../../src/wire/session.js";
import { AttackedLan } from "../support/attackedLan.js";
import { AttackerHost, manyAddresses, type Received } from "../support/attackerHost.js";
import { buildBin, eventually } from "../support/cliWorld.js";
import { describeOnNamespaces } from "../support/describeOnNamespaces.js";
import {
  beaconOf,
  initOf,
  queryFrom,
  sealedNoise,
  signedBy,
  throwAwayKey,
} from "../support/forger.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";

const MAX_FACTOR = 3;
const COPIES = 20;
/** An answer to a query is held back by at most 120 ms here, a handshake is half open for 10 s. */
const ANSWERED_BY_MS = 2_000;
const DIALLED_MS = 3_000;
const DATA = { address: "10.77.0.1", port: 22400 };
const DISCOVERY = { address: "10.77.0.1", port: DEFAULT_DISCOVERY_PORT };
const LIMIT_MS = 60_000;

const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What is said to the daemon from one address that nothing else is said from. */
interface Input {
  readonly to: typeof DATA;
  /** The same every time, or another one each time. */
  readonly make: () => Uint8Array;
  /** The daemon says something to it: a test that counts nothing can't fail. */
  readonly answered: boolean;
}

const key = throwAwayKey();
const init = initOf();
const beacon = signedBy(key, beaconOf(key.device));
const finish = encodeHandshakeFinish({ receiverIndex: 5, message: systemRandom.bytes(150) });
const inputs: Readonly<Record<string, Input>> = {
  query: { to: DISCOVERY, make: () => queryFrom(22400), answered: true },
  "direct query": { to: DATA, make: () => queryFrom(22400, { direct: true }), answered: true },
  "first messages": { to: DATA, make: () => initOf(), answered: true },
  "first message repeated": { to: DATA, make: () => init, answered: true },
  "sealed, 16 bytes": { to: DATA, make: () => sealedNoise(16), answered: false },
  "sealed, 64 bytes": { to: DATA, make: () => sealedNoise(64), answered: true },
  reset: {
    to: DATA,
    make: () => encodeReset({ receiverIndex: 7, counter: 7 }),
    answered: false,
  },
  "beacons of a key": { to: DISCOVERY, make: () => beacon, answered: true },
  "beacons of many keys": {
    to: DISCOVERY,
    make: () => {
      const other = throwAwayKey();
      return signedBy(other, beaconOf(other.device));
    },
    answered: true,
  },
  "plain text": { to: DATA, make: () => encodeUtf8("hello?"), answered: false },
  "third message": { to: DATA, make: () => finish, answered: false },
  "second message": {
    to: DATA,
    make: () =>
      encodeHandshakeResponse({ senderIndex: 3, receiverIndex: 4, message: systemRandom.bytes(0) }),
    answered: false,
  },
};

describe("a cookie", () => {
  it("brings at most three bytes for each of its own, at once and once", () => {
    const lan = new AttackedLan(31);
    const alice = lan.add("alice");
    lan.run(3_000);
    alice.sendTo(lan.outside, "hello");
    const first = lan.ofType(DatagramType.handshakeInit)[0];
    const { senderIndex } = decodeHandshakeInit(first?.bytes ?? new Uint8Array(0));
    const said = lan.overheard.length;
    let inBytes = 0;
    for (let i = 0; i < COPIES; i += 1) {
      const cookie = systemRandom.bytes(COOKIE_BYTES);
      const bytes = encodeCookie({ receiverIndex: senderIndex, cookie });
      inBytes += bytes.length;
      lan.inject(alice, bytes, lan.outside);
      const out = lan.overheard.slice(said).reduce((sum, heard) => sum + heard.bytes.length, 0);
      expect(out).toBeGreaterThan(0);
      expect(out).toBeLessThanOrEqual(MAX_FACTOR * inBytes);
    }
  });
});

describe("somebody who says that he is at another's address", () => {
  it("brings at most three bytes there for each of his own, whoever waits for him", () => {
    const lan = new AttackedLan(32);
    const alice = lan.add("alice");
    const victim = { address: "10.77.0.66", port: 22400 };
    const mallory = throwAwayKey();
    const instance = { incarnation: "0a".repeat(8), startedAtMs: 1_600_000_000_000 };
    let inBytes = 0;
    let sequence = 0;
    const say = (bytes: Uint8Array): void => {
      inBytes += bytes.length;
      lan.inject(alice, signedBy(mallory, bytes), victim, "discovery");
      inBytes += SIGNATURE_BYTES;
    };
    const beacon = (): Uint8Array => {
      sequence += 1;
      return beaconOf(mallory.device, { ...instance, sequence, name: "" });
    };
    lan.onHearing = ({ bytes, destination }) => {
      if (datagramType(bytes) !== DatagramType.query || destination.kind === "unicast") return;
      const said = decodeBeacon(signedBy(mallory, beacon()));
      const { nonce } = decodeQuery(bytes);
      say(encodeAnswer({ nonce, heldUs: 0, announces: true, beacon: said }));
    };
    const outBytes = (): number =>
      lan.overheard
        .filter(({ destination: to }) => to.kind === "unicast" && to.to.address === victim.address)
        .reduce((sum, { bytes }) => sum + bytes.length, 0);
    lan.run(1_000);
    expect(alice.core.peers()).toMatchObject([{ id: mallory.device, address: victim.address }]);
    const command = { kind: "text" as const, body: encodeUtf8("x"), sentAtMs: 0, token: 1 };
    alice.core.send(lan.nowMs, { ...command, target: { kind: "device", id: mallory.device } });
    lan.network.pump(alice);
    for (let second = 0; second < 40; second += 1) {
      if (second % 10 === 5) say(beacon());
      lan.run(1_000);
      expect(outBytes(), `after ${second} s`).toBeLessThanOrEqual(MAX_FACTOR * inBytes);
    }
    expect(outBytes()).toBeGreaterThan(MAX_FACTOR * MIN_QUERY_BYTES);
    lan.onHearing = () => undefined; // he has nothing more to say
    lan.run(1_000);
    const before = { inBytes, outBytes: outBytes() };
    lan.run(120_000);
    expect(outBytes() - before.outBytes).toBeLessThanOrEqual(
      MAX_FACTOR * before.inBytes - before.outBytes,
    );
  });
});

describeOnNamespaces("bytes out for bytes in", () => {
  let users: LanUsers;
  let alice: LanUser;
  let attacker: AttackerHost;
  let freeSocket = 0;
  const addresses = manyAddresses(40);

  beforeAll(async () => {
    await buildBin();
    users = new LanUsers(2);
    for (const host of users.lan.hosts) host.setAddress(`${host.address}/16`);
    const batch = addresses.map((address) => `addr add ${address}/16 dev eth0`).join("\n");
    await users.lan.host(1).run("ip", ["-batch", "-"], { input: batch });
    const bindings = addresses.map((address) => ({ address, port: 22400 }));
    attacker = await AttackerHost.start(users.lan.host(1), bindings, 1);
    alice = users.user(0, "n".repeat(32)); // the longest name makes the longest answers
    const started = await alice.run(["start"]);
    expect(started.code, started.stderr).toBe(0);
  });
  afterAll(async () => {
    await attacker.stop();
    await users.dispose();
  });

  const cameTo = (socket: number): Received[] =>
    attacker.received.filter((received) => received.socket === socket);
  const bytesTo = (socket: number): number =>
    cameTo(socket).reduce((sum, { payload }) => sum + payload.length, 0);

  function newSocket(): number {
    freeSocket += 1;
    return freeSocket;
  }

  it(
    "are at most three from an address that has shown nothing",
    async () => {
      const sent = Object.entries(inputs).map(([what, { to, make, answered }]) => {
        const socket = newSocket();
        const copies = Array.from({ length: COPIES }, make);
        for (const bytes of copies) attacker.send(socket, to, bytes);
        return { what, socket, answered, inBytes: copies.reduce((sum, b) => sum + b.length, 0) };
      });
      await attacker.drained();
      await delay(ANSWERED_BY_MS);
      for (const { what, socket, answered, inBytes } of sent) {
        expect(bytesTo(socket), what).toBeLessThanOrEqual(MAX_FACTOR * inBytes);
        expect(bytesTo(socket) > 0, `${what}: something came back`).toBe(answered);
      }
    },
    LIMIT_MS,
  );

  it.each([16, 48, 64])(
    "are at most three for packets of %i bytes of a handshake that is half open",
    async (sizeBytes) => {
      const socket = newSocket();
      attacker.send(socket, DATA, initOf());
      const half = (): Received | undefined => cameTo(socket)[0];
      await eventually(
        () => half() !== undefined,
        () => "a second message",
      );
      const response = half()?.payload ?? new Uint8Array(0);
      expect(datagramType(response)).toBe(DatagramType.handshakeResponse);
      const { senderIndex } = decodeHandshakeResponse(response);
      const before = bytesTo(socket);
      for (let i = 0; i < COPIES; i += 1) {
        attacker.send(socket, DATA, sealedNoise(sizeBytes, senderIndex));
      }
      await delay(ANSWERED_BY_MS / 2);
      expect(bytesTo(socket) - before).toBeLessThanOrEqual(MAX_FACTOR * COPIES * sizeBytes);
    },
    LIMIT_MS,
  );

  it(
    "are at most three from an address that is dialled",
    async () => {
      const suite = noiseSuite(key);
      const claims = encodeClaims({
        device: key.device,
        incarnation: "01".repeat(8),
        dataPort: 22400,
        creditDatagrams: 64,
        announces: true,
        name: "mallory",
      });
      type Reply = (init: ReturnType<typeof decodeHandshakeInit>) => Uint8Array[];
      const cookie = systemRandom.bytes(COOKIE_BYTES);
      const indexesAlone = (receiverIndex: number): Uint8Array =>
        encodeHandshakeResponse({ senderIndex: 9, receiverIndex, message: new Uint8Array(0) });
      const genuine = ({ message, senderIndex }: { message: Uint8Array; senderIndex: number }) => {
        const message2 = suite.respond(message, claims, systemRandom).message2;
        return encodeHandshakeResponse({
          senderIndex: 9,
          receiverIndex: senderIndex,
          message: message2,
        });
      };
      const copies = (bytes: Uint8Array): Uint8Array[] =>
        Array.from({ length: COPIES }, () => bytes);
      const replies: Readonly<Record<string, Reply>> = {
        cookies: ({ senderIndex }) => copies(encodeCookie({ receiverIndex: senderIndex, cookie })),
        "many cookies": ({ senderIndex }) =>
          Array.from({ length: COPIES }, () =>
            encodeCookie({ receiverIndex: senderIndex, cookie: systemRandom.bytes(COOKIE_BYTES) }),
          ),
        "second messages that are none": ({ senderIndex }) => copies(indexesAlone(senderIndex)),
        "a second message again and again": (first) => copies(genuine(first)),
        "a second message, then its indexes alone": (first) => [
          genuine(first),
          ...copies(indexesAlone(first.senderIndex)),
        ],
      };
      const silent = newSocket();
      const tried = Object.entries(replies).map(([what, reply]) => ({
        what,
        reply,
        socket: newSocket(),
      }));
      const dials = [silent, ...tried.map(({ socket }) => socket)].map((socket) =>
        alice.run([
          "send",
          `${addresses[socket] ?? ""}:22400`,
          "x",
          "--timeout",
          `${DIALLED_MS}ms`,
        ]),
      );
      const inBytes = new Map<number, number>();
      attacker.onReceived = ({ socket, payload }) => {
        const answer = tried.find((one) => one.socket === socket)?.reply;
        if (answer === undefined || inBytes.has(socket)) return;
        if (datagramType(payload) !== DatagramType.handshakeInit) return;
        const said = answer(decodeHandshakeInit(payload));
        inBytes.set(
          socket,
          said.reduce((sum, bytes) => sum + bytes.length, 0),
        );
        for (const bytes of said) attacker.send(socket, DATA, bytes);
      };
      await Promise.all(dials);
      attacker.onReceived = () => undefined;
      for (const { what, socket } of tried) {
        const said = inBytes.get(socket) ?? 0;
        expect(said, what).toBeGreaterThan(0);
        // What it says to somebody silent as well is not for what came in.
        expect(bytesTo(socket) - bytesTo(silent), what).toBeLessThanOrEqual(MAX_FACTOR * said);
      }
    },
    LIMIT_MS,
  );
});
