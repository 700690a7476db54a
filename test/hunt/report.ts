/** What the processes of a hunt tell one another. */
import * as v from "valibot";

export const TASK = v.object({ seed: v.number(), shrinks: v.boolean() });

export const REPORT = v.object({
  seed: v.number(),
  failure: v.optional(v.object({ invariant: v.string(), message: v.string(), atMs: v.number() })),
  hosts: v.number(),
  simulatedMs: v.number(),
  /** Of the processor, for its one run; not for making it shorter. */
  cpuMs: v.number(),
  stats: v.array(v.tuple([v.string(), v.number()])),
  shrunk: v.optional(
    v.object({
      options: v.object({
        steps: v.optional(v.pipe(v.array(v.number()), v.readonly())),
        hosts: v.optional(v.number()),
      }),
      trace: v.array(v.string()),
      runs: v.number(),
    }),
  ),
});

export type Report = v.InferOutput<typeof REPORT>;
