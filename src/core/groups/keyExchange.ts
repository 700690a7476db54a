import { type GroupKey, groupKeyOf, newGroupKey } from "../../crypto/groupSeal.js";
import { isSameDigest } from "../../crypto/hash.js";
import { uniformBetween } from "../../crypto/random.js";
import { toHex } from "../../wire/cursor.js";
import { encodeGroupSealHeader, type SealedGroupDatagram } from "../../wire/group.js";
import {
  type GroupKeyNote,
  GroupKeyPurpose,
  groupKeyStatement,
  keyIdInRemoval,
  MAX_REMOVED_DEVICES,
  provenPart,
} from "../../wire/groupKeyNote.js";
import type { Address, GroupKeys, PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import { KeyNotes, signedChange } from "./keyNotes.js";
import { Keyring } from "./keyring.js";
import type { Members } from "./members.js";

/** So long we wait for a note before we tell that we cannot read; and then for so long not again. */
const UNREADABLE_AFTER_MS = 3000;
const UNREADABLE_SPACING_MS = 60_000;
/** Whoever's own change lost against another one at the same time changes the key again. */
const MIN_AGAIN_DELAY_MS = 500;
const MAX_AGAIN_DELAY_MS = 2000;
/** Nobody was away for so many changes: a higher epoch is there to forbid all later ones. */
const MAX_EPOCH_LEAP = 1024;

/** What keys need of the membership around them. */
export interface KeyExchangeSurroundings {
  readonly members: Members;
  /** We were kept out. */
  expelled(nowMs: number): void;
  /** The others should hear from us soon, with the key that we have. */
  showOurselves(nowMs: number): void;
}

/** What a note means for us. */
type Verdict = "taken" | "refused" | "known";

/**
 * Which key a secret group uses: seals and opens its datagrams, changes the key to keep a device
 * out, and brings every member to the same key again, whatever it missed. PROTOCOL.md section 6.7.
 */
export class KeyExchange {
  readonly #context: GroupsContext;
  readonly #name: GroupName;
  readonly #around: KeyExchangeSurroundings;
  readonly #keyring: Keyring;
  readonly #notes: KeyNotes;
  /** Whom we kept out by a change that lost; bounded by `MAX_REMOVED_DEVICES`. */
  readonly #victims = new Set<string>();
  /** A change by a removed device that a member took. */
  #overruled: { readonly by: string; readonly epoch: number } | undefined;
  readonly #againDue: Alarm = (nowMs) => this.#removeAgain(nowMs);
  #unreadableFrom: Address | undefined;
  #toldUnreadableAtMs = Number.NEGATIVE_INFINITY;
  readonly #unreadableDue: Alarm = (nowMs) => this.#tellUnreadable(nowMs);

  constructor(
    context: GroupsContext,
    name: GroupName,
    keys: GroupKeys,
    surroundings: KeyExchangeSurroundings,
  ) {
    this.#context = context;
    this.#name = name;
    this.#around = surroundings;
    this.#keyring = new Keyring(context.random, keys);
    this.#notes = new KeyNotes(context, name, this.#keyring, (device) =>
      surroundings.members.peer(device),
    );
  }

  // Datagrams.

  seal(datagram: Uint8Array): Uint8Array {
    return this.sealWith(this.#keyring.present, datagram);
  }

  /** With a key that was in use when it was said. */
  sealWith(key: GroupKey, datagram: Uint8Array): Uint8Array {
    const { groupId } = this.#name;
    return key.seal((nonce) => encodeGroupSealHeader({ groupId, keyId: key.id, nonce }), datagram);
  }

  /** What is inside, and the key that it was sealed with; undefined, and counted, if it won't open. */
  open(
    nowMs: number,
    datagram: SealedGroupDatagram,
    from: Address,
  ): { readonly bytes: Uint8Array; readonly key: GroupKey } | undefined {
    const key = this.#keyring.find(datagram.keyId);
    if (key === undefined) {
      this.#context.counters.add("groupDatagramsUnreadable");
      this.#couldNotRead(nowMs, from);
      return undefined;
    }
    const bytes = key.open(datagram.nonce, datagram.header, datagram.sealed);
    if (bytes !== undefined) return { bytes, key };
    this.#context.counters.add("datagramsForged");
    return undefined;
  }

  /** Not worth a check of its signature: it was removed, and told so a moment ago. */
  ignores(nowMs: number, device: string, key: GroupKey): boolean {
    if (key === this.#keyring.present || !this.#keyring.isRemoved(device)) return false;
    return this.#notes.isToldOfRemoval(nowMs, device);
  }

  /** `device` signed something that `key` sealed. False if it is not to be believed. */
  heard(nowMs: number, device: string, key: GroupKey): boolean {
    if (key === this.#keyring.present) {
      // Somebody invited it again.
      if (this.#keyring.readmit(device)) {
        this.#keyring.meet(device);
        this.#tellKeys();
      }
      this.#notes.heardPresent(device);
      return true;
    }
    if (this.#keyring.isRemoved(device)) {
      this.#notes.tellRemoval(nowMs, device, key);
      return false;
    }
    // Else whoever was removed would come back under another name, and be given the key.
    if (!this.#hasMet(device)) {
      this.#context.counters.add("groupDatagramsUnreadable");
      return false;
    }
    this.#notes.tellRotation(nowMs, device, key);
    return true;
  }

  /** A restart is no reason to forget who may have missed a change. */
  #hasMet(device: string): boolean {
    return this.#around.members.has(device) || this.#keyring.hasMet(device);
  }

  /** Everything is sealed with it now. */
  get present(): GroupKey {
    return this.#keyring.present;
  }

  /** Of the keys that we have, the present one first. */
  get keyIds(): readonly string[] {
    return this.#keyring.ids;
  }

  /** The present key, or a retired one. */
  find(keyId: string): GroupKey | undefined {
    return this.#keyring.find(keyId);
  }

  /** Everything is sealed with it now, 16 hexadecimal digits. */
  get presentKeyId(): string {
    return this.#keyring.present.id;
  }

  /** What `device` said under a key that we have is to be believed: it is not kept out. */
  reads(device: string, keyId: string | undefined): boolean {
    const key = keyId === undefined ? undefined : this.#keyring.find(keyId);
    if (key === undefined || this.#keyring.isRemoved(device)) return false;
    if (key === this.#keyring.present || device === this.#context.identity.device) return true;
    // Whoever was removed has former keys too, and can call itself something else.
    return this.#hasMet(device);
  }

  isRemoved(device: string): boolean {
    return this.#keyring.isRemoved(device);
  }

  /** It has shown that it is here: it is known as a member from now on. */
  met(device: string): void {
    if (this.#keyring.meet(device)) this.#tellKeys();
  }

  #couldNotRead(nowMs: number, from: Address): void {
    if (this.#unreadableFrom !== undefined) return;
    this.#unreadableFrom = from;
    this.#context.timers.set(this.#unreadableDue, nowMs + UNREADABLE_AFTER_MS);
    // Whoever has the new key sees that we have not; and whoever missed our change is told again.
    this.#around.showOurselves(nowMs);
    const { former } = this.#keyring;
    if (former === undefined) return;
    for (const { id } of this.#around.members.at(from.address)) {
      if (!this.#keyring.isRemoved(id)) this.#notes.tellRotation(nowMs, id, former);
    }
  }

  #tellUnreadable(nowMs: number): void {
    const from = this.#unreadableFrom;
    this.#unreadableFrom = undefined;
    if (from === undefined || nowMs - this.#toldUnreadableAtMs < UNREADABLE_SPACING_MS) return;
    this.#toldUnreadableAtMs = nowMs;
    const { groupId } = this.#name;
    this.#context.outputs.event({ kind: "groupUnreadable", groupId, from });
  }

  // Changing the key.

  /**
   * The note that lets somebody in. `device`: if it is known who that is; it counts as met, as the
   * key may be changed before it comes.
   */
  invitationTo(device: string | undefined): Uint8Array {
    if (device !== undefined) {
      const isBack = this.#keyring.readmit(device);
      if (this.#keyring.meet(device) || isBack) this.#tellKeys();
    }
    return this.#notes.invitation();
  }

  /** Keeps `devices` out: everybody else is given a new key. */
  remove(nowMs: number, devices: readonly string[]): void {
    this.#remove(nowMs, devices, 1);
  }

  #remove(nowMs: number, devices: readonly string[], minEpoch: number): void {
    const former = this.#keyring.present;
    const key = newGroupKey(this.#context.random);
    const epoch = Math.max(this.#keyring.epoch + 1, minEpoch);
    const others = this.#keyring.removed.filter((device) => !devices.includes(device));
    const removed = [...others, ...devices].slice(-MAX_REMOVED_DEVICES);
    const change = signedChange(this.#context, this.#name, { epoch, keyId: key.id, removed });
    this.#changed(nowMs, this.#keyring.replace(key.secret, epoch, change));
    for (const id of this.#around.members.reachable()) {
      if (this.#keyring.isRemoved(id)) continue;
      this.#notes.send(nowMs, id, GroupKeyPurpose.rotation, former);
    }
    for (const device of devices) {
      this.#notes.send(nowMs, device, GroupKeyPurpose.removal, former);
    }
  }

  #removeAgain(nowMs: number): void {
    const victims = [...this.#victims].filter((device) => !this.#keyring.isRemoved(device));
    this.#victims.clear();
    const overruled = this.#overruled;
    this.#overruled = undefined;
    if (overruled !== undefined) victims.push(overruled.by);
    if (victims.length > 0) this.#remove(nowMs, victims, (overruled?.epoch ?? 0) + 1);
  }

  /** The key is another one: tells the application, and shows who is out. */
  #changed(nowMs: number, victims: readonly string[]): void {
    this.#tellKeys();
    const by = this.#keyring.change?.by;
    for (const device of victims) this.#notes.withhold(nowMs, device);
    for (const device of this.#keyring.removed) this.#around.members.dismiss(device);
    if (victims.length === 0 || by === undefined) return;
    const { groupId } = this.#name;
    this.#context.outputs.event({ kind: "groupRemoval", groupId, devices: victims, by });
  }

  #tellKeys(): void {
    const { groupId } = this.#name;
    this.#context.outputs.event({ kind: "groupKeys", groupId, keys: this.#keyring.snapshot() });
  }

  // Notes of others.

  /** A rotation or removal that `from` sent us in a session. */
  receive(nowMs: number, from: PeerRef, note: GroupKeyNote): void {
    const verdict = this.#judge(nowMs, from, note);
    if (verdict === "taken") this.#context.counters.add("groupKeysTaken");
    if (verdict === "refused") this.#context.counters.add("groupKeysRefused");
  }

  #judge(nowMs: number, from: PeerRef, note: GroupKeyNote): Verdict {
    const { device } = this.#context.identity;
    const isRemoval = note.purpose === GroupKeyPurpose.removal;
    if (note.label !== this.#name.label || note.removed.includes(device) !== isRemoval) {
      return "refused";
    }
    const keyId = isRemoval
      ? keyIdInRemoval(note.key)
      : groupKeyOf(note.key, this.#context.random).id;
    if (keyId === undefined || this.#keyring.isRemoved(from.id)) return "refused";
    if (this.#keyring.find(keyId) !== undefined) return "known";
    // The first key was changed by nobody.
    if (note.epoch === 0 || note.epoch > this.#keyring.epoch + MAX_EPOCH_LEAP) return "refused";
    if (!this.#isProven(from.id, note, keyId)) return "refused";
    const isOverruled = this.#keyring.isRemoved(note.by);
    if (isOverruled || !this.#wins(note.epoch, keyId)) {
      if (isRemoval) return "refused";
      if (isOverruled) this.#overruleLater(nowMs, note);
      // It is what some members use: once understood, they can be told of ours.
      this.#keyring.retire(note.key);
      this.#tellKeys();
      return "refused";
    }
    if (isRemoval) this.#expelled(nowMs, note.by);
    else this.#take(nowMs, note);
    return "taken";
  }

  /**
   * A member was given a key by a device that is out for us: before it knew, or because the two
   * removed each other. A change after both brings everybody together again.
   */
  #overruleLater(nowMs: number, { by, epoch }: GroupKeyNote): void {
    if (epoch < this.#keyring.epoch) return; // that member is told of ours when it is heard
    this.#overruled = { by, epoch };
    this.#changeLater(nowMs);
  }

  #changeLater(nowMs: number): void {
    if (this.#context.timers.get(this.#againDue) !== undefined) return;
    const { random } = this.#context;
    const delayMs = uniformBetween(random, MIN_AGAIN_DELAY_MS, MAX_AGAIN_DELAY_MS);
    this.#context.timers.set(this.#againDue, nowMs + delayMs);
  }

  /**
   * The sender has our present key, or is a member that has a retired one, and `by` signed what the
   * note says. Whoever was removed has retired keys too, and can call itself something else.
   */
  #isProven(from: string, note: GroupKeyNote, keyId: string): boolean {
    const key = this.#keyring.find(note.proofKeyId);
    if (key === undefined) return false;
    if (key !== this.#keyring.present && !this.#hasMet(from)) return false;
    if (!isSameDigest(key.prove(provenPart(note)), note.proof)) return false;
    return this.#context.verify(note.by, groupKeyStatement(note, keyId), note.signature);
  }

  /** Of two changes at the same time all members choose the same one. */
  #wins(epoch: number, keyId: string): boolean {
    const { epoch: ourEpoch, present } = this.#keyring;
    return epoch > ourEpoch || (epoch === ourEpoch && keyId < present.id);
  }

  #take(nowMs: number, note: GroupKeyNote): void {
    const { by, removed, epoch, signature } = note;
    this.#overruled = undefined;
    this.#rememberVictims(nowMs, removed);
    const change = { by, removed, signature: toHex(signature) };
    this.#changed(nowMs, this.#keyring.replace(note.key, epoch, change));
    this.#context.timers.clear(this.#unreadableDue);
    this.#unreadableFrom = undefined;
    this.#around.showOurselves(nowMs);
  }

  /** Our own change may lose: whom it kept out, and the new one does not, is kept out again. */
  #rememberVictims(nowMs: number, removed: readonly string[]): void {
    const { change, removed: all } = this.#keyring;
    if (change?.by !== this.#context.identity.device) return;
    for (const device of all) {
      const isLost = this.#keyring.isNewlyRemoved(device) && !removed.includes(device);
      if (isLost) this.#victims.add(device);
    }
    if (this.#victims.size > 0) this.#changeLater(nowMs);
  }

  #expelled(nowMs: number, by: string): void {
    this.close(nowMs);
    this.#around.expelled(nowMs);
    const { groupId } = this.#name;
    this.#context.outputs.event({ kind: "groupExpelled", groupId, by });
  }

  /** Sends no note and waits for none any more. */
  close(nowMs: number): void {
    this.#notes.close(nowMs);
    this.#context.timers.clear(this.#againDue);
    this.#context.timers.clear(this.#unreadableDue);
  }
}
