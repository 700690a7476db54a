import type { MessageState, NewMessage, OwnState, StoredParty } from "./messageStore.js";

/** What a message of ours may be. */
export const OWN_STATES: readonly OwnState[] = [
  ...(["queued", "sent", "delivered", "read", "undelivered"] as const),
];

/**
 * Of a message of ours: what arrived never goes back, and was read at most; everything else may
 * still become anything, as one that was given up is sent again.
 */
export function mayBecome(from: MessageState, to: OwnState): boolean {
  if (to === "read") return from !== "read";
  return from !== to && from !== "delivered" && from !== "read";
}

/** Only whom a direct message of ours was written to has it: a device, or who answers at an address. */
export function receiptFits(
  { own, group, to }: Pick<NewMessage, "own" | "group" | "to">,
  party: StoredParty,
): boolean {
  if (!own || group !== undefined || to === undefined) return false;
  return party.device !== "" && (to.device === "" || to.device === party.device);
}
