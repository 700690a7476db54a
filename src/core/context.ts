import type { Identity, Verify } from "../crypto/identity.js";
import type { RandomSource } from "../crypto/random.js";
import type { Counters } from "./counters.js";
import type { Outputs } from "./io.js";
import type { Limits } from "./limits.js";

/** What every part of the core shares: who we are, chance, bounds, and where output goes. */
export interface CoreContext {
  readonly identity: Identity;
  readonly verify: Verify;
  readonly random: RandomSource;
  /** Random per start, 16 hexadecimal digits. */
  readonly incarnation: string;
  /** Wall clock at the start, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Our nickname, at most 32 bytes of UTF-8. */
  readonly name: string;
  /** Where unicast reaches us. */
  readonly dataPort: number;
  readonly limits: Limits;
  readonly counters: Counters;
  readonly outputs: Outputs;
}
