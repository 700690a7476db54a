import type { HandshakeSuite } from "../../src/crypto/handshake.js";
import { blake2b } from "../../src/crypto/hash.js";
import {
  type DeviceIdentity,
  identityFromSeed,
  type Verify,
  verifyEd25519,
} from "../../src/crypto/identity.js";
import { noiseSuite } from "../../src/crypto/noise.js";
import { memoryGroupKeys } from "../../src/store/groupKeys.js";
import { MemoryMemberships } from "../../src/store/memberships.js";
import type { Store } from "../../src/store/store.js";
import { MemoryTrust } from "../../src/store/trust.js";
import { simIdentity, simVerify } from "../support/simIdentity.js";
import { simSuite } from "./simSuite.js";

/** Real: Ed25519 and Noise. Simulated: keyed hashes, ten times faster. */
export type CryptoKind = "real" | "simulated";

export interface SimCrypto {
  readonly kind: CryptoKind;
  readonly identity: DeviceIdentity;
  readonly suite: HandshakeSuite;
  readonly verify: Verify;
}

/** What a device of this name proves itself with. */
export function cryptoOf(kind: CryptoKind, device: string): SimCrypto {
  const real = identityFromSeed(blake2b(`device ${device}`, 32));
  if (kind === "real") {
    return { kind, identity: real, suite: noiseSuite(real), verify: verifyEd25519 };
  }
  const identity = { ...simIdentity(device), agreement: real.agreement };
  return { kind, identity, suite: simSuite(identity.device), verify: simVerify };
}

/** A home folder in memory, which outlasts the processes that use it. */
export function simHome(identity: DeviceIdentity): Store {
  return {
    identity: () => identity,
    memberships: new MemoryMemberships(),
    groupKeys: memoryGroupKeys(),
    trust: new MemoryTrust(),
  };
}
