import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import * as v from "valibot";
import { type ProbeLine, ProbeLineSchema } from "./sample.js";

export const SAMPLE_EVERY_MS = 10_000;

const PROBE = new URL("./probe.js", import.meta.url).href;
const LEAK = new URL("./leak.js", import.meta.url).href;

export const LEAK_KINDS = ["heap", "timers", "descriptors"] as const;
export type LeakKind = (typeof LEAK_KINDS)[number];

export interface ProbedOptions {
  /** What comes before Node: `ip netns exec NAME`, or nothing. */
  readonly prefix?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Descriptor of an open file. */
  readonly log: number;
  /** For snapshots of the heap. */
  readonly folder: string;
  readonly leak?: LeakKind | undefined;
  readonly onLine: (line: ProbeLine) => void;
}

/** Node with `probe.js` in it, which says every 10 s how it is. */
export function spawnProbed(argv: readonly string[], options: ProbedOptions): ChildProcess {
  const imports = ["--import", PROBE, ...(options.leak === undefined ? [] : ["--import", LEAK])];
  const line = [
    ...(options.prefix ?? []),
    process.execPath,
    "--expose-gc",
    // Where a figure grows, `kill -USR2` tells of what: a snapshot of the heap beside the log.
    "--heapsnapshot-signal=SIGUSR2",
    `--diagnostic-dir=${options.folder}`,
    ...imports,
    ...argv,
  ];
  const [command = process.execPath, ...args] = line;
  // The settings of whoever runs this stay out.
  const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("UDPCHAT_"));
  const child = spawn(command, args, {
    env: {
      ...Object.fromEntries(inherited),
      ...options.env,
      SOAK_SAMPLE_EVERY_MS: String(SAMPLE_EVERY_MS),
      ...(options.leak === undefined ? {} : { SOAK_LEAK: options.leak }),
    },
    stdio: ["ignore", options.log, options.log, "pipe"],
  });
  const output = child.stdio[3];
  if (!(output instanceof Readable)) throw new Error("the probe has no pipe");
  output.on("error", () => undefined);
  createInterface({ input: output }).on("line", (text) => {
    options.onLine(v.parse(ProbeLineSchema, JSON.parse(text)));
  });
  return child;
}
