import type { GroupKey } from "../../crypto/groupSeal.js";
import { DatagramType } from "../../wire/constants.js";
import { decodeSealedGroup } from "../../wire/group.js";
import {
  decodeSyncSeal,
  encodeGroupSync,
  encodeOpenSync,
  encodeSealedSync,
  type GroupSync,
  syncAssociatedData,
} from "../../wire/groupSync.js";
import { datagramType } from "../../wire/header.js";
import type { LoggedDatagram } from "./groupLog.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import type { KeptDatagram } from "./hearsay.js";
import type { KeyExchange } from "./keyExchange.js";

/**
 * What is around the records of one group: nothing in an open one. In a secret one all is sealed
 * with the present key, and what was said under a former key once more with that, so that nobody
 * reads what was said before its time.
 */
export class SyncEnvelope {
  readonly #context: Pick<GroupsContext, "identity" | "counters">;
  readonly #groupId: string;
  readonly #keys: KeyExchange | undefined;

  /** `keys`: of a secret group. */
  constructor(
    context: Pick<GroupsContext, "identity" | "counters">,
    { groupId }: GroupName,
    keys: KeyExchange | undefined,
  ) {
    this.#context = context;
    this.#groupId = groupId;
    this.#keys = keys;
  }

  /** The keys that we can read; none in an open group. */
  get keyIds(): readonly string[] {
    return this.#keys?.keyIds ?? [];
  }

  /** The body of a record for `to`. */
  wrap(to: string, sync: GroupSync): Uint8Array {
    const content = encodeGroupSync(sync);
    const key = this.#keys?.present;
    if (key === undefined) return encodeOpenSync(this.#groupId, content);
    const from = this.#context.identity.device;
    const around = { groupId: this.#groupId, from, to, keyId: key.id };
    let drawn = new Uint8Array(0);
    let header = drawn;
    const sealed = key.seal((nonce) => {
      drawn = new Uint8Array(nonce);
      header = new Uint8Array(syncAssociatedData({ ...around, nonce }));
      return header;
    }, content);
    return encodeSealedSync({ ...around, nonce: drawn }, sealed.subarray(header.length));
  }

  /**
   * The content of a record of `from`; undefined, and counted, if it is not sealed with the present
   * key. `rest`: what is behind the group id. Throws MALFORMED_DATAGRAM alone.
   */
  open(nowMs: number, from: string, rest: Uint8Array): Uint8Array | undefined {
    const keys = this.#keys;
    if (keys === undefined) return rest;
    const { keyId, nonce, sealed } = decodeSyncSeal(rest);
    const key = keys.find(keyId);
    if (key === undefined) {
      this.#context.counters.add("groupDatagramsUnreadable");
      return undefined;
    }
    const to = this.#context.identity.device;
    const header = syncAssociatedData({ groupId: this.#groupId, from, to, keyId, nonce });
    const content = key.open(nonce, header, sealed);
    if (content === undefined) {
      this.#context.counters.add("datagramsForged");
      return undefined;
    }
    // Whoever missed a change is told; until then it is served nothing.
    if (!keys.heard(nowMs, from, key) || key !== keys.present) return undefined;
    return content;
  }

  /** For somebody who has the keys `keyIds`; undefined if it could not read it, or we cannot seal it. */
  wrapDatagram(kept: LoggedDatagram, keyIds: readonly string[]): Uint8Array | undefined {
    const keys = this.#keys;
    if (keys === undefined) return kept.bytes;
    if (kept.keyId === undefined || !keyIds.includes(kept.keyId)) return undefined;
    if (kept.keyId === keys.present.id) return kept.bytes;
    const key = keys.find(kept.keyId);
    return key === undefined ? undefined : keys.sealWith(key, kept.bytes);
  }

  /** Undefined if we cannot read it. Throws MALFORMED_DATAGRAM alone. */
  openDatagram(datagram: Uint8Array): KeptDatagram | undefined {
    const keys = this.#keys;
    if (keys === undefined) return { bytes: datagram, keyId: undefined };
    if (datagramType(datagram) !== DatagramType.groupSealed) {
      return { bytes: datagram, keyId: keys.present.id };
    }
    const sealed = decodeSealedGroup(datagram);
    const key = sealed.groupId === this.#groupId ? keys.find(sealed.keyId) : undefined;
    const bytes = openWith(key, sealed);
    return bytes === undefined ? undefined : { bytes, keyId: sealed.keyId };
  }
}

function openWith(
  key: GroupKey | undefined,
  sealed: ReturnType<typeof decodeSealedGroup>,
): Uint8Array | undefined {
  return key?.open(sealed.nonce, sealed.header, sealed.sealed);
}
