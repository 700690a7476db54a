/** Receipts of a peer that chooses every byte of them, and of one that was blocked. */
import { describe, expect, it } from "vitest";
import { encodeReceipt, MAX_RECEIPT_MESSAGES } from "../../src/wire/receipt.js";
import { AttackedLan } from "../support/attackedLan.js";
import type { SimNode } from "../support/simNetwork.js";

const ID = "0123456789abcdef".repeat(2);

function scene(seed: number): {
  lan: AttackedLan;
  alice: SimNode;
  mallory: SimNode;
  blocked: Set<string>;
} {
  const blocked = new Set<string>();
  const lan = new AttackedLan(seed);
  const trust = { isBlocked: (device: string) => blocked.has(device), isVerified: () => false };
  const alice = lan.add("alice", { trust });
  const mallory = lan.add("mallory");
  lan.run(2_500);
  return { lan, alice, mallory, blocked };
}

function tell(lan: AttackedLan, from: SimNode, to: SimNode, body: Uint8Array, token: number): void {
  const target = { kind: "device" as const, id: to.core.id };
  from.core.send(lan.nowMs, { token, target, kind: "receipt", body, sentAtMs: 0 });
  lan.network.pump(from);
  lan.run(20);
}

describe("a receipt", () => {
  it("that is cut, longer than itself, or of no known kind tells nothing", () => {
    const { lan, alice, mallory } = scene(1);
    const genuine = encodeReceipt({ status: "read", messageIds: [ID, ID] });
    const damaged = [
      ...Array.from(genuine, (_, length) => genuine.slice(0, length)),
      Buffer.concat([genuine, Uint8Array.of(0)]),
      Buffer.concat([Uint8Array.of(2), genuine.slice(1)]),
      Uint8Array.of(1, 0, 0),
      Buffer.concat([Uint8Array.of(1, 0xff, 0xff), new Uint8Array(16 * 0xff)]),
      Buffer.concat([Uint8Array.of(1, 1, 1), new Uint8Array(16 * (MAX_RECEIPT_MESSAGES + 1))]),
    ];
    for (const [index, body] of damaged.entries()) tell(lan, mallory, alice, body, index + 1000);
    expect(alice.ofKind("receipt")).toEqual([]);
    expect(alice.core.counters().datagramsMalformed).toBeGreaterThanOrEqual(damaged.length);
    // Nobody else has to pay for it.
    const bob = lan.add("bob");
    lan.run(2_500);
    tell(lan, bob, alice, genuine, 5000);
    lan.run(3_000);
    expect(alice.ofKind("receipt").map(({ from }) => from.name)).toEqual(["bob"]);
  });

  it("names who sent it, and not whom it would like to be", () => {
    const { lan, alice, mallory } = scene(2);
    tell(lan, mallory, alice, encodeReceipt({ status: "read", messageIds: [ID] }), 1000);
    lan.run(1_000);
    expect(alice.ofKind("receipt").map(({ from }) => from.id)).toEqual([mallory.core.id]);
  });

  it("of a blocked peer does not come in, though there was a session with it before", () => {
    const { lan, alice, mallory, blocked } = scene(3);
    tell(lan, mallory, alice, encodeReceipt({ status: "read", messageIds: [ID] }), 1000);
    lan.run(1_000);
    expect(alice.ofKind("receipt")).toHaveLength(1);
    blocked.add(mallory.core.id);
    alice.core.blocked(lan.nowMs, mallory.core.id);
    lan.network.pump(alice);
    tell(lan, mallory, alice, encodeReceipt({ status: "read", messageIds: [ID] }), 1001);
    lan.run(30_000);
    expect(alice.ofKind("receipt")).toHaveLength(1);
  });
});
