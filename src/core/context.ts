import type { Identity, Verify } from "../crypto/identity.js";
import type { RandomSource } from "../crypto/random.js";
import type { Counters } from "./counters.js";
import type { Outputs } from "./io.js";
import type { Limits } from "./limits.js";
import type { SourceGate } from "./sourceGate.js";

/** What the user decided about devices. */
export interface Trust {
  /** Nothing of it is to be believed, shown or answered. */
  isBlocked(device: string): boolean;
  /** The user compared its key with the other side. */
  isVerified(device: string): boolean;
}

/** Of somebody who has decided nothing. */
export const TRUST_NOTHING: Trust = { isBlocked: () => false, isVerified: () => false };

/** What every part of the core shares: who we are, chance, bounds, and where output goes. */
export interface CoreContext {
  readonly identity: Identity;
  readonly verify: Verify;
  readonly trust: Trust;
  /** Asked before costly checks of what anybody may have sent. */
  readonly gate: SourceGate;
  readonly random: RandomSource;
  /** Random per start, 16 hexadecimal digits. */
  readonly incarnation: string;
  /** Wall clock at the start, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Our nickname, at most 32 bytes of UTF-8. It can change: read it when it is said. */
  name: string;
  /** Where unicast reaches us. */
  readonly dataPort: number;
  readonly limits: Limits;
  readonly counters: Counters;
  readonly outputs: Outputs;
}
