import { setTimeout as delay } from "node:timers/promises";
import { randomHex } from "../../crypto/random.js";
import { systemRandom } from "../../crypto/systemRandom.js";
import { UdpchatError } from "../../errors.js";
import type { LanInterface } from "../../net/lan.js";
import { HEEDLESS, openUdpSocket, type UdpSocket } from "../../net/udpSocket.js";
import {
  DatagramType,
  DEFAULT_GROUP_ADDRESS,
  DISCOVERY_GROUP_ADDRESS,
  EXAMINATION_GROUP_ADDRESS,
} from "../../wire/constants.js";
import {
  decodeProbe,
  encodeProbe,
  MIN_PROBE_BYTES,
  PROBE_TOKEN_BYTES,
} from "../../wire/examination.js";
import { datagramType } from "../../wire/header.js";
import type { DiscoveryEar } from "./discoveryEar.js";

/** How everybody is reached at once, and the group if it is one. */
const SHARED_WAYS = [
  { way: "broadcast", group: undefined },
  { way: "discoveryGroup", group: DISCOVERY_GROUP_ADDRESS },
  { way: "defaultGroup", group: DEFAULT_GROUP_ADDRESS },
  { way: "namedGroup", group: EXAMINATION_GROUP_ADDRESS },
] as const;
export type SharedWay = (typeof SHARED_WAYS)[number]["way"];

/** What became of our own datagrams of one way on one interface. */
export interface HeardBack {
  readonly way: SharedWay;
  readonly heard: boolean;
  /** Why the system did not send some, or undefined. */
  readonly errno: string | undefined;
}

/** What we hear of ourselves on one interface. */
export interface InterfaceHearing {
  readonly interface: LanInterface;
  /** No broadcast where the subnet has none. */
  readonly ways: readonly HeardBack[];
}

/** A moment when nobody listens loses no more than one of them. */
const ROUND_PAUSES_MS = [0, 120, 280];
/**
 * What is not back by then was not looped back: that takes microseconds. In steps, so that what came
 * while we were kept from running is read before the time is up.
 */
const LAST_WAIT_STEPS = 6;
const LAST_WAIT_STEP_MS = 50;

/** One way out of one interface. */
interface Attempt {
  readonly interface: LanInterface;
  readonly way: SharedWay;
  readonly token: string;
  readonly address: string;
  socket: UdpSocket | undefined;
  errno: string | undefined;
}

/** Sends every way out of every interface, and listens for it: takes some 0.7 s. */
export async function hearOurselves(
  ear: DiscoveryEar,
  interfaces: readonly LanInterface[],
  discoveryPort: number,
): Promise<InterfaceHearing[]> {
  const attempts = interfaces.flatMap(attemptsOn);
  const wanted = new Set(attempts.map(({ token }) => token));
  const heard = new Set<string>();
  const stop = ear.listen((bytes) => {
    const token = tokenOf(bytes);
    if (token !== undefined && wanted.has(token)) heard.add(token);
  });
  try {
    for (const attempt of attempts) await open(attempt);
    for (const pauseMs of ROUND_PAUSES_MS) {
      await delay(pauseMs);
      for (const { socket, token, address } of attempts) {
        const bytes = encodeProbe({ token, sizeBytes: MIN_PROBE_BYTES });
        socket?.send(bytes, { address, port: discoveryPort });
      }
    }
    for (let step = 0; step < LAST_WAIT_STEPS && heard.size < attempts.length; step += 1) {
      await delay(LAST_WAIT_STEP_MS);
    }
  } finally {
    stop();
    for (const { socket } of attempts) await socket?.close();
  }
  return interfaces.map((entry) => ({
    interface: entry,
    ways: attempts
      .filter((attempt) => attempt.interface === entry)
      .map(({ way, token, errno }) => ({ way, heard: heard.has(token), errno })),
  }));
}

function attemptsOn(entry: LanInterface): Attempt[] {
  return SHARED_WAYS.flatMap(({ way, group }) => {
    const address = group ?? entry.broadcast;
    if (address === undefined) return [];
    const token = randomHex(systemRandom, PROBE_TOKEN_BYTES);
    return [{ interface: entry, way, token, address, socket: undefined, errno: undefined }];
  });
}

async function open(attempt: Attempt): Promise<void> {
  const { address } = attempt.interface;
  const failed = (code: string): void => {
    attempt.errno ??= code;
  };
  const handlers = { ...HEEDLESS, sendFailed: failed, failed };
  try {
    attempt.socket = await openUdpSocket({ address, port: 0 }, handlers);
    attempt.socket.allowBroadcast();
    attempt.socket.multicastThrough(address);
  } catch (error) {
    failed(error instanceof UdpchatError ? error.code : "UNKNOWN");
  }
}

/** Undefined for what is no probe, or damaged. */
function tokenOf(bytes: Uint8Array): string | undefined {
  if (datagramType(bytes) !== DatagramType.probe || bytes.length < MIN_PROBE_BYTES)
    return undefined;
  return decodeProbe(bytes).token;
}
