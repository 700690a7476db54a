import type { DeliveryLine, HistoryLine } from "../../src/api/lines.js";
import { brief } from "../support/histories.js";
import type { SoakHost } from "./soakHost.js";

interface Promised {
  readonly from: string;
  readonly to: string;
  readonly status: DeliveryLine["status"];
}

/** What daemons said of direct messages; their texts, each written once, name them. */
export class PromisedMessages {
  /** Bounded by the length of the run. */
  readonly #byText = new Map<string, Promised>();

  /** `undelivered` promises nothing: it may have arrived. */
  take(text: string, from: SoakHost, to: SoakHost, { status }: DeliveryLine): void {
    if (status === "undelivered") return;
    this.#byText.set(text, { from: from.name, to: to.name, status });
  }

  get size(): number {
    return this.#byText.size;
  }

  /** What is not as promised, at a time when all should be. Reads every history once. */
  async broken(hosts: readonly SoakHost[]): Promise<string[]> {
    const broken: string[] = [];
    const arrived = new Set<string>();
    const confirmed = new Set<string>();
    for (const { name, api } of hosts) {
      const seen = new Set<string>();
      for await (const line of api.stream("export", {})) {
        if (line.scope !== "direct") continue;
        const key = `${line.own ? "own" : "other"} ${line.text}`;
        if (seen.has(key)) broken.push(`${name} has "${brief(line.text)}" more than once`);
        seen.add(key);
        if (!line.own) arrived.add(`${name} ${line.text}`);
        else if (isConfirmed(line)) confirmed.add(`${name} ${line.text}`);
      }
    }
    for (const [text, { from, to, status }] of this.#byText) {
      if (!arrived.has(`${to} ${text}`)) broken.push(`${to} lacks "${brief(text)}": ${status}`);
      if (!confirmed.has(`${from} ${text}`))
        broken.push(`${from} lacks the receipt of "${brief(text)}"`);
    }
    return broken;
  }
}

function isConfirmed({ state }: HistoryLine): boolean {
  return state === "delivered" || state === "read";
}
