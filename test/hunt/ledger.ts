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
  /** By the monotonic clock of `from`. */
  readonly startedOnHostMs: number;
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
  /** It was not kept in memory alone. */
  readonly onDisk: boolean;
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

/** Somebody with a key of his own who is no host. */
export interface Stranger {
  /** Texts that he wrote; bounded by his time. */
  readonly said: Set<string>;
  /** Those with a reading that is no place in a group. */
  readonly misplaced: Set<string>;
  /** Who heard him last has forgotten him by then. */
  goneByMs: number;
}

/** Everything that was wanted, promised and shown in one run; bounded by its length. */
export class Ledger {
  readonly commands: Command[] = [];
  /** Those of them that have not ended, and whose process runs. */
  readonly waiting = new Set<Command>();
  readonly shown: Shown[] = [];
  readonly executed: Executed[] = [];
  readonly events: Told[] = [];
  /** Hear of every end of a command and of every event at once. Bounded by the invariants. */
  readonly endListeners = new Set<(command: Command) => void>();
  readonly toldListeners = new Set<(told: Told) => void>();
  /** Labels of groups whose key may be changed: members keep what they could read. */
  readonly changing = new Set<string>();
  /** Who is kept out of which group since when: nothing said later may reach it. */
  readonly removals: {
    readonly label: string;
    readonly by: HuntHost;
    readonly out: HuntHost;
    readonly atMs: number;
  }[] = [];
  /** Who blocked whom since when, if that was done, and when each was let in again. */
  readonly blocks: {
    readonly by: HuntHost;
    readonly whom: HuntHost;
    fromMs: number;
    untilMs: number;
  }[] = [];
  /** Whose key was in use on a second machine as well. */
  readonly cloned = new Set<HuntHost>();
  /** Attackers who take part, by device key. */
  readonly strangers = new Map<string, Stranger>();
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

  stranger(device: string): Stranger {
    const stranger = this.strangers.get(device) ?? {
      said: new Set(),
      misplaced: new Set(),
      goneByMs: 0,
    };
    this.strangers.set(device, stranger);
    return stranger;
  }

  /** True for a stranger of whom it is right to believe that he is there. */
  isAround(device: string | null): boolean {
    const stranger = this.strangers.get(device ?? "");
    return stranger !== undefined && this.#nowMs() < stranger.goneByMs;
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

  /** Gives a command, in which its process may end already, and follows it to its end. */
  track(
    command: Omit<
      Command,
      "startedOnHostMs" | "outcome" | "endedAtMs" | "id" | "deliveredTo" | "cutOff"
    >,
    give: () => Promise<CommandEnd>,
  ): Command {
    const tracked: Command = {
      ...command,
      startedOnHostMs: command.from.time.monotonicMs(this.#nowMs()),
      outcome: undefined,
      endedAtMs: undefined,
      id: undefined,
      deliveredTo: undefined,
      cutOff: false,
    };
    this.commands.push(tracked);
    this.waiting.add(tracked);
    if (command.kind !== "other") {
      this.#byText.set(command.text, [...this.said(command.text), tracked]);
    }
    const end = ({ outcome, id, deliveredTo }: CommandEnd): void => {
      if (tracked.cutOff) return;
      this.waiting.delete(tracked);
      tracked.outcome = outcome;
      tracked.endedAtMs = this.#nowMs();
      tracked.id = id;
      tracked.deliveredTo = deliveredTo;
      for (const listener of this.endListeners) listener(tracked);
    };
    give().then(end, (error: unknown) => {
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
    for (const command of this.waiting) {
      if (command.from !== host || command.run !== run) continue;
      command.cutOff = true;
      this.waiting.delete(command);
    }
  }

  told(host: HuntHost, run: number, event: MessengerEvent): void {
    const atMs = this.#nowMs();
    const told = { host, run, event, atMs };
    this.events.push(told);
    for (const listener of this.toldListeners) listener(told);
    if (event.type !== "message") return;
    const onDisk = host.keeping.isWell;
    this.shown.push({ host, run, message: event.message, onDisk, atMs });
  }
}

export function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
