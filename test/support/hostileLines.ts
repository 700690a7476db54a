/** Every line that the outside is promised, with every text in it chosen by an attacker. */

import * as v from "valibot";
import * as lines from "../../src/api/lines.js";
import fc from "./fastCheck.js";
import { anyText } from "./hostileText.js";

const literal = v.object({ type: v.literal("literal"), literal: v.string() });
const anySchema = v.custom<v.GenericSchema>((value) => v.is(v.object({ kind: v.string() }), value));
const wrapping = v.object({ wrapped: anySchema });
const nodes = v.variant("type", [
  literal,
  v.object({
    type: v.literal("string"),
    pipe: v.optional(v.array(v.object({ type: v.string() }))),
  }),
  v.object({ type: v.literal("number") }),
  v.object({ type: v.literal("boolean") }),
  v.object({ type: v.literal("unknown") }),
  v.object({ type: v.literal("union"), options: v.array(anySchema) }),
  v.object({ type: v.literal("picklist"), options: v.array(v.string()) }),
  v.object({ type: v.literal("array"), item: anySchema }),
  v.object({ type: v.literal("record"), value: anySchema }),
  v.object({ type: v.literal("object"), entries: v.record(v.string(), anySchema) }),
  v.object({ type: v.literal("nullable"), ...wrapping.entries }),
  v.object({ type: v.literal("optional"), ...wrapping.entries, default: v.optional(v.unknown()) }),
]);

/**
 * Schemas of lines by their names (`message` of `MessageLineSchema`): whatever `lines.ts` exports,
 * so that new ones are included. Some have a `type` in common.
 */
export const lineSchemas: ReadonlyMap<string, v.GenericSchema> = new Map(
  Object.entries(lines).flatMap(([name, schema]): [string, v.GenericSchema][] => {
    if (schema.type !== "object") return [];
    const type: unknown = "type" in schema.entries ? schema.entries.type : undefined;
    const line = name.replace(/LineSchema$/, "").toLowerCase();
    return v.is(literal, type) ? [[line, schema]] : [];
  }),
);

/** Values that the schema accepts; throws for a kind of schema that it does not know. */
export function hostileValue(schema: v.GenericSchema): fc.Arbitrary<unknown> {
  const node = v.parse(nodes, schema);
  switch (node.type) {
    case "literal":
      return fc.constant(node.literal);
    case "string":
      return node.pipe?.some(({ type }) => type === "iso_timestamp") === true
        ? fc.constant("2026-01-02T03:04:05.000Z")
        : anyText;
    case "number":
      return fc.nat(100_000);
    case "boolean":
      return fc.boolean();
    case "unknown":
      return fc.oneof(anyText, fc.array(anyText), fc.dictionary(anyText, anyText));
    case "union":
      return fc.oneof(...node.options.map(hostileValue));
    case "picklist":
      return fc.constantFrom(...node.options);
    case "array":
      return fc.array(hostileValue(node.item), { maxLength: 3 });
    case "record":
      return fc.dictionary(anyText, hostileValue(node.value), { maxKeys: 3 });
    case "object":
      return fc.record(
        Object.fromEntries(
          Object.entries(node.entries).map(([name, entry]) => [name, hostileValue(entry)]),
        ),
      );
    case "nullable":
      return fc.option(hostileValue(node.wrapped));
    case "optional":
      // What is left out has the default once it is parsed.
      return node.default === undefined
        ? fc.option(hostileValue(node.wrapped), { nil: undefined })
        : hostileValue(node.wrapped);
  }
}
