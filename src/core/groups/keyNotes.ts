import type { GroupKey } from "../../crypto/groupSeal.js";
import { uniformBetween } from "../../crypto/random.js";
import { GROUP_KEY_ID_BYTES } from "../../wire/constants.js";
import { fromHex, toHex } from "../../wire/cursor.js";
import {
  encodeGroupKeyNote,
  GroupKeyPurpose,
  type GroupKeyPurposeCode,
  groupKeyStatement,
  keyInRemoval,
  provenPart,
} from "../../wire/groupKeyNote.js";
import { BoundedMap } from "../boundedMap.js";
import type { Address, Token } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import type { KeyChange, Keyring } from "./keyring.js";

/** A note that could not be delivered by then is given up: whoever missed it is told when heard. */
const GIVE_UP_MS = 30_000;
/** The same device is not told more often, of a new key and of its own removal. */
const ROTATION_SPACING_MS = 5000;
const REMOVAL_SPACING_MS = 30_000;
/** Who did not change the key leaves the changer time to tell it. */
const MIN_TELL_DELAY_MS = 200;
const MAX_TELL_DELAY_MS = 2000;
const NO_PROOF_BYTES = 16;

type ToldPurpose = typeof GroupKeyPurpose.rotation | typeof GroupKeyPurpose.removal;

/** A note on its way. */
interface SentNote {
  readonly device: string;
  readonly giveUpAtMs: number;
}

/** The notes of one secret group that we send: who is told, how often, and until when. */
export class KeyNotes {
  readonly #context: GroupsContext;
  readonly #name: GroupName;
  readonly #keyring: Keyring;
  /** Where a member was last heard. */
  readonly #lastKnown: (device: string) => Address | undefined;
  /** In the order of their giving up; bounded by members and the spacing. */
  readonly #sent = new Map<Token, SentNote>();
  /** By purpose and device: when it was told last. */
  readonly #toldAtMs: BoundedMap<string, number>;
  /** By device: to be told after a delay. Bounded by members. */
  readonly #waiting = new Map<string, Alarm>();
  readonly #giveUpDue: Alarm = (nowMs) => this.#giveUp(nowMs);

  constructor(
    context: GroupsContext,
    name: GroupName,
    keyring: Keyring,
    lastKnown: (device: string) => Address | undefined,
  ) {
    this.#context = context;
    this.#name = name;
    this.#keyring = keyring;
    this.#lastKnown = lastKnown;
    this.#toldAtMs = new BoundedMap(context.limits.membersPerGroup);
  }

  /** The note for somebody who is not a member. */
  invitation(): Uint8Array {
    return this.#compose(GroupKeyPurpose.invitation, undefined);
  }

  /** Sends a note at once, proven with a key that `device` has. */
  send(nowMs: number, device: string, purpose: ToldPurpose, proofKey: GroupKey): void {
    this.heardPresent(device);
    this.#toldAtMs.set(toldKey(purpose, device), nowMs);
    const token = this.#context.outputs.ownToken();
    this.#sent.set(token, { device, giveUpAtMs: nowMs + GIVE_UP_MS });
    if (this.#context.timers.get(this.#giveUpDue) === undefined) {
      this.#context.timers.set(this.#giveUpDue, nowMs + GIVE_UP_MS);
    }
    const at = this.#lastKnown(device);
    const target = { kind: "device" as const, id: device };
    const body = this.#compose(purpose, proofKey);
    this.#context.sendNote(nowMs, {
      kind: "groupKey",
      target: at === undefined ? target : { ...target, lastKnown: at },
      body,
      token,
    });
  }

  /** `device` uses `key`, which is retired: it is told of the present one. */
  tellRotation(nowMs: number, device: string, key: GroupKey): void {
    if (!this.#mayTell(nowMs, GroupKeyPurpose.rotation, device)) return;
    if (this.#keyring.change?.by === this.#context.identity.device) {
      this.send(nowMs, device, GroupKeyPurpose.rotation, key);
      return;
    }
    if (this.#waiting.has(device)) return;
    const delayMs = uniformBetween(this.#context.random, MIN_TELL_DELAY_MS, MAX_TELL_DELAY_MS);
    const due: Alarm = (dueMs) => {
      this.#waiting.delete(device);
      if (this.#keyring.isRemoved(device)) return;
      this.send(dueMs, device, GroupKeyPurpose.rotation, key);
    };
    this.#waiting.set(device, due);
    this.#context.timers.set(due, nowMs + delayMs);
  }

  /** `device` was removed and uses `key` still. */
  tellRemoval(nowMs: number, device: string, key: GroupKey): void {
    // Without its name in the statement nothing would be proven to it.
    if (this.#keyring.change?.removed.includes(device) !== true) return;
    if (!this.#mayTell(nowMs, GroupKeyPurpose.removal, device)) return;
    this.send(nowMs, device, GroupKeyPurpose.removal, key);
  }

  /** It was told of its removal so recently that nothing it says is worth a look. */
  isToldOfRemoval(nowMs: number, device: string): boolean {
    return !this.#mayTell(nowMs, GroupKeyPurpose.removal, device);
  }

  /** It has the present key: it need not be told. */
  heardPresent(device: string): void {
    const due = this.#waiting.get(device);
    if (due === undefined) return;
    this.#waiting.delete(device);
    this.#context.timers.clear(due);
  }

  /** It is to have no key from us that has not reached it yet. */
  withhold(nowMs: number, device: string): void {
    this.heardPresent(device);
    for (const [token, note] of this.#sent) if (note.device === device) this.#cancel(nowMs, token);
  }

  close(nowMs: number): void {
    for (const token of this.#sent.keys()) this.#cancel(nowMs, token);
    for (const due of this.#waiting.values()) this.#context.timers.clear(due);
    this.#waiting.clear();
    this.#context.timers.clear(this.#giveUpDue);
  }

  #mayTell(nowMs: number, purpose: ToldPurpose, device: string): boolean {
    const spacingMs =
      purpose === GroupKeyPurpose.removal ? REMOVAL_SPACING_MS : ROTATION_SPACING_MS;
    const toldAtMs = this.#toldAtMs.get(toldKey(purpose, device));
    return toldAtMs === undefined || nowMs - toldAtMs >= spacingMs;
  }

  #giveUp(nowMs: number): void {
    for (const [token, { giveUpAtMs }] of this.#sent) {
      if (giveUpAtMs > nowMs) {
        this.#context.timers.set(this.#giveUpDue, giveUpAtMs);
        return;
      }
      this.#cancel(nowMs, token);
    }
  }

  #cancel(nowMs: number, token: Token): void {
    this.#sent.delete(token);
    this.#context.cancelNote(nowMs, token);
  }

  #compose(purpose: GroupKeyPurposeCode, proofKey: GroupKey | undefined): Uint8Array {
    const { epoch, present } = this.#keyring;
    const { by, removed, signature } = this.#keyring.change ?? this.#firstStatement();
    const unproven = {
      purpose,
      groupId: this.#name.groupId,
      label: this.#name.label,
      epoch,
      key: purpose === GroupKeyPurpose.removal ? keyInRemoval(present.id) : present.secret,
      by,
      removed,
      signature: fromHex(signature),
      proofKeyId: proofKey?.id ?? "00".repeat(GROUP_KEY_ID_BYTES),
    };
    const proof = proofKey?.prove(provenPart(unproven)) ?? new Uint8Array(NO_PROOF_BYTES);
    return encodeGroupKeyNote({ ...unproven, proof });
  }

  /** Nobody has changed the key: whoever passes it on answers for it. */
  #firstStatement(): KeyChange {
    return signedChange(this.#context, this.#name, {
      epoch: this.#keyring.epoch,
      keyId: this.#keyring.present.id,
      removed: [],
    });
  }
}

/** Our own statement of a key. */
export function signedChange(
  context: Pick<GroupsContext, "identity">,
  { groupId, label }: GroupName,
  key: { readonly epoch: number; readonly keyId: string; readonly removed: readonly string[] },
): KeyChange {
  const { epoch, keyId, removed } = key;
  const by = context.identity.device;
  const statement = groupKeyStatement({ groupId, label, epoch, by, removed }, keyId);
  return { by, removed, signature: toHex(context.identity.sign(statement)) };
}

function toldKey(purpose: ToldPurpose, device: string): string {
  return `${purpose} ${device}`;
}
