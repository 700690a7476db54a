import { mutantsOf, unit } from "../mutant.js";

/** What holds for who speaks in a group, and for what is believed. */
export const GROUPS = [
  ...mutantsOf("src/core/groups/hearing.ts", [
    {
      name: "signature of group data and heartbeats",
      find: "      return isAuthentic(this.#context, nowMs, device, datagram);",
      replace: "      return device.length > 0;",
      why: "anybody says anything in anybody's name",
      caughtBy: unit("core/groups/hostile"),
    },
    {
      name: "signature within the seal of a secret group",
      find: "return authentic && keys.heard(nowMs, device, key);",
      replace: "return (authentic || !authentic) && keys.heard(nowMs, device, key);",
      why: "a member says anything in another one's name",
      caughtBy: unit("core/groups/secretTalk"),
    },
    {
      name: "freshness in groups: a recording is nobody",
      find: "return !this.#context.isPresent(nowMs, instance);",
      replace: "return false;",
      why: "a recording brings back a member who is gone",
      caughtBy: unit("core/groups/ghosts"),
    },
    {
      name: "stale heartbeats",
      find: "const isOld = known?.isStale(heartbeat) === true || isStale;",
      replace: "const isOld = isStale;",
      why: "an old heartbeat renames a member and costs a check",
      caughtBy: unit("core/groups/hostile"),
    },
  ]),
  ...mutantsOf("src/core/groups/hearsay.ts", [
    {
      name: "signature of sync data",
      find: 'if (verdict !== "genuine") return verdict === "forged" ? "forged" : "unwanted";',
      replace: "",
      why: "whoever is asked for history invents it",
      caughtBy: unit("core/groups/archived"),
    },
  ]),
  ...mutantsOf("src/core/groups/member.ts", [
    {
      name: "NACKs of one member: their rate",
      find: " || this.#nacks.waitMs(nowMs, 1) > 0;",
      replace: ";",
      why: "one member makes all others work without end",
      caughtBy: unit("core/groups/nackFlood"),
    },
    {
      name: "NACKs that are replayed",
      find: "nack.sequence <= this.#nackSequence ||",
      replace: "nack.sequence < 0 ||",
      why: "a recorded NACK brings repairs again and again",
      caughtBy: unit("core/groups/nackFlood"),
    },
    {
      name: "a member's interval is bounded",
      find: "this.#intervalMs = clamp(heartbeat.intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS);",
      replace: "this.#intervalMs = heartbeat.intervalMs;",
      why: "a member is online for a year after its last word",
      caughtBy: unit("core/groups/membership"),
    },
  ]),
  ...mutantsOf("src/core/groups/assembly.ts", [
    {
      name: "group messages: their size",
      find: "return isSame && bound.bytes >= 0 && bound.datagrams >= 0;",
      replace: "return isSame && bound.datagrams >= 0;",
      why: "a message without end fills the memory",
      caughtBy: unit("core/groups/assembly"),
    },
    {
      name: "group messages: pieces of one message",
      find: "return isSame && bound.bytes >= 0 && bound.datagrams >= 0;",
      replace: "return bound.bytes >= 0 && bound.datagrams >= 0;",
      why: "two messages are shown as one",
      caughtBy: unit("core/groups/assembly"),
    },
  ]),
  ...mutantsOf("src/core/groups/newcomers.ts", [
    {
      name: "newcomers: their number",
      find: "this.#waiting.size > MAX_NEWCOMERS",
      replace: "this.#waiting.size < 0",
      why: "recordings fill the memory",
      caughtBy: unit("core/groups/newcomers"),
    },
    {
      name: "newcomers: how often they are asked",
      find: "nowMs - lastMs < CHALLENGE_SPACING_MS",
      replace: "nowMs < lastMs",
      why: "recorded heartbeats make us flood whoever they name",
      caughtBy: unit("core/groups/ghosts"),
    },
  ]),
  ...mutantsOf("src/core/groups/members.ts", [
    {
      name: "members: their number",
      find: "if (this.#incarnationCount < this.#context.limits.membersPerGroup) return true;",
      replace: "if (this.#incarnationCount >= 0) return true;",
      why: "keys that cost nothing fill the memory",
      caughtBy: unit("core/groups/membership"),
    },
    {
      name: "members: incarnations of one device",
      find: "if (siblings.length >= MAX_INCARNATIONS_PER_DEVICE && oldestSibling !== undefined) {",
      replace: "if (siblings.length < 0 && oldestSibling !== undefined) {",
      why: "one key takes all places of a group",
      caughtBy: unit("core/groups/firstWords"),
    },
  ]),
];
