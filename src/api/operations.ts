/**
 * The one table of the local API: routes, client and documentation come from it. An operation
 * with method GET takes no input; the others take their input as a JSON body.
 */
import * as v from "valibot";
import {
  AnsweredLineSchema,
  ChatLineSchema,
  DeliveryLineSchema,
  EventLineSchema,
  ExaminationLineSchema,
  GroupLineSchema,
  HistoryLineSchema,
  IdLineSchema,
  InvitationLineSchema,
  InvitedLineSchema,
  LeftLineSchema,
  MarkedLineSchema,
  PeerLineSchema,
  ReloadedLineSchema,
  RemovedLineSchema,
  ReplyLineSchema,
  SentLineSchema,
  ServeLineSchema,
  StatusLineSchema,
  StoppingLineSchema,
  TrustLineSchema,
  VerificationLineSchema,
} from "./lines.js";

/** One row of the table. */
export interface OperationDefinition {
  readonly method: "GET" | "POST";
  /** `/v1/...` */
  readonly path: `/v1/${string}`;
  readonly summary: string;
  /** `unary`: one JSON answer; `stream`: Server-Sent Events, one line in each. */
  readonly kind: "unary" | "stream";
  readonly input: v.GenericSchema;
  /** Of the answer, or of each line of the stream. */
  readonly output: v.GenericSchema;
}

/** The longest wait that may be asked for: a day. */
export const MAX_TIMEOUT_MS = 86_400_000;

/** The longest life of a queued message that may be asked for: a year. */
export const MAX_TTL_MS = 365 * 86_400_000;
/** The most stored messages that one answer holds; `export` has all of them. */
export const MAX_HISTORY_LIMIT = 10_000;
/** About as many bytes one answer has: of the messages that were asked for the latest that fit. */
export const MAX_HISTORY_BYTES = 16 * 1024 * 1024;
/** Messages that may be marked as read at once. */
export const MAX_READ_IDS = 1000;
/** An id chosen by the caller. */
export const CLIENT_ID = /^[\x20-\x7e]{1,64}$/;

const nothing = v.strictObject({});
const timeoutMs = v.optional(
  v.pipe(
    v.number(),
    v.integer("use whole milliseconds"),
    v.minValue(1, "use at least 1 ms"),
    v.maxValue(MAX_TIMEOUT_MS, `use at most ${MAX_TIMEOUT_MS} ms, a day`),
  ),
);
/** Characters of what names a peer, a group or a request: more than any of them can have. */
const MAX_NAME_CHARACTERS = 256;
const name = v.pipe(
  v.string(),
  v.nonEmpty("it is empty"),
  v.maxLength(
    MAX_NAME_CHARACTERS,
    ({ requirement, received }) => `it has ${received} characters: at most ${requirement} fit`,
  ),
);
const text = v.string();
const group = v.strictObject({ group: name });
const joining = v.strictObject({
  group: name,
  secret: v.optional(v.boolean()),
  passphrase: v.optional(v.pipe(v.string(), v.maxLength(1024, "at most 1024 characters fit"))),
});
const target = v.strictObject({ target: name });
/** NOT_VERIFIED, and nothing is sent or answered, unless the user compared the peer's key. */
const requireVerified = v.optional(v.boolean());
const targeted = v.strictObject({ target: name, text, timeoutMs, requireVerified });
const sending = v.strictObject({
  ...targeted.entries,
  /** Keep it if it is not delivered in time, until the peer is seen. */
  queue: v.optional(v.boolean()),
  ttlMs: v.optional(
    v.pipe(
      v.number(),
      v.integer("use whole milliseconds"),
      v.minValue(1, "use at least 1 ms"),
      v.maxValue(MAX_TTL_MS, `use at most ${MAX_TTL_MS} ms, a year`),
    ),
  ),
  /** The same one again is the same message, which is not sent twice. */
  id: v.optional(v.pipe(v.string(), v.regex(CLIENT_ID, "use 1 to 64 printable ASCII characters"))),
});
const since = v.pipe(
  v.string(),
  v.isoTimestamp("use a time as 2026-01-02T03:04:05Z"),
  v.check((value) => !Number.isNaN(Date.parse(value)), "there is no such time"),
);
const filter = v.strictObject({
  query: v.optional(v.pipe(v.string(), v.maxLength(1024, "at most 1024 characters fit"))),
  peer: v.optional(name),
  group: v.optional(name),
  since: v.optional(since),
});

/** Every operation by name. */
export const OPERATIONS = {
  status: {
    method: "GET",
    path: "/v1/status",
    summary: "Facts about the running messenger",
    kind: "unary",
    input: nothing,
    output: StatusLineSchema,
  },
  id: {
    method: "GET",
    path: "/v1/id",
    summary: "Our own device key and nickname",
    kind: "unary",
    input: nothing,
    output: IdLineSchema,
  },
  peers: {
    method: "GET",
    path: "/v1/peers",
    summary: "The roster as it stands",
    kind: "unary",
    input: nothing,
    output: v.array(PeerLineSchema),
  },
  discover: {
    method: "POST",
    path: "/v1/discover",
    summary: "Ask the network who is there; peers as they answer, until the timeout (1 s)",
    kind: "stream",
    input: v.strictObject({ timeoutMs }),
    output: PeerLineSchema,
  },
  send: {
    method: "POST",
    path: "/v1/send",
    summary: "One message to a peer; answers when it is delivered, queued, or undelivered in time",
    kind: "unary",
    input: sending,
    output: DeliveryLineSchema,
  },
  history: {
    method: "POST",
    path: "/v1/history",
    summary:
      "The latest stored messages (100, or as many as fit into 16 MiB), in the order that every " +
      "member has",
    kind: "unary",
    input: v.strictObject({
      ...filter.entries,
      /** The one that was sent with this `id`, whatever else is asked for. */
      clientId: v.optional(name),
      limit: v.optional(
        v.pipe(
          v.number(),
          v.integer("use a whole number"),
          v.minValue(1, "use at least 1"),
          v.maxValue(MAX_HISTORY_LIMIT, `use at most ${MAX_HISTORY_LIMIT}, or export`),
        ),
      ),
    }),
    output: v.array(HistoryLineSchema),
  },
  export: {
    method: "POST",
    path: "/v1/export",
    summary: "All stored messages, one after the other",
    kind: "stream",
    input: filter,
    output: HistoryLineSchema,
  },
  outbox: {
    method: "GET",
    path: "/v1/outbox",
    summary: "Queued messages, the oldest first",
    kind: "unary",
    input: nothing,
    output: v.array(HistoryLineSchema),
  },
  dropQueued: {
    method: "POST",
    path: "/v1/outbox/drop",
    summary: "Give up a queued message, by the last digits (4) of its id or the id that was chosen",
    kind: "unary",
    input: v.strictObject({ id: name }),
    output: HistoryLineSchema,
  },
  read: {
    method: "POST",
    path: "/v1/read",
    summary: "A person was shown these direct messages: their authors are told",
    kind: "unary",
    input: v.strictObject({
      ids: v.pipe(v.array(name), v.maxLength(MAX_READ_IDS, `at most ${MAX_READ_IDS} ids fit`)),
    }),
    output: MarkedLineSchema,
  },
  ask: {
    method: "POST",
    path: "/v1/ask",
    summary: "A request to a peer; answers with its reply",
    kind: "unary",
    input: targeted,
    output: ReplyLineSchema,
  },
  examine: {
    method: "POST",
    path: "/v1/examine",
    summary: "Find out which datagrams pass between a peer and us, in both directions",
    kind: "unary",
    input: v.strictObject({ target: name, timeoutMs }),
    output: ExaminationLineSchema,
  },
  verificationCode: {
    method: "POST",
    path: "/v1/verification-code",
    summary: "What to compare with the person behind a peer, made of both keys",
    kind: "unary",
    input: target,
    output: VerificationLineSchema,
  },
  verify: {
    method: "POST",
    path: "/v1/verify",
    summary: "The codes were compared, or `code` is what the other side sees",
    kind: "unary",
    input: v.strictObject({ target: name, code: v.optional(name) }),
    output: TrustLineSchema,
  },
  block: {
    method: "POST",
    path: "/v1/block",
    summary: "Have nothing to do with a peer",
    kind: "unary",
    input: target,
    output: TrustLineSchema,
  },
  unblock: {
    method: "POST",
    path: "/v1/unblock",
    summary: "Take a block back",
    kind: "unary",
    input: target,
    output: TrustLineSchema,
  },
  blocked: {
    method: "GET",
    path: "/v1/blocked",
    summary: "The blocked peers",
    kind: "unary",
    input: nothing,
    output: v.array(TrustLineSchema),
  },
  groups: {
    method: "GET",
    path: "/v1/groups",
    summary: "The groups that we are in, and invitations to others",
    kind: "unary",
    input: nothing,
    output: v.array(v.variant("type", [GroupLineSchema, InvitationLineSchema])),
  },
  join: {
    method: "POST",
    path: "/v1/join",
    summary: "Become a standing member of a group, across restarts",
    kind: "unary",
    input: joining,
    output: GroupLineSchema,
  },
  leave: {
    method: "POST",
    path: "/v1/leave",
    summary: "End a standing membership, and forget the key of a secret group",
    kind: "unary",
    input: group,
    output: LeftLineSchema,
  },
  invite: {
    method: "POST",
    path: "/v1/invite",
    summary: "Give a peer the key of a secret group; answers when it has it",
    kind: "unary",
    input: v.strictObject({ target: name, group: name, timeoutMs, requireVerified }),
    output: InvitedLineSchema,
  },
  remove: {
    method: "POST",
    path: "/v1/remove",
    summary: "Change the key of a secret group that we are in, and keep it from a peer",
    kind: "unary",
    input: v.strictObject({ target: name, group: name }),
    output: RemovedLineSchema,
  },
  say: {
    method: "POST",
    path: "/v1/say",
    summary: "One message to a group; `temporary` joins for just this message if need be",
    kind: "unary",
    input: v.strictObject({ group: name, text, temporary: v.optional(v.boolean()) }),
    output: SentLineSchema,
  },
  chat: {
    method: "POST",
    path: "/v1/chat",
    summary: "Be a member of a group, and follow it, while the stream is open",
    kind: "stream",
    input: joining,
    output: ChatLineSchema,
  },
  events: {
    method: "GET",
    path: "/v1/events",
    summary: "Everything that happens; `Last-Event-ID` resumes behind that event",
    kind: "stream",
    input: nothing,
    output: EventLineSchema,
  },
  requests: {
    method: "POST",
    path: "/v1/requests",
    summary: "Requests to answer while the stream is open; the newest stream gets them",
    kind: "stream",
    input: v.strictObject({ requireVerified }),
    output: ServeLineSchema,
  },
  answer: {
    method: "POST",
    path: "/v1/answer",
    summary: "The reply to a request, or why there is none",
    kind: "unary",
    input: v.union([
      v.strictObject({ id: name, text }),
      v.strictObject({ id: name, error: v.string() }),
    ]),
    output: AnsweredLineSchema,
  },
  reload: {
    method: "POST",
    path: "/v1/reload",
    summary: "Read the config file again; no session ends, and a wrong file changes nothing",
    kind: "unary",
    input: nothing,
    output: ReloadedLineSchema,
  },
  stop: {
    method: "POST",
    path: "/v1/stop",
    summary: "Say goodbye to the network and end the daemon",
    kind: "unary",
    input: nothing,
    output: StoppingLineSchema,
  },
} as const satisfies Record<string, OperationDefinition>;

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;
export type UnaryName = {
  [N in OperationName]: Operations[N]["kind"] extends "unary" ? N : never;
}[OperationName];
export type StreamName = {
  [N in OperationName]: Operations[N]["kind"] extends "stream" ? N : never;
}[OperationName];
export type Input<N extends OperationName> = v.InferOutput<Operations[N]["input"]>;
/** The answer, or one line of the stream. */
export type Output<N extends OperationName> = v.InferOutput<Operations[N]["output"]>;

/** True if the table has an operation of this name. */
export function isOperationName(name: string): name is OperationName {
  return Object.hasOwn(OPERATIONS, name);
}

/** True if the operation answers with a stream of lines. */
export function isStreamName(name: OperationName): name is StreamName {
  return OPERATIONS[name].kind === "stream";
}

/** How to stop waiting. Aborting ends a stream quietly and rejects a call with ABORTED. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/**
 * What a running daemon (`connectApi`) and a messenger in this process (`Service`) both offer.
 * Failures are `UdpchatError`s with the same codes either way.
 */
export interface Api {
  call<N extends UnaryName>(name: N, input: Input<N>, options?: CallOptions): Promise<Output<N>>;
  /** Begins when iterated; leaving the loop (or the signal) ends it and what it holds. */
  stream<N extends StreamName>(
    name: N,
    input: Input<N>,
    options?: CallOptions,
  ): AsyncIterable<Output<N>>;
  close(): Promise<void>;
}
