import { expect } from "vitest";
import { DEFAULT_LIMITS } from "../../../src/core/limits.js";
import { UdpchatError } from "../../../src/errors.js";
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
  MessengerStatus,
  Peer,
  PeerRef,
  Removal,
  Reply,
  Request,
  SendOptions,
  Verification,
} from "../../../src/messenger/types.js";

export const ALICE: PeerRef = {
  id: "a1".repeat(32),
  name: "alice",
  address: "10.0.0.2",
  port: 22400,
  trust: "known",
};

export const CODE = "01234 56789 01234 56789 01234";
const IDENTIFIED_ALICE: IdentifiedPeer = { ...ALICE, id: "a1".repeat(32), trust: "known" };

/** A source that tests push into; counts who listens. */
class Source {
  readonly #listeners = new Set<(event: MessengerEvent | undefined) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  push(event: MessengerEvent | undefined): void {
    for (const listener of this.#listeners) listener(event);
  }

  async *follow(signal: AbortSignal | undefined): AsyncGenerator<MessengerEvent> {
    const queue: (MessengerEvent | undefined)[] = [];
    let wake = (): void => undefined;
    const listener = (event: MessengerEvent | undefined): void => {
      queue.push(event);
      wake();
    };
    const onAbort = (): void => listener(undefined);
    this.#listeners.add(listener);
    signal?.addEventListener("abort", onAbort);
    try {
      for (;;) {
        if (signal?.aborted === true) return;
        if (queue.length === 0) await new Promise<void>((resolve) => (wake = resolve));
        const event = queue.shift();
        if (event === undefined) return;
        yield event;
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#listeners.delete(listener);
    }
  }
}

export class FakeGroup implements Group {
  readonly address: string;
  readonly port = 22401;
  readonly source = new Source();
  readonly said: string[] = [];
  readonly transport = "multicast";
  left = false;
  readonly #ended = new AbortController();

  constructor(
    readonly label: string,
    readonly secret: boolean,
  ) {
    this.address = label.startsWith("#") ? "239.192.5.6" : label;
  }

  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  members(): PeerRef[] {
    return [ALICE];
  }

  say(text: string): Promise<string> {
    this.said.push(text);
    return Promise.resolve(`said-${this.said.length}`);
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    return this.source.follow(options.signal);
  }

  leave(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  /** As when somebody removes us. */
  end(): void {
    this.left = true;
    this.source.push(undefined);
    this.#ended.abort();
  }
}

/** A messenger without a network: it records what it is asked, and says what tests tell it to. */
export class FakeMessenger implements MessengerApi {
  readonly id = "ff".repeat(32);
  readonly name = "me";
  readonly source = new Source();
  /** Every group that was ever joined, in order. */
  readonly groupsMade: FakeGroup[] = [];
  handleOptions: HandleOptions | undefined;
  /** What the user decided about keys, in order. */
  readonly decisions: string[] = [];
  handler: ((request: Request) => Promise<string> | string) | undefined;
  closed = false;
  sendFailure: UdpchatError | undefined;
  lastSend: { target: string; text: string; options: SendOptions | undefined } | undefined;
  /** What is stored, oldest first. */
  stored: HistoryMessage[] = [];
  /** What was asked of the history, in order. */
  readonly queries: HistoryOptions[] = [];
  readonly read: string[] = [];
  /** What `reconfigure` was told, in order. */
  readonly configured: ChangeableOptions[] = [];

  async reconfigure(options: ChangeableOptions): Promise<void> {
    this.configured.push(options);
  }

  status(): MessengerStatus {
    return {
      id: this.id,
      name: this.name,
      port: 22400,
      portTaken: false,
      discoveryPort: 22401,
      interfaces: [
        {
          name: "lo",
          address: "127.0.0.1",
          netmask: "255.255.255.255",
          broadcast: undefined,
          loopback: true,
        },
      ],
      peers: 1,
      groups: [],
      startedAt: new Date(0),
      newerVersions: [],
      receiveBufferBytes: 1,
      limits: DEFAULT_LIMITS,
      usage: { peers: 1 },
      counters: { datagramsReceived: 1 },
    };
  }

  async *discover(): AsyncGenerator<Peer> {
    for (const peer of this.peers()) yield peer;
  }

  peers(): Peer[] {
    return [
      {
        ...ALICE,
        id: "a1".repeat(32),
        trust: "known",
        state: "online",
        via: "query",
        rttMs: null,
        addresses: [{ address: "10.0.0.2", port: 22400 }],
      },
    ];
  }

  async send(target: string, text: string, options?: SendOptions): Promise<Delivery> {
    this.lastSend = { target, text, options };
    if (this.sendFailure !== undefined) throw this.sendFailure;
    if (text === "hang") {
      await new Promise<void>((resolve) => {
        options?.signal?.addEventListener("abort", () => resolve());
      });
      throw new UdpchatError("ABORTED", "given up");
    }
    if (options?.queue === true) {
      return { id: "m1", status: "queued", to: ALICE, rttMs: null, attempts: null };
    }
    return { id: "m1", status: "delivered", to: ALICE, rttMs: 1.5, attempts: 1 };
  }

  history(options: HistoryOptions = {}): Promise<HistoryMessage[]> {
    this.queries.push(options);
    return Promise.resolve(this.stored);
  }

  async *exportHistory(options: HistoryOptions = {}): AsyncGenerator<HistoryMessage> {
    this.queries.push(options);
    yield* this.stored;
  }

  outbox(): Promise<HistoryMessage[]> {
    return Promise.resolve(this.stored.filter(({ state }) => state === "queued"));
  }

  dropQueued(id: string): Promise<HistoryMessage> {
    const dropped = this.stored.find((message) => message.id.startsWith(id));
    if (dropped !== undefined) return Promise.resolve({ ...dropped, state: "undelivered" });
    return Promise.reject(new UdpchatError("NO_SUCH_MESSAGE", `no queued message ${id}`));
  }

  markRead(ids: readonly string[]): Promise<void> {
    this.read.push(...ids);
    return Promise.resolve();
  }

  examine(): Promise<Examination> {
    const ways = [{ way: "unicast" as const, sent: 3, heardThere: null, heardHere: 2 }];
    return Promise.resolve({
      peer: ALICE,
      result: "examined",
      rttMs: 1.23456,
      clockAheadMs: -2000.00001,
      ways,
    });
  }

  ask(_target: string, text: string): Promise<Reply> {
    return Promise.resolve({ to: "r1", from: ALICE, text: text.toUpperCase(), rttMs: 2 });
  }

  async verificationCode(): Promise<Verification> {
    return { peer: IDENTIFIED_ALICE, code: CODE };
  }

  async verify(target: string, code?: string): Promise<Verification> {
    this.decisions.push(`verify ${target} ${code ?? ""}`);
    return { peer: { ...IDENTIFIED_ALICE, trust: "verified" }, code: CODE };
  }

  async block(target: string): Promise<IdentifiedPeer> {
    this.decisions.push(`block ${target}`);
    return { ...IDENTIFIED_ALICE, trust: "blocked" };
  }

  async unblock(target: string): Promise<IdentifiedPeer> {
    this.decisions.push(`unblock ${target}`);
    return IDENTIFIED_ALICE;
  }

  blockedPeers(): IdentifiedPeer[] {
    return [{ ...IDENTIFIED_ALICE, trust: "blocked" }];
  }

  handle(
    handler: (request: Request) => Promise<string> | string,
    options?: HandleOptions,
  ): () => void {
    this.handler = handler;
    this.handleOptions = options;
    return () => {
      if (this.handler === handler) this.handler = undefined;
    };
  }

  /** Labels with a key; a join with `secret` adds one. */
  readonly keys = new Set<string>();
  pending: Invitation[] = [];
  lastJoin: JoinOptions | undefined;

  join(group: string, options: JoinOptions = {}): Promise<Group> {
    this.lastJoin = options;
    if (group === "nonsense") return Promise.reject(new UdpchatError("INVALID_GROUP", "no group"));
    const label = group.replace(/:22401$/, "");
    const present = this.groupsMade.find((made) => made.label === label && !made.left);
    if (present !== undefined) return Promise.resolve(present);
    if (options.kept === true && !this.keys.has(label)) {
      return Promise.reject(new UdpchatError("NO_GROUP_KEY", "no key"));
    }
    if (options.secret === true) this.keys.add(label);
    const made = new FakeGroup(label, this.keys.has(label));
    this.groupsMade.push(made);
    return Promise.resolve(made);
  }

  invitations(): Promise<Invitation[]> {
    return Promise.resolve(this.pending);
  }

  forgetGroup(group: string): Promise<boolean> {
    return Promise.resolve(this.keys.delete(group));
  }

  invite(_target: string, group: string): Promise<Invited> {
    return Promise.resolve({ group, to: ALICE });
  }

  removeMember(_target: string, group: string): Promise<Removal> {
    return Promise.resolve({ group, peer: ALICE, by: { ...ALICE, id: this.id, name: this.name } });
  }

  groups(): Group[] {
    return this.groupsMade.filter((group) => !group.left);
  }

  events(options: { readonly signal?: AbortSignal } = {}): AsyncIterable<MessengerEvent> {
    return this.source.follow(options.signal);
  }

  close(): Promise<void> {
    this.closed = true;
    this.source.push(undefined);
    return Promise.resolve();
  }
}

export function messageEvent(text: string, group: string | null = null): MessengerEvent {
  return {
    type: "message",
    message: {
      id: "m",
      scope: group === null ? "direct" : "group",
      from: ALICE,
      group,
      text,
      sentAt: new Date(1000),
      receivedAt: new Date(2000),
      verified: true,
      late: false,
    },
  };
}

export function historyMessage(overrides: Partial<HistoryMessage> = {}): HistoryMessage {
  return {
    id: "5a".repeat(16),
    scope: "direct",
    from: { ...ALICE, id: "ff".repeat(32), name: "me" },
    group: null,
    text: "hello",
    sentAt: new Date(1000),
    receivedAt: new Date(1000),
    verified: true,
    late: false,
    own: true,
    to: ALICE,
    state: "delivered",
    receipts: [{ peer: ALICE, status: "delivered", at: null }],
    clientId: null,
    expiresAt: null,
    ...overrides,
  };
}

export function requestOf(id: string, text: string): Request {
  return { id, from: ALICE, text, sentAt: new Date(0) };
}

/** Turns of the event loop, until the condition holds; fails after many. */
export async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000; turn += 1) {
    if (holds()) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  throw new Error("it never came true");
}

/** Expects a failure, from now on: begin before what causes it, await after. */
export async function fails(promise: Promise<unknown>, failure: object): Promise<void> {
  await expect(promise).rejects.toMatchObject(failure);
}
