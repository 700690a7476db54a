import type { Core } from "../core/core.js";
import type { TakesMessages } from "../core/io.js";
import type { Lan, LanHandlers, LanInterface } from "../net/lan.js";
import type { Clock } from "./clock.js";
import { Correspondence } from "./correspondence.js";
import { discover } from "./discovery.js";
import { Driver } from "./driver.js";
import { EventRouter } from "./eventRouter.js";
import { EventStream } from "./eventStream.js";
import { Examiner } from "./examiner.js";
import { GroupMembers } from "./groupMembers.js";
import type { LookUp } from "./hostLookup.js";
import { Inbox } from "./inbox.js";
import { JoinedGroups } from "./joinedGroups.js";
import { MemberDesk } from "./memberDesk.js";
import { checkedPreferences, type MessengerParts, openParts } from "./opening.js";
import { type Outbound, Outgoing } from "./outgoing.js";
import { PeerFinder } from "./peerFinder.js";
import { rosterPeer } from "./peerShapes.js";
import type { Preferences } from "./preferences.js";
import { Queries } from "./queries.js";
import { Reception } from "./reception.js";
import { RequestHandlers } from "./requests.js";
import { SecretGroups } from "./secretGroups.js";
import { messengerStatus } from "./status.js";
import type { TrustBook } from "./trustBook.js";
import { TrustDesk } from "./trustDesk.js";
import type {
  ChangeableOptions,
  Delivery,
  Examination,
  Group,
  HandleOptions,
  HistoryMessage,
  HistoryOptions,
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
  RequestHandler,
  SendOptions,
  Verification,
  WaitOptions,
  Warning,
} from "./types.js";
import { closedError } from "./waiting.js";

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
  /** What went less well while opening; the first of the events, too. */
  readonly openingWarnings: readonly Warning[];
  readonly #core: Core;
  readonly #lan: Lan;
  readonly #clock: Clock;
  readonly #startedAt: Date;
  readonly #driver: Driver;
  readonly #stream = new EventStream();
  readonly #handlers: RequestHandlers;
  readonly #queries = new Queries();
  readonly #outgoing: Outgoing;
  readonly #correspondence: Correspondence;
  readonly #groups: JoinedGroups;
  readonly #members: GroupMembers;
  readonly #secrets: SecretGroups;
  readonly #inbox: Inbox;
  readonly #reception: Reception;
  readonly #finder: PeerFinder;
  readonly #trust: TrustBook;
  readonly #trustDesk: TrustDesk;
  readonly #memberDesk: MemberDesk;
  readonly #examiner: Examiner;
  readonly #lookUp: LookUp;
  readonly #preferences: Preferences;
  readonly #warn: (warning: Warning) => void;
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
        if (messenger !== undefined) messenger.#reception.receive(datagram);
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
      messenger !== undefined && messenger.#reception.takesMessages(device, kind);
    const opened = await openParts(options, parts, handlers, takesMessages);
    try {
      messenger = new Messenger(opened, options);
    } catch (error) {
      // Open sockets would keep the process alive, which answers nobody.
      opened.messages.close();
      await opened.lan.close();
      throw error;
    }
    for (const trouble of earlyTroubles) messenger.#warnOfNetwork(trouble);
    return messenger;
  }

  private constructor(opened: Awaited<ReturnType<typeof openParts>>, options: MessengerOptions) {
    const { receives = true } = options;
    const { core, lan, clock, preferences, warnings } = opened;
    this.id = core.id;
    this.#lookUp = opened.lookUp;
    this.#preferences = preferences;
    this.#warn = warnings.tell;
    const requireVerified = (): boolean => preferences.requireVerified;
    this.#handlers = new RequestHandlers(requireVerified);
    this.openingWarnings = [...warnings.early];
    this.#trust = opened.trust;
    this.#core = core;
    this.#lan = lan;
    this.#clock = clock;
    this.#startedAt = new Date(clock.wallMs());
    const stream = this.#stream;
    const driver = new Driver(core, lan, clock, {
      prepare: (core, nowMs) => this.#outgoing.handOver(core, nowMs),
      record: (events) => this.#correspondence.record(events),
      settle: (event) => router.route(event),
    });
    this.#driver = driver;
    this.#outgoing = new Outgoing({
      driver,
      clock,
      trust: opened.trust,
      store: opened.messages.store,
    });
    this.#members = new GroupMembers({ driver, lan, trust: opened.trust, preferences });
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
      forgetDatagrams: (groupId) => this.#correspondence.forgetDatagrams(groupId),
    });
    this.#finder = this.#makeFinder();
    const isWanted = (peer: { readonly id: string; readonly name: string }): boolean =>
      !requireVerified() || opened.trust.trustOf(peer.id, peer.name) === "verified";
    this.#correspondence = new Correspondence({
      kept: opened.messages,
      driver,
      clock,
      stream,
      outgoing: this.#outgoing,
      finder: this.#finder,
      members: this.#members,
      trust: opened.trust,
      discoveryPort: lan.discoveryPort,
      labelOf: (groupId) => this.#groups.labelOf(groupId),
      isWanted,
      receives,
      preferences,
    });
    this.#trustDesk = new TrustDesk({
      book: opened.trust,
      finder: this.#finder,
      driver,
      self: () => this,
      here: () => ({ port: lan.dataPort, interfaces: lan.interfaces() }),
    });
    this.#memberDesk = new MemberDesk({
      driver,
      outgoing: this.#outgoing,
      groups: this.#groups,
      members: this.#members,
      secrets: this.#secrets,
    });
    this.#examiner = new Examiner({
      driver,
      lan,
      clock,
      outgoing: this.#outgoing,
      trust: opened.trust,
    });
    this.#inbox = new Inbox({
      driver,
      clock,
      stream,
      groups: this.#groups,
      handlers: this.#handlers,
      trust: opened.trust,
      isWanted,
    });
    this.#reception = new Reception({
      driver,
      inbox: this.#inbox,
      groups: this.#groups,
      trust: opened.trust,
      receives,
      preferences,
    });
    const router = new EventRouter({
      driver,
      trust: opened.trust,
      outgoing: this.#outgoing,
      queries: this.#queries,
      groups: this.#groups,
      inbox: this.#inbox,
      correspondence: this.#correspondence,
      examiner: this.#examiner,
      departed: () => this.#departed(),
    });
    opened.trust.follow((device) => driver.command((core, nowMs) => core.blocked(nowMs, device)));
    const warn = (warning: Warning): void => stream.publish({ type: "warning", warning });
    opened.trust.onWarning(warn);
    warnings.follow(warn);
    for (const warning of this.openingWarnings) warn(warning);
    this.#correspondence.start();
  }

  #makeFinder(): PeerFinder {
    return new PeerFinder({
      driver: this.#driver,
      clock: this.#clock,
      queries: this.#queries,
      lookUp: this.#lookUp,
      trust: this.#trust,
      isBroadcast: (address) =>
        this.#preferences.broadcasts.includes(address) ||
        this.#lan.interfaces().some(({ broadcast }) => broadcast === address),
    });
  }

  get name(): string {
    return this.#preferences.name;
  }

  status(): MessengerStatus {
    return messengerStatus({
      core: this.#core,
      nowMs: this.#clock.nowMs(),
      lan: this.#lan,
      name: this.name,
      groups: this.#groups.handles(),
      startedAt: this.#startedAt,
      plainDropped: this.#inbox.plainDropped,
    });
  }

  async *discover(options: WaitOptions = {}): AsyncGenerator<Peer, void, undefined> {
    this.#assertOpen();
    const parts = { driver: this.#driver, clock: this.#clock, trust: this.#trust };
    yield* discover({ ...parts, queries: this.#queries }, options);
  }

  peers(): Peer[] {
    return this.#core.peers().map((peer) => rosterPeer(peer, this.#trust));
  }

  async send(label: string, text: string, options: SendOptions = {}): Promise<Delivery> {
    this.#assertOpen();
    const target = this.#finder.targetOf(label);
    return this.#correspondence.send({ label, text, options: this.#strict(options), target });
  }

  /** What is asked of everybody here. */
  #strict<Options extends WaitOptions>(options: Options): Options {
    return this.#preferences.requireVerified ? { ...options, requireVerified: true } : options;
  }

  async history(options: HistoryOptions = {}): Promise<HistoryMessage[]> {
    this.#assertOpen();
    return this.#correspondence.history(options);
  }

  async *exportHistory(
    options: HistoryOptions = {},
  ): AsyncGenerator<HistoryMessage, void, undefined> {
    this.#assertOpen();
    yield* this.#correspondence.export(options);
  }

  async outbox(): Promise<HistoryMessage[]> {
    this.#assertOpen();
    return this.#correspondence.outbox();
  }

  async dropQueued(id: string): Promise<HistoryMessage> {
    this.#assertOpen();
    return this.#correspondence.dropQueued(id);
  }

  async markRead(ids: readonly string[]): Promise<void> {
    this.#assertOpen();
    this.#correspondence.markRead(ids);
  }

  async ask(target: string, text: string, options: WaitOptions = {}): Promise<Reply> {
    return this.#outgoing.sendRequest(this.#outbound(target, text, options));
  }

  #outbound(label: string, text: string, options: WaitOptions): Outbound {
    this.#assertOpen();
    const target = this.#finder.targetOf(label);
    const asked = this.#strict(options);
    return { label, text, options: asked, find: () => this.#finder.find(target, asked) };
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
  handle(handler: RequestHandler, options: HandleOptions = {}): () => void {
    return this.#handlers.add(handler, options);
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
    return this.#memberDesk.invite(this.#outbound(target, "", options), group);
  }

  async removeMember(target: string, group: string): Promise<Removal> {
    this.#assertOpen();
    return this.#memberDesk.remove(target, group);
  }

  async examine(target: string, options: WaitOptions = {}): Promise<Examination> {
    return this.#examiner.examine(this.#outbound(target, "", options));
  }

  groups(): Group[] {
    return this.#groups.handles();
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    return this.#stream.subscribe({ signals: [options.signal] });
  }

  async reconfigure(options: ChangeableOptions): Promise<void> {
    const checked = await checkedPreferences(options, this.#lookUp, this.#warn);
    this.#assertOpen();
    const { name, configuredPeers } = checked;
    const before = { name: this.name, retentionMs: this.#preferences.retentionMs };
    this.#preferences.replace(name, options);
    this.#lan.reconfigure(options);
    this.#driver.command((core, nowMs) => {
      core.configurePeers(nowMs, configuredPeers);
      if (name !== before.name) core.rename(nowMs, name);
    });
    if (options.retentionMs !== before.retentionMs) this.#correspondence.retentionChanged();
  }

  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  /** `close`, at the end of an `await using`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(): Promise<void> {
    this.#correspondence.endCalls();
    this.#outgoing.close();
    this.#examiner.close();
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
    this.#correspondence.close();
    this.#stream.end();
  }

  /** Throws CLOSED. */
  #assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  #interfacesChanged(interfaces: readonly LanInterface[]): void {
    this.#driver.command((core, nowMs) => core.interfacesChanged(nowMs));
    this.#stream.publish({ type: "interfaces", interfaces });
  }

  #warnOfNetwork(message: string): void {
    this.#stream.publish({ type: "warning", warning: { code: "NETWORK", message, peer: null } });
  }
}
