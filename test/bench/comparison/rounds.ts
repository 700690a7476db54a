import { type Arena, Cast, type Play } from "./cast.js";
import type { Entrant } from "./entrants.js";
import type { Count } from "./orders.js";

/** How much is measured. */
export interface Effort {
  /** That count. */
  readonly rounds: number;
  /** Before the first of them; where processes go on with another payload, one. */
  readonly warmUps: number;
  readonly askForMs: number;
  readonly sendForMs: number;
  /** The same where datagrams are lost. */
  readonly lossyMs: number;
}

export const FULL_EFFORT: Effort = {
  rounds: 5,
  warmUps: 3,
  askForMs: 400,
  sendForMs: 600,
  lossyMs: 1000,
};
export const QUICK_EFFORT: Effort = {
  rounds: 1,
  warmUps: 1,
  askForMs: 150,
  sendForMs: 150,
  lossyMs: 300,
};

/** All that a measure of the comparison is given. */
export interface Comparing {
  readonly entrants: readonly Entrant[];
  readonly arena: Arena;
  readonly effort: Effort;
  /** Of the payloads, in bytes. */
  readonly sizes: readonly number[];
  /** No hosts of their own, even where they can be had. */
  readonly loopback: boolean;
  readonly tell: (line: string) => void;
}

/** Nothing came for so long: it is lost. */
const LOST_MS = 300;
/** Whoever promises to deliver is given more. */
const PROMISED_MS = 10_000;

/** The processes of all entrants for one play. Those that could not start are left out. */
export class Ensemble {
  readonly casts: Cast[] = [];
  /** Why somebody does not play, or does not any more: by label. */
  readonly problems = new Map<string, string>();
  readonly #comparing: Comparing;
  #isWarm = false;

  static async open(comparing: Comparing, play: Play): Promise<Ensemble> {
    const ensemble = new Ensemble(comparing);
    for (const entrant of comparing.entrants) {
      try {
        ensemble.casts.push(await Cast.open(entrant, play, comparing.arena));
      } catch (error) {
        ensemble.#excuse(entrant, error);
      }
    }
    return ensemble;
  }

  private constructor(comparing: Comparing) {
    this.#comparing = comparing;
  }

  /** Everybody plays each round in turn. Whoever fails is left out from then on. */
  async alternate(
    turn: (cast: Cast, round: number, isCounted: boolean) => Promise<void>,
  ): Promise<void> {
    const { rounds, warmUps } = this.#comparing.effort;
    const uncounted = this.#isWarm ? 1 : warmUps;
    this.#isWarm = true;
    for (let i = 0; i < uncounted + rounds; i += 1) {
      for (const cast of [...this.casts]) {
        try {
          await turn(cast, nextRound(), i >= uncounted);
        } catch (error) {
          this.#excuse(cast.entrant, error);
          this.casts.splice(this.casts.indexOf(cast), 1);
          await cast.dispose();
        }
      }
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.casts.map((cast) => cast.dispose()));
  }

  #excuse({ label }: Entrant, error: unknown): void {
    const problem = error instanceof Error ? error.message : String(error);
    const isFailure = !problem.startsWith("not measured");
    this.problems.set(label, isFailure ? `FAILED: ${problem}` : problem);
    this.#comparing.tell(`${label}: ${problem}`);
  }
}

const ROUND_NUMBERS = 100;
let rounds = 0;

/** Tells a round from those before it: the texts have room for two digits. */
function nextRound(): number {
  rounds = (rounds + 1) % ROUND_NUMBERS;
  return rounds;
}

export interface Transfer {
  readonly sent: number;
  readonly sentPerSecond: number;
  /** Of the sender. */
  readonly cpuMs: number;
  readonly counts: readonly Count[];
  /** Of all listeners together, from the first to the last that came. */
  readonly receivedPerSecond: number;
}

/** One round of sending to all listeners. Throws if what was promised did not come. */
export async function transfer(
  cast: Cast,
  order: { readonly round: number; readonly sizeBytes: number; readonly forMs: number },
): Promise<Transfer> {
  const { caller, listeners, entrant } = cast;
  await Promise.all(
    listeners.map((one) => one.order({ kind: "listen", round: order.round }, "listening")),
  );
  const { sent, tookMs, cpuMs } = await caller.order({ kind: "send", ...order }, "sent");
  const quietMs = entrant.promise === "nothing" ? LOST_MS : PROMISED_MS;
  const counts = await Promise.all(
    listeners.map((one) => one.order({ kind: "count", sent, quietMs }, "counted")),
  );
  if (entrant.promise !== "nothing") for (const count of counts) checkPromise(count, sent);
  return {
    sent,
    sentPerSecond: (1000 * sent) / tookMs,
    cpuMs,
    counts,
    receivedPerSecond: counts.reduce(
      (sum, { received, spanMs }) => sum + (1000 * received) / spanMs,
      0,
    ),
  };
}

function checkPromise({ received, duplicates, disordered }: Count, sent: number): void {
  const isKept = received === sent && duplicates === 0 && disordered === 0;
  if (isKept) return;
  throw new Error(
    `${received} of ${sent} came, ${duplicates} of them again, ${disordered} out of order`,
  );
}
