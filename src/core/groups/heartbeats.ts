import { encodeGroupHeartbeat } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import { HeartbeatSchedule } from "./heartbeatSchedule.js";
import type { Members } from "./members.js";
import type { Sender } from "./sender.js";
import type { HeartbeatAddress, Ways } from "./ways.js";

/** Whose datagrams of which group. */
export interface GroupOrigin extends Instance {
  readonly groupId: string;
}

/** What heartbeats need of the membership around them. */
export interface HeartbeatsSurroundings {
  /** We ourselves. */
  readonly origin: GroupOrigin;
  readonly members: Members;
  readonly sender: Sender;
  readonly ways: Ways;
  /** See `GroupHeartbeat`. */
  trail(): number;
  /** One is about to go out. */
  sending(nowMs: number): void;
  /** With our signature, and the seal that the group has now. */
  finished(unsigned: Uint8Array): Uint8Array;
}

/** What we say of ourselves in a group, when it is time to. */
export class Heartbeats {
  readonly #context: GroupsContext;
  readonly #around: HeartbeatsSurroundings;
  readonly #schedule: HeartbeatSchedule;
  readonly #due: Alarm = (nowMs) => this.#sendDue(nowMs);

  constructor(context: GroupsContext, surroundings: HeartbeatsSurroundings) {
    this.#context = context;
    this.#around = surroundings;
    const memberCount = () => surroundings.members.online;
    this.#schedule = new HeartbeatSchedule(context.random, memberCount);
  }

  /** Says hello at once. */
  joined(nowMs: number): void {
    this.#schedule.joined(nowMs);
    this.#sendDue(nowMs);
  }

  /** Somebody wants to know who is here, or what we hold. */
  asked(nowMs: number): void {
    this.#schedule.asked(nowMs);
    this.#reschedule();
  }

  dataSent(nowMs: number): void {
    this.#schedule.dataSent(nowMs);
    this.#reschedule();
  }

  /** Of data of ours. */
  repairSent(nowMs: number): void {
    this.#schedule.repairSent(nowMs);
    this.#reschedule();
  }

  interfacesChanged(nowMs: number): void {
    this.#schedule.interfacesChanged(nowMs);
    this.#reschedule();
  }

  /** The first of our last words goes out at once. */
  leaving(nowMs: number): void {
    this.#schedule.leaving(nowMs);
    this.#sendDue(nowMs);
  }

  close(): void {
    this.#context.timers.clear(this.#due);
  }

  #sendDue(nowMs: number): void {
    const due = this.#schedule.take(nowMs);
    if (due !== undefined) {
      const { origin, sender, ways } = this.#around;
      this.#around.sending(nowMs);
      const { startedAtMs, name, dataPort } = this.#context;
      const { lead, archive } = sender;
      const trail = this.#around.trail();
      const said = { ...due, startedAtMs, lead, trail, name, dataPort, digest: archive.digest };
      ways.heartbeat(nowMs, ({ asksBack, wantsCopies }: HeartbeatAddress) => {
        const sequence = sender.nextHeartbeatSequence();
        const hello = said.hello || asksBack;
        const heartbeat = { ...origin, ...said, sequence, hello, wantsCopies };
        return this.#around.finished(encodeGroupHeartbeat(heartbeat));
      });
      this.#context.counters.add("groupHeartbeatsSent");
    }
    this.#reschedule();
  }

  #reschedule(): void {
    this.#context.timers.set(this.#due, this.#schedule.dueMs);
  }
}
