import { BoundedMap } from "./boundedMap.js";
import type { Address } from "./io.js";
import { TokenBucket } from "./tokenBucket.js";

/** Source addresses that are remembered: anybody can forge more. */
const MAX_SOURCES = 64;
/** Whoever speaks our version as well has announced itself in it by then. */
const ANNOUNCED_WITHIN_MS = 15_000;
/** All together: forged sources must not become a flood of warnings. */
const TOLD_PER_SECOND = 1 / 600;
const TOLD_AT_ONCE = 4;
/** Whoever was not heard for so long is gone. */
const GONE_AFTER_MS = 600_000;

/** Somebody whose datagrams we cannot read. */
export interface LaterVersion {
  /** IPv4 literal. */
  readonly address: string;
  /** Of the protocol: the highest that came from there. */
  readonly version: number;
}

interface Source {
  version: number;
  /** When to see whether it speaks our version as well. */
  lookAtMs: number;
  heardAtMs: number;
  told: boolean;
}

/**
 * Who is heard in later versions of the protocol alone: why the user does not see somebody. Nothing
 * of it is signed: it is a hint, and changes nothing. PROTOCOL.md section 8.1.
 */
export class LaterVersions {
  /** By source address. */
  readonly #sources = new BoundedMap<string, Source>(MAX_SOURCES);
  readonly #tell = new TokenBucket(TOLD_PER_SECOND, TOLD_AT_ONCE);
  readonly #speaksOurs: (address: string) => boolean;

  /** `speaksOurs`: somebody of our version is seen at that address. */
  constructor(speaksOurs: (address: string) => boolean) {
    this.#speaksOurs = speaksOurs;
  }

  /**
   * A datagram of a later version came. Returns what the user is to be told now: of each address
   * once, for as long as it is remembered.
   */
  heard(nowMs: number, { address }: Address, version: number): LaterVersion | undefined {
    const known = this.#sources.get(address);
    const source = known ?? {
      version,
      lookAtMs: nowMs + ANNOUNCED_WITHIN_MS,
      heardAtMs: nowMs,
      told: false,
    };
    source.version = Math.max(source.version, version);
    source.heardAtMs = nowMs;
    this.#sources.set(address, source);
    if (source.told || nowMs < source.lookAtMs) return undefined;
    source.lookAtMs = nowMs + ANNOUNCED_WITHIN_MS;
    if (this.#speaksOurs(address) || !this.#tell.take(nowMs)) return undefined;
    source.told = true;
    return { address, version: source.version };
  }

  /** Those that were told of, are heard still, and are not seen in our version. */
  list(nowMs: number): LaterVersion[] {
    return [...this.#sources.entries()]
      .filter(([, { told, heardAtMs }]) => told && nowMs - heardAtMs < GONE_AFTER_MS)
      .filter(([address]) => !this.#speaksOurs(address))
      .map(([address, { version }]) => ({ address, version }));
  }
}
