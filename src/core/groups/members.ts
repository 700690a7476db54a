import type { Instance } from "../../wire/presence.js";
import type { PeerRef } from "../io.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Member } from "./member.js";

/** A member of a group, other than ourselves: one per device. */
export interface GroupMember extends PeerRef {
  readonly incarnation: string;
  readonly online: boolean;
}

/** Several processes of one user share its key; more than these are somebody's mischief. */
const MAX_INCARNATIONS_PER_DEVICE = 4;

/** The incarnations of one device, the latest met last; at most `MAX_INCARNATIONS_PER_DEVICE`. */
type Incarnations = Member[];

/**
 * Who is in a group. A person is a device: it is online while any of its incarnations is, and
 * only its changes are told. Bounded by `limits.membersPerGroup`, counted in incarnations; the
 * longest offline goes first, then who was heard only once.
 */
export class Members {
  readonly #context: GroupsContext;
  readonly #groupId: string;
  readonly #devices = new Map<string, Incarnations>();
  /** In the order in which they went. */
  readonly #offline = new Set<Member>();
  /** Met, and not here yet. */
  readonly #arriving = new Set<Member>();
  /** In the order in which they were met; those heard again are dropped when one is looked for. */
  readonly #heardOnce = new Set<Member>();
  #incarnationCount = 0;
  /** Devices online, our own not counted. */
  #onlineDevices = 0;

  constructor(context: GroupsContext, groupId: string) {
    this.#context = context;
    this.#groupId = groupId;
  }

  /** Incarnations remembered. */
  get size(): number {
    return this.#incarnationCount;
  }

  /** Members online, ourselves included. */
  get online(): number {
    return this.#onlineDevices + 1;
  }

  find(instance: Instance): Member | undefined {
    return this.#devices
      .get(instance.device)
      ?.find((member) => member.incarnation === instance.incarnation);
  }

  /** Makes room for one more incarnation of `device`; false if all others are online and known. */
  makeRoom(nowMs: number, device: string): boolean {
    const siblings = this.#devices.get(device) ?? [];
    const [oldestSibling] = siblings;
    if (siblings.length >= MAX_INCARNATIONS_PER_DEVICE && oldestSibling !== undefined) {
      this.#evict(nowMs, oldestSibling);
    }
    if (this.#incarnationCount < this.#context.limits.membersPerGroup) return true;
    for (const longestOffline of this.#offline) {
      this.#evict(nowMs, longestOffline);
      return true;
    }
    for (const longestUnheard of this.#heardOnce) {
      this.#heardOnce.delete(longestUnheard);
      if (!longestUnheard.heardOnce) continue;
      this.departed(longestUnheard, "offline");
      this.#evict(nowMs, longestUnheard);
      return true;
    }
    return false;
  }

  /** Adds a new member, offline yet. Call `makeRoom` first. */
  add(member: Member): void {
    const siblings = this.#devices.get(member.device) ?? [];
    siblings.push(member);
    this.#arriving.add(member);
    this.#devices.set(member.device, siblings);
    this.#offline.add(member);
    this.#heardOnce.add(member);
    this.#incarnationCount += 1;
  }

  /** It is here. */
  arrived(member: Member, wasOnline: boolean, change: "join" | "online"): void {
    if (this.#arriving.delete(member)) {
      // The device started anew: what it was before is silent from now on.
      for (const sibling of this.#devices.get(member.device) ?? []) {
        if (sibling !== member && sibling.state === "online") this.#setState(sibling, "offline");
      }
    }
    this.#setState(member, "online");
    if (!wasOnline) this.#tell(member, change);
  }

  /** It left or fell silent. */
  departed(member: Member, change: "leave" | "offline"): void {
    const wasOnline = this.isOnline(member.device);
    this.#setState(member, change === "leave" ? "left" : "offline");
    if (wasOnline && !this.isOnline(member.device)) this.#tell(member, change);
  }

  /**
   * It has no place here any more: it is shown no longer, and what is missing of it is not asked
   * for. Should it come back, nothing it said before is shown a second time.
   */
  dismiss(device: string): void {
    const wasOnline = this.isOnline(device);
    const incarnations = this.#devices.get(device) ?? [];
    const [last] = incarnations.toSorted(byPresence);
    for (const member of incarnations) {
      member.receiver.cease();
      this.#setState(member, "dismissed");
    }
    if (wasOnline && last !== undefined) this.#tell(last, "leave");
  }

  /** Some incarnation of the device was met. */
  has(device: string): boolean {
    return this.#devices.has(device);
  }

  /** A device that was met, as it was heard last. */
  peer(device: string): PeerRef | undefined {
    return this.#devices.get(device)?.toSorted(byPresence)[0]?.peer();
  }

  /** Devices of others that are not gone of their own will or ours. */
  *reachable(): Iterable<string> {
    for (const [device, incarnations] of this.#devices) {
      if (device === this.#context.identity.device) continue;
      if (incarnations.some(({ state }) => state === "online" || state === "offline")) yield device;
    }
  }

  /** Members that were last heard from `address`. */
  at(address: string): GroupMember[] {
    return this.list().filter((member) => member.address === address);
  }

  /** Some incarnation of the device is online. */
  isOnline(device: string): boolean {
    return this.#devices.get(device)?.some((member) => member.state === "online") ?? false;
  }

  /** One per device: the incarnation that is online, or was last heard. */
  list(): GroupMember[] {
    const members: GroupMember[] = [];
    for (const [device, incarnations] of this.#devices) {
      const [best] = incarnations.toSorted(byPresence);
      if (best === undefined || device === this.#context.identity.device) continue;
      const { incarnation, state } = best;
      if (state === "dismissed") continue;
      members.push({ ...best.peer(), incarnation, online: state === "online" });
    }
    return members;
  }

  /** All incarnations that are online. */
  *present(): Iterable<Member> {
    for (const incarnations of this.#devices.values()) {
      for (const member of incarnations) if (member.state === "online") yield member;
    }
  }

  /** NACKs are expected to bring something of somebody soon. */
  isRepairing(nowMs: number): boolean {
    for (const incarnations of this.#devices.values()) {
      if (incarnations.some(({ receiver }) => receiver.isRepairing(nowMs))) return true;
    }
    return false;
  }

  /** See `Groups.compensate`. */
  compensate(nowMs: number, lagMs: number): void {
    for (const incarnations of this.#devices.values()) {
      for (const member of incarnations) member.compensate(nowMs, lagMs);
    }
  }

  /** Nothing is read any more. Who was here stays known: whoever asks for repairs must be. */
  settle(): void {
    for (const incarnations of this.#devices.values()) {
      for (const member of incarnations) member.close();
    }
  }

  /** Drops everybody, silently. */
  close(): void {
    this.settle();
    this.#devices.clear();
    this.#offline.clear();
    this.#arriving.clear();
    this.#heardOnce.clear();
  }

  #setState(member: Member, state: Member["state"]): void {
    const wasOnline = this.isOnline(member.device);
    const changed = member.state !== state;
    member.state = state;
    if (state === "online") {
      this.#offline.delete(member);
      member.watch();
    } else {
      this.#offline.add(member);
      member.unwatch();
    }
    if (!changed) return;
    if (member.device === this.#context.identity.device) return;
    const isOnline = this.isOnline(member.device);
    if (isOnline !== wasOnline) this.#onlineDevices += isOnline ? 1 : -1;
  }

  #evict(nowMs: number, member: Member): void {
    member.receiver.giveUp(nowMs);
    this.#setState(member, "offline");
    this.#offline.delete(member);
    this.#arriving.delete(member);
    this.#heardOnce.delete(member);
    member.close();
    this.#incarnationCount -= 1;
    const siblings = this.#devices.get(member.device)?.filter((other) => other !== member) ?? [];
    if (siblings.length > 0) this.#devices.set(member.device, siblings);
    else this.#devices.delete(member.device);
  }

  #tell(member: Member, change: "join" | "leave" | "online" | "offline"): void {
    // Another process of ours is not somebody else.
    if (member.device === this.#context.identity.device) return;
    this.#context.outputs.event({
      kind: "presence",
      groupId: this.#groupId,
      change,
      peer: member.peer(),
      online: this.online,
    });
  }
}

/** Online before offline, then the last heard first. */
function byPresence(a: Member, b: Member): number {
  const aOnline = a.state === "online";
  const bOnline = b.state === "online";
  return aOnline === bOnline ? b.heardAtMs - a.heardAtMs : Number(bOnline) - Number(aOnline);
}
