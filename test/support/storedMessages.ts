import type { NewMessage, StoredParty } from "../../src/store/messageStore.js";

/** A device key of one digit. */
export function deviceOf(digit: string): string {
  return digit.repeat(64);
}

export function partyOf(digit: string, name = `user-${digit}`): StoredParty {
  return {
    device: deviceOf(digit),
    name,
    address: `10.0.0.${digit.codePointAt(0) ?? 0}`,
    port: 22400,
  };
}

export function idOf(number: number): string {
  return number.toString(16).padStart(32, "0");
}

/** Ourselves. */
export const ME = partyOf("a", "me");

/** Number `n` of bob's to us, a second after the one before. */
export function incoming(n: number, text: string, change: Partial<NewMessage> = {}): NewMessage {
  return {
    id: idOf(n),
    author: partyOf("b"),
    own: false,
    text,
    sentAtMs: 1_000 * n,
    storedAtMs: 1_000 * n,
    hlc: 1_024_000 * n,
    state: "unread",
    to: ME,
    ...change,
  };
}

/** Number `n` of ours to bob. */
export function outgoing(n: number, text: string, change: Partial<NewMessage> = {}): NewMessage {
  return incoming(n, text, { author: ME, own: true, to: partyOf("b"), state: "sent", ...change });
}

/** Number `n` of ours to bob, for an hour. */
export function queued(n: number, text: string, change: Partial<NewMessage> = {}): NewMessage {
  const outbox = { expiresAtMs: 1_000 * n + 3_600_000, requireVerified: false };
  return outgoing(n, text, { state: "queued", outbox, ...change });
}

export const OPS = { groupId: "ab".repeat(16), label: "#ops" };
export const MY_INCARNATION = "0123456789abcdef";

/** Number `n` of carol's in #ops. */
export function line(n: number, text: string, change: Partial<NewMessage> = {}): NewMessage {
  return incoming(n, text, { author: partyOf("c"), to: undefined, group: OPS, ...change });
}

/** Number `n` of ours in #ops, in datagram `n`. */
export function ownLine(n: number, text: string): NewMessage {
  const datagram = { incarnation: MY_INCARNATION, sequence: n };
  return line(n, text, { author: ME, own: true, state: "sent", group: { ...OPS, datagram } });
}
