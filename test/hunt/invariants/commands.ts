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
    name: "historyAgrees",
    what: "History and export show what is kept: all of it that was there when they were asked for, in its order.",
    when: "told",
  },
  {
    name: "discoveredOnce",
    what: "Who discovers is shown nobody twice, and not himself.",
    when: "told",
  },
  {
    name: "callsEnd",
    what: "Every call ends in its time.",
    when: "always",
    broken: callGoesOn,
  },
];

function callGoesOn({ ledger, nowMs }: HuntWorld): string | undefined {
  return firstOf(ledger.waiting, ({ from, startedOnHostMs, deadlineMs, text, kind }) => {
    // It runs late where nothing ran.
    const { frozenUntilMs } = from.time;
    const ranForMs = from.time.monotonicMs(nowMs) - startedOnHostMs;
    if (frozenUntilMs + ANSWER_SLACK_MS > nowMs || ranForMs < deadlineMs + ANSWER_SLACK_MS)
      return undefined;
    return `${kind} "${shortened(text)}" of ${from.name} goes on`;
  });
}
