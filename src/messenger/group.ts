import type { GroupName } from "../core/groups/groupName.js";
import type { GroupTransport } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { EventQueue } from "./eventQueue.js";
import type { EventStream } from "./eventStream.js";
import { messageBody } from "./messageText.js";
import { peerRef, type TrustReader } from "./peerShapes.js";
import type { Group, MessengerEvent, PeerRef, Warning } from "./types.js";
import { closedError } from "./waiting.js";

/** What a handle builds on. */
export interface GroupParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly trust: TrustReader;
  /**
   * Nobody else reads messages to us: whoever follows a secret group is shown them, since those
   * who write to us reach us while we wait for its keys.
   */
  readonly showsDirect: boolean;
  /** Says goodbye; called once. */
  readonly leave: () => Promise<void>;
}

interface Saying {
  readonly resolve: (messageId: string) => void;
  readonly reject: (error: UdpchatError) => void;
}

/** One membership, from `join` to `leave`. */
export class GroupHandle implements Group {
  readonly label: string;
  readonly address: string;
  readonly port: number;
  readonly secret: boolean;
  readonly #groupId: string;
  readonly #parts: GroupParts;
  readonly #left = new AbortController();
  #leaving: Promise<void> | undefined;
  #transport: GroupTransport = "multicast";
  /** By message id: lines that are not kept yet. Bounded by the core's limit on what waits. */
  readonly #saying = new Map<string, Saying>();
  /** Those who follow the events now; bounded by the application. */
  readonly #followers = new Set<EventQueue<MessengerEvent>>();

  constructor(name: GroupName, parts: GroupParts) {
    this.label = name.label;
    this.address = name.address;
    this.port = name.port;
    this.secret = name.secret;
    this.#groupId = name.groupId;
    this.#parts = parts;
  }

  get ended(): AbortSignal {
    return this.#left.signal;
  }

  get transport(): GroupTransport {
    return this.#transport;
  }

  members(): PeerRef[] {
    if (this.#leaving !== undefined) return [];
    const { driver, trust } = this.#parts;
    const known = driver.inspect((core) => core.members(this.#groupId));
    return known.filter(({ online }) => online).map((member) => peerRef(member, trust));
  }

  say(text: string): Promise<string> {
    // What is thrown in here rejects.
    return new Promise((resolve, reject) => {
      if (this.#leaving !== undefined) throw this.#notAMember();
      const body = messageBody(text);
      const { clock, driver } = this.#parts;
      const id = driver.command((core, nowMs) =>
        core.say(nowMs, this.#groupId, body, clock.wallMs()),
      );
      this.#saying.set(id, { resolve, reject });
    });
  }

  /** All of a line of ours is kept: whatever happens, the others get it from somebody. */
  said(messageId: string): void {
    this.#saying.get(messageId)?.resolve(messageId);
    this.#saying.delete(messageId);
  }

  /** It was given up before it was said. */
  unsaid(messageId: string): void {
    this.#saying.get(messageId)?.reject(this.#notAMember());
    this.#saying.delete(messageId);
  }

  transportChanged(transport: GroupTransport): void {
    this.#transport = transport;
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    const events = this.#parts.stream.subscribe({
      signals: [this.#left.signal, options.signal],
      wants: (event) => this.#isDirect(event) || concerns(event, this.label),
      ended: (queue) => this.#followers.delete(queue),
    });
    if (!events.ended) this.#followers.add(events);
    return events;
  }

  /** Somebody is shown what is written to us alone. */
  get showsDirect(): boolean {
    return this.secret && this.#parts.showsDirect && this.#followers.size > 0;
  }

  #isDirect(event: MessengerEvent): boolean {
    const { showsDirect } = this.#parts;
    return this.secret && showsDirect && event.type === "message" && event.message.group === null;
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#parts.leave().finally(() => this.#end());
    return this.#leaving;
  }

  /** Somebody removed us: no goodbye, nobody would read it. */
  expelled(): void {
    this.#leaving ??= Promise.resolve();
    this.#end();
  }

  /** The messenger is closed. */
  closed(): void {
    this.#rejectUnsaid(closedError());
  }

  /** The membership is over: what is not said by now never is. */
  #end(): void {
    this.#left.abort();
    this.#rejectUnsaid(this.#notAMember());
  }

  #rejectUnsaid(error: UdpchatError): void {
    for (const { reject } of this.#saying.values()) reject(error);
    this.#saying.clear();
  }

  #notAMember(): UdpchatError {
    return new UdpchatError("NOT_A_MEMBER", `${this.label} was left`, { remedy: "join it again" });
  }
}

/** Warnings about the network are told elsewhere; those about keys concern whoever talks. */
const NOT_ABOUT_KEYS: ReadonlySet<Warning["code"]> = new Set(["NETWORK", "PORT_TAKEN"]);

/** What a chat in the group shows. */
function concerns(event: MessengerEvent, label: string): boolean {
  switch (event.type) {
    case "message":
      return event.message.group === label;
    case "presence":
      return event.presence.group === label;
    case "gap":
      return event.gap.group === label;
    case "removed":
      return event.removal.group === label;
    case "warning": {
      const { code, group } = event.warning;
      return group === undefined ? !NOT_ABOUT_KEYS.has(code) : group === label;
    }
    case "invitation":
      return true;
    case "delivery":
    case "interfaces":
      return false;
  }
}
