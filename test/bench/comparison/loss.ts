import { NamespaceLan, namespacesAvailable } from "../../support/namespaceLan.js";
import type { Site } from "./cast.js";
import { type Figure, Row } from "./figure.js";
import type { Comparing } from "./rounds.js";
import { compareRoundTrips } from "./roundTrip.js";
import { compareSending } from "./sending.js";

const LOSSES_PERCENT = [1, 10];
/** The first is what the other is compared with: both promise everything. */
const WHO = ["tcp", "udpchat"];

/** Between two hosts that both drop so much of what arrives. */
export async function compareUnderLoss(comparing: Comparing): Promise<Figure[]> {
  const entrants = comparing.entrants.filter(({ name }) => WHO.includes(name));
  const available = comparing.loopback
    ? ({ ok: false, reason: "one host was asked for" } as const)
    : namespacesAvailable();
  if (!available.ok) {
    const labels = entrants.map(({ label }) => label);
    const row = new Row("under loss", "messages/s", labels);
    for (const label of labels) row.fail(label, `not measured: ${available.reason}`);
    return row.figures;
  }
  const lan = NamespaceLan.create({ hosts: 2 });
  try {
    // A virtual link carries segments of 64 KiB as one packet: no network loses them so.
    for (const host of lan.hosts) {
      await host.run("ip", ["link", "set", host.interfaceName, "gso_max_segs", "1"]);
    }
    const site = (index: number): Site => {
      const { namespace, address, interfaceName } = lan.host(index);
      return { prefix: ["ip", "netns", "exec", namespace], address, interfaceName };
    };
    const arena = { ...comparing.arena, near: site(0), far: site(1) };
    const between = { ...comparing, entrants, arena };
    const figures: Figure[] = [];
    for (const percent of LOSSES_PERCENT) {
      lan.setLoss(percent, ["udp", "tcp"]);
      const options = { where: `, ${percent} % loss`, forMs: comparing.effort.lossyMs };
      const small = { ...between, sizes: between.sizes.slice(0, 1) };
      figures.push(...(await compareRoundTrips(small, options)));
      figures.push(...(await compareSending(between, "one-way", options)));
    }
    return figures;
  } finally {
    lan.destroy();
  }
}
