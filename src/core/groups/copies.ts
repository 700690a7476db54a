import type { GroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { instanceKey } from "../discovery/instanceKey.js";
import type { Address } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import { type Member, silenceAllowedMs } from "./member.js";
import type { Members } from "./members.js";

/** Members of a group that are sent copies. */
export const MAX_COPIES = 64;
/** Of those at one address: several users may share a host, but keys cost nothing. */
const MAX_COPIES_PER_ADDRESS = 8;

interface Copy {
  readonly instance: Instance;
  /** Where it was when it asked. */
  readonly address: string;
  expiresAtMs: number;
  /** It has made sure that multicast of ours does not reach it. */
  settled: boolean;
}

/**
 * Whom we send by unicast what we multicast: members that asked for it with their own signature,
 * where discovery has proven that very start of them to be. Soft state: a request holds for 3.5
 * of its sender's intervals.
 */
export class Copies {
  readonly #context: GroupsContext;
  readonly #members: Members;
  readonly #changed: (nowMs: number) => void;
  /** By instance; at most `MAX_COPIES`. */
  readonly #copies = new Map<string, Copy>();
  readonly #expiry: Alarm = (nowMs) => this.#expire(nowMs);

  constructor(context: GroupsContext, members: Members, changed: (nowMs: number) => void) {
    this.#context = context;
    this.#members = members;
    this.#changed = changed;
  }

  /** A believed heartbeat of a member that came by unicast, from there. */
  heard(nowMs: number, heartbeat: GroupHeartbeat, from: Address): void {
    if (heartbeat.wantsCopies && !heartbeat.leaving) this.#requested(nowMs, heartbeat, from);
    else this.#end(nowMs, heartbeat);
  }

  #requested(nowMs: number, heartbeat: GroupHeartbeat, from: Address): void {
    const { device, incarnation } = heartbeat;
    const instance = { device, incarnation };
    this.#context.confirm(nowMs, instance, { ...from, port: heartbeat.dataPort });
    const at = this.#context.provenAddressOf(instance);
    const known = this.#copies.get(instanceKey(instance));
    if (at === undefined || (known === undefined && !this.#hasRoomFor(at.address))) return;
    const copy = known ?? { instance, address: at.address, expiresAtMs: 0, settled: false };
    copy.expiresAtMs = nowMs + silenceAllowedMs(heartbeat.intervalMs);
    const wasSettled = copy.settled;
    // Who says hello still asks whether multicast reaches it.
    copy.settled ||= !heartbeat.hello;
    this.#copies.set(instanceKey(instance), copy);
    const dueMs = this.#context.timers.get(this.#expiry) ?? Number.POSITIVE_INFINITY;
    this.#context.timers.set(this.#expiry, Math.min(dueMs, copy.expiresAtMs));
    if (copy.settled !== wasSettled) this.#changed(nowMs);
  }

  #hasRoomFor(address: string): boolean {
    const sameAddress = [...this.#copies.values()].filter((copy) => copy.address === address);
    const hasRoom = this.#copies.size < MAX_COPIES && sameAddress.length < MAX_COPIES_PER_ADDRESS;
    if (!hasRoom) this.#context.counters.add("groupCopiesRefused");
    return hasRoom;
  }

  #end(nowMs: number, instance: Instance): void {
    if (this.#copies.delete(instanceKey(instance))) this.#changed(nowMs);
  }

  #expire(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { instance, expiresAtMs } of this.#copies.values()) {
      if (expiresAtMs <= nowMs) this.#end(nowMs, instance);
      else nextMs = Math.min(nextMs, expiresAtMs);
    }
    this.#context.timers.set(this.#expiry, nextMs);
  }

  close(): void {
    this.#copies.clear();
    this.#context.timers.clear(this.#expiry);
  }

  /** Where copies go now. */
  *destinations(): Iterable<{ readonly instance: Instance; readonly to: Address }> {
    for (const { instance } of this.#copies.values()) {
      if (this.#members.find(instance)?.state !== "online") continue;
      const to = this.#context.provenAddressOf(instance);
      if (to !== undefined) yield { instance, to };
    }
  }

  /** Members that have made sure that they need copies, and get them. */
  get settledCount(): number {
    let count = 0;
    for (const { instance } of this.destinations()) {
      if (this.#copies.get(instanceKey(instance))?.settled === true) count += 1;
    }
    return count;
  }

  /** Everybody who is here gets copies; `settled`: and has made sure that multicast is of no use. */
  reachEverybody(settled: boolean): boolean {
    if (this.#copies.size === 0) return false;
    const isReached = (member: Member): boolean => {
      const copy = this.#copies.get(instanceKey(member));
      if (copy === undefined || (settled && !copy.settled)) return false;
      return this.#context.provenAddressOf(member) !== undefined;
    };
    for (const member of this.#members.present()) if (!isReached(member)) return false;
    return true;
  }
}
