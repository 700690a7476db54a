import type { GroupName } from "../core/groups/groupName.js";
import { UdpchatError } from "../errors.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { EventStream } from "./eventStream.js";
import { messageBody } from "./messageText.js";
import { peerRef } from "./peerShapes.js";
import type { Group, MessengerEvent, PeerRef } from "./types.js";

/** What a handle builds on. */
export interface GroupParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly stream: EventStream;
  /** Says goodbye; called once. */
  readonly leave: () => Promise<void>;
}

/** One membership, from `join` to `leave`. */
export class GroupHandle implements Group {
  readonly label: string;
  readonly address: string;
  readonly port: number;
  readonly #groupId: string;
  readonly #parts: GroupParts;
  readonly #left = new AbortController();
  #leaving: Promise<void> | undefined;

  constructor(name: GroupName, parts: GroupParts) {
    this.label = name.label;
    this.address = name.address;
    this.port = name.port;
    this.#groupId = name.groupId;
    this.#parts = parts;
  }

  members(): PeerRef[] {
    if (this.#leaving !== undefined) return [];
    const known = this.#parts.driver.inspect((core) => core.members(this.#groupId));
    return known.filter(({ online }) => online).map(peerRef);
  }

  async say(text: string): Promise<string> {
    if (this.#leaving !== undefined) throw this.#notAMember();
    const body = messageBody(text);
    const { clock, driver } = this.#parts;
    const id = driver.command((core, nowMs) =>
      core.say(nowMs, this.#groupId, body, clock.wallMs()),
    );
    await driver.afterTurn();
    return id;
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    const ends = [this.#left.signal];
    if (options.signal !== undefined) ends.push(options.signal);
    return this.#parts.stream.subscribe({
      signal: AbortSignal.any(ends),
      wants: (event) => groupOf(event) === this.label,
    });
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#parts.leave().finally(() => this.#left.abort());
    return this.#leaving;
  }

  #notAMember(): UdpchatError {
    return new UdpchatError("NOT_A_MEMBER", `${this.label} was left`, { remedy: "join it again" });
  }
}

/** The label of the group that an event belongs to. */
function groupOf(event: MessengerEvent): string | null {
  switch (event.type) {
    case "message":
      return event.message.group;
    case "presence":
      return event.presence.group;
    case "gap":
      return event.gap.group;
    case "warning":
    case "interfaces":
      return null;
  }
}
