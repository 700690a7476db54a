import type { Identity } from "../../../src/crypto/identity.js";
import { randomHex } from "../../../src/crypto/random.js";
import { DEFAULT_DATA_PORT } from "../../../src/wire/constants.js";
import { type Beacon, encodeBeacon } from "../../../src/wire/presence.js";
import { EPOCH_MS } from "../../support/simMedium.js";
import type { Attacker } from "../attacker.js";
import { oneOf, wholeBetween } from "../plan.js";
import { cryptoOf } from "../simHome.js";
import { signedBy } from "./forge.js";

const MOST_KEYS = 2_000;

/** A genuine beacon of a key that nobody knows, and whoever it is does not answer. */
export function strangerBeacon(attacker: Attacker): Uint8Array {
  const { chance, crypto } = attacker;
  const name = `stranger ${wholeBetween(chance, 1, MOST_KEYS)}`;
  const { identity } = crypto.kind === "real" ? crypto : cryptoOf(crypto.kind, name);
  return signedBy(identity, encodeBeacon(beaconOf(identity, attacker)));
}

/** Of somebody who started just now, unless told otherwise. */
export function beaconOf(
  { device }: Identity,
  { chance, nowMs }: Attacker,
  changes: Partial<Beacon> = {},
): Beacon {
  return {
    device,
    incarnation: randomHex(chance, 8),
    sequence: 1,
    startedAtMs: EPOCH_MS + Math.floor(nowMs),
    intervalMs: oneOf(chance, [0, 1_000, 12_500]),
    dataPort: DEFAULT_DATA_PORT,
    groups: [],
    name: oneOf(chance, ["stranger", "", "ada", "bob"]),
    ...changes,
  };
}
