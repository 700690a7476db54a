import { execFileSync } from "node:child_process";
import * as v from "valibot";
import {
  DiagnosisLineSchema,
  ErrorLineSchema,
  ExaminationLineSchema,
  type FindingLine,
  FindingLineSchema,
} from "../../src/api/lines.js";
import { parseLines } from "./jsonLines.js";
import type { LanUser } from "./lanUsers.js";
import type { NamespaceHost } from "./namespaceLan.js";

/** What a doctor said. */
export interface Visit {
  readonly code: number | undefined;
  readonly findings: readonly FindingLine[];
  readonly problems: number;
  readonly output: string;
}

const printed = v.variant("type", [
  FindingLineSchema,
  ExaminationLineSchema,
  DiagnosisLineSchema,
  ErrorLineSchema,
]);

/** Has it examine the host and the network of a user. */
export async function visit(user: LanUser, argv: readonly string[] = []): Promise<Visit> {
  const { code, stdout, stderr } = await user.run(["doctor", ...argv, "--json"]);
  const lines = parseLines(printed, stdout);
  const findings = lines.filter((line) => line.type === "finding");
  const last = lines.at(-1);
  const problems = last?.type === "diagnosis" ? last.problems : -1;
  return { code, findings, problems, output: stdout + stderr };
}

/** Whatever the user starts has this module loaded first. */
export function preload(user: LanUser, module: string): void {
  const url = new URL(`${module}.mjs`, import.meta.url);
  user.environment["NODE_OPTIONS"] = `--import=${url.href}`;
}

/** Rules of a packet filter of its own, in the chain of that hook. */
export function filter(
  host: NamespaceHost,
  rules: readonly string[],
  chain = "input",
  policy = "accept",
) {
  const ruleset = [
    "add table inet guard",
    `add chain inet guard ${chain} { type filter hook ${chain} priority -450; policy ${policy}; }`,
    ...rules.map((rule) => `add rule inet guard ${chain} ${rule}`),
  ].join("\n");
  const args = ["netns", "exec", host.namespace, "nft", "-f", "-"];
  execFileSync("ip", args, { input: `${ruleset}\n`, stdio: ["pipe", "pipe", "pipe"] });
}

/** `ip` on that host. */
export function ip(host: NamespaceHost, ...commands: readonly string[]): void {
  for (const command of commands) {
    execFileSync("ip", ["-n", host.namespace, ...command.split(" ")], { stdio: "pipe" });
  }
}

/** Something that has the name of a VPN, and leads nowhere. */
export function tunnel(host: NamespaceHost, name: string, cidr: string): void {
  ip(host, `link add ${name} type veth peer name nowhere`, `addr add ${cidr} dev ${name}`);
  ip(host, "link set nowhere up", `link set ${name} up`);
}

/** Codes of what is wrong or worth a note, but for what these hosts have in common. */
export function named({ findings }: Visit): string[] {
  const common = new Set(["DAEMON_NOT_RUNNING", "RECEIVE_BUFFER_SMALL", "PEER_NOT_EXAMINED"]);
  return findings
    .filter(({ severity, code }) => severity !== "ok" && !common.has(code))
    .map(({ code }) => code);
}
