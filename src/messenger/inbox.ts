import type { CoreEvent, PeerRef as CorePeerRef, PeerView } from "../core/io.js";
import type { LanDatagram } from "../net/lan.js";
import type { Clock } from "./clock.js";
import type { Driver } from "./driver.js";
import type { EventStream } from "./eventStream.js";
import type { JoinedGroups } from "./joinedGroups.js";
import { messageText } from "./messageText.js";
import { peerRef } from "./peerShapes.js";
import { PlainTextReader } from "./plainText.js";
import type { RequestHandlers } from "./requests.js";
import { dateOf } from "./storedShapes.js";
import { distinctName } from "./target.js";
import type { TrustBook } from "./trustBook.js";
import type { Message, PeerRef, Presence } from "./types.js";

/** What an inbox builds on. */
export interface InboxParts {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly groups: JoinedGroups;
  readonly handlers: RequestHandlers;
  readonly trust: TrustBook;
  /** The user is told what this peer does. */
  readonly isWanted: (peer: { readonly id: string; readonly name: string }) => boolean;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** Everything that arrived or happened, on its way to the application. */
export type InboxEvent = EventOf<
  | "peer"
  | "duplicateKey"
  | "laterVersion"
  | "message"
  | "request"
  | "groupMessage"
  | "presence"
  | "gap"
>;

/** Turns what arrives into events of the public vocabulary, and requests into replies. */
export class Inbox {
  readonly #parts: InboxParts;
  readonly #plainText = new PlainTextReader();
  /** Ids of roster peers that are not offline; bounded by `limits.peers` of the core. */
  readonly #online = new Set<string>();

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** Datagrams that were neither ours nor text, or too many. */
  get plainDropped(): number {
    return this.#plainText.dropped;
  }

  settle(event: InboxEvent): void {
    switch (event.kind) {
      case "peer":
        this.#parts.trust.renamed(event.peer, () => this.#roster());
        this.#parts.trust.notice(event.peer);
        this.#rosterChanged(event.change, event.peer);
        return;
      case "duplicateKey":
        this.#warnOfDuplicateKey(event.peer);
        return;
      case "laterVersion":
        this.#warnOfLaterVersion(event);
        return;
      case "message":
        this.#publishMessage(event, null);
        this.#heardFrom(event.from);
        return;
      case "groupMessage": {
        const label = this.#parts.groups.labelOf(event.groupId);
        if (label !== undefined) this.#publishMessage(event, label);
        return;
      }
      case "request":
        void this.#answer(event);
        this.#heardFrom(event.from);
        return;
      case "presence": {
        const group = this.#parts.groups.labelOf(event.groupId);
        if (group === undefined) return;
        const { change, peer, online } = event;
        this.#publishPresence({ event: change, group, peer: this.#peerRef(peer), online });
        return;
      }
      case "gap": {
        const group = this.#parts.groups.labelOf(event.groupId);
        if (group === undefined) return;
        if (!this.#parts.isWanted(event.from)) return;
        const gap = { group, from: this.#peerRef(event.from), count: event.count };
        this.#parts.stream.publish({ type: "gap", gap });
      }
    }
  }

  /** A datagram that is not of our protocol. */
  receivePlain(datagram: LanDatagram): void {
    const text = this.#plainText.read(this.#parts.clock.nowMs(), datagram);
    if (text === undefined) return;
    const { address, port } = datagram.from;
    this.#publish({
      id: null,
      scope: "plain",
      from: { id: null, name: "", address, port, trust: null },
      group: this.#parts.groups.labelAt(datagram.group),
      text,
      sentAt: null,
      receivedAt: new Date(this.#parts.clock.wallMs()),
      verified: false,
      late: false,
    });
  }

  #publishMessage(event: EventOf<"message" | "groupMessage">, group: string | null): void {
    this.#parts.trust.notice(event.from);
    this.#publish({
      id: event.messageId,
      scope: group === null ? "direct" : "group",
      from: this.#peerRef(event.from),
      group,
      text: messageText(event.body),
      sentAt: dateOf(event.sentAtMs),
      receivedAt: new Date(this.#parts.clock.wallMs()),
      verified: true, // by the handshake, or by the signature of every group datagram
      late: event.kind === "groupMessage" && event.late,
    });
  }

  #publish(message: Message): void {
    if (this.#isWanted(message.from)) this.#parts.stream.publish({ type: "message", message });
  }

  #publishPresence(presence: Presence): void {
    if (!this.#isWanted(presence.peer)) return;
    this.#parts.stream.publish({ type: "presence", presence });
  }

  /** Nobody vouches for plain text. */
  #isWanted({ id, name }: PeerRef): boolean {
    return this.#parts.isWanted({ id: id ?? "", name });
  }

  #peerRef(peer: CorePeerRef): PeerRef {
    return peerRef(peer, this.#parts.trust);
  }

  /** After it was told of: the first message of a stranger says that he is one. */
  #heardFrom(peer: CorePeerRef): void {
    this.#parts.trust.heardFrom(peer, () => this.#roster());
  }

  #roster(): PeerView[] {
    return this.#parts.driver.inspect((core) => core.peers());
  }

  /** A suspect is neither gone nor new: nothing to tell anybody yet. */
  #rosterChanged(change: EventOf<"peer">["change"], peer: PeerView): void {
    if (change === "online" && !this.#online.has(peer.id)) this.#online.add(peer.id);
    else if (change !== "offline" || !this.#online.delete(peer.id)) return;
    const event = change === "online" ? "online" : "offline";
    const online = this.#online.size;
    this.#publishPresence({ event, group: null, peer: this.#peerRef(peer), online });
  }

  #warnOfDuplicateKey(peer: PeerView): void {
    const isOurs = peer.id === this.#parts.driver.inspect((core) => core.id);
    const message =
      `${isOurs ? "your own key" : `the key of ${distinctName(peer)}`} is in use in two places, ` +
      `one of them ${peer.address}:${peer.port}: a copied home folder? Give each a home of its own`;
    const warning = { code: "DUPLICATE_KEY", message, peer: this.#peerRef(peer) } as const;
    this.#parts.stream.publish({ type: "warning", warning });
  }

  #warnOfLaterVersion({ address, version }: EventOf<"laterVersion">): void {
    const message =
      `somebody at ${address} uses a newer udpchat (protocol version ${version}) that this one ` +
      "does not understand: update it to see them";
    this.#parts.stream.publish({
      type: "warning",
      warning: { code: "NEWER_VERSION", message, peer: null },
    });
  }

  async #answer(event: EventOf<"request">): Promise<void> {
    const { handlers, driver, clock, trust } = this.#parts;
    trust.notice(event.from);
    const answer = await handlers.answer({
      id: event.messageId,
      from: this.#peerRef(event.from),
      text: messageText(event.body),
      sentAt: dateOf(event.sentAtMs),
    });
    const sentAtMs = clock.wallMs();
    driver.command((core, nowMs) => core.reply(nowMs, { key: event.key, ...answer, sentAtMs }));
  }
}
