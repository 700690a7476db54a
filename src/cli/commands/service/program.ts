import process from "node:process";
import { ONE_HEAP } from "../../../daemon/start.js";
import { platformService } from "../../../service/platform.js";
import type { ServiceProgram } from "../../../service/program.js";
import type { UserService } from "../../../service/service.js";
import { homeMark } from "../../../store/paths.js";
import type { CommandContext } from "../../context.js";
import type { GlobalArgs } from "../../globalOptions.js";
import { flagWords, readEnvironment, readFlags } from "../../settings.js";

/** Where the platform's own folders are, if they are not where they always are. */
const FOLDER_VARIABLES = ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME"];

type Where = Pick<CommandContext, "home" | "io" | "paths">;

/** The service of this home; each has its own. Undefined on platforms that we do not know. */
export function serviceOf({ home, io, paths }: Where): UserService | undefined {
  return platformService({ name: nameOf(home), home: paths.home, env: io.env });
}

/**
 * What it runs: the daemon, with what was said here by flags and by the environment, which a
 * service does not have.
 */
export function serviceProgram(args: GlobalArgs, { home, io, paths }: Where): ServiceProgram {
  const place = home === undefined ? [] : [`--home=${paths.home}`];
  const settings = flagWords({ ...readEnvironment(io.env), ...readFlags(args) });
  const variables = home === undefined ? FOLDER_VARIABLES : [];
  const folders = variables.flatMap((name): [string, string][] => {
    const value = io.env[name] ?? "";
    return value === "" ? [] : [[name, value]];
  });
  return {
    name: nameOf(home),
    executable: process.execPath,
    args: [io.script, "daemon", "--log-to-file", ...place, ...verbosity(args), ...settings],
    reloadArgs: [io.script, "reload", ...place],
    environment: { ...ONE_HEAP, ...Object.fromEntries(folders) },
  };
}

function verbosity({ verbose }: GlobalArgs): string[] {
  return verbose ? ["--verbose"] : [];
}

function nameOf(home: string | undefined): string {
  return home === undefined ? "udpchat" : `udpchat-${homeMark(home)}`;
}
