import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { LanOptions } from "../../src/net/lan.js";
import type { ProbeCommand, ProbeReport } from "./lanProbe.js";
import { killProcessGroup, type NamespaceHost } from "./namespaceLan.js";

type Report<T extends ProbeReport["type"]> = Extract<ProbeReport, { type: T }>;

/** Bundles the probe script into `directory`; returns its path. */
export async function bundleLanProbe(directory: string): Promise<string> {
  const outfile = join(directory, "lanProbe.mjs");
  await build({
    entryPoints: [fileURLToPath(new URL("lanProbe.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    // The package `ip` is CommonJS and requires node's own modules.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  return outfile;
}

/** A running probe on a host of a namespace LAN. */
export class LanProbe {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #reports: ProbeReport[] = [];
  /** Called at every report and at the end. Bounded by the waits of the test. */
  readonly #listeners = new Set<() => void>();
  #stderr = "";
  #ended = false;

  /** Starts it and waits until its sockets are open. */
  static async start(host: NamespaceHost, script: string, options: LanOptions): Promise<LanProbe> {
    const probe = new LanProbe(host.spawn(process.execPath, [script, JSON.stringify(options)]));
    await probe.next("ready");
    return probe;
  }

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      this.#stderr += chunk;
    });
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#reports.push(JSON.parse(line));
      this.#notify();
    });
    child.once("close", () => {
      this.#ended = true;
      this.#notify();
    });
  }

  /** Everything of one kind so far. */
  reports<T extends ProbeReport["type"]>(type: T): readonly Report<T>[] {
    return this.#reports.filter((entry): entry is Report<T> => entry.type === type);
  }

  command(command: ProbeCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`);
  }

  /** The first report that fits, past ones included. Rejects after `timeoutMs`. */
  next<T extends ProbeReport["type"]>(
    type: T,
    fits: (entry: Report<T>) => boolean = () => true,
    timeoutMs = 10_000,
  ): Promise<Report<T>> {
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(look);
      };
      const fail = (why: string): void => {
        finish();
        const seen = this.#reports.map((entry) => JSON.stringify(entry)).join("\n");
        reject(new Error(`${why}: no fitting ${type} in\n${seen}\n${this.#stderr}`));
      };
      const look = (): void => {
        const found = this.reports(type).find(fits);
        if (found !== undefined) {
          finish();
          resolve(found);
        } else if (this.#ended) fail("the probe ended");
      };
      const timer = setTimeout(() => fail(`after ${timeoutMs} ms`), timeoutMs);
      this.#listeners.add(look);
      look();
    });
  }

  /** Ends it as a user would; returns its exit code and what it complained about. */
  async stop(): Promise<{ readonly code: number | null; readonly stderr: string }> {
    if (!this.#ended) {
      this.#child.stdin.end();
      const timer = setTimeout(() => killProcessGroup(this.#child), 5000);
      await once(this.#child, "close");
      clearTimeout(timer);
    }
    return { code: this.#child.exitCode, stderr: this.#stderr };
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}
