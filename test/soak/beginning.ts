import { setTimeout as delay } from "node:timers/promises";
import { eventually } from "../support/cliWorld.js";
import { GROUPS, membersOf, YARD } from "./groups.js";
import type { SoakHost } from "./soakHost.js";

/** Nothing here measures speed. */
const PATIENCE_MS = 60_000;
/** More than the event log of a daemon holds (`EventLog`, 4096): full, it grows no further. */
const FILL_LINES = 4_300;
/** From line to line, of all together. */
const FILL_PAUSE_MS = 10;
const PASSPHRASE = "correct horse battery staple";

/** All are up, in their groups for good, and know one another. */
export async function begin(hosts: readonly SoakHost[]): Promise<void> {
  await Promise.all(hosts.map((host) => host.start()));
  await joinGroups(hosts);
  const wanted = membersOf(YARD, hosts).length - 1;
  await eventually(
    async () => {
      const groups = await Promise.all(hosts.map(({ api }) => api.call("groups", {})));
      return groups.every((lines) =>
        lines.some(
          (line) =>
            line.group === YARD.label && line.type === "group" && line.members.length === wanted,
        ),
      );
    },
    () => "everybody to see everybody",
    PATIENCE_MS,
  );
}

/** Everybody becomes a standing member of its groups. */
async function joinGroups(hosts: readonly SoakHost[]): Promise<void> {
  for (const group of GROUPS) {
    for (const { api } of membersOf(group, hosts)) {
      const key = group.secret ? { secret: true, passphrase: PASSPHRASE } : {};
      await api.call("join", { group: group.label, ...key });
    }
  }
}

/** Lines enough to fill what remembers a bounded number of events, on a network without loss. */
export async function fillEventLogs(hosts: readonly SoakHost[]): Promise<void> {
  // Nobody is told of what it said itself.
  const each = Math.ceil(FILL_LINES / (hosts.length - 1));
  await Promise.all(
    hosts.map(async ({ name, api }) => {
      for (let line = 0; line < each; line += 1) {
        await api.call("say", { group: YARD.label, text: `${name} fills the log, ${line}` });
        await delay(hosts.length * FILL_PAUSE_MS);
      }
    }),
  );
}
