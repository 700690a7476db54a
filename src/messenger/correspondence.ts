import type { CoreEvent } from "../core/io.js";
import type { Clock } from "./clock.js";
import { type DirectText, DirectTexts } from "./directTexts.js";
import type { Driver } from "./driver.js";
import type { EventStream } from "./eventStream.js";
import type { GroupMembers } from "./groupMembers.js";
import { HistoryReader } from "./historyReader.js";
import type { KeptMessages } from "./keptMessages.js";
import { Outbox } from "./outbox.js";
import type { Outgoing } from "./outgoing.js";
import type { PeerFinder } from "./peerFinder.js";
import type { Preferences } from "./preferences.js";
import { ReadReceipts } from "./readReceipts.js";
import { Recorder } from "./recorder.js";
import { partyRef } from "./storedShapes.js";
import type { TrustBook } from "./trustBook.js";
import type { Delivery, HistoryMessage, HistoryOptions } from "./types.js";

/** What correspondence builds on. */
export interface CorrespondenceParts {
  readonly kept: KeptMessages;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly stream: EventStream;
  readonly outgoing: Outgoing;
  readonly finder: PeerFinder;
  readonly members: GroupMembers;
  readonly trust: TrustBook;
  readonly discoveryPort: number;
  /** The label of a group that we are in. */
  readonly labelOf: (groupId: string) => string | undefined;
  /** The user is shown what this peer writes. */
  readonly isWanted: (peer: { readonly id: string; readonly name: string }) => boolean;
  readonly receives: boolean;
  readonly preferences: Preferences;
}

type EventOf<Kind extends CoreEvent["kind"]> = Extract<CoreEvent, { readonly kind: Kind }>;

/** Everything about messages that are kept: recorded, sent, queued, read and looked up again. */
export class Correspondence {
  readonly #parts: CorrespondenceParts;
  readonly #recorder: Recorder;
  readonly #outbox: Outbox;
  readonly #texts: DirectTexts;
  readonly #readReceipts: ReadReceipts;
  readonly #reader: HistoryReader;

  constructor(parts: CorrespondenceParts) {
    this.#parts = parts;
    const { kept, driver, clock, stream, outgoing, finder, members, trust } = parts;
    const { receives, preferences } = parts;
    const { store, keeps } = kept;
    const self = members.self();
    this.#recorder = new Recorder({
      store,
      clock,
      self: () => members.self(),
      incarnation: driver.inspect((core) => core.incarnation),
      startedAtMs: clock.wallMs(),
      labelOf: parts.labelOf,
      isWanted: parts.isWanted,
      keptAs: (token) => outgoing.keptAs(token),
    });
    this.#outbox = new Outbox({
      store,
      clock,
      stream,
      outgoing,
      trust,
      self: self.device,
      dispatches: keeps && receives,
    });
    this.#texts = new DirectTexts({
      store,
      keeps,
      clock,
      outgoing,
      outbox: this.#outbox,
      trust,
      self: () => members.self(),
      newMessageId: () => driver.inspect((core) => core.newMessageId()),
      nextHlc: () => this.#recorder.nextHlc(),
      finder,
    });
    this.#readReceipts = new ReadReceipts({
      store,
      clock,
      outgoing,
      preferences,
      isBlocked: (device) => trust.isBlocked(device),
    });
    this.#reader = new HistoryReader({
      store,
      trust,
      discoveryPort: parts.discoveryPort,
      deviceOf: (label) => finder.deviceOf(label),
    });
  }

  /** What was left over by earlier starts goes on. */
  start(): void {
    const { kept, clock, driver, preferences } = this.#parts;
    kept.maintain(clock, preferences.retentionMs, (beforeMs) =>
      driver.command((core, nowMs) => core.forgetBefore(nowMs, beforeMs)),
    );
    this.#outbox.start();
  }

  /** Messages are kept for another time than before. */
  retentionChanged(): void {
    this.#parts.kept.retain(this.#parts.preferences.retentionMs);
  }

  /** Of a poll, before anything of it is transmitted; returns what is news: see `Recorder`. */
  record(events: readonly CoreEvent[]): readonly CoreEvent[] {
    return this.#recorder.record(events);
  }

  /** Of a group that was left for good. */
  forgetDatagrams(groupId: string): void {
    this.#recorder.forgetDatagrams(groupId);
  }

  rosterChanged({ change, peer }: EventOf<"peer">): void {
    this.#outbox.rosterChanged(change, peer);
    this.#readReceipts.rosterChanged(change, peer);
  }

  heardFrom({ from }: EventOf<"message" | "request">): void {
    this.#outbox.heardFrom(from);
  }

  /** Receipts of others were recorded. */
  tellRead(): void {
    for (const { id, by } of this.#recorder.takeRead()) {
      const to = partyRef(by, this.#parts.trust);
      const progress = { id, status: "read", to, rttMs: null, attempts: null } as const;
      this.#parts.stream.publish({ type: "delivery", progress });
    }
  }

  send(text: DirectText): Promise<Delivery> {
    return this.#texts.send(text);
  }

  history(options: HistoryOptions): HistoryMessage[] {
    return this.#reader.history(options);
  }

  export(options: HistoryOptions): AsyncGenerator<HistoryMessage, void, undefined> {
    return this.#reader.export(options);
  }

  outbox(): HistoryMessage[] {
    return this.#reader.outbox();
  }

  /** @throws UdpchatError NO_SUCH_MESSAGE */
  dropQueued(id: string): HistoryMessage {
    return this.#reader.shape(this.#outbox.drop(id));
  }

  markRead(ids: readonly string[]): void {
    this.#readReceipts.markRead(ids);
  }

  /** Calls that wait end; what is queued stays so. */
  endCalls(): void {
    this.#texts.close();
    this.#outbox.close();
    this.#readReceipts.close();
  }

  /** After the last turn of the driver. */
  close(): void {
    this.#parts.kept.close();
  }
}
