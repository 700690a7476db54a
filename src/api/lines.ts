/**
 * The JSON lines that the commands print and the local API speaks: a promise to scripts. Every
 * line has `type` and always all of its keys (null where there is nothing to say), keys are
 * camelCase, times are ISO 8601 in UTC, durations end in `Ms`.
 *
 * A client may be older or newer than its daemon: keys and types that it does not know are passed
 * over, and a key that is added later has a default here for daemons that do not send it.
 */
import * as v from "valibot";

const timestamp = v.pipe(v.string(), v.isoTimestamp());

/**
 * What is held of a key: never used, pinned at first use, compared by the user, shut out by the
 * user, or a stranger's key under a nickname that stands for a key that is known.
 */
const trust = v.picklist(["unknown", "known", "verified", "blocked", "conflict"]);

/** A peer as messages mention it; `id` and `trust` are null on plain messages, which nobody signed. */
export const PeerRefSchema = v.object({
  /** Device key, 64 hexadecimal digits. */
  id: v.nullable(v.string()),
  /** What the peer calls itself, unsanitised. */
  name: v.string(),
  address: v.string(),
  port: v.number(),
  trust: v.nullable(trust),
});
export type PeerRefLine = v.InferOutput<typeof PeerRefSchema>;

/** A roster entry. */
export const PeerLineSchema = v.object({
  type: v.literal("peer"),
  id: v.string(),
  name: v.string(),
  address: v.string(),
  port: v.number(),
  trust,
  state: v.picklist(["online", "suspect", "offline"]),
  /** Smoothed round trip; null until measured. */
  rttMs: v.nullable(v.number()),
  via: v.picklist(["broadcast", "query", "configured", "contact"]),
  /** Every address it was seen on, the best first. */
  addresses: v.array(v.object({ address: v.string(), port: v.number() })),
});
export type PeerLine = v.InferOutput<typeof PeerLineSchema>;

/** The end of a `send`. */
export const DeliveryLineSchema = v.object({
  type: v.literal("delivery"),
  id: v.string(),
  status: v.picklist(["delivered", "queued", "undelivered"]),
  to: PeerRefSchema,
  rttMs: v.nullable(v.number()),
  /** How often the most repeated datagram was sent; 1 is no loss. Null: not delivered. */
  attempts: v.nullable(v.number()),
});
export type DeliveryLine = v.InferOutput<typeof DeliveryLineSchema>;

/** Among events: what became of a message of ours after its `send` had ended. */
export const ProgressLineSchema = v.object({
  ...DeliveryLineSchema.entries,
  status: v.picklist(["delivered", "read", "undelivered"]),
});
export type ProgressLine = v.InferOutput<typeof ProgressLineSchema>;

/** A message that arrived. */
export const MessageLineSchema = v.object({
  type: v.literal("message"),
  /** Null on plain messages. */
  id: v.nullable(v.string()),
  scope: v.picklist(["direct", "group", "plain"]),
  from: PeerRefSchema,
  /** Null unless it came through a group. */
  group: v.nullable(v.string()),
  text: v.string(),
  /** The sender's clock; null on plain messages. */
  sentAt: v.nullable(timestamp),
  receivedAt: timestamp,
  /** The sender's key was proven: false on plain messages. */
  verified: v.boolean(),
  /** It comes later than it was said, from what others had kept. */
  late: v.boolean(),
});
export type MessageLine = v.InferOutput<typeof MessageLineSchema>;

/** A message as it is kept: the same keys, and what is known of it beside them. */
export const HistoryLineSchema = v.object({
  ...MessageLineSchema.entries,
  id: v.string(),
  scope: v.picklist(["direct", "group"]),
  sentAt: timestamp,
  /** Written on this device. */
  own: v.boolean(),
  /** Whom a direct message was written to; null in a group. */
  to: v.nullable(PeerRefSchema),
  /** Of ours: how far it came. Of others: whether a person was shown it. */
  state: v.picklist(["queued", "sent", "delivered", "read", "undelivered", "unread"]),
  /** Of ours: who has it. `at` is null where it is not known. */
  receipts: v.array(
    v.object({
      peer: PeerRefSchema,
      status: v.picklist(["delivered", "read"]),
      at: v.nullable(timestamp),
    }),
  ),
  /** The `id` that its sender chose. */
  clientId: v.nullable(v.string()),
  /** Of a queued one: when it is given up. */
  expiresAt: v.nullable(timestamp),
});
export type HistoryLine = v.InferOutput<typeof HistoryLineSchema>;

/** The reply to an `ask`. */
export const ReplyLineSchema = v.object({
  type: v.literal("reply"),
  /** Id of the request. */
  to: v.string(),
  from: PeerRefSchema,
  text: v.string(),
  rttMs: v.number(),
});
export type ReplyLine = v.InferOutput<typeof ReplyLineSchema>;

/** What passes between a peer and us; see `udpchat doctor`. */
export const ExaminationLineSchema = v.object({
  type: v.literal("examination"),
  peer: PeerRefSchema,
  /** `busy`: it is examined too often; `unknown`: its version knows no examinations. */
  result: v.picklist(["examined", "busy", "unknown"]),
  rttMs: v.number(),
  /** How far its clock is ahead of ours; null without an answer. */
  clockAheadMs: v.nullable(v.number()),
  /** None unless `examined`. */
  ways: v.array(
    v.object({
      /** A later version may know more of them. */
      way: v.string(),
      sent: v.number(),
      /** Of ours, at the peer; null if it did not tell. */
      heardThere: v.nullable(v.number()),
      /** Of the peer's, here. */
      heardHere: v.number(),
    }),
  ),
});
export type ExaminationLine = v.InferOutput<typeof ExaminationLineSchema>;

/** One thing that `doctor` found. */
export const FindingLineSchema = v.object({
  type: v.literal("finding"),
  /** Stable: see the table in README. */
  code: v.string(),
  severity: v.picklist(["problem", "note", "ok"]),
  /** Sentences for people: what was seen, what it means, what to do. */
  seen: v.string(),
  meaning: v.string(),
  remedy: v.nullable(v.string()),
  /** The command that does it. */
  command: v.nullable(v.string()),
  /** What it is about. */
  interface: v.nullable(v.string()),
  peer: v.nullable(PeerRefSchema),
  at: timestamp,
});
export type FindingLine = v.InferOutput<typeof FindingLineSchema>;

/** The end of a `doctor`: how much was found, and how many peers were examined. */
export const DiagnosisLineSchema = v.object({
  type: v.literal("diagnosis"),
  problems: v.number(),
  notes: v.number(),
  peers: v.number(),
});
export type DiagnosisLine = v.InferOutput<typeof DiagnosisLineSchema>;

/** A request that arrived and waits for its answer. */
export const RequestLineSchema = v.object({
  type: v.literal("request"),
  id: v.string(),
  from: PeerRefSchema,
  text: v.string(),
  sentAt: timestamp,
});
export type RequestLine = v.InferOutput<typeof RequestLineSchema>;

/** Somebody came, went, or was found gone. */
export const PresenceLineSchema = v.object({
  type: v.literal("presence"),
  event: v.picklist(["join", "leave", "online", "offline"]),
  /** Null for the roster. */
  group: v.nullable(v.string()),
  peer: PeerRefSchema,
  /** Online after it, ourselves included in a group. */
  online: v.number(),
});
export type PresenceLine = v.InferOutput<typeof PresenceLineSchema>;

/** Lines of a group member that are lost for good. */
export const GapLineSchema = v.object({
  type: v.literal("gap"),
  group: v.string(),
  from: PeerRefSchema,
  /** Datagrams. */
  count: v.number(),
});
export type GapLine = v.InferOutput<typeof GapLineSchema>;

/** Something that the user should know about. */
export const WarningLineSchema = v.object({
  type: v.literal("warning"),
  code: v.string(),
  message: v.string(),
  peer: v.nullable(PeerRefSchema),
  /** Label of the group that it concerns. */
  group: v.nullable(v.string()),
});
export type WarningLine = v.InferOutput<typeof WarningLineSchema>;

/** Facts about a running messenger. */
export const StatusLineSchema = v.object({
  type: v.literal("status"),
  /** Process id. */
  pid: v.number(),
  id: v.string(),
  name: v.string(),
  port: v.number(),
  /** True if the wanted port was taken and another one is in use. */
  portTaken: v.boolean(),
  discoveryPort: v.number(),
  interfaces: v.array(
    v.object({
      name: v.string(),
      address: v.string(),
      netmask: v.string(),
      /** Null for /31 and /32. */
      broadcast: v.nullable(v.string()),
      loopback: v.boolean(),
    }),
  ),
  /** Peers online. */
  peers: v.number(),
  /** Where a newer udpchat runs that speaks only a later version of the protocol: not seen. */
  newerVersions: v.optional(v.array(v.object({ address: v.string(), version: v.number() })), []),
  /** Labels of the joined groups. */
  groups: v.array(v.string()),
  startedAt: timestamp,
  /** Granted by the kernel. */
  receiveBufferBytes: v.number(),
  /** Every bound in force; those that end in `Ms`, `Bytes` or `PerSecond` say their unit. */
  limits: v.record(v.string(), v.number()),
  /** How much of what is bounded is in use. */
  usage: v.record(v.string(), v.number()),
  /** Since the start. */
  counters: v.record(v.string(), v.number()),
});
export type StatusLine = v.InferOutput<typeof StatusLineSchema>;

/** Who we are. */
export const IdLineSchema = v.object({
  type: v.literal("id"),
  id: v.string(),
  name: v.string(),
  /** The id in 16 groups of four digits. */
  fingerprint: v.string(),
});
export type IdLine = v.InferOutput<typeof IdLineSchema>;

/** What two people compare: the same on both sides, unless somebody stands between them. */
export const VerificationLineSchema = v.object({
  type: v.literal("verification"),
  peer: PeerRefSchema,
  /** Five groups of five digits. */
  code: v.string(),
});
export type VerificationLine = v.InferOutput<typeof VerificationLineSchema>;

/** What the user decided about a peer. Its address is empty while nobody knows it. */
export const TrustLineSchema = v.object({
  type: v.literal("trust"),
  peer: PeerRefSchema,
  trust,
});
export type TrustLine = v.InferOutput<typeof TrustLineSchema>;

/** A group that we are in. */
export const GroupLineSchema = v.object({
  type: v.literal("group"),
  /** `224.0.1.100`, `224.0.1.100:8000` or `#ops`. */
  group: v.string(),
  address: v.string(),
  port: v.number(),
  /** Online, ourselves not included. */
  members: v.array(PeerRefSchema),
  /** The membership lasts across restarts, until `leave`. */
  standing: v.boolean(),
  /** Only who has the key can read it; otherwise everybody on the network can. */
  secret: v.boolean(),
  /** How what we say reaches the others now: by unicast where multicast does not pass. */
  transport: v.picklist(["multicast", "mixed", "unicast"]),
});
export type GroupLine = v.InferOutput<typeof GroupLineSchema>;

/** Somebody gave us the key of a secret group: joining it accepts. */
export const InvitationLineSchema = v.object({
  type: v.literal("invitation"),
  group: v.string(),
  from: PeerRefSchema,
});
export type InvitationLine = v.InferOutput<typeof InvitationLineSchema>;

/** A peer has the key of a secret group now. */
export const InvitedLineSchema = v.object({
  type: v.literal("invited"),
  group: v.string(),
  to: PeerRefSchema,
});
export type InvitedLine = v.InferOutput<typeof InvitedLineSchema>;

/** `by` kept `peer` out of a secret group: what is said from now on it cannot read. */
export const RemovedLineSchema = v.object({
  type: v.literal("removed"),
  group: v.string(),
  peer: PeerRefSchema,
  by: PeerRefSchema,
});
export type RemovedLine = v.InferOutput<typeof RemovedLineSchema>;

/** A standing membership has ended, and the key of a secret group is forgotten. */
export const LeftLineSchema = v.object({ type: v.literal("left"), group: v.string() });
export type LeftLine = v.InferOutput<typeof LeftLineSchema>;

/**
 * A group message was accepted: it is on the wire, or leaves as fast as the group may be filled.
 * Plain text, which has neither id nor group, has left this host: whether it arrived nobody tells.
 */
export const SentLineSchema = v.object({
  type: v.literal("sent"),
  id: v.nullable(v.string()),
  group: v.nullable(v.string()),
});
export type SentLine = v.InferOutput<typeof SentLineSchema>;

/** The answer to a request was handed over. */
export const AnsweredLineSchema = v.object({ type: v.literal("answered"), id: v.string() });
export type AnsweredLine = v.InferOutput<typeof AnsweredLineSchema>;

/** Messages were marked as read. */
export const MarkedLineSchema = v.object({ type: v.literal("marked") });
export type MarkedLine = v.InferOutput<typeof MarkedLineSchema>;

/** The daemon says goodbye and ends. */
export const StoppingLineSchema = v.object({ type: v.literal("stopping"), pid: v.number() });
export type StoppingLine = v.InferOutput<typeof StoppingLineSchema>;

/** The daemon has ended. */
export const StoppedLineSchema = v.object({ type: v.literal("stopped"), pid: v.number() });
export type StoppedLine = v.InferOutput<typeof StoppedLineSchema>;

/** First line of a stream: from here on nothing is missed. */
export const ReadyLineSchema = v.object({ type: v.literal("ready") });
export type ReadyLine = v.InferOutput<typeof ReadyLineSchema>;

/** A stream could not resume where it was left: events may be missing before the next line. */
export const ResyncLineSchema = v.object({
  type: v.literal("resync"),
  /** The daemon started anew since, or the place is further back than it remembers. */
  reason: v.picklist(["restarted", "tooOld"]),
  message: v.string(),
});
export type ResyncLine = v.InferOutput<typeof ResyncLineSchema>;

/** A failure: match on `code`, one of `ErrorCode`; later versions may add codes. */
export const ErrorLineSchema = v.object({
  type: v.literal("error"),
  code: v.string(),
  message: v.string(),
  /** What to do about it. */
  remedy: v.nullable(v.string()),
});
export type ErrorLine = v.InferOutput<typeof ErrorLineSchema>;

/** A line of the daemon's log. */
export const LogLineSchema = v.object({
  type: v.literal("log"),
  /** Null for what Node itself wrote before anything else. */
  time: v.nullable(timestamp),
  level: v.picklist(["debug", "info", "warn", "error", "fatal"]),
  /** Process id of the daemon; null for what Node itself wrote. */
  pid: v.nullable(v.number()),
  message: v.string(),
  /** Whatever belongs to it. */
  fields: v.record(v.string(), v.unknown()),
});
export type LogLine = v.InferOutput<typeof LogLineSchema>;

/** A setting as commands of this home have it. */
export const SettingLineSchema = v.object({
  type: v.literal("setting"),
  key: v.string(),
  /** As it is written in the config file; null: there is none, and that means something. */
  value: v.nullable(v.union([v.string(), v.number(), v.boolean(), v.array(v.string())])),
  /** Where it is said. */
  source: v.picklist(["flag", "environment", "file", "default"]),
  /** What it is called there, or the path of the file; null for a default. */
  origin: v.nullable(v.string()),
});
export type SettingLine = v.InferOutput<typeof SettingLineSchema>;

/** Where the settings of this home are kept. */
export const ConfigLineSchema = v.object({
  type: v.literal("config"),
  path: v.string(),
  exists: v.boolean(),
});
export type ConfigLine = v.InferOutput<typeof ConfigLineSchema>;

/** The daemon has read its settings again. */
export const ReloadedLineSchema = v.object({
  type: v.literal("reloaded"),
  /** Settings that are others now. */
  changed: v.array(v.string()),
  /** Settings that will be others when the daemon is started again. */
  restart: v.array(v.string()),
});
export type ReloadedLine = v.InferOutput<typeof ReloadedLineSchema>;

/** The daemon of this home as a service of the system. */
export const ServiceLineSchema = v.object({
  type: v.literal("service"),
  manager: v.picklist(["systemd", "launchd", "taskScheduler"]),
  /** Where its definition lies, or would. */
  file: v.string(),
  installed: v.boolean(),
  /** It is started at every log-in. */
  enabled: v.boolean(),
  running: v.boolean(),
  /** Null if it does not run, or the manager does not tell. */
  pid: v.nullable(v.number()),
  since: v.nullable(timestamp),
  /** The words of what it runs; null if nothing of ours is installed. */
  program: v.nullable(v.array(v.string())),
  /** What keeps it from starting again, and what to do about it. */
  problem: v.nullable(v.string()),
});
export type ServiceLine = v.InferOutput<typeof ServiceLineSchema>;

/** Everything that happens, in order. */
export const EventLineSchema = v.variant("type", [
  ReadyLineSchema,
  ResyncLineSchema,
  MessageLineSchema,
  PresenceLineSchema,
  GapLineSchema,
  WarningLineSchema,
  InvitationLineSchema,
  RemovedLineSchema,
  ProgressLineSchema,
]);
export type EventLine = v.InferOutput<typeof EventLineSchema>;

/**
 * What happens in one group; the first line is `group`: we are in. Warnings are those of this
 * group and of keys; invitations are to any group.
 */
export const ChatLineSchema = v.variant("type", [
  GroupLineSchema,
  MessageLineSchema,
  PresenceLineSchema,
  GapLineSchema,
  WarningLineSchema,
  InvitationLineSchema,
  RemovedLineSchema,
]);
export type ChatLine = v.InferOutput<typeof ChatLineSchema>;

/** Requests to answer; the first line is `ready`: they come here now. */
export const ServeLineSchema = v.variant("type", [ReadyLineSchema, RequestLineSchema]);
export type ServeLine = v.InferOutput<typeof ServeLineSchema>;
