import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const README = readFileSync(join(ROOT, "README.md"), "utf8");

/** npm says nothing but errors, and asks nobody but the registry. */
const QUIET_NPM = {
  npm_config_audit: "false",
  npm_config_fund: "false",
  npm_config_loglevel: "error",
  npm_config_prefer_offline: "true",
  npm_config_update_notifier: "false",
};

/** The environment of a user who has no settings of ours. */
export function plainEnvironment(): NodeJS.ProcessEnv {
  // What `npm run` tells this process of itself would be told to the npm that we run.
  const inherited = Object.entries(process.env).filter(
    ([key]) => !/^(?:UDPCHAT_|XDG_|npm_(?!config_registry))/.test(key),
  );
  return { ...Object.fromEntries(inherited), ...QUIET_NPM, NO_COLOR: "1" };
}

/** Runs a line of the README, or one of ours, to its end. Throws with what it printed. */
export function shell(line: string, cwd: string, env: NodeJS.ProcessEnv): string {
  return execFileSync("sh", ["-c", line], { cwd, env, encoding: "utf8", stdio: "pipe" });
}
