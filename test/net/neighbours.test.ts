/** Whoever forges what a doctor hears chooses no more than where three queries go. */
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { IDENTITY_SEED_BYTES, identityFromSeed } from "../../src/crypto/identity.js";
import { randomHex } from "../../src/crypto/random.js";
import { systemRandom } from "../../src/crypto/systemRandom.js";
import { listenForSilent } from "../../src/doctor/listening.js";
import { DiscoveryEar } from "../../src/doctor/probes/discoveryEar.js";
import { Neighbours } from "../../src/doctor/probes/neighbours.js";
import { HEEDLESS, openUdpSocket } from "../../src/net/udpSocket.js";
import { INCARNATION_BYTES, NONCE_BYTES } from "../../src/wire/constants.js";
import { withSignature } from "../../src/wire/header.js";
import { encodeBeacon, encodeQuery } from "../../src/wire/presence.js";

const LOOPBACK = "127.0.0.1";
const LO = {
  name: "lo",
  address: LOOPBACK,
  netmask: "255.0.0.0",
  broadcast: undefined,
  loopback: true,
};
/** Of the one who is wanted: those who are not would have been asked as often. */
const ENOUGH_QUERIES = 5;

const open: { close: () => Promise<void> }[] = [];

afterEach(async () => {
  for (const one of open.splice(0).toReversed()) await one.close();
});

/** Counts what comes to it, and says nothing. */
async function victim() {
  const datagrams: Uint8Array[] = [];
  const socket = await openUdpSocket(
    { address: LOOPBACK, port: 0 },
    { ...HEEDLESS, received: (bytes) => datagrams.push(bytes) },
  );
  open.push(socket);
  return { at: { address: LOOPBACK, port: socket.port }, datagrams };
}

function query(dataPort: number): Uint8Array {
  return encodeQuery({
    nonce: randomHex(systemRandom, NONCE_BYTES),
    incarnation: randomHex(systemRandom, INCARNATION_BYTES),
    dataPort,
    direct: true,
    peersKnown: 0,
    known: new Uint8Array(0),
  });
}

function beacon(dataPort: number): Uint8Array {
  const identity = identityFromSeed(systemRandom.bytes(IDENTITY_SEED_BYTES));
  const unsigned = encodeBeacon({
    device: identity.device,
    incarnation: randomHex(systemRandom, INCARNATION_BYTES),
    sequence: 1,
    startedAtMs: 1,
    intervalMs: 5_000,
    dataPort,
    groups: [],
    name: "",
  });
  return withSignature(unsigned, identity.sign(unsigned));
}

it("asks who is wanted again and again, others three times at most, and nobody for a query", async () => {
  const ear = await DiscoveryEar.open([LO], [], 0);
  open.push(ear);
  // Nobody listens on the discard port.
  const neighbours = await Neighbours.open(ear, [LO], 9);
  open.push(neighbours);
  const [wanted, doubtful, announced, asking] = await Promise.all([
    victim(),
    victim(),
    victim(),
    victim(),
  ]);
  const forged = beacon(announced.at.port);
  neighbours.received(forged, { address: LOOPBACK, port: 9 });
  neighbours.received(query(asking.at.port), asking.at);
  neighbours.received(beacon(22_400), { address: "192.0.2.1", port: 22_400 });
  neighbours.received(query(22_400), { address: "192.0.2.2", port: 22_400 });
  expect(neighbours.list().map(({ address }) => address)).toEqual([LOOPBACK, LOOPBACK]);

  const ending = new AbortController();
  const heard = listenForSilent({
    neighbours,
    status: { id: "", port: 9, interfaces: [] },
    isMeant: () => true,
    wanted: [wanted.at],
    doubtful: [doubtful.at],
    signal: ending.signal,
  });
  while (wanted.datagrams.length < ENOUGH_QUERIES) await delay(10);
  ending.abort();

  expect((await heard).map(({ port }) => port)).toEqual([announced.at.port]);
  expect(doubtful.datagrams).toHaveLength(3);
  expect(announced.datagrams).toHaveLength(3);
  expect(asking.datagrams).toEqual([]);
  const sentBytes = announced.datagrams.reduce((sum, { length }) => sum + length, 0);
  expect(sentBytes).toBeLessThanOrEqual(3 * forged.length);
});
