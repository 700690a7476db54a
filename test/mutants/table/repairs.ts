import { mutantsOf, unit } from "../mutant.js";

/** What holds for losses in a group: who asks, who repeats, what waits meanwhile. */
export const REPAIRS = [
  ...mutantsOf("src/core/groups/nackAnswers.ts", [
    {
      name: "signature of a NACK",
      find: "    if (!this.#around.isBelieved(nowMs, nack.device, datagram)) return;\n    const wanted = repairs.wanted(nowMs, nack.of, nack.missing, grttMs);\n    asker.asked(nowMs, nack);\n    this.#around.asked",
      replace:
        "    if (datagram === undefined) return;\n    const wanted = repairs.wanted(nowMs, nack.of, nack.missing, grttMs);\n    asker.asked(nowMs, nack);\n    this.#around.asked",
      why: "one forged datagram brings 1024",
      caughtBy: unit("core/groups/hostile"),
    },
    {
      name: "NACKs of strangers and too many",
      find: "if (asker === undefined || asker.hasSpent(nowMs, nack)) {",
      replace: "if (asker === undefined) {",
      why: "one member makes all others check its NACKs without end",
      caughtBy: unit("core/groups/nackFlood"),
    },
    {
      name: "repair suppression: stand-ins",
      find: "this.#standIn.heard(nowMs, data, sequence);",
      replace: "",
      why: "all members repeat the same",
      caughtBy: unit("core/groups/standIn"),
    },
    {
      name: "repair suppression: only by what we would say",
      find: "if (kept === undefined || !isSameDigest(kept.bytes, bytes)) return;",
      replace: "if (kept === undefined) return;",
      why: "a forgery calls the repair off",
      caughtBy: unit("core/groups/standIn"),
    },
    {
      name: "repair suppression: not by a copy for us alone",
      find: 'if (via === "data") return; // to us alone',
      replace: "",
      why: "whoever sends us a copy keeps the repair from all others",
      caughtBy: unit("core/groups/standIn"),
    },
    {
      name: "stand-in repair",
      find: "this.#standIn.asked(nowMs, nack.of, wanted, isHere);",
      replace: "",
      why: "what an author said who is gone is lost to who missed it",
      caughtBy: unit("core/groups/standIn"),
    },
  ]),
  ...mutantsOf("src/core/groups/nack.ts", [
    {
      name: "NACK jitter",
      find: "fromMs + randomBackoffMs(this.#random, maxBackoffMs, groupSize)",
      replace: "fromMs + maxBackoffMs / (1 + groupSize)",
      why: "a loss at the sender brings a NACK of every member at once",
      caughtBy: unit("core/groups/delivery"),
    },
    {
      name: "NACK hold-off grows",
      find: "baseMs * HOLD_OFF_GROWTH ** this.#fruitlessRounds",
      replace: "baseMs",
      why: "what nobody has is asked for ten times as often",
      caughtBy: unit("core/groups/nack"),
    },
    {
      name: "NACK suppression: not for ever",
      find: " && this.#suppressionsInARow < MAX_SUPPRESSIONS;",
      replace: ";",
      why: "NACKs that do not reach the author silence those that would",
      caughtBy: unit("core/groups/nack"),
    },
  ]),
  ...mutantsOf("src/core/groups/receiver.ts", [
    {
      name: "NACK suppression",
      find: "if (!this.#nack.suppressible) return false;",
      replace: "if (this.#nack !== undefined) return false;",
      why: "a loss at the sender brings a NACK of every member",
      caughtBy: unit("core/groups/delivery"),
    },
    {
      name: "gaps are told",
      find: 'if (how === "as a gap") this.#reportGap',
      replace: 'if (how === "as a gap" && lost.first < 0) this.#reportGap',
      why: "something is lost in silence",
      caughtBy: unit("core/groups/delivery"),
    },
    {
      name: "held datagrams: how far ahead",
      find: "return sequence < this.#windowEnd && this.#held.hold(sequence, arrival);",
      replace: "return this.#held.hold(sequence, arrival);",
      why: "a lead beyond all reason makes us hold any number",
      caughtBy: unit("core/groups/heldDatagrams"),
    },
    {
      name: "FIFO of a member",
      find: "if (sequence === this.#expected) this.#deliver(nowMs, data, arrival);",
      replace: "this.#deliver(nowMs, data, arrival);",
      why: "lines of one author stand in another order than he wrote them",
      caughtBy: unit("core/groups/delivery"),
    },
  ]),
  ...mutantsOf("src/core/groups/heldDatagrams.ts", [
    {
      name: "held datagrams: the bytes of one member",
      find: "if (this.#bytes + sizeBytes > limits.reassemblyBytesPerPeer) return false;",
      replace: "",
      why: "one member with a hole fills the memory",
      caughtBy: unit("core/groups/delivery"),
    },
    {
      name: "held datagrams: the bytes of all",
      find: "if (!held.makeRoom(sizeBytes, this)) return false;",
      replace: "",
      why: "members with holes fill the memory together",
      caughtBy: unit("core/groups/heldDatagrams"),
    },
  ]),
  ...mutantsOf("src/core/groups/repairs.ts", [
    {
      name: "repair suppression: what was repeated a moment ago",
      find: "return nowMs - repeatedAtMs >= Math.max(MIN_SPACING_MS, grttMs);",
      replace: "return nowMs >= repeatedAtMs;",
      why: "every NACK for the same brings the same again",
      caughtBy: unit("core/groups/repairs"),
    },
    {
      name: "repairs that wait: their number",
      find: "if (this.#waiting.size >= MAX_WAITING) return;",
      replace: "",
      why: "NACKs fill the memory",
      caughtBy: unit("core/groups/repairs"),
    },
    {
      name: "repairs under the key that they were said under",
      find: "if (kept === undefined || kept.keyId !== keyId) continue;",
      replace: "if (kept === undefined) continue;",
      why: "who came after a change reads what was said before it",
      caughtBy: unit("core/groups/repairs"),
    },
  ]),
  ...mutantsOf("src/core/groups/sender.ts", [
    {
      name: "repairs leave half of the rate",
      find: "this.#repairsAheadBytes <= 0 || !hasLines",
      replace: "this.#repairsAheadBytes >= 0",
      why: "whoever asks for repairs without end silences us",
      caughtBy: unit("core/groups/nackFlood"),
    },
    {
      name: "lines that wait: their bytes",
      find: "if (this.#waitingBytes + sizeBytes > MAX_WAITING_BYTES) {",
      replace: "if (sizeBytes > MAX_WAITING_BYTES) {",
      why: "a script fills the memory",
      caughtBy: unit("core/groups/delivery"),
    },
  ]),
  ...mutantsOf("src/core/groups/pacer.ts", [
    {
      name: "group rate",
      find: "this.#bucket.spend(nowMs, sentBytes);",
      replace: "",
      why: "a paste drowns Wi-Fi, where multicast goes at the lowest rate",
      caughtBy: unit("core/groups/delivery"),
    },
    {
      name: "group rate: no more at once than is read at once",
      find: "this.#spurt.spend(nowMs, sentBytes);",
      replace: "",
      why: "a busy sender hears the NACKs behind all that it said itself, and goes on",
      caughtBy: unit("core/groups/delivery"),
    },
  ]),
  ...mutantsOf("src/core/groups/sendRate.ts", [
    {
      name: "group rate: NACKs slow the sender",
      find: "if (isTooMuch) this.#fall(share);\n    else if",
      replace: "if",
      why: "the slowest member loses most of what is said, for as long as it is said",
      caughtBy: unit("core/groups/groupRate"),
    },
    {
      name: "group rate: repairs alone are not hurried",
      find: "else if (this.#heldBackRepairs && !this.#heldBack) this.#fall(1 / 2);",
      replace: "else if (this.#heldBackRepairs && !this.#heldBack) this.#grow();",
      why: "a member that asks a silent sender for everything floods the network",
      caughtBy: unit("core/groups/groupRate"),
    },
    {
      name: "group rate: whatever NACKs say, not below the lowest",
      find: "this.#bitsPerSecond = Math.max(this.#lowest, fallen);",
      replace: "this.#bitsPerSecond = Math.max(1, fallen);",
      why: "one member that asks for everything stops the group",
      caughtBy: unit("core/groups/sendRate"),
    },
    {
      name: "group rate: a link that always loses some",
      find: "clamp(this.#usualShare, MIN_TOLERATED_SHARE, MAX_TOLERATED_SHARE)",
      replace: "clamp(0, MIN_TOLERATED_SHARE, MAX_TOLERATED_SHARE)",
      why: "poor Wi-Fi stays at the lowest rate, which it need not",
      caughtBy: unit("core/groups/sendRate"),
    },
  ]),
  ...mutantsOf("src/core/groups/archiveShare.ts", [
    {
      name: "group rate: no faster than the archive",
      find: "Math.max(0, 1 - this.#tokens)",
      replace: "0",
      why: "who stood still for a moment has lost what was said meanwhile",
      caughtBy: unit("core/groups/groupRate"),
    },
  ]),
  ...mutantsOf("src/core/groups/standIn.ts", [
    {
      name: "stand-in repair: what waits is bounded",
      find: "if (this.#pending >= MAX_PENDING) break;",
      replace: "",
      why: "NACKs fill the memory",
      caughtBy: unit("core/groups/repairs"),
    },
  ]),
];
