/** A chat with one person on a terminal that can be drawn on. */
import { AbortLink } from "../../../abortLink.js";
import type { EventLine, HistoryLine, MessageLine, PresenceLine } from "../../../api/lines.js";
import { type Api, MAX_HISTORY_LIMIT } from "../../../api/operations.js";
import { commandName } from "../../../messenger/target.js";
import { sanitiseName } from "../../../sanitise.js";
import type { NotifyKind } from "../../chat/notifyKind.js";
import { MAX_REMEMBERED, TerminalChat } from "../../chat/terminalChat.js";
import type { CommandContext } from "../../context.js";
import { EXIT } from "../../exitCodes.js";
import { isWanted } from "../../verifiedOnly.js";
import type { Partner } from "./partner.js";
import { PeerRoom } from "./peerRoom.js";

/** Stored lines that are shown at the beginning. */
const MAX_SHOWN = 20;
/** Others who write meanwhile are told of once each. */
const MAX_OTHERS = 100;

export interface PeerChat {
  readonly partner: Partner;
  readonly notify: NotifyKind | undefined;
  readonly isByDaemon: boolean;
}

/** Until the user leaves or interrupts. */
export async function chatOnTerminal(
  { isByDaemon, notify, partner }: PeerChat,
  api: Api,
  context: CommandContext,
): Promise<number> {
  const leaving = new AbortLink(context.signal);
  const { signal } = leaving;
  const room = new PeerRoom(partner, api, context, isByDaemon);
  const self = await api.call("id", {});
  const chat = new TerminalChat(api, context, { self, notify, room, isByDaemon });
  const talk = new PeerOnTerminal(partner, room, chat, api);
  let left: Promise<void> | undefined;
  try {
    for await (const line of api.stream("events", {}, { signal })) {
      if (line.type === "ready") {
        await talk.begin(signal);
        left = chat.converse(signal).finally(() => leaving.abort());
        // Awaited below; a rejection before that is not unhandled.
        left.catch(() => undefined);
      }
      if (isWanted(line, context)) talk.take(line);
    }
    await left;
  } finally {
    leaving.abort();
    await chat.close();
  }
  return EXIT.done;
}

/** One person, and the window in which he is talked with. */
class PeerOnTerminal {
  readonly #partner: Partner;
  readonly #room: PeerRoom;
  readonly #chat: TerminalChat;
  readonly #api: Api;
  /** Messages that were shown as stored; at most `MAX_SHOWN`. */
  #stored: ReadonlySet<string> = new Set();
  /** Who else wrote; at most `MAX_OTHERS`. */
  readonly #others = new Set<string>();

  constructor(partner: Partner, room: PeerRoom, chat: TerminalChat, api: Api) {
    this.#partner = partner;
    this.#room = room;
    this.#chat = chat;
    this.#api = api;
  }

  /** Shows what was said before, and who is there. */
  async begin(signal: AbortSignal): Promise<void> {
    const chat = this.#chat;
    chat.people.learn([this.#partner.ref]);
    chat.people.learn(await this.#api.call("peers", {}));
    const { id } = this.#partner.ref;
    const direct = id === null ? [] : await this.#directWith(id);
    const shown = direct.slice(-MAX_SHOWN);
    this.#stored = new Set(shown.map((line) => line.id));
    chat.open();
    chat.remember(direct.slice(0, -MAX_SHOWN));
    chat.showStored(shown);
    const where = await this.#room.who(chat.names, signal);
    chat.remark(`${where}; /help says what can be typed, Ctrl-D leaves`);
  }

  /** The history has what somebody said in groups as well, which may be all of the last lines. */
  async #directWith(peer: string): Promise<HistoryLine[]> {
    let direct: HistoryLine[] = [];
    for (const limit of [MAX_REMEMBERED, MAX_HISTORY_LIMIT]) {
      const stored = await this.#api.call("history", { peer, limit });
      direct = stored.filter(({ scope }) => scope === "direct");
      if (direct.length >= MAX_SHOWN || stored.length < limit) break;
    }
    return direct;
  }

  take(line: EventLine): void {
    switch (line.type) {
      case "message":
        return this.#takeMessage(line);
      case "presence":
        return this.#takePresence(line);
      case "delivery":
        return this.#chat.own.told(line);
      case "invitation":
      case "warning":
        return this.#chat.show(line);
      case "resync":
        return this.#chat.remark(`* ${sanitiseName(line.message)}`);
      // Of groups.
      case "gap":
      case "removed":
      case "ready":
        return;
    }
  }

  #takeMessage(line: MessageLine): void {
    const chat = this.#chat;
    if (line.scope === "group" || line.group !== null) return;
    if (line.scope === "plain") return chat.show(line);
    if (!this.#partner.is(line.from)) return this.#remarkOther(line);
    chat.people.learn([line.from]);
    if (line.id === null || !this.#stored.has(line.id)) chat.show(line);
  }

  #takePresence({ event, group, peer }: PresenceLine): void {
    const chat = this.#chat;
    chat.people.learn([peer]);
    if (group !== null || !this.#partner.is(peer)) return;
    if (event === "offline" || event === "leave") chat.remark(this.#room.awayText(chat.names));
    else chat.remark(`* ${chat.names.of(peer)} is online`);
  }

  /** What others write is neither shown here nor marked as read. */
  #remarkOther({ from }: MessageLine): void {
    const { id, name } = from;
    if (id === null || this.#others.has(id) || this.#others.size >= MAX_OTHERS) return;
    this.#others.add(id);
    this.#chat.people.learn([from]);
    const who = this.#chat.names.of(from);
    this.#chat.remark(`* ${who} wrote to you as well: udpchat chat ${commandName({ id, name })}`);
  }
}
