import type { SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";

/** What is kept of one incarnation of a member in a group. */
export interface HeldStream extends Instance {
  /** Ascending and apart. */
  readonly ranges: readonly SequenceRange[];
  /** The highest reading of the hybrid clock in it. */
  readonly latestHlc: number;
}

/** A signed datagram as its author sent it, before any seal. */
export interface LoggedDatagram {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** Of the group key that it was said under, 16 hexadecimal digits; undefined in an open group. */
  readonly keyId: string | undefined;
}

/**
 * The signed datagrams of groups, across restarts. The core reads it and never writes: what is to
 * be kept or forgotten it tells by `groupDatagram` and `groupForgotten` events.
 */
export interface GroupLog {
  /** All that is kept of a group. Read once, when it is joined. */
  streams(groupId: string): readonly HeldStream[];
  /** What is kept in the range, ascending; undefined if that cannot be read now. */
  read(groupId: string, of: Instance, range: SequenceRange): readonly LoggedDatagram[] | undefined;
  /**
   * Up to which sequence all that is kept was said before `beforeMs`, milliseconds since 1970;
   * undefined if nothing is kept, or nobody knows now.
   */
  saidBefore(groupId: string, of: Instance, beforeMs: number): number | undefined;
}

/** Of somebody who keeps nothing. */
export const EMPTY_LOG: GroupLog = {
  streams: () => [],
  read: () => [],
  saidBefore: () => undefined,
};
