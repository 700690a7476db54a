import { expect, it } from "vitest";
import { observePeers } from "./peers.js";
import { observeRepairs } from "./repairs.js";

const LIMIT_MS = 120_000;
/** What the beacons of a network may take of it: PROTOCOL.md section 3.1. */
const BEACON_KBIT_PER_S = 64;

it("a node says no more of itself where there are more", { timeout: LIMIT_MS }, () => {
  const few = observePeers(10);
  const many = observePeers(400);
  const bytes = "beacons of one peer";
  expect(few[bytes]?.value).toBeGreaterThan(100);
  expect(many[bytes]?.value).toBeLessThan(0.9 * (few[bytes]?.value ?? 0));
  const all = many["beacons of all, with IP and UDP headers"]?.value;
  expect(all).toBeLessThanOrEqual(BEACON_KBIT_PER_S);
});

it("a loss is asked for and repaired once, however many lack it", { timeout: LIMIT_MS }, () => {
  const seen = observeRepairs(30);
  expect(seen["lost to all members"]?.value).toBe(10);
  expect(seen["NACKs for each of these"]?.value).toBeLessThanOrEqual(1.2);
  expect(seen["repairs for each of these"]?.value).toBeLessThanOrEqual(1.2);
  expect(seen["who lacked each of them"]?.value).toBeGreaterThan(1);
  expect(seen["NACKs for each of them"]?.value).toBeLessThanOrEqual(1.2);
  expect(seen["repairs for each of them"]?.value).toBeLessThanOrEqual(1.8);
});
