import { UdpchatError } from "../../src/errors.js";
import { type Message, type MessengerEvent, UndeliveredError } from "../../src/messenger/types.js";
import type { HuntHost } from "./huntHost.js";

/**
 * What a command was, and how it ended. Texts are unique, but for the empty one and for what is
 * sent again under its client id: they name what was written.
 */
export interface Command {
  readonly kind: "send" | "ask" | "say" | "other";
  /** As others get it; of other commands what they are. */
  readonly text: string;
  readonly from: HuntHost;
  /** Which start of `from`. */
  readonly run: number;
  /** Label of a group. */
  readonly to: HuntHost | string;
  /** `a.b.c.d:port` if it was not written to a key: whoever is there gets it. */
  readonly address?: string | undefined;
  /** The same one again is the same message. */
  readonly clientId?: string | undefined;
  /** The receiver was in the roster when it began: it did not have to be looked for. */
  readonly wasSeen?: boolean;
  /** Which start of the receiver, if it did not run when this began. */
  readonly receiverDown?: number | undefined;
  readonly startedAtMs: number;
  /** A promised one may still be on its way when its call ends. */
  readonly queue: boolean;
  /** No answer by then is a fault. Infinity for what has no limit of its own. */
  readonly deadlineMs: number;
  /** `delivered`, `queued`, `said`, `replied`, or the code of an error. Undefined while it runs. */
  outcome: string | undefined;
  endedAtMs: number | undefined;
  /** Message id, once its call has ended with one. */
  id: string | undefined;
  /** Device key of who acknowledged it. */
  deliveredTo: string | undefined;
  /** Its process ended first. */
  cutOff: boolean;
}

/** How a call ended, if it did not fail. */
export interface CommandEnd {
  readonly outcome: string;
  /** Of the message. */
  readonly id?: string;
  readonly deliveredTo?: string | undefined;
}

/** An event, as one host was told it. */
export interface Told {
  readonly host: HuntHost;
  readonly run: number;
  readonly event: MessengerEvent;
  readonly atMs: number;
}

/** A message that a host showed. */
export interface Shown {
  readonly host: HuntHost;
  readonly run: number;
  readonly message: Message;
  readonly atMs: number;
}

/** A request that a host executed. */
export interface Executed {
  readonly host: HuntHost;
  readonly run: number;
  readonly text: string;
  /** Device key of the asker. */
  readonly from: string | null;
}

/** Everything that was wanted, promised and shown in one run; bounded by its length. */
export class Ledger {
  readonly commands: Command[] = [];
  readonly shown: Shown[] = [];
  readonly executed: Executed[] = [];
  readonly events: Told[] = [];
  /** Hear of every end of a command and of every event at once. Bounded by the invariants. */
  readonly endListeners = new Set<(command: Command) => void>();
  readonly toldListeners = new Set<(told: Told) => void>();
  /** Who is kept out of which group since when: nothing said later may reach it. */
  readonly removals: {
    readonly label: string;
    readonly by: HuntHost;
    readonly out: HuntHost;
    readonly atMs: number;
  }[] = [];
  /** What whom blocked, and when each was let in again. */
  readonly blocks: {
    readonly by: HuntHost;
    readonly whom: HuntHost;
    readonly fromMs: number;
    untilMs: number;
  }[] = [];
  /** Since when it is quiet; undefined as long as anything is wanted. */
  quietSinceMs: number | undefined;
  /** By text; bounded as the commands are. */
  readonly #byText = new Map<string, Command[]>();
  /** What must never happen, in words: by the name of the invariant. */
  readonly faults: {
    readonly invariant: string;
    readonly message: string;
    readonly atMs: number;
  }[] = [];
  readonly #nowMs: () => number;
  #nextText = 1;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  fault(invariant: string, message: string): void {
    this.faults.push({ invariant, message, atMs: this.#nowMs() });
  }

  /** A text that no other command has, `sizeBytes` long or a little longer. */
  newText(what: string, sizeBytes = 0): string {
    const text = `${this.#nextText} ${what}`;
    this.#nextText += 1;
    return text.length >= sizeBytes
      ? text
      : `${text} ${"long ".repeat(Math.ceil((sizeBytes - text.length) / 5))}`;
  }

  /** The commands that wrote this. */
  said(text: string): readonly Command[] {
    return this.#byText.get(text) ?? [];
  }

  /** Follows a command to its end. */
  track(
    command: Omit<Command, "outcome" | "endedAtMs" | "id" | "deliveredTo" | "cutOff">,
    ends: Promise<CommandEnd>,
  ): Command {
    const tracked: Command = {
      ...command,
      outcome: undefined,
      endedAtMs: undefined,
      id: undefined,
      deliveredTo: undefined,
      cutOff: false,
    };
    this.commands.push(tracked);
    if (command.kind !== "other") {
      this.#byText.set(command.text, [...this.said(command.text), tracked]);
    }
    const end = ({ outcome, id, deliveredTo }: CommandEnd): void => {
      if (tracked.cutOff) return;
      tracked.outcome = outcome;
      tracked.endedAtMs = this.#nowMs();
      tracked.id = id;
      tracked.deliveredTo = deliveredTo;
      for (const listener of this.endListeners) listener(tracked);
    };
    ends.then(end, (error: unknown) => {
      end({
        outcome: error instanceof UdpchatError ? error.code : "not ours",
        ...(error instanceof UndeliveredError ? { id: error.delivery.id } : {}),
      });
      if (!(error instanceof UdpchatError) || error.code === "INTERNAL") {
        this.fault("noCrash", `${command.kind} of ${command.from.name} ended in ${stackOf(error)}`);
      }
    });
    return tracked;
  }

  /** The process of these commands is gone. */
  cutOff(host: HuntHost, run: number): void {
    for (const command of this.commands) {
      if (command.from === host && command.run === run && command.outcome === undefined) {
        command.cutOff = true;
      }
    }
  }

  told(host: HuntHost, run: number, event: MessengerEvent): void {
    const atMs = this.#nowMs();
    const told = { host, run, event, atMs };
    this.events.push(told);
    for (const listener of this.toldListeners) listener(told);
    if (event.type === "message") this.shown.push({ host, run, message: event.message, atMs });
  }
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
