import type { GroupKeys } from "../../src/core/io.js";
import { groupKeyOf } from "../../src/crypto/groupSeal.js";
import { randomHex } from "../../src/crypto/random.js";
import {
  encodeGroupKeyNote,
  type GroupKeyNote,
  GroupKeyPurpose,
  groupKeyStatement,
  keyInRemoval,
  provenPart,
} from "../../src/wire/groupKeyNote.js";
import { SECRET_GROUP } from "../support/groupBus.js";
import type { SeededRandom } from "../support/seededRandom.js";
import { numberNear } from "./coreDraws.js";
import type { FuzzPeer } from "./corePeer.js";
import { below, chance, pick } from "./mutate.js";

/** What a member knows that changes the key of the secret group. */
export interface KeyScene {
  readonly keys: GroupKeys;
  /** Keys that it has: the present one first. */
  readonly secrets: readonly string[];
  /** Devices that may be removed. */
  readonly devices: readonly string[];
  /** Device that it is told. */
  readonly victim: string;
}

/** A rotation, an invitation or a removal: rightly signed and proven, or nearly. */
export function drawKeyNote(random: SeededRandom, peer: FuzzPeer, scene: KeyScene): Uint8Array {
  const { rotation, invitation, removal } = GroupKeyPurpose;
  const purpose = chance(random, 0.5) ? rotation : pick(random, [rotation, invitation, removal]);
  const { keys, devices } = scene;
  const secret = chance(random, 0.8) ? randomHex(random, 32) : pick(random, scene.secrets);
  const keyId = groupKeyOf(secret, random).id;
  const removed = Array.from({ length: below(random, 3) }, () => pick(random, devices));
  const named = purpose === removal && chance(random, 0.02) ? [...removed, scene.victim] : removed;
  const { groupId, label } = SECRET_GROUP;
  const statement = {
    groupId: chance(random, 0.97) ? groupId : randomHex(random, 8),
    label: chance(random, 0.9)
      ? label
      : pick(random, ["#ops", "#\u202eops", "x", "#" + "y".repeat(64)]),
    epoch: numberNear(random, keys.epoch + 1),
    by: chance(random, 0.95) ? peer.device : pick(random, devices),
    removed: named,
  };
  const proofKey = groupKeyOf(
    chance(random, 0.85) ? keys.key : pick(random, scene.secrets),
    random,
  );
  const unproven: Omit<GroupKeyNote, "proof"> = {
    ...statement,
    purpose,
    key: purpose === removal ? keyInRemoval(keyId) : secret,
    signature: peer.identity.sign(groupKeyStatement(statement, keyId)),
    proofKeyId: proofKey.id,
  };
  return encodeGroupKeyNote({ ...unproven, proof: proofKey.prove(provenPart(unproven)) });
}
