import { eventually } from "../support/cliWorld.js";
import { type LanUser, LanUsers } from "../support/lanUsers.js";
import { namespacesAvailable } from "../support/namespaceLan.js";
import type { JobOptions, JobReport } from "./job.js";
import { resultOf, tableOf } from "./result.js";

const MEET_MS = 120_000;

/** Hosts of their own, so many; where there can be none, the report that says so of `what`. */
export function openHosts(
  count: number,
  what: string,
  { atTheEnd }: JobOptions,
): { readonly users: LanUsers } | { readonly notMeasured: JobReport } {
  const available = namespacesAvailable();
  if (!available.ok) {
    const results = [resultOf(what, [], { problem: `not measured: ${available.reason}` })];
    return { notMeasured: { network: "none", results, table: tableOf(results), failed: false } };
  }
  const users = new LanUsers(count);
  atTheEnd(() => users.dispose());
  return { users };
}

/** How many others a daemon has online. */
export async function knownTo(user: LanUser): Promise<number> {
  return (await user.api.call("status", {})).peers;
}

/** Until a daemon knows so many others. */
export async function untilKnown(user: LanUser, others: number): Promise<void> {
  let known = 0;
  await eventually(
    async () => {
      known = await knownTo(user);
      return known >= others;
    },
    () => `${user.name} to know all ${others} others, and not ${known}`,
    MEET_MS,
  );
}
