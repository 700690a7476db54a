import type { ServiceLine } from "../../api/lines.js";
import { sanitiseName, shellWord } from "../../sanitise.js";

const MANAGER: Readonly<Record<ServiceLine["manager"], string>> = {
  systemd: "systemd",
  launchd: "launchd",
  taskScheduler: "task scheduler",
};

/** One fact a line. */
export function serviceText(line: ServiceLine): string {
  const manager = MANAGER[line.manager];
  const problem = line.problem === null ? [] : [`problem: ${sanitiseName(line.problem)}`];
  if (!line.installed) return [`service: not installed (${manager})`, ...problem].join("\n");
  const facts = [
    `service: installed, ${line.enabled ? "enabled" : "not enabled"} (${manager})`,
    `definition: ${sanitiseName(line.file)}`,
  ];
  if (line.program !== null) facts.push(`program: ${line.program.map(shellWord).join(" ")}`);
  facts.push(line.running ? runningText(line) : "running: no");
  return [...facts, ...problem].join("\n");
}

function runningText({ pid, since }: ServiceLine): string {
  const facts = [
    ...(pid === null ? [] : [`pid ${pid}`]),
    ...(since === null ? [] : [`since ${since}`]),
  ];
  return `running: ${facts.length === 0 ? "yes" : facts.join(", ")}`;
}
