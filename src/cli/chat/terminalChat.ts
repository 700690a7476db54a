import type { HistoryLine, IdLine, MessageLine, PeerRefLine } from "../../api/lines.js";
import type { Api } from "../../api/operations.js";
import { toUdpchatError } from "../../errors.js";
import { sanitiseName } from "../../sanitise.js";
import type { CommandContext } from "../context.js";
import { reportError } from "../errorReport.js";
import { type ConversationLine, conversationText, messageText } from "../printers/conversation.js";
import { Names } from "../printers/names.js";
import { type Style, styleFor } from "../printers/style.js";
import { ReadMarks } from "../readMarks.js";
import { complete } from "./completer.js";
import { Days } from "./days.js";
import { DirectMessages, waitingText } from "./directMessages.js";
import { Mentions } from "./mentions.js";
import { Notifier, showNotification } from "./notifier.js";
import type { NotifyKind } from "./notifyKind.js";
import { OwnLines, type OwnState, type PrintedLine } from "./ownLines.js";
import { People, targetOf } from "./people.js";
import { SLASH_COMMANDS, SLASH_HELP, understand } from "./slashCommands.js";
import { ChatWindow } from "./window.js";

/** So many stored lines are looked through for what we said before. */
export const MAX_REMEMBERED = 200;

/** What was said, as far as it came at once. */
export interface Said {
  readonly id: string | null;
  readonly state: OwnState;
}

/** Where a chat takes place. */
export interface Room {
  /** In front of what is typed: `#ops`, `bob`. */
  readonly label: string;
  /** Else a group: then what is said to us alone is marked. */
  readonly isOfOnePerson: boolean;
  /** One after the other. @throws UdpchatError if it was not said */
  readonly say: (text: string) => Promise<Said>;
  /** How far a line came when its turn has come. */
  readonly firstState?: OwnState;
  /** The answer to `/who`, with people as they are called on the screen. */
  readonly who: (names: Names, signal: AbortSignal) => Promise<string>;
  /** The command that shows what was passed over. */
  readonly historyCommand: string;
  /** Names of groups that may be typed. */
  readonly groups: readonly string[];
}

export interface TerminalChatOptions {
  readonly self: IdLine;
  readonly notify: NotifyKind | undefined;
  readonly room: Room;
  /** Else nobody sends what is queued when we have left. */
  readonly isByDaemon: boolean;
}

/** A chat with a prompt, whatever it is with. Begin with `open`, end with `close`. */
export class TerminalChat {
  readonly names = new Names();
  readonly people = new People(this.names);
  readonly own: OwnLines;
  readonly #context: CommandContext;
  readonly #room: Room;
  readonly #isByDaemon: boolean;
  readonly #style: Style;
  readonly #window: ChatWindow;
  readonly #marks: ReadMarks;
  readonly #mentions: Mentions;
  readonly #notifier: Notifier;
  readonly #directMessages: DirectMessages;
  readonly #days = new Days(new Date().toISOString());
  /** Everything that was said so far. */
  #sending: Promise<void> = Promise.resolve();

  constructor(api: Api, context: CommandContext, options: TerminalChatOptions) {
    const { isByDaemon, notify, room, self } = options;
    const { io } = context;
    this.#context = context;
    this.#room = room;
    this.#isByDaemon = isByDaemon;
    this.#style = styleFor(true, io.env);
    this.#marks = ReadMarks.of(api, context);
    this.#mentions = new Mentions(self.name);
    this.#directMessages = new DirectMessages(api, context, isByDaemon);
    this.#window = new ChatWindow(context, {
      label: `${room.label}> `,
      complete: (before) =>
        complete(before, {
          commands: SLASH_COMMANDS,
          names: this.people.names,
          groups: room.groups,
        }),
      passedOverText: (count) => passedOver(count, room.historyCommand),
    });
    this.own = new OwnLines({
      style: this.#style,
      name: sanitiseName(self.name),
      dayBefore: (sentAt) => this.#days.before(sentAt),
      print: (entry) => this.#window.print(entry),
      changed: (entry) => this.#window.changed(entry),
    });
    this.#notifier = new Notifier(notify, {
      ring: () => this.#window.ring(),
      show: showNotification,
      remark: (text) => this.remark(text),
      platform: process.platform,
      nowMs: () => performance.now(),
    });
  }

  open(): void {
    this.#window.open();
  }

  /** When everything that was said is with the messenger. */
  async close(): Promise<void> {
    await this.#sending;
    this.#window.close();
    await this.#marks.close();
    const { queued } = this.own;
    if (queued > 0 && !this.#isByDaemon) await this.#context.stderr.line(waitingText(queued));
  }

  /** A line of ours, or of the program. */
  remark(text: string): void {
    this.#window.print({ text: () => text });
  }

  /** What happened; a message with its group unless all are of one. */
  show(line: ConversationLine): void {
    if (line.type === "message") return this.#showMessage(line);
    const { names } = this;
    this.#print(() => conversationText(line, names, this.#style, false));
  }

  /** What was said here before, the oldest first. */
  showStored(lines: readonly HistoryLine[]): void {
    this.remember(lines);
    for (const line of lines) {
      if (line.own) {
        const { id, sentAt, state, text } = line;
        this.own.print({ id, sentAt, text, ...(state === "unread" ? {} : { state }) });
      } else {
        const shown = { ...line, receivedAt: line.sentAt, late: false };
        this.#print(
          () => this.#textOf(shown, false),
          line.sentAt,
          () => this.#marks.shown(line),
        );
      }
    }
  }

  /** The arrow keys fetch what of this is ours. */
  remember(lines: readonly HistoryLine[]): void {
    this.#window.remember(lines.flatMap(({ own, text }) => (own ? [text] : [])));
  }

  /** Until the user leaves, or the signal. */
  async converse(signal: AbortSignal): Promise<void> {
    for await (const line of this.#window.texts(signal)) {
      const typed = understand(line);
      switch (typed.kind) {
        case "say":
          this.#say(typed.text);
          break;
        case "message":
          await this.#message(typed.to, typed.text);
          break;
        case "who":
          await this.#remarkWho(signal);
          break;
        case "help":
          this.remark(helpText());
          break;
        case "wrong":
          this.remark(`udpchat: ${sanitiseName(typed.message)}`);
          break;
        case "quit":
          return;
      }
    }
  }

  /** Nobody who leaves waits for the answer. */
  async #remarkWho(signal: AbortSignal): Promise<void> {
    try {
      this.remark(await this.#room.who(this.names, signal));
    } catch (thrown) {
      if (!signal.aborted) throw thrown;
    }
  }

  #say(text: string): void {
    const { firstState } = this.#room;
    const printed = this.own.print({ text, sentAt: new Date().toISOString() });
    this.#send(printed, () => {
      if (firstState !== undefined) printed.become(firstState);
      return this.#room.say(text);
    });
  }

  async #message(name: string, text: string): Promise<void> {
    let peer: PeerRefLine | undefined;
    try {
      peer = this.people.find(name);
    } catch (thrown) {
      await this.#report(thrown);
      return;
    }
    const to = peer === undefined ? sanitiseName(name) : this.names.of(peer);
    const sentAt = new Date().toISOString();
    const printed = this.own.print({ text, sentAt, to });
    const target = peer === undefined ? name : targetOf(peer);
    this.#send(printed, async () => {
      printed.become("sent");
      const { id, status } = await this.#directMessages.send(target, text);
      return { id, state: status };
    });
  }

  #send(printed: PrintedLine, say: () => Promise<Said>): void {
    this.#sending = this.#sendBehind(this.#sending, printed, say);
  }

  /** Behind everything that was said before it. */
  async #sendBehind(
    sending: Promise<void>,
    printed: PrintedLine,
    say: () => Promise<Said>,
  ): Promise<void> {
    await sending;
    try {
      const { id, state } = await say();
      if (id !== null) printed.identify(id);
      printed.become(state);
    } catch (thrown) {
      printed.become("failed");
      await this.#report(thrown);
    }
  }

  async #report(thrown: unknown): Promise<void> {
    const { args, printer, stderr } = this.#context;
    await reportError(toUdpchatError(thrown), { stderr, printer, verbose: args.verbose });
  }

  #showMessage(line: MessageLine): void {
    const isMention = !line.late && line.scope !== "direct" && this.#mentions.areIn(line.text);
    const text = (): string => this.#textOf(line, isMention);
    this.#print(text, line.receivedAt, () => this.#marks.shown(line));
    if (!isMention && (line.scope !== "direct" || line.late)) return;
    const where = line.group === null ? "" : ` in ${line.group}`;
    void this.#notifier.notify(`${this.names.of(line.from)}${where}`, line.text);
  }

  #textOf(line: MessageLine, isMention: boolean): string {
    const withGroup = this.#room.isOfOnePerson;
    return messageText(line, this.names, this.#style, { withActions: true, isMention, withGroup });
  }

  /** Of others. Its text is made when it is its turn. */
  #print(text: () => string, timestamp?: string, shown?: () => void): void {
    let made: string | undefined;
    this.#window.print({
      text: () => (made ??= (timestamp === undefined ? "" : this.#days.before(timestamp)) + text()),
      ofOthers: true,
      ...(shown === undefined ? {} : { shown }),
    });
  }
}

function helpText(): string {
  const width = Math.max(...SLASH_HELP.map(([usage]) => usage.length));
  const rows = SLASH_HELP.map(([usage, meaning]) => `*   ${usage.padEnd(width)}  ${meaning}`);
  return ["* Enter says what is typed, Alt-Enter begins a new line, Tab completes:", ...rows].join(
    "\n",
  );
}

function passedOver(count: number, command: string): string {
  const lines = count === 1 ? "1 line was" : `${count} lines were`;
  return `* ${lines} passed over, more than can be read: ${command}`;
}
