import type { GroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { instanceKey } from "../discovery/instanceKey.js";
import type { GroupsContext } from "./groupsContext.js";
import { ReachWatch } from "./reachWatch.js";

/** Members that we ask for copies at once. Of the others we learn by synchronising. */
const MAX_DOUBTS = 256;
/** Of those, who merely seems to know more than we do. */
const MAX_HINTED_DOUBTS = 8;
/** Who may have missed our question is asked again. */
const ROUND_MS = 1000;
/** At 30 % loss both ways half of them are answered. */
const MAX_ROUNDS = 16;
/** Then our regular heartbeats ask. */
const LATER_MS = 30_000;

/** What reach needs of the membership around it. */
export interface ReachSurroundings {
  /** Of what we hold: see `Archive`. */
  ourDigest(): string;
  /** Our next heartbeat should go out soon. */
  heartbeatWanted(nowMs: number): void;
  /** `unheardCount` changed. */
  changed(nowMs: number): void;
}

/**
 * Whose multicast reaches us. Who is in the group, by its beacon or its unicast, and is not heard
 * by multicast, is asked for copies: our heartbeats go to it by unicast and say so.
 *
 * ```text
 *           silence, or it knows more        6 of its heartbeats by unicast alone
 *   heard --------------------------> doubt ------------------------------------> unheard
 *     ^                                 |                                            |
 *     +---------- a heartbeat of it by multicast: it is told by unicast -------------+
 * ```
 *
 * Heartbeats alone count: data may be repeated by anybody.
 */
export class Reach {
  readonly #context: GroupsContext;
  readonly #around: ReachSurroundings;
  /** By instance; at most `limits.membersPerGroup`. */
  readonly #watches = new Map<string, ReachWatch>();
  /** Of those, who is asked for copies; at most `MAX_DOUBTS`. */
  readonly #doubted = new Set<ReachWatch>();
  /** Of those, who is told something else by unicast. */
  readonly #told = new Set<ReachWatch>();
  #dataAtMs = Number.NEGATIVE_INFINITY;

  constructor(context: GroupsContext, surroundings: ReachSurroundings) {
    this.#context = context;
    this.#around = surroundings;
  }

  /** Beacons of a proven instance say that it is in the group, and what it holds. */
  announced(nowMs: number, instance: Instance, digest: string): void {
    const watch = this.#watch(nowMs, instance);
    if (watch === undefined) return;
    if (!watch.announced && !this.#context.announces) {
      // It has no beacon of ours to learn from that we are here.
      this.#tell(nowMs, watch, () => watch.greet());
    }
    watch.announced = true;
    const knowsMore = watch.holds(nowMs, digest, this.#around.ourDigest(), this.#dataAtMs);
    const hasRoom = this.#doubted.size < MAX_HINTED_DOUBTS;
    if (knowsMore && hasRoom && watch.doubt === undefined) this.#doubt(nowMs, watch);
  }

  /** Its latest beacon does not name the group. */
  unannounced(instance: Instance): void {
    const watch = this.#watches.get(instanceKey(instance));
    if (watch !== undefined) watch.announced = false;
  }

  /** New data of somebody came by multicast. */
  dataHeard(nowMs: number): void {
    this.#dataAtMs = nowMs;
  }

  /** The heartbeat is newer than all that came this way: worth a signature check. */
  isNews(heartbeat: GroupHeartbeat, byUnicast: boolean): boolean {
    return this.#watches.get(instanceKey(heartbeat))?.isNews(heartbeat, byUnicast) ?? false;
  }

  /** A believed heartbeat of a member. True if it is newer than all that came this way. */
  heard(nowMs: number, heartbeat: GroupHeartbeat, byUnicast: boolean): boolean {
    const watch = this.#watch(nowMs, heartbeat);
    if (watch === undefined || !watch.isNews(heartbeat, byUnicast)) return false;
    if (heartbeat.leaving) {
      this.#forget(nowMs, watch);
      return true;
    }
    const wasUnheard = watch.isUnheard;
    if (!byUnicast) {
      this.#tell(nowMs, watch, () => watch.heardByMulticast(nowMs, heartbeat));
    } else if (watch.heardByUnicast(nowMs, heartbeat)) {
      this.#around.heartbeatWanted(nowMs); // it asks without the hello now
    }
    if (watch.doubt === undefined) this.#doubted.delete(watch);
    if (wasUnheard !== watch.isUnheard) this.#around.changed(nowMs);
    if (watch.doubt === undefined) this.#lookAt(watch, watch.silentAtMs);
    return true;
  }

  #tell(nowMs: number, watch: ReachWatch, change: () => unknown): void {
    const before = watch.plainLeft;
    change();
    if (watch.plainLeft <= before) return;
    this.#told.add(watch);
    this.#around.heartbeatWanted(nowMs);
  }

  #watch(nowMs: number, { device, incarnation }: Instance): ReachWatch | undefined {
    if (device === this.#context.identity.device) return undefined;
    const key = instanceKey({ device, incarnation });
    const known = this.#watches.get(key);
    if (known !== undefined) return known;
    if (this.#watches.size >= this.#context.limits.membersPerGroup) return undefined;
    const watch = new ReachWatch(nowMs, { device, incarnation }, (dueMs, due) => {
      this.#look(dueMs, due);
    });
    this.#watches.set(key, watch);
    this.#lookAt(watch, watch.silentAtMs);
    return watch;
  }

  /** A look that is too early moves itself. */
  #lookAt(watch: ReachWatch, atMs: number): void {
    const dueMs = this.#context.timers.get(watch.alarm) ?? Number.POSITIVE_INFINITY;
    if (atMs < dueMs) this.#context.timers.set(watch.alarm, atMs);
  }

  #look(nowMs: number, watch: ReachWatch): void {
    if (watch.doubt === undefined && nowMs < watch.silentAtMs) {
      this.#lookAt(watch, watch.silentAtMs);
    } else if (!this.#isHere(nowMs, watch)) {
      this.#forget(nowMs, watch);
    } else if (watch.doubt === undefined) {
      if (this.#doubted.size < MAX_DOUBTS) this.#doubt(nowMs, watch);
      else this.#lookAt(watch, nowMs + LATER_MS);
    } else this.#ask(nowMs, watch, watch.doubt);
  }

  #isHere(nowMs: number, watch: ReachWatch): boolean {
    if (watch.isHeardByUnicast(nowMs)) return true;
    return watch.announced && this.#context.isPresent(nowMs, watch);
  }

  #doubt(nowMs: number, watch: ReachWatch): void {
    const doubt = { rounds: 0, copiesHeard: 0 };
    watch.doubt = doubt;
    watch.plainLeft = 0;
    this.#told.delete(watch);
    this.#doubted.add(watch);
    this.#ask(nowMs, watch, doubt);
  }

  #ask(nowMs: number, watch: ReachWatch, doubt: { rounds: number }): void {
    const soon = doubt.rounds < MAX_ROUNDS && !watch.isUnheard;
    if (soon) {
      doubt.rounds += 1;
      this.#around.heartbeatWanted(nowMs);
    }
    this.#context.timers.set(watch.alarm, nowMs + (soon ? ROUND_MS : LATER_MS));
  }

  #forget(nowMs: number, watch: ReachWatch): void {
    this.#watches.delete(instanceKey(watch));
    this.#doubted.delete(watch);
    this.#told.delete(watch);
    this.#context.timers.clear(watch.alarm);
    if (watch.isUnheard) this.#around.changed(nowMs);
  }

  /** Members whose multicast surely does not reach us. */
  get unheardCount(): number {
    let count = 0;
    for (const watch of this.#doubted) if (watch.isUnheard) count += 1;
    return count;
  }

  /** Whom our heartbeats ask for copies, in place of anything else that goes to it by unicast. */
  asks(instance: Instance): boolean {
    return this.#watches.get(instanceKey(instance))?.doubt !== undefined;
  }

  /** Those who are asked for copies; `surely`: for whom it is certain that they are needed. */
  asked(surely: boolean): Instance[] {
    return [...this.#doubted].filter((watch) => watch.isUnheard === surely);
  }

  /** Whom the heartbeat that goes out now tells by unicast that it asks for nothing. */
  takeTold(): Instance[] {
    const told = [...this.#told];
    for (const watch of told) {
      watch.plainLeft -= 1;
      if (watch.plainLeft <= 0) this.#told.delete(watch);
    }
    return told;
  }

  compensate(nowMs: number, lagMs: number): void {
    for (const watch of this.#watches.values()) watch.compensate(nowMs, lagMs);
  }

  close(): void {
    for (const watch of this.#watches.values()) this.#context.timers.clear(watch.alarm);
    this.#watches.clear();
    this.#doubted.clear();
    this.#told.clear();
  }
}
