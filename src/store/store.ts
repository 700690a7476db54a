import { type DeviceIdentity, IDENTITY_SEED_BYTES, identityFromSeed } from "../crypto/identity.js";
import type { RandomSource } from "../crypto/random.js";
import { systemRandom } from "../crypto/systemRandom.js";
import { type GroupKeyStore, groupKeysFile, memoryGroupKeys } from "./groupKeys.js";
import { loadOrCreateIdentity } from "./identityFile.js";
import { type Memberships, MembershipsFile, MemoryMemberships } from "./memberships.js";
import type { Paths } from "./paths.js";
import { MemoryTrust, type TrustStore } from "./trust.js";
import { TrustFile } from "./trustFile.js";

/** What outlasts the process. */
export interface Store {
  /** Who we are. */
  identity(): DeviceIdentity;
  /** Standing groups. */
  readonly memberships: Memberships;
  /** Of secret groups. */
  readonly groupKeys: GroupKeyStore;
  /** The keys that we met. */
  readonly trust: TrustStore;
}

/**
 * The store in a home folder; identity and folder are made on the first run.
 * @throws UdpchatError HOME_UNUSABLE
 */
export async function openStore(paths: Paths, random: RandomSource = systemRandom): Promise<Store> {
  const identity = await loadOrCreateIdentity(paths.identityFile, random);
  return {
    identity: () => identity,
    memberships: new MembershipsFile(paths.membershipsFile),
    groupKeys: groupKeysFile(paths.groupKeysFile),
    trust: new TrustFile(paths.trustFile),
  };
}

/** A store that touches no disk: a new identity, forgotten at the end. */
export function memoryStore(random: RandomSource = systemRandom): Store {
  const identity = identityFromSeed(random.bytes(IDENTITY_SEED_BYTES));
  return {
    identity: () => identity,
    memberships: new MemoryMemberships(),
    groupKeys: memoryGroupKeys(),
    trust: new MemoryTrust(),
  };
}
