/** A group on a terminal that can be drawn on. */
import { AbortLink } from "../../../abortLink.js";
import type { ChatLine, GroupLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName } from "../../../sanitise.js";
import type { NotifyKind } from "../../chat/notifyKind.js";
import { MAX_REMEMBERED, TerminalChat } from "../../chat/terminalChat.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { LateLines } from "../../lateLines.js";
import { isWanted } from "../../verifiedOnly.js";
import { GroupRoom } from "./groupRoom.js";
import {
  chatLines,
  type JoinInput,
  pendingInvitations,
  remarkInvitations,
  remarkWhoReads,
} from "./membership.js";

export interface TerminalJoin {
  readonly input: JoinInput;
  readonly notify: NotifyKind | undefined;
  readonly isByDaemon: boolean;
}

/** Until the user leaves, interrupts, or somebody removes us. */
export async function chatOnTerminal(
  { input, ...options }: TerminalJoin,
  api: Api,
  context: CommandContext,
): Promise<number> {
  const leaving = new AbortLink(context.signal);
  const { signal } = leaving;
  const pending = await pendingInvitations(input, api);
  let group: GroupOnTerminal | undefined;
  try {
    for await (const line of chatLines(input, api, context, signal)) {
      if (line.type === "group" && group === undefined) {
        await remarkWhoReads(line, "; /help says what can be typed, Ctrl-D leaves", context);
        await remarkInvitations(pending, line, api, context);
        group = await GroupOnTerminal.open(line, options, api, context);
        group.converse(leaving);
      }
      if (isWanted(line, context)) group?.take(line);
    }
    await group?.left;
  } finally {
    leaving.abort();
    await group?.close();
  }
  return group?.removed === true ? EXIT.refused : EXIT.done;
}

/** A group that we are in, and the window in which it is shown. */
class GroupOnTerminal {
  /** Somebody keeps us out. */
  removed = false;
  /** The user has left. */
  left: Promise<void> = Promise.resolve();
  readonly #room: GroupRoom;
  readonly #chat: TerminalChat;
  readonly #api: Api;
  readonly #context: CommandContext;
  readonly #group: string;
  readonly #late: LateLines | undefined;

  static async open(
    joined: GroupLine,
    options: Omit<TerminalJoin, "input">,
    api: Api,
    context: CommandContext,
  ): Promise<GroupOnTerminal> {
    const room = await GroupRoom.enter(joined, api);
    const self = await api.call("id", {});
    const chat = new TerminalChat(api, context, { ...options, self, room });
    chat.people.learn(await api.call("peers", {}));
    // Of a secret group nothing that was typed comes back.
    if (!joined.secret) {
      const { group } = joined;
      chat.remember(await api.call("history", { group, limit: MAX_REMEMBERED }));
    }
    chat.open();
    return new GroupOnTerminal(joined, room, chat, api, context);
  }

  private constructor(
    { group }: GroupLine,
    room: GroupRoom,
    chat: TerminalChat,
    api: Api,
    context: CommandContext,
  ) {
    this.#group = group;
    this.#room = room;
    this.#chat = chat;
    this.#api = api;
    this.#context = context;
    if (context.settings.store === "memory") return;
    this.#late = new LateLines({
      show: async (line) => chat.show(line),
      remark: async (text) => chat.remark(sanitiseName(text)),
    });
  }

  /** Listens to the user, whose leaving ends all. */
  converse(leaving: AbortLink): void {
    const { signal } = leaving;
    this.left = this.#chat.converse(signal).finally(() => leaving.abort());
    // Awaited at the end; a rejection before that is not unhandled.
    this.left.catch(() => undefined);
    void this.#followDirect(signal);
  }

  take(line: ChatLine): void {
    const chat = this.#chat;
    switch (line.type) {
      case "message":
        chat.people.learn([line.from]);
        // Those to us alone come with the other events.
        if (line.group === null || this.#late?.holds(line) === true) return;
        break;
      case "group":
        chat.people.learn(line.members);
        break;
      case "presence":
        chat.people.learn([line.peer]);
        this.#room.others = line.online - 1;
        break;
      case "warning":
        this.removed ||= line.code === "GROUP_REMOVED" && line.group === this.#group;
        break;
      default:
        break;
    }
    chat.show(line);
  }

  async close(): Promise<void> {
    await this.#late?.close();
    await this.#chat.close();
  }

  /** What is said to us alone, and what becomes of what we say so. */
  async #followDirect(signal: AbortSignal): Promise<void> {
    const chat = this.#chat;
    try {
      for await (const line of this.#api.stream("events", {}, { signal })) {
        if (line.type === "delivery") chat.own.told(line);
        if (line.type === "presence") chat.people.learn([line.peer]);
        if (line.type !== "message" || line.group !== null) continue;
        chat.people.learn([line.from]);
        if (isWanted(line, this.#context)) chat.show(line);
      }
    } catch {
      // The group's own stream ends for the same reason, and says so.
    }
  }
}
