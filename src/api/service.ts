import process from "node:process";
import { AbortLink } from "../abortLink.js";
import { UdpchatError } from "../errors.js";
import {
  type JoinOptions,
  type MessengerApi,
  type SendOptions,
  UndeliveredError,
  type WaitOptions,
} from "../messenger/types.js";
import { HistoryService } from "./historyService.js";
import type { ChatLine, EventLine, ReloadedLine } from "./lines.js";
import { Memberships, type StandingGroups } from "./memberships.js";
import type { Api, CallOptions, Input, Output, StreamName, UnaryName } from "./operations.js";
import { RequestDesk } from "./requestDesk.js";
import { Subscription } from "./subscription.js";
import {
  toDeliveryLine,
  toEventLine,
  toExaminationLine,
  toGroupLine,
  toIdLine,
  toInvitationLine,
  toPeerLine,
  toPeerRef,
  toRemovedLine,
  toReplyLine,
  toStatusLine,
  toTrustLine,
  toVerificationLine,
} from "./toLines.js";

export interface ServiceOptions {
  /** Keeps standing memberships; without it `join` is refused. */
  readonly standing?: StandingGroups;
  /** Reads the settings again; without it `reload` is refused. */
  readonly onReload?: () => Promise<ReloadedLine>;
  /** Ends the process that serves; without it `stop` is refused. Called after the answer. */
  readonly onStop?: () => void;
}

type Calls = {
  readonly [N in UnaryName]: (
    input: Input<N>,
    signal: AbortSignal | undefined,
  ) => Output<N> | Promise<Output<N>>;
};
type Streams = {
  readonly [N in StreamName]: (input: Input<N>, signal: AbortSignal) => AsyncIterable<Output<N>>;
};

/** Every operation of the table, executed in this process on a messenger of its own. */
export class Service implements Api {
  readonly #messenger: MessengerApi;
  readonly #memberships: Memberships;
  readonly #desk: RequestDesk;
  readonly #history: HistoryService;
  readonly #onReload: (() => Promise<ReloadedLine>) | undefined;
  readonly #onStop: (() => void) | undefined;
  readonly #closing = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(messenger: MessengerApi, options: ServiceOptions = {}) {
    this.#messenger = messenger;
    this.#memberships = new Memberships(messenger, options.standing);
    this.#desk = new RequestDesk((handler, options) => messenger.handle(handler, options));
    this.#history = new HistoryService(messenger);
    this.#onReload = options.onReload;
    this.#onStop = options.onStop;
  }

  async call<N extends UnaryName>(
    name: N,
    input: Input<N>,
    options: CallOptions = {},
  ): Promise<Output<N>> {
    this.#assertOpen();
    if (options.signal?.aborted === true) throw new UdpchatError("ABORTED", "given up");
    return await this.#calls[name](input, options.signal);
  }

  async *stream<N extends StreamName>(
    name: N,
    input: Input<N>,
    options: CallOptions = {},
  ): AsyncGenerator<Output<N>, void, undefined> {
    this.#assertOpen();
    const ending = new AbortLink(options.signal, this.#closing.signal);
    if (ending.signal.aborted) return;
    try {
      yield* this.#streams[name](input, ending.signal);
    } finally {
      ending.release();
    }
    if (this.#closing.signal.aborted && options.signal?.aborted !== true) throw closed();
  }

  /** Joins again what was a standing membership before a restart. */
  restoreMembership(label: string, secret: boolean): Promise<void> {
    return this.#memberships.restore(label, secret);
  }

  /** Ends every stream, then says goodbye: the messenger is closed as well. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#messenger.close();
    await this.#memberships.settled();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw closed();
  }

  readonly #calls: Calls = {
    status: () => toStatusLine(this.#messenger.status(), process.pid),
    id: () => toIdLine(this.#messenger),
    peers: () => this.#messenger.peers().map(toPeerLine),
    send: (input, signal) => this.#send(input, signal),
    history: (input) => this.#history.call("history", input),
    outbox: (input) => this.#history.call("outbox", input),
    dropQueued: (input) => this.#history.call("dropQueued", input),
    read: (input) => this.#history.call("read", input),
    ask: async ({ target, text, ...input }, signal) =>
      toReplyLine(await this.#messenger.ask(target, text, waiting(input, signal))),
    examine: async ({ target, ...input }, signal) =>
      toExaminationLine(await this.#messenger.examine(target, waiting(input, signal))),
    verificationCode: async ({ target }) =>
      toVerificationLine(await this.#messenger.verificationCode(target)),
    verify: async ({ target, code }) =>
      toTrustLine((await this.#messenger.verify(target, code)).peer),
    block: async ({ target }) => toTrustLine(await this.#messenger.block(target)),
    unblock: async ({ target }) => toTrustLine(await this.#messenger.unblock(target)),
    blocked: () => this.#messenger.blockedPeers().map(toTrustLine),
    groups: async () => {
      const invitations = await this.#messenger.invitations();
      return [...this.#memberships.lines(), ...invitations.map(toInvitationLine)];
    },
    join: (input) => this.#memberships.stand(input.group, joining(input)),
    leave: async ({ group }) => ({ type: "left", group: await this.#memberships.end(group) }),
    invite: (input, signal) => this.#invite(input, signal),
    remove: async ({ target, group }) => {
      const { label } = this.#memberships.joined(group);
      return toRemovedLine(await this.#messenger.removeMember(target, label));
    },
    say: (input) => this.#say(input),
    answer: (input) => {
      this.#desk.answer(input.id, input);
      return { type: "answered", id: input.id };
    },
    reload: async () => {
      if (this.#onReload === undefined) throw noDaemon();
      return await this.#onReload();
    },
    stop: () => {
      const onStop = this.#onStop;
      if (onStop === undefined) throw noDaemon();
      setImmediate(onStop);
      return { type: "stopping", pid: process.pid };
    },
  };

  readonly #streams: Streams = {
    export: (input, signal) => this.#history.stream("export", input, { signal }),
    discover: (input, signal) => this.#discover(input, signal),
    chat: (input, signal) => this.#chat(input, signal),
    events: (_input, signal) => this.#events(signal),
    requests: (input, signal) => this.#desk.requests(signal, input),
  };

  async #send(
    { target, text, ...input }: Input<"send">,
    signal: AbortSignal | undefined,
  ): Promise<Output<"send">> {
    try {
      const options = { ...waiting(input, signal), ...queueing(input) };
      const delivery = await this.#messenger.send(target, text, options);
      return toDeliveryLine(delivery);
    } catch (error) {
      if (error instanceof UndeliveredError) return toDeliveryLine(error.delivery);
      throw error;
    }
  }

  async #say({ group, text, temporary }: Input<"say">): Promise<Output<"say">> {
    if (temporary !== true) {
      const joined = this.#memberships.joined(group);
      return { type: "sent", id: await joined.say(text), group: joined.label };
    }
    const joined = await this.#memberships.hold(group);
    try {
      return { type: "sent", id: await joined.say(text), group: joined.label };
    } finally {
      this.#memberships.release(joined);
    }
  }

  async #invite(
    { target, group, ...waits }: Input<"invite">,
    signal: AbortSignal | undefined,
  ): Promise<Output<"invite">> {
    // An invitation that we have not accepted ourselves is not passed on.
    const joined = await this.#memberships.hold(group, { kept: true });
    try {
      const options = waiting(waits, signal);
      const invited = await this.#messenger.invite(target, joined.label, options);
      return { type: "invited", group: invited.group, to: toPeerRef(invited.to) };
    } finally {
      this.#memberships.release(joined);
    }
  }

  async *#discover(
    input: Input<"discover">,
    signal: AbortSignal,
  ): AsyncGenerator<Output<"discover">, void, undefined> {
    const found = new Subscription(
      (whileWanted) => this.#messenger.discover(waiting(input, whileWanted)),
      signal,
    );
    for await (const peer of found) yield toPeerLine(peer);
  }

  async *#chat(
    input: Input<"chat">,
    signal: AbortSignal,
  ): AsyncGenerator<ChatLine, void, undefined> {
    const group = await this.#memberships.hold(input.group, joining(input));
    const events = new Subscription((whileWanted) => group.events({ signal: whileWanted }), signal);
    try {
      yield toGroupLine(group, this.#memberships.isStanding(group));
      for await (const event of events) {
        const line = toEventLine(event);
        if (line !== undefined && line.type !== "delivery") yield line;
      }
    } finally {
      events.close();
      this.#memberships.release(group);
    }
  }

  async *#events(signal: AbortSignal): AsyncGenerator<EventLine, void, undefined> {
    const events = new Subscription(
      (whileWanted) => this.#messenger.events({ signal: whileWanted }),
      signal,
    );
    try {
      yield { type: "ready" };
      for await (const event of events) {
        const line = toEventLine(event);
        if (line !== undefined) yield line;
      }
    } finally {
      events.close();
    }
  }
}

function joining({ secret, passphrase }: Input<"join">): JoinOptions {
  return {
    ...(secret === undefined ? {} : { secret }),
    ...(passphrase === undefined ? {} : { passphrase }),
  };
}

function queueing({ queue, ttlMs, id }: Partial<Input<"send">>): SendOptions {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
    ...(id === undefined ? {} : { id }),
  };
}

function waiting(
  { timeoutMs, requireVerified }: Partial<Input<"send">>,
  signal: AbortSignal | undefined,
): WaitOptions {
  return {
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(requireVerified === undefined ? {} : { requireVerified }),
    ...(signal === undefined ? {} : { signal }),
  };
}

function noDaemon(): UdpchatError {
  return new UdpchatError("DAEMON_NOT_RUNNING", "no daemon is running");
}

function closed(): UdpchatError {
  return new UdpchatError("CLOSED", "the messenger was closed");
}
