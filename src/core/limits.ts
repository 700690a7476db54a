/**
 * Our own choices, apart from what the protocol fixes (`wire/constants.ts`): every bound of the
 * core in one place, so that `status` can show them and tests can shrink them.
 */
export interface Limits {
  /**
   * Roster entries; the longest offline goes first, then one of the address that holds most if the
   * newcomer's holds less, then new ones are refused. As many again that are not proven to be there.
   */
  readonly peers: number;
  /** Addresses remembered per peer. */
  readonly addressesPerPeer: number;
  readonly groups: number;
  /** Members remembered per group. */
  readonly membersPerGroup: number;
  /** Handshakes begun by others and not finished. */
  readonly halfOpenHandshakes: number;
  /** Beyond this rate an initiator must show by a cookie that its address is its own. */
  readonly handshakesPerSecondBeforeCookies: number;
  /** Handshakes answered per source address, once it has shown that it is its own; and the burst. */
  readonly handshakesPerSecondPerSource: number;
  readonly handshakeBurstPerSource: number;
  /** Handshakes answered in all; and the burst. */
  readonly handshakesPerSecond: number;
  /**
   * Checks of signatures and keys that fail, per source address, and beyond that in all. Addresses
   * that nothing genuine came from spend at most three times the latter.
   */
  readonly unauthenticatedPerSecondPerSource: number;
  readonly unauthenticatedPerSecond: number;
  /** A session is replaced by a new one after so many packets, or so long. */
  readonly rekeyAfterPackets: number;
  readonly rekeyAfterMs: number;
  /** Packet numbers this far below the highest are refused. */
  readonly replayWindowPackets: number;
  /** Sessions with peers; the longest idle goes first. */
  readonly sessions: number;
  /** Messages that wait for one peer. */
  readonly queuedMessagesPerPeer: number;
  readonly queuedBytesPerPeer: number;
  /** Incomplete or held-back bytes from one peer, and from all. */
  readonly reassemblyBytesPerPeer: number;
  readonly reassemblyBytes: number;
  /** Replies kept per peer against repeated requests, and for how long. */
  readonly repliesPerPeer: number;
  readonly replyLifetimeMs: number;
  /** Datagrams kept of a group, of all authors, for repairs and for those who join later. */
  readonly groupLogDatagrams: number;
  /** Group datagrams of one sender held back for order. */
  readonly heldGroupDatagrams: number;
  /**
   * Group data sent, bits per second and sender, repairs and copies included, as far as the archive
   * can repeat what is said: always allowed, and
   * allowed at most, while members lose no more for it; and the burst. At most: a third of a
   * 100 Mbit/s Ethernet, and what a receive buffer of Linux's default holds for 50 ms.
   */
  readonly groupBitsPerSecond: number;
  readonly groupMaxBitsPerSecond: number;
  readonly groupBurstBytes: number;
  /**
   * What is kept of groups, sent to members that ask for it, in all and to each of them; and the
   * burst. Below 256 KiB of burst nothing is served.
   */
  readonly syncBytesPerSecond: number;
  readonly syncBurstBytes: number;
  readonly syncBytesPerSecondPerPeer: number;
  readonly syncBurstBytesPerPeer: number;
}

export const DEFAULT_LIMITS: Limits = {
  peers: 4096,
  addressesPerPeer: 8,
  groups: 256,
  membersPerGroup: 4096,
  halfOpenHandshakes: 256,
  handshakesPerSecondBeforeCookies: 50,
  handshakesPerSecondPerSource: 20,
  handshakeBurstPerSource: 40,
  handshakesPerSecond: 1000,
  unauthenticatedPerSecondPerSource: 200,
  unauthenticatedPerSecond: 2000,
  rekeyAfterPackets: 2 ** 20,
  rekeyAfterMs: 600_000,
  replayWindowPackets: 2048,
  sessions: 4096,
  queuedMessagesPerPeer: 8192,
  queuedBytesPerPeer: 8 * 1024 * 1024,
  reassemblyBytesPerPeer: 1024 * 1024,
  reassemblyBytes: 16 * 1024 * 1024,
  repliesPerPeer: 4096,
  replyLifetimeMs: 300_000,
  groupLogDatagrams: 10_000,
  heldGroupDatagrams: 1024,
  groupBitsPerSecond: 1_000_000,
  groupMaxBitsPerSecond: 32_000_000,
  groupBurstBytes: 64 * 1024,
  syncBytesPerSecond: 2 * 1024 * 1024,
  syncBurstBytes: 4 * 1024 * 1024,
  syncBytesPerSecondPerPeer: 1024 * 1024,
  syncBurstBytesPerPeer: 1024 * 1024,
};
