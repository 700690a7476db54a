/** What a template can name: the keys of the JSON lines, as their schemas have them. */
import {
  ChatLineSchema,
  DeliveryLineSchema,
  EventLineSchema,
  HistoryLineSchema,
  MessageLineSchema,
  PeerLineSchema,
  SentLineSchema,
} from "../../api/lines.js";

/** Commands that take a template. */
export type Formatted = "listen" | "join" | "history" | "peers" | "discover" | "send";

/** Of each type of line its fields: `id`, `from`, `from.name` and so on. */
export type FieldsOfType = ReadonlyMap<string, ReadonlySet<string>>;

interface LineSchema {
  readonly entries: { readonly type: { readonly literal: string } };
}

/** What they print. */
const PRINTED: Readonly<Record<Formatted, readonly LineSchema[]>> = {
  listen: EventLineSchema.options,
  join: ChatLineSchema.options,
  history: [HistoryLineSchema],
  peers: [PeerLineSchema],
  discover: [PeerLineSchema],
  send: [DeliveryLineSchema, MessageLineSchema, SentLineSchema],
};

/** The fields of all lines that a command prints. */
export function fieldsOf(command: Formatted): FieldsOfType {
  return new Map(
    PRINTED[command].map(({ entries }) => [entries.type.literal, new Set(pathsIn(entries))]),
  );
}

/** Of an object its own fields, too; what a list holds has no name. */
function pathsIn(entries: object): string[] {
  return Object.entries(entries).flatMap(([key, schema]: [string, unknown]) => {
    const inner = entriesOf(schema);
    return inner === undefined ? [key] : [key, ...pathsIn(inner).map((path) => `${key}.${path}`)];
  });
}

/** Of what may be null or missing those of what it is otherwise. */
function entriesOf(schema: unknown): object | undefined {
  if (typeof schema !== "object" || schema === null) return undefined;
  if ("wrapped" in schema) return entriesOf(schema.wrapped);
  if (!("entries" in schema)) return undefined;
  return typeof schema.entries === "object" && schema.entries !== null ? schema.entries : undefined;
}
