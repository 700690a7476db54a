import * as v from "valibot";

/** What the harness and the processes of the contenders tell each other, over Node's IPC. */

const EndpointSchema = v.object({ address: v.string(), port: v.number() });

export const ROLES = [
  "answerer",
  "asker",
  "receiver",
  "sender",
  "relay",
  "member",
  "speaker",
] as const;
export type Role = (typeof ROLES)[number];

/** The one argument of a process, as JSON. */
export const AssignmentSchema = v.object({
  contender: v.string(),
  role: v.picklist(ROLES),
  venue: v.object({
    address: v.string(),
    interfaceName: v.string(),
    peer: v.exactOptional(EndpointSchema),
    port: v.number(),
    members: v.number(),
    folder: v.string(),
    name: v.string(),
  }),
});
export type Assignment = v.InferOutput<typeof AssignmentSchema>;

/** What is done for so long, with texts of that size. */
const TIMED = { round: v.number(), sizeBytes: v.number(), forMs: v.number() };

/** Each is answered by one report, or by `failed`. */
export const OrderSchema = v.variant("kind", [
  /** Ask one request after the other for so long: `asked`. */
  v.object({ kind: v.literal("ask"), ...TIMED }),
  /** Send as fast as it goes for so long: `sent`. */
  v.object({ kind: v.literal("send"), ...TIMED }),
  /** Count what comes from now on: `listening`. */
  v.object({ kind: v.literal("listen"), round: v.number() }),
  /** So many were sent; wait for them, or until nothing came for so long: `counted`. */
  v.object({ kind: v.literal("count"), sent: v.number(), quietMs: v.number() }),
]);
export type Order = v.InferOutput<typeof OrderSchema>;

/** In all reports `cpuMs` is the processor time of all threads, user and system, in this round. */
export const CountSchema = v.object({
  kind: v.literal("counted"),
  /** Different ones. */
  received: v.number(),
  duplicates: v.number(),
  /** That came behind a later one. */
  disordered: v.number(),
  /** From the first to the last. */
  spanMs: v.number(),
  /** Since it was told to listen. */
  cpuMs: v.number(),
});
export type Count = v.InferOutput<typeof CountSchema>;

export const ReportSchema = v.variant("kind", [
  v.object({ kind: v.literal("ready"), at: v.exactOptional(EndpointSchema) }),
  v.object({ kind: v.literal("failed"), message: v.string() }),
  v.object({ kind: v.literal("asked"), roundTripsUs: v.array(v.number()), cpuMs: v.number() }),
  v.object({ kind: v.literal("sent"), sent: v.number(), tookMs: v.number(), cpuMs: v.number() }),
  v.object({ kind: v.literal("listening") }),
  CountSchema,
]);
export type Report = v.InferOutput<typeof ReportSchema>;
