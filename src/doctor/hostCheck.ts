import type { StatusLine } from "../api/lines.js";
import { listInterfaces } from "../net/interfaces.js";
import type { LanInterface } from "../net/lan.js";
import type { Finding } from "./finding.js";
import { explainByFirewall, judgeFirewall } from "./judgements/firewall.js";
import { type Explain, judgeHearing } from "./judgements/hearing.js";
import {
  judgeDataPort,
  judgeInterfaces,
  judgeNewerVersions,
  judgeNoDaemon,
  judgeReceiveBuffer,
  judgeRoutes,
} from "./judgements/host.js";
import type { DiscoveryEar } from "./probes/discoveryEar.js";
import { readRoutes } from "./probes/routes.js";
import { hearOurselves } from "./probes/selfHearing.js";
import type { RunCommand } from "./system/command.js";
import type { FirewallFacts } from "./system/firewall.js";
import { portOwners } from "./system/portOwners.js";

/** What a check of this host begins with. */
export interface HostCheck {
  readonly status: StatusLine;
  /** Those to be checked. */
  readonly interfaces: readonly LanInterface[];
  readonly ear: DiscoveryEar;
  readonly firewall: FirewallFacts;
  /** The data port that was asked for. */
  readonly wantedPort: number;
  readonly runsDaemon: boolean;
  readonly platform: NodeJS.Platform;
  readonly run: RunCommand;
}

/** What is wrong on this host, whoever else is there. */
export async function checkHost(check: HostCheck): Promise<Finding[]> {
  const { status, interfaces, firewall, platform, wantedPort, run } = check;
  const ports = { data: status.port, discovery: status.discoveryPort };
  const [routes, heard, owners] = await Promise.all([
    readRoutes(listInterfaces(undefined)),
    checkHearing(check),
    status.portTaken ? portOwners(wantedPort, platform, run) : [],
  ]);
  return [
    ...judgeInterfaces(interfaces, platform),
    ...judgeFirewall(firewall, ports, interfaces),
    ...heard,
    ...judgeRoutes(routes, interfaces, platform),
    ...(status.portTaken ? [judgeDataPort(status, wantedPort, owners)] : []),
    ...judgeReceiveBuffer(status.receiveBufferBytes, platform),
    ...judgeNewerVersions(status),
    ...(check.runsDaemon ? [] : [judgeNoDaemon()]),
  ];
}

async function checkHearing(check: HostCheck): Promise<Finding[]> {
  const { status, interfaces, ear, firewall, platform } = check;
  const ports = { data: status.port, discovery: status.discoveryPort };
  const findings: Finding[] = [];
  for (const hearing of await hearOurselves(ear, interfaces, status.discoveryPort)) {
    const entry = hearing.interface;
    const explain: Explain = (way) => explainByFirewall(firewall, ports, way, entry);
    findings.push(...judgeHearing(hearing, { platform, explain }));
  }
  return findings;
}
