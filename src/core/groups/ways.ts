import type { GroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { type Address, addressKey, type GroupTransport, type ReceivedDatagram } from "../io.js";
import type { Alarm } from "../timers.js";
import { Copies } from "./copies.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Members } from "./members.js";
import { Reach } from "./reach.js";

/** Several members find out within a few seconds of each other: that is one change. */
const TELL_AFTER_MS = 3000;
const TELL_AT_LAST_MS = 12_000;

/** How a group reaches its members, and they us. */
export interface GroupWays {
  readonly transport: GroupTransport;
  /** Members that are sent copies by unicast. */
  readonly copies: number;
  /** Members whose multicast does not reach us: they send copies to us. */
  readonly unheard: number;
}

/** What our heartbeat says to some of the members. */
export interface HeartbeatAddress {
  /** True: say hello, whatever else is due. */
  readonly asksBack: boolean;
  readonly wantsCopies: boolean;
}

/**
 * The ways between us and the other members: multicast, and copies by unicast for those that
 * multicast does not reach, or who are not sure of it. PROTOCOL.md section 6.9.
 */
export class Ways {
  readonly #context: GroupsContext;
  readonly #name: GroupName;
  readonly #copies: Copies;
  readonly #reach: Reach;
  #told: GroupWays = { transport: "multicast", copies: 0, unheard: 0 };
  /** Not told yet. */
  #changedSinceMs: number | undefined;
  readonly #tellDue: Alarm = () => this.#tell();

  constructor(
    context: GroupsContext,
    around: {
      readonly name: GroupName;
      readonly members: Members;
      /** Of what we hold. */
      readonly ourDigest: () => string;
      /** Our next heartbeat should go out soon. */
      readonly heartbeatWanted: (nowMs: number) => void;
    },
  ) {
    this.#context = context;
    this.#name = around.name;
    const changed = (changedAtMs: number): void => this.#changed(changedAtMs);
    this.#copies = new Copies(context, around.members, changed);
    const { ourDigest, heartbeatWanted } = around;
    this.#reach = new Reach(context, { ourDigest, heartbeatWanted, changed });
  }

  /** The present state, as far as it is certain. */
  get present(): GroupWays {
    const copies = this.#copies.settledCount;
    const unheard = this.#reach.unheardCount;
    if (copies === 0 && unheard === 0) return { transport: "multicast", copies, unheard };
    const transport = this.#copies.reachEverybody(true) ? "unicast" : "mixed";
    return { transport, copies, unheard };
  }

  // What others say.

  /** A proven instance said in a beacon that it is in the group, and what it holds of it. */
  announced(nowMs: number, instance: Instance, digest: string): void {
    this.#reach.announced(nowMs, instance, digest);
  }

  /** The latest beacon of a proven instance does not name the group. */
  unannounced(instance: Instance): void {
    this.#reach.unannounced(instance);
  }

  /** Worth a signature check although it says nothing new: it came another way. */
  isNews(heartbeat: GroupHeartbeat, via: ReceivedDatagram["via"]): boolean {
    return this.#reach.isNews(heartbeat, via === "data");
  }

  /** A believed heartbeat of a member. */
  heard(
    nowMs: number,
    heartbeat: GroupHeartbeat,
    { via, from }: Pick<ReceivedDatagram, "via" | "from">,
  ): void {
    const byUnicast = via === "data";
    const isNews = this.#reach.heard(nowMs, heartbeat, byUnicast);
    // What is said to all asks nobody; only what came to us alone asks us, or asks no longer.
    if (isNews && (byUnicast || heartbeat.leaving)) this.#copies.heard(nowMs, heartbeat, from);
  }

  /** New data of somebody came. */
  dataHeard(nowMs: number, via: ReceivedDatagram["via"]): void {
    if (via !== "data") this.#reach.dataHeard(nowMs);
  }

  compensate(nowMs: number, lagMs: number): void {
    this.#reach.compensate(nowMs, lagMs);
  }

  // What we say.

  /**
   * Sends data to everybody; returns its bytes, copies included. Where all who are here get
   * copies, nobody needs it by multicast: whoever is not known yet asks for it.
   */
  data(bytes: Uint8Array): number {
    const byMulticast = !this.#copies.reachEverybody(false);
    if (byMulticast) this.#multicast(bytes);
    return (byMulticast ? bytes.length : 0) + this.#copy(bytes);
  }

  /** Sends a NACK to everybody. */
  nack(bytes: Uint8Array): void {
    this.#multicast(bytes);
    this.#context.pacer.owe(this.#copy(bytes));
  }

  /**
   * Sends our heartbeat to everybody, by multicast in any case: else nobody would notice that it
   * passes again. `make` numbers, signs and seals it anew.
   */
  heartbeat(nowMs: number, make: (to: HeartbeatAddress) => Uint8Array): void {
    const plain = make({ asksBack: false, wantsCopies: false });
    this.#multicast(plain);
    const copies = [...this.#copies.destinations()].filter(
      ({ instance }) => !this.#reach.asks(instance),
    );
    const told = new Map(copies.map(({ to }) => [addressKey(to), to]));
    for (const to of this.#addressesOf(nowMs, this.#reach.takeTold())) told.set(addressKey(to), to);
    let extraBytes = this.#unicast(plain, [...told.values()]);
    for (const surely of [true, false]) {
      const asked = this.#addressesOf(nowMs, this.#reach.asked(surely));
      if (asked.length === 0) continue;
      extraBytes += this.#unicast(make({ asksBack: !surely, wantsCopies: true }), asked);
    }
    this.#context.pacer.owe(extraBytes);
    // Members come and go: what is told counts those who are here.
    if (extraBytes > 0 && this.#changedSinceMs === undefined) this.#changed(nowMs);
  }

  /** Of those who have shown where they are; the others are asked to, for the next time. */
  #addressesOf(nowMs: number, instances: readonly Instance[]): Address[] {
    return instances.flatMap((instance) => {
      const at = this.#context.addressOf(instance.device);
      if (at !== undefined) this.#context.confirm(nowMs, instance, at);
      return this.#context.provenAddressOf(instance) ?? [];
    });
  }

  #multicast(bytes: Uint8Array): void {
    const { address, port } = this.#name;
    this.#context.outputs.transmit(bytes, { kind: "multicast", to: { address, port } });
  }

  #copy(bytes: Uint8Array): number {
    const addresses = Array.from(this.#copies.destinations(), ({ to }) => to);
    return this.#unicast(bytes, addresses);
  }

  #unicast(bytes: Uint8Array, addresses: readonly Address[]): number {
    for (const to of addresses) this.#context.outputs.unicast(bytes, to);
    this.#context.counters.add("groupCopiesSent", addresses.length);
    return bytes.length * addresses.length;
  }

  #changed(nowMs: number): void {
    this.#changedSinceMs ??= nowMs;
    const latestMs = this.#changedSinceMs + TELL_AT_LAST_MS;
    this.#context.timers.set(this.#tellDue, Math.min(nowMs + TELL_AFTER_MS, latestMs));
  }

  #tell(): void {
    this.#changedSinceMs = undefined;
    const { present } = this;
    const { transport, copies, unheard } = this.#told;
    const isSame = transport === present.transport && copies === present.copies;
    if (isSame && unheard === present.unheard) return;
    this.#told = present;
    this.#context.outputs.event({
      kind: "groupTransport",
      groupId: this.#name.groupId,
      ...present,
    });
  }

  /** Nothing is asked for any more; who gets copies still gets our last words. */
  settle(): void {
    this.#reach.close();
    this.#context.timers.clear(this.#tellDue);
  }

  close(): void {
    this.settle();
    this.#copies.close();
  }
}
