import { type GroupSync, GroupSyncPurpose } from "../../wire/groupSync.js";
import type { Token } from "../io.js";
import type { Alarm } from "../timers.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Members } from "./members.js";
import type { SyncEnvelope } from "./syncEnvelope.js";

/** A record that a session could not deliver by then is worth nothing any more. */
const GIVE_UP_MS = 10_000;

/** The records of one group that we send to other members. */
export class SyncPost {
  readonly #context: GroupsContext;
  readonly #members: Members;
  readonly #envelope: SyncEnvelope;
  /** When each is given up, in that order; bounded by the rates and `GIVE_UP_MS`. */
  readonly #sent = new Map<Token, number>();
  readonly #giveUpDue: Alarm = (nowMs) => this.#giveUp(nowMs);

  constructor(context: GroupsContext, members: Members, envelope: SyncEnvelope) {
    this.#context = context;
    this.#members = members;
    this.#envelope = envelope;
  }

  /** Returns the bytes of the record. */
  send(nowMs: number, device: string, sync: GroupSync): number {
    const token = this.#context.outputs.ownToken();
    this.#sent.set(token, nowMs + GIVE_UP_MS);
    if (this.#context.timers.get(this.#giveUpDue) === undefined) {
      this.#context.timers.set(this.#giveUpDue, nowMs + GIVE_UP_MS);
    }
    const at = this.#members.peer(device);
    const target = { kind: "device" as const, id: device };
    const body = this.#envelope.wrap(device, sync);
    const { counters } = this.#context;
    counters.add("syncBytesSent", body.length);
    if (sync.purpose === GroupSyncPurpose.ask) counters.add("syncsStarted");
    this.#context.sendNote(nowMs, {
      kind: "groupSync",
      target: at === undefined ? target : { ...target, lastKnown: at },
      body,
      token,
    });
    return body.length;
  }

  close(nowMs: number): void {
    for (const token of this.#sent.keys()) this.#context.cancelNote(nowMs, token);
    this.#sent.clear();
    this.#context.timers.clear(this.#giveUpDue);
  }

  #giveUp(nowMs: number): void {
    for (const [token, giveUpAtMs] of this.#sent) {
      if (giveUpAtMs > nowMs) {
        this.#context.timers.set(this.#giveUpDue, giveUpAtMs);
        return;
      }
      this.#sent.delete(token);
      this.#context.cancelNote(nowMs, token);
    }
  }
}
