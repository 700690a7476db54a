import * as v from "valibot";

/** One object of the schema in each line of `text`; throws on anything else. */
export function parseLines<S extends v.GenericSchema>(schema: S, text: string): v.InferOutput<S>[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => v.parse(schema, JSON.parse(line)));
}
