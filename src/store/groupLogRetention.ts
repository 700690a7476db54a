import type { GroupLogStore } from "./messageStore.js";

/**
 * Of a group, in all its streams, the first datagrams that were said before `beforeMs`, milliseconds
 * since 1970, are forgotten; all of them for Infinity. For groups that no core is in: one that is
 * tells itself what to forget.
 */
export function forgetSaidBefore(log: GroupLogStore, groupId: string, beforeMs: number): void {
  for (const { device, incarnation, ranges } of log.streams(groupId)) {
    const of = { device, incarnation };
    const isAll = beforeMs === Number.POSITIVE_INFINITY;
    const upTo = isAll ? ranges.at(-1)?.last : log.saidBefore(groupId, of, beforeMs);
    if (upTo !== undefined && upTo >= (ranges[0]?.first ?? 0)) log.forget(groupId, of, upTo);
  }
}
