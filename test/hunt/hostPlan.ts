import type { Limits } from "../../src/core/limits.js";
import type { MessengerOptions } from "../../src/messenger/types.js";
import type { Disk } from "./disk.js";
import type { SimCrypto } from "./simHome.js";

/** What a host is from the beginning. */
export interface HostPlan {
  /** For traces; of its own. */
  readonly name: string;
  /** As it calls itself: others may do so as well. */
  readonly nickname: string;
  /** IPv4 literal in 10.77.0.0/16. Two hosts of one address are two users of one machine. */
  readonly address: string;
  readonly dataPort: number;
  readonly crypto: SimCrypto;
  /** Bounds of the core that are tighter than usual. */
  readonly limits: Partial<Limits>;
  readonly disk: Disk;
  /** Of every start, beside what follows from the above. */
  readonly options?: MessengerOptions;
}
