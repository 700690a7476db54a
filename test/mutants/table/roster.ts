import { mutantsOf, unit } from "../mutant.js";

/** What holds for who is shown as being there, and how many. */
export const ROSTER = [
  ...mutantsOf("src/core/discovery/roster.ts", [
    {
      name: "roster bound",
      find: "return this.liveCount >= this.#context.limits.peers;",
      replace: "return this.liveCount < 0;",
      why: "keys that cost nothing fill the memory",
      caughtBy: unit("core/discovery/room"),
    },
    {
      name: "roster eviction: who holds most gives way",
      find: "!this.#isFull || this.#shares.largestSize > this.#shares.sizeOf(address) + 1",
      replace: "!this.#isFull",
      why: "one address takes all places for good",
      caughtBy: unit("core/discovery/room"),
    },
    {
      name: "roster eviction: the longest offline",
      find: "if (this.#entries.size >= this.#context.limits.peers && longestOffline !== undefined) {",
      replace: "if (this.#entries.size < 0 && longestOffline !== undefined) {",
      why: "everybody who ever was there is kept",
      caughtBy: unit("core/discovery/room"),
    },
  ]),
  ...mutantsOf("src/core/discovery/rosterEntry.ts", [
    {
      name: "addresses of a peer: words alone move nobody",
      find: 'candidate.isProven ||= how !== "claimed";',
      replace: "candidate.isProven = true;",
      why: "whoever forges a source turns everybody's traffic on somebody else",
      caughtBy: unit("core/discovery/moves"),
    },
    {
      name: "amplification bound: where a peer only says that it is",
      find: "if (seen.creditBytes < sizeBytes) return false;",
      replace: "",
      why: "one answer from a forged address has somebody else called for as long as a message waits",
      caughtBy: unit("core/discovery/credit"),
    },
    {
      name: "amplification bound: what came from there is spent",
      find: "seen.creditBytes -= sizeBytes;",
      replace: "",
      why: "one answer pays for everything",
      caughtBy: { file: "test/attack/reflection.test.ts", name: "says that he is at another's" },
    },
    {
      name: "addresses of a peer: their number",
      find: "if (this.#addresses.length >= this.#maxAddresses) {",
      replace: "if (this.#maxAddresses < 0) {",
      why: "replays of one beacon fill the memory",
      caughtBy: unit("core/discovery/roster"),
    },
    {
      name: "liveness: the promise of a peer is bounded",
      find: "clamp(beacon.intervalMs, MIN_PROMISE_MS, MAX_PROMISE_MS)",
      replace: "beacon.intervalMs",
      why: "a peer is online for a year after its last word",
      caughtBy: unit("core/discovery/liveness"),
    },
    {
      name: "an address moves only when the best is not heard",
      find: "if (nowMs - best.confirmedAtMs <= this.promiseMs) return false;",
      replace: "",
      why: "a beacon from elsewhere pulls a conversation away",
      caughtBy: unit("core/discovery/roster"),
    },
  ]),
  ...mutantsOf("src/core/discovery/candidates.ts", [
    {
      name: "unproven peers: their number",
      find: "if (this.#byInstance.size >= this.#maxCount && oldestOfLargest !== undefined) {",
      replace: "if (this.#maxCount < 0 && oldestOfLargest !== undefined) {",
      why: "recordings fill the memory",
      caughtBy: unit("core/discovery/room"),
    },
    {
      name: "unproven peers: their age",
      find: "if (heardAtMs + LIFETIME_MS > nowMs) return;",
      replace: "if (heardAtMs >= 0) return;",
      why: "a recording is a suspect for ever",
      caughtBy: unit("core/discovery/freshness"),
    },
  ]),
  ...mutantsOf("src/core/discovery/duplicateKeys.ts", [
    {
      name: "duplicate key: both must have shown themselves",
      find: "if (nowMs - rival.provedAtMs <= TOGETHER_MS) this.#report",
      replace: "if (nowMs >= rival.provedAtMs) this.#report",
      why: "a restart is reported as a cloned disk",
      caughtBy: unit("core/discovery/forgeries"),
    },
    {
      name: "duplicate key: reported",
      find: "this.#report(rival.beacon, rival.at);",
      replace: "this.isReported(rival.beacon);",
      why: "a cloned disk is never told of",
      caughtBy: unit("core/discovery/roster"),
    },
    {
      name: "duplicate key: once",
      find: "if (this.isReported(beacon)) return;",
      replace: "",
      why: "two clones make a warning with every answer",
      caughtBy: unit("core/discovery/strangers"),
    },
  ]),
  ...mutantsOf("src/core/discovery/liveness.ts", [
    {
      name: "liveness: suspicion is looked into",
      find: "this.#probe(nowMs, entry);",
      replace: "",
      why: "lost beacons send a peer offline",
      caughtBy: unit("core/discovery/liveness"),
    },
    {
      name: "liveness: silence",
      find: "const allowedMs = entry.beaconed ? SILENT_INTERVALS * entry.promiseMs : CONTACT_SILENCE_MS;",
      replace:
        "const allowedMs = entry.beaconed ? 2 * SILENT_INTERVALS * entry.promiseMs : CONTACT_SILENCE_MS;",
      why: "who is gone is shown as online for twice as long",
      caughtBy: unit("core/discovery/liveness"),
    },
  ]),
  ...mutantsOf("src/core/discovery/registrar.ts", [
    {
      name: "liveness: a straggler behind a goodbye",
      find: "} else if (entry.departed) {",
      replace: "} else if (entry.departed && restarted) {",
      why: "a late packet brings back who has left",
      caughtBy: unit("core/discovery/liveness"),
    },
  ]),
  ...mutantsOf("src/core/core.ts", [
    {
      name: "compensation after suspend: the roster",
      find: "this.#discovery.compensate(nowMs, lagMs);",
      replace: "",
      why: "a closed lid sends everybody offline",
      caughtBy: { file: "test/sim/discovery.test.ts", name: "blames nobody for it" },
    },
    {
      name: "compensation after suspend: groups",
      find: "this.#groups.compensate(nowMs, lagMs);",
      replace: "",
      why: "a closed lid empties every group",
      caughtBy: { file: "test/sim/discovery.test.ts", name: "blames nobody for it" },
    },
  ]),
];
