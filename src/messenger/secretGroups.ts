import { parseGroupName } from "../core/groups/groupName.js";
import type { CoreEvent, GroupKeys } from "../core/io.js";
import { passphraseGroupKey } from "../crypto/passphrase.js";
import { UdpchatError } from "../errors.js";
import {
  DamagedGroupKeysError,
  type GroupKeyStore,
  type SecretGroupList,
  type StoredGroupKeys,
  type StoredInvitation,
} from "../store/groupKeys.js";
import type { EventStream } from "./eventStream.js";
import { peerRef, type TrustReader } from "./peerShapes.js";
import { distinctName } from "./target.js";
import type { Invitation, JoinOptions } from "./types.js";

/** What key matters build on. */
export interface SecretGroupsParts {
  readonly store: GroupKeyStore;
  readonly stream: EventStream;
  readonly trust: TrustReader;
  readonly discoveryPort: number;
  /** Strangers invite in vain. Default false. */
  readonly requireVerified?: () => boolean;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** Invitations that are being written; more at once come from somebody who wants to fill us. */
const MAX_WRITING = 16;

/**
 * Which groups are secret, and with which key. A label that this home has a key for never stands
 * for the open group of the same name, not even when that key was taken away: only `forget` frees
 * it, so that no text meant for the one is ever said in the other.
 */
export class SecretGroups {
  readonly #parts: SecretGroupsParts;
  /** Writes under way: two for a group, and `MAX_WRITING` for invitations. */
  readonly #writing = new Set<Promise<void>>();
  /** By label: the latest of keys that changed while others were written. Bounded by groups. */
  readonly #unsaved = new Map<string, GroupKeys>();
  readonly #updating = new Set<string>();
  /** What the user was told last: strangers must not have it repeated. */
  #lastReason = "";

  constructor(parts: SecretGroupsParts) {
    this.#parts = parts;
  }

  /**
   * The keys to join `label` with, kept from now on; undefined: as an open group. They are those
   * of this home, or made from the passphrase, or from an invitation.
   * @throws UdpchatError INVALID_PASSPHRASE, NO_GROUP_KEY, INVALID_GROUP, AMBIGUOUS_PEER,
   *   HOME_UNUSABLE, LIMIT_REACHED
   */
  async keysFor(label: string, options: JoinOptions): Promise<GroupKeys | undefined> {
    const { passphrase, kept = false } = options;
    const secret = options.secret === true || passphrase !== undefined;
    const { groups, invitations } = await this.#list();
    const stored = groups.get(label);
    if (stored) {
      await this.#assertAgreement(label, passphrase, stored);
      return stored;
    }
    if (kept) {
      // What was a secret group does not become an open one because its key is lost.
      if (secret) await this.#parts.store.lock(label);
      throw secret || stored === null ? keyGone(label) : noSecretGroup(label);
    }
    if (!secret) {
      if (stored === null) throw keyGone(label);
      return undefined;
    }
    const invited = invitations.filter((invitation) => invitation.label === label);
    const keys = await this.#newKeys(label, passphrase, invited);
    await this.#parts.store.keep(label, keys);
    return keys;
  }

  /**
   * Whoever is on the network can invite us to a group of any name: what the user knows himself
   * counts more.
   */
  async #newKeys(
    label: string,
    passphrase: string | undefined,
    invitations: readonly StoredInvitation[],
  ): Promise<StoredGroupKeys> {
    if (passphrase !== undefined) {
      const key = await keyOf(label, passphrase);
      return { epoch: 0, key, retired: [], removed: [], change: undefined };
    }
    const welcome = invitations.filter(
      (invitation) => this.#isWelcome(invitation) && !this.#isImpostor(invitation),
    );
    const [first, ...others] = welcome;
    if (first === undefined) throw noKey(label);
    // Not even the later epoch is better: anybody can claim it.
    if (others.some(({ keys }) => keys.key !== first.keys.key)) throw contradiction(label, welcome);
    return first.keys;
  }

  /** Throws INVALID_PASSPHRASE if the passphrase is not the one that the group began with. */
  async assertPassphrase(label: string, passphrase: string | undefined): Promise<void> {
    if (passphrase === undefined) return;
    const { groups } = await this.#list();
    const stored = groups.get(label);
    if (stored) await this.#assertAgreement(label, passphrase, stored);
  }

  async #assertAgreement(
    label: string,
    passphrase: string | undefined,
    { epoch, key, retired }: StoredGroupKeys,
  ): Promise<void> {
    if (passphrase === undefined) return;
    const given = await keyOf(label, passphrase);
    // Who was invited later does not know the first key.
    const knowsFirst = retired.length >= epoch;
    if (!knowsFirst || key === given || retired.includes(given)) return;
    throw new UdpchatError("INVALID_PASSPHRASE", `this home has another key of ${label}`, {
      remedy: `leave it first, to begin anew: udpchat leave '${label}'`,
    });
  }

  /** Labels and inviters that are neither joined nor blocked. */
  async invitations(): Promise<Invitation[]> {
    const { invitations } = await this.#list();
    return invitations
      .filter((invitation) => this.#isWelcome(invitation))
      .map(({ label, from }) => ({ group: label, from: peerRef(from, this.#parts.trust) }));
  }

  /** That they are damaged is an error for whoever asks, and everybody is to know. */
  async #list(): Promise<SecretGroupList> {
    try {
      return await this.#parts.store.list();
    } catch (error) {
      if (error instanceof DamagedGroupKeysError) this.#warnOnce(error.message, error.message);
      throw error;
    }
  }

  #warnOnce(reason: string, message: string): void {
    if (reason === this.#lastReason) return;
    this.#lastReason = reason;
    const warning = { code: "GROUP_KEYS_NOT_KEPT", message, peer: null } as const;
    this.#parts.stream.publish({ type: "warning", warning });
  }

  #isWelcome({ from }: Pick<StoredInvitation, "from">): boolean {
    const trust = this.#parts.trust.trustOf(from.id, from.name);
    return this.#parts.requireVerified?.() === true ? trust === "verified" : trust !== "blocked";
  }

  /** Who goes by the name of somebody else lets us in nowhere, but may be seen to have tried. */
  #isImpostor({ from }: StoredInvitation): boolean {
    return this.#parts.trust.trustOf(from.id, from.name) === "conflict";
  }

  forget(label: string): Promise<boolean> {
    return this.#parts.store.forget(label);
  }

  /** We were removed: the key is worth nothing any more, but the label stays a secret group's. */
  expelled(label: string): void {
    this.#unsaved.delete(label);
    this.#keep(`that we were removed from ${label}`, this.#parts.store.lock(label));
  }

  /**
   * The core changed the keys of a group that we are in. It is written beside the datagrams that
   * go out with it: whoever loses power in between comes back with the former key, as one who was
   * away during the change, and is given the new one by any member.
   */
  changed(label: string, keys: GroupKeys): void {
    this.#unsaved.set(label, keys);
    if (!this.#updating.has(label)) this.#keep(`the new key of ${label}`, this.#update(label));
  }

  /** However often a member changes the key, one write is under way and one waits. */
  async #update(label: string): Promise<void> {
    this.#updating.add(label);
    try {
      for (;;) {
        const keys = this.#unsaved.get(label);
        if (keys === undefined) return;
        this.#unsaved.delete(label);
        await this.#parts.store.update(label, keys);
      }
    } finally {
      this.#updating.delete(label);
    }
  }

  /** An invitation never joins by itself, and replaces no key. */
  invited({ label, from, keys }: EventOf<"groupInvitation">): void {
    if (!isLabel(label, this.#parts.discoveryPort) || this.#writing.size >= MAX_WRITING) return;
    if (!this.#isWelcome({ from })) return;
    const { id, name, address, port } = from;
    const invitation = { label, from: { id, name, address, port }, keys };
    this.#keep(`the invitation to ${label}`, this.#keepInvitation(invitation));
  }

  /** It is told when `join` can find it. */
  async #keepInvitation(invitation: StoredInvitation): Promise<void> {
    const { store, stream, trust } = this.#parts;
    await store.invite(invitation);
    const { label, from } = invitation;
    stream.publish({
      type: "invitation",
      invitation: { group: label, from: peerRef(from, trust) },
    });
  }

  #keep(what: string, writing: Promise<void>): void {
    const settled = writing
      .catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#warnOnce(reason, `${what} could not be kept: ${reason}`);
      })
      .finally(() => this.#writing.delete(settled));
    this.#writing.add(settled);
  }

  /** When everything is written. */
  async settled(): Promise<void> {
    await Promise.all(this.#writing);
  }
}

/** Throws INVALID_PASSPHRASE. */
async function keyOf(label: string, passphrase: string): Promise<string> {
  if (passphrase === "") {
    throw new UdpchatError("INVALID_PASSPHRASE", "the passphrase is empty", {
      remedy: "choose one of several words",
    });
  }
  return await passphraseGroupKey(label, passphrase);
}

/** In its canonical form: otherwise it would be kept under a name that nobody can type. */
function isLabel(label: string, discoveryPort: number): boolean {
  try {
    return parseGroupName(label, discoveryPort, { secret: true }).label === label;
  } catch {
    return false;
  }
}

function noKey(label: string): UdpchatError {
  return new UdpchatError("INVALID_PASSPHRASE", `this home has no key of ${label}`, {
    remedy:
      "type its passphrase on a terminal, set UDPCHAT_PASSPHRASE, name a file with " +
      "--passphrase-file, or have a member run: udpchat invite",
  });
}

function keyGone(label: string): UdpchatError {
  return new UdpchatError("NO_GROUP_KEY", `the secret group ${label} has no key here any more`, {
    remedy:
      `join it with --secret, by an invitation or its passphrase; or give it up: ` +
      `udpchat leave '${label}'`,
  });
}

function noSecretGroup(label: string): UdpchatError {
  return new UdpchatError("INVALID_GROUP", `${label} is no secret group of this home`, {
    remedy: `join it first: udpchat join '${label}' --secret`,
  });
}

function contradiction(label: string, invitations: readonly StoredInvitation[]): UdpchatError {
  const names = invitations.map(({ from }) => distinctName(from)).slice(-8);
  return new UdpchatError("AMBIGUOUS_PEER", `the invitations to ${label} have different keys`, {
    remedy:
      `block who should not have invited you (${names.join(", ")}), or forget all of them and ` +
      `be invited again: udpchat leave '${label}'`,
  });
}
