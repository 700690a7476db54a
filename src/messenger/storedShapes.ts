/** Between what is stored and the public vocabulary. */
import type { PeerRef as CorePeerRef } from "../core/io.js";
import type { StoredMessage, StoredParty, StoredReceipt } from "../store/messageStore.js";
import type { TrustReader } from "./peerShapes.js";
import type { HistoryMessage, PeerRef, Receipt } from "./types.js";

/** The last moment that a Date can hold (ECMA-262 section 21.4.1.1). */
const MAX_DATE_MS = 8.64e15;

/** A time that a Date can hold, which is a whole number that the database can hold as well. */
export function latestDateMs(wallMs: number): number {
  return Math.min(wallMs, MAX_DATE_MS);
}

/** The sender's clock may say anything: a Date is made of it that can always be printed. */
export function dateOf(wallMs: number): Date {
  return new Date(latestDateMs(wallMs));
}

/** A peer of the core as it is stored. */
export function storedParty({ id, name, address, port }: CorePeerRef): StoredParty {
  return { device: id, name, address, port };
}

/** A stored peer as messages mention it. */
export function partyRef(
  { device, name, address, port }: StoredParty,
  trust: TrustReader,
): PeerRef {
  if (device === "") return { id: null, name, address, port, trust: null };
  return { id: device, name, address, port, trust: trust.trustOf(device, name) };
}

/** A stored message in the public vocabulary. */
export function historyMessage(
  message: StoredMessage,
  receipts: readonly StoredReceipt[],
  trust: TrustReader,
): HistoryMessage {
  const { id, author, own, text, sentAtMs, storedAtMs, state, to, group, outbox } = message;
  return {
    id,
    scope: group === undefined ? "direct" : "group",
    from: partyRef(author, trust),
    group: group?.label ?? null,
    text,
    sentAt: dateOf(sentAtMs),
    receivedAt: dateOf(storedAtMs),
    verified: true,
    late: false,
    own,
    to: to === undefined ? null : partyRef(to, trust),
    state,
    receipts: receipts.map((receipt) => receiptOf(receipt, trust)),
    clientId: message.clientId ?? null,
    expiresAt: state === "queued" && outbox !== undefined ? dateOf(outbox.expiresAtMs) : null,
  };
}

function receiptOf({ party, status, atMs }: StoredReceipt, trust: TrustReader): Receipt {
  return { peer: partyRef(party, trust), status, at: atMs === undefined ? null : dateOf(atMs) };
}
