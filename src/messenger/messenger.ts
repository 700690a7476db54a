import type { Core } from "../core/core.js";
import type { CoreEvent, TakesMessages } from "../core/io.js";
import { UdpchatError } from "../errors.js";
import type { Lan, LanDatagram, LanHandlers, LanInterface } from "../net/lan.js";
import { DatagramType } from "../wire/constants.js";
import { datagramType, isOurs } from "../wire/header.js";
import type { Clock } from "./clock.js";
import { Driver } from "./driver.js";
import { EventQueue } from "./eventQueue.js";
import { EventStream, MAX_BEHIND } from "./eventStream.js";
import { GroupMembers } from "./groupMembers.js";
import type { LookUp } from "./hostLookup.js";
import { Inbox } from "./inbox.js";
import { JoinedGroups } from "./joinedGroups.js";
import { type MessengerParts, openParts } from "./opening.js";
import { type Outbound, Outgoing } from "./outgoing.js";
import { PeerFinder } from "./peerFinder.js";
import { rosterPeer } from "./peerShapes.js";
import { Queries } from "./queries.js";
import { type RequestHandler, RequestHandlers } from "./requests.js";
import { SecretGroups } from "./secretGroups.js";
import { messengerStatus } from "./status.js";
import { parseTarget } from "./target.js";
import type { TrustBook } from "./trustBook.js";
import { TrustDesk } from "./trustDesk.js";
import type {
  Delivery,
  Group,
  HandleOptions,
  IdentifiedPeer,
  Invitation,
  Invited,
  JoinOptions,
  MessengerApi,
  MessengerEvent,
  MessengerOptions,
  MessengerStatus,
  Peer,
  Removal,
  Reply,
  Verification,
  WaitOptions,
  Warning,
} from "./types.js";
import { checkedDurationMs, closedError, DEFAULT_DISCOVER_MS } from "./waiting.js";

/**
 * The core says when it is done: lines that wait get 30 s to be sent, repairs 5 s after that
 * (`core/groups/farewell.ts`). Longer than both we do not wait, whatever happens.
 */
const MAX_DEPARTURE_MS = 36_000;

/**
 * A member of the local network: finds peers, exchanges messages with them, chats in groups.
 * An open messenger keeps the process alive; `close` lets it end.
 */
export class Messenger implements MessengerApi {
  readonly id: string;
  readonly name: string;
  /** What went less well while opening; the first of the events, too. */
  readonly openingWarnings: readonly Warning[];
  readonly #receives: boolean;
  readonly #core: Core;
  readonly #lan: Lan;
  readonly #clock: Clock;
  readonly #startedAt: Date;
  readonly #driver: Driver;
  readonly #stream = new EventStream();
  readonly #handlers = new RequestHandlers();
  readonly #queries = new Queries();
  readonly #outgoing: Outgoing;
  readonly #groups: JoinedGroups;
  readonly #members: GroupMembers;
  readonly #secrets: SecretGroups;
  readonly #inbox: Inbox;
  readonly #finder: PeerFinder;
  readonly #trust: TrustBook;
  readonly #trustDesk: TrustDesk;
  readonly #requireVerified: boolean;
  #departed: () => void = () => undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens identity and sockets and says hello.
   * @param parts network, clock and so on instead of the real ones: for tests
   * @throws UdpchatError HOME_UNUSABLE, DAEMON_RUNNING, INVALID_NAME, INVALID_PORT,
   *   INVALID_ARGUMENT, INVALID_TARGET, PORT_IN_USE, NETWORK_UNAVAILABLE
   */
  static async open(
    options: MessengerOptions = {},
    parts: Partial<MessengerParts> = {},
  ): Promise<Messenger> {
    // What arrives before everything is open is lost, as it would be a moment earlier.
    let messenger: Messenger | undefined;
    /** Bounded by what can fail while opening. */
    const earlyTroubles: string[] = [];
    const handlers: LanHandlers = {
      datagram(datagram) {
        if (messenger !== undefined) messenger.#receive(datagram);
      },
      interfacesChanged(interfaces) {
        if (messenger !== undefined) messenger.#interfacesChanged(interfaces);
      },
      trouble({ where, code }) {
        const trouble = `${where}: ${code}`;
        if (messenger === undefined) earlyTroubles.push(trouble);
        else messenger.#warnOfNetwork(trouble);
      },
    };
    const takesMessages: TakesMessages = (device, kind) =>
      messenger !== undefined && messenger.#takesMessages(device, kind);
    const opened = await openParts(options, parts, handlers, takesMessages);
    messenger = new Messenger(opened, options);
    for (const trouble of earlyTroubles) messenger.#warnOfNetwork(trouble);
    return messenger;
  }

  private constructor(
    opened: Awaited<ReturnType<typeof openParts>>,
    { receives = true, broadcasts = [], requireVerified = false }: MessengerOptions,
  ) {
    const { core, lan, clock, name, warnings } = opened;
    this.id = core.id;
    this.name = name;
    this.openingWarnings = warnings;
    this.#receives = receives;
    this.#requireVerified = requireVerified;
    this.#trust = opened.trust;
    this.#core = core;
    this.#lan = lan;
    this.#clock = clock;
    this.#startedAt = new Date(clock.wallMs());
    const stream = this.#stream;
    const driver = new Driver(core, lan, clock, (event) => this.#settle(event));
    this.#driver = driver;
    this.#outgoing = new Outgoing(driver, clock, opened.trust);
    this.#members = new GroupMembers({ driver, lan, trust: opened.trust, name });
    this.#secrets = new SecretGroups({
      store: opened.groupKeys,
      stream,
      trust: opened.trust,
      discoveryPort: lan.discoveryPort,
      requireVerified,
    });
    this.#groups = new JoinedGroups({
      driver,
      lan,
      clock,
      stream,
      trust: opened.trust,
      secrets: this.#secrets,
      showsDirect: !receives,
      members: this.#members,
    });
    this.#finder = this.#makeFinder(opened.lookUp, broadcasts);
    this.#trustDesk = new TrustDesk({
      book: opened.trust,
      finder: this.#finder,
      driver,
      self: { id: core.id, name },
      here: () => ({ port: lan.dataPort, interfaces: lan.interfaces() }),
    });
    this.#inbox = new Inbox({
      driver,
      clock,
      stream,
      groups: this.#groups,
      handlers: this.#handlers,
      trust: opened.trust,
      requireVerified,
    });
    opened.trust.follow((device) => driver.command((core, nowMs) => core.blocked(nowMs, device)));
    opened.trust.onWarning((warning) => stream.publish({ type: "warning", warning }));
    for (const warning of warnings) stream.publish({ type: "warning", warning });
  }

  #makeFinder(lookUp: LookUp, extraBroadcasts: readonly string[]): PeerFinder {
    return new PeerFinder({
      driver: this.#driver,
      clock: this.#clock,
      queries: this.#queries,
      lookUp,
      trust: this.#trust,
      broadcasts: () => [
        ...extraBroadcasts,
        ...this.#lan.interfaces().flatMap(({ broadcast }) => broadcast ?? []),
      ],
    });
  }

  status(): MessengerStatus {
    return messengerStatus({
      core: this.#core,
      lan: this.#lan,
      name: this.name,
      groups: this.#groups.handles(),
      startedAt: this.#startedAt,
      plainDropped: this.#inbox.plainDropped,
    });
  }

  async *discover(options: WaitOptions = {}): AsyncGenerator<Peer, void, undefined> {
    this.#assertOpen();
    const timeoutMs = checkedDurationMs(options.timeoutMs ?? DEFAULT_DISCOVER_MS);
    const answers = new EventQueue<Peer>({ capacity: MAX_BEHIND.events, signal: options.signal });
    const stop = this.#queries.start(this.#driver, {
      answered: (peer) => answers.push(rosterPeer(peer, this.#trust)),
      closed: () => answers.end(),
    });
    const cancelTimer = this.#clock.after(timeoutMs, () => answers.end());
    try {
      yield* answers;
    } finally {
      cancelTimer();
      stop();
    }
  }

  peers(): Peer[] {
    return this.#core.peers().map((peer) => rosterPeer(peer, this.#trust));
  }

  async send(target: string, text: string, options: WaitOptions = {}): Promise<Delivery> {
    return this.#outgoing.sendText(this.#outbound(target, text, options));
  }

  async ask(target: string, text: string, options: WaitOptions = {}): Promise<Reply> {
    return this.#outgoing.sendRequest(this.#outbound(target, text, options));
  }

  #outbound(label: string, text: string, options: WaitOptions): Outbound {
    this.#assertOpen();
    const target = parseTarget(label);
    const requireVerified = this.#requireVerified || options.requireVerified === true;
    return {
      label,
      text,
      options: { ...options, requireVerified },
      find: () => this.#finder.find(target, { requireVerified }),
    };
  }

  async verificationCode(target: string): Promise<Verification> {
    this.#assertOpen();
    return this.#trustDesk.verificationCode(target);
  }

  async verify(target: string, code?: string): Promise<Verification> {
    this.#assertOpen();
    return this.#trustDesk.verify(target, code);
  }

  async block(target: string): Promise<IdentifiedPeer> {
    this.#assertOpen();
    return this.#trustDesk.block(target);
  }

  async unblock(target: string): Promise<IdentifiedPeer> {
    this.#assertOpen();
    return this.#trustDesk.unblock(target);
  }

  blockedPeers(): IdentifiedPeer[] {
    return this.#trustDesk.blocked();
  }

  /** The handler that came last answers. */
  handle(handler: RequestHandler, { requireVerified = false }: HandleOptions = {}): () => void {
    return this.#handlers.add(handler, {
      requireVerified: this.#requireVerified || requireVerified,
    });
  }

  async join(group: string, options: JoinOptions = {}): Promise<Group> {
    this.#assertOpen();
    return this.#groups.join(group, options);
  }

  async invitations(): Promise<Invitation[]> {
    return this.#secrets.invitations();
  }

  async forgetGroup(group: string): Promise<boolean> {
    this.#assertOpen();
    return this.#groups.forget(group);
  }

  async invite(target: string, group: string, options: WaitOptions = {}): Promise<Invited> {
    const { groupId, label } = this.#groups.secret(group);
    const outbound = this.#outbound(target, "", options);
    const { to } = await this.#outgoing.sendText({
      ...outbound,
      handOver(core, nowMs, recipient, token) {
        // Who answers at an address is known when the key is on its way.
        if (outbound.options.requireVerified === true && recipient.kind === "address") {
          throw new UdpchatError("NOT_VERIFIED", `whose address ${target} is, is not verified`, {
            remedy: "invite the peer by its name or id",
          });
        }
        core.inviteToGroup(nowMs, groupId, recipient, token);
      },
    });
    return { group: label, to };
  }

  async removeMember(target: string, group: string): Promise<Removal> {
    this.#assertOpen();
    const { groupId, label } = this.#groups.secret(group);
    const device = this.#members.find(target, groupId);
    const peer = this.#members.partyOf(device, groupId);
    this.#driver.command((core, nowMs) => core.removeFromGroup(nowMs, groupId, device));
    await this.#driver.afterTurn();
    // Who is told that somebody is out need not fear a power cut.
    await this.#secrets.settled();
    return { group: label, peer, by: this.#members.partyOf(this.id, groupId) };
  }

  groups(): Group[] {
    return this.#groups.handles();
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    return this.#stream.subscribe({ signal: options.signal });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(): Promise<void> {
    this.#outgoing.close();
    this.#queries.close();
    await new Promise<void>((resolve) => {
      const cancelTimer = this.#clock.after(MAX_DEPARTURE_MS, resolve);
      this.#departed = () => {
        cancelTimer();
        resolve();
      };
      this.#driver.command((core, nowMs) => core.leave(nowMs));
    });
    // `departed` is settled before the last datagrams of its turn are handed over.
    await this.#driver.afterTurn();
    this.#driver.stop();
    this.#groups.close();
    await this.#secrets.settled();
    await this.#lan.close();
    await this.#trust.settled();
    this.#stream.end();
  }

  /** Throws CLOSED. */
  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #receive(datagram: LanDatagram): void {
    if (!isOurs(datagram.bytes)) this.#inbox.receivePlain(datagram);
    else if (this.#takesCalls() || !beginsHandshake(datagram)) this.#driver.receive(datagram);
  }

  /** Keys of secret groups come as messages do: who would refuse calls would soon be deaf there. */
  #takesCalls(): boolean {
    return this.#receives || this.#groups.handles().some(({ secret }) => secret);
  }

  /** A request of who is not verified is refused in words; a text would be lost without any. */
  #takesMessages(device: string, kind: "text" | "request"): boolean {
    if (kind === "text" && this.#requireVerified && !this.#trust.isVerified(device)) return false;
    return this.#receives || this.#groups.handles().some(({ showsDirect }) => showsDirect);
  }

  #interfacesChanged(interfaces: readonly LanInterface[]): void {
    this.#driver.command((core, nowMs) => core.interfacesChanged(nowMs));
    this.#stream.publish({ type: "interfaces", interfaces });
  }

  #warnOfNetwork(message: string): void {
    this.#stream.publish({ type: "warning", warning: { code: "NETWORK", message, peer: null } });
  }

  /** Every event of the core goes to the part that it concerns. */
  #settle(event: CoreEvent): void {
    switch (event.kind) {
      case "delivered":
        this.#trust.used(event.to, () => this.#core.peers());
        this.#outgoing.delivered(event);
        return;
      case "reply":
        this.#trust.used(event.from, () => this.#core.peers());
        this.#outgoing.replied(event);
        return;
      case "failed":
        this.#outgoing.failed(event);
        return;
      case "answer":
        this.#queries.answered(event.nonce, event.peer);
        return;
      case "groupKeys":
      case "groupInvitation":
      case "groupRemoval":
      case "groupExpelled":
      case "groupUnreadable":
        this.#groups.settle(event);
        return;
      case "groupLeft":
        this.#groups.goodbyeSaid(event.groupId);
        return;
      case "departed":
        this.#departed();
        return;
      case "groupDatagram":
      case "groupForgotten":
      case "groupSaid":
      case "groupDelivered":
      case "groupTransport":
      case "receipt":
        return; // not kept yet
      default:
        this.#inbox.settle(event);
    }
  }
}

/** Somebody wants to write to us. */
function beginsHandshake({ bytes }: LanDatagram): boolean {
  return datagramType(bytes) === DatagramType.handshakeInit;
}
