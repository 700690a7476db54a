import process from "node:process";
import type { ExaminationLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { type Diagnosis, Doctor } from "../../../doctor/doctor.js";
import type { Finding } from "../../../doctor/finding.js";
import { judgeDiscoveryPort } from "../../../doctor/judgements/host.js";
import { runCommand } from "../../../doctor/system/command.js";
import { portOwners } from "../../../doctor/system/portOwners.js";
import { UdpchatError } from "../../../errors.js";
import { DEFAULT_DATA_PORT, DEFAULT_DISCOVERY_PORT } from "../../../messenger/types.js";
import { sanitiseName } from "../../../sanitise.js";
import { withApi } from "../../backend.js";
import type { CommandContext } from "../../context.js";
import { parseDurationMs } from "../../duration.js";
import { EXIT, type ExitCode } from "../../exitCodes.js";
import type { GlobalArgs } from "../../globalOptions.js";

export interface DoctorArgs {
  readonly target?: string | undefined;
  readonly watch?: string | undefined;
}

/** Multicast of more peers says no more about a switch. */
const MAX_WATCHED = 3;

/** @throws UdpchatError what naming a peer can end in */
export async function handle(
  { target, watch }: GlobalArgs & DoctorArgs,
  context: CommandContext,
): Promise<number> {
  const watchMs = watch === undefined ? undefined : parseDurationMs(watch);
  const report = new Report(context);
  try {
    await withApi(context, { receives: false }, async (api, by) => {
      const doctor = await openDoctor(api, by === "daemon", context);
      try {
        const diagnosis = await doctor.diagnose(target);
        await report.print(diagnosis);
        if (watchMs !== undefined) await watchPeers(doctor, diagnosis, watchMs, report, context);
      } finally {
        await doctor.close();
      }
    });
  } catch (error) {
    if (!(error instanceof UdpchatError) || error.code !== "PORT_IN_USE") throw error;
    await report.finding(await takenDiscoveryPort(context));
  }
  return await report.end();
}

function openDoctor(api: Api, runsDaemon: boolean, context: CommandContext): Promise<Doctor> {
  const { settings, signal, printer, stderr } = context;
  return Doctor.open({
    api,
    runsDaemon,
    wantedPort: settings.port ?? DEFAULT_DATA_PORT,
    platform: process.platform,
    run: runCommand,
    program: process.execPath,
    signal,
    remark: async (text) => {
      if (!printer.forScripts) await stderr.line(sanitiseName(`udpchat: ${text}`));
    },
  });
}

async function watchPeers(
  doctor: Doctor,
  { examinations }: Diagnosis,
  durationMs: number,
  report: Report,
  { printer, stderr }: CommandContext,
): Promise<void> {
  const peers = examinations.filter(({ result }) => result === "examined").slice(0, MAX_WATCHED);
  if (!printer.forScripts) {
    const whom = peers.length === 0 ? "nobody is there to watch" : "watching; Ctrl-C ends it";
    await stderr.line(sanitiseName(`udpchat: ${whom}`));
  }
  if (peers.length > 0) await doctor.watch(peers, durationMs, (found) => report.finding(found));
}

async function takenDiscoveryPort({ settings }: CommandContext): Promise<Finding> {
  const port = settings.discoveryPort ?? DEFAULT_DISCOVERY_PORT;
  return judgeDiscoveryPort(port, await portOwners(port, process.platform, runCommand));
}

/** What was found, as it is printed and counted. */
class Report {
  readonly #context: CommandContext;
  #problems = 0;
  #notes = 0;
  #examined = 0;
  #isNobodyThere = false;

  constructor(context: CommandContext) {
    this.#context = context;
  }

  async print({ findings, examinations }: Diagnosis): Promise<void> {
    this.#examined = examinations.length;
    // The evidence is for scripts.
    const evidence: readonly ExaminationLine[] = this.#context.printer.forScripts
      ? examinations
      : [];
    for (const line of evidence) await this.#context.printer.line(line);
    for (const found of findings) await this.finding(found);
  }

  async finding(found: Finding): Promise<void> {
    if (found.severity === "problem") this.#problems += 1;
    if (found.severity === "note") this.#notes += 1;
    if (found.code === "NOBODY_FOUND") this.#isNobodyThere = true;
    const at = new Date().toISOString();
    await this.#context.printer.line({ type: "finding", ...found, at });
  }

  async end(): Promise<ExitCode> {
    const [problems, notes, peers] = [this.#problems, this.#notes, this.#examined];
    await this.#context.printer.line({ type: "diagnosis", problems, notes, peers });
    if (problems > 0) return EXIT.notDelivered;
    return this.#isNobodyThere ? EXIT.nobody : EXIT.done;
  }
}
