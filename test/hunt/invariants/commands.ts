import type { Command } from "../ledger.js";
import type { HuntWorld } from "../world.js";
import { firstOf, type Invariant, noneTwice, shortened } from "./invariant.js";

const ANSWER_SLACK_MS = 2_000;

/** What was asked for, and requests. */
export const COMMANDS: readonly Invariant[] = [
  {
    name: "executedOnce",
    what: "A request takes effect once at most, also when either side starts anew, and before its reply.",
    when: "always",
    broken: noneTwice(
      ({ ledger }) => ledger.executed,
      ({ host, text }) => `${host.name} executed ${text}`,
    ),
  },
  {
    name: "callsEnd",
    what: "Every call ends in its time.",
    when: "always",
    broken: callGoesOn,
  },
];

function callGoesOn({ ledger, nowMs }: HuntWorld): string | undefined {
  return firstOf(
    ledger.commands,
    ({ outcome, cutOff, from, startedAtMs, deadlineMs, text, kind }) =>
      outcome === undefined &&
      !cutOff &&
      // Its own time stands still while it is frozen.
      from.time.frozenUntilMs + ANSWER_SLACK_MS < nowMs &&
      startedAtMs + deadlineMs + from.time.stoodStillMs + ANSWER_SLACK_MS < nowMs
        ? `${kind} "${shortened(text)}" goes on`
        : undefined,
  );
}
