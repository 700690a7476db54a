import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { findPeer, searchFor } from "../../../src/messenger/target.js";
import { quantile } from "../samples.js";
import { CrowdedLan, type LeanPeer } from "./crowdedLan.js";
import type { Sighting } from "./growthTable.js";

const MINUTE_MS = 60_000;
/** Everybody has shown that he is running: in a crowd one a second is asked to. */
const MEET_WITHIN_MS = 240 * MINUTE_MS;
const WATCH_MS = 60 * MINUTE_MS;
/** IPv4 without options, and UDP: RFC 791 section 3.1, RFC 768. */
const HEADERS_BYTES = 28;
/** Looked up one after the other, in so many slices of which the lower quartile counts. */
const LOOKUPS = 4_000;
const SLICES = 9;
const SHORT_ID_DIGITS = 8;
/** What one finds to be weakly held the next one frees. */
const COLLECTIONS = 4;

/** What one node costs the LAN and itself among so many others. */
export function observePeers(count: number): Sighting {
  const lan = new CrowdedLan(1, count);
  lan.run(MINUTE_MS);
  const bytesBefore = heapBytes();
  lan.fill();
  meetAll(lan);
  // What is only remembered of the meeting is forgotten.
  lan.run(10 * MINUTE_MS);
  const rosterBytes = heapBytes() - bytesBefore;

  const before = { ...lan.beacons };
  lan.run(WATCH_MS);
  const minutes = WATCH_MS / MINUTE_MS;
  const bytes = (lan.beacons.bytes - before.bytes) / minutes;
  const beacons = (lan.beacons.count - before.count) / minutes;
  const onWireBitsPerMinute = 8 * (count + 1) * (bytes + beacons * HEADERS_BYTES);

  const { core, peers } = lan;
  const named = (name: string): unknown => findPeer(name, core.findPeers(searchFor(name)));
  const lookUps: readonly [string, (peer: LeanPeer) => unknown][] = [
    ["the first 8 digits of an id", ({ id }) => named(id.slice(0, SHORT_ID_DIGITS))],
    ["name", ({ name }) => named(name)],
    ["name~ab12", ({ name, id }) => named(`${name}~${id.slice(0, 4)}`)],
    ["address", ({ address }) => core.findPeers({ host: address })[0]],
  ];
  return {
    "beacons of one peer": { value: bytes, unit: "bytes/minute" },
    "beacons of all, with IP and UDP headers": {
      value: onWireBitsPerMinute / MINUTE_MS,
      unit: "kbit/s",
    },
    "roster and what goes with it, per peer": { value: rosterBytes / count, unit: "bytes" },
    ...Object.fromEntries(
      lookUps.map(([what, find]) => [
        `look-up by ${what}`,
        { value: lookUpUs(peers, find), unit: "µs of processor" },
      ]),
    ),
  };
}

function meetAll(lan: CrowdedLan): void {
  const endMs = lan.nowMs + MEET_WITHIN_MS;
  const isOnline = ({ id }: LeanPeer): boolean => lan.core.peer(id)?.state === "online";
  while (!lan.peers.every(isOnline)) {
    if (lan.nowMs >= endMs) throw new Error("not everybody was met");
    lan.run(MINUTE_MS);
  }
}

function lookUpUs(peers: readonly LeanPeer[], find: (peer: LeanPeer) => unknown): number {
  const slices = Array.from({ length: SLICES }, () => {
    const start = process.cpuUsage();
    for (let i = 0; i < LOOKUPS; i += 1) {
      const peer = peers[(i * 7) % peers.length];
      if (peer === undefined || find(peer) === undefined) throw new Error("somebody is not found");
    }
    const { user, system } = process.cpuUsage(start);
    return (user + system) / LOOKUPS;
  });
  return quantile(
    slices.toSorted((a, b) => a - b),
    0.25,
  );
}

/** In use behind a collection, what lies outside of the heap of JavaScript included. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("no collection can be asked for");
  for (let i = 0; i < COLLECTIONS; i += 1) collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
