import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Launchd } from "./launchd.js";
import { UserService } from "./service.js";
import { Systemd } from "./systemd.js";
import { TaskScheduler } from "./taskScheduler.js";
import { runTool } from "./tool.js";

/** Where the service of a home would be. */
export interface ServicePlace {
  /** `udpchat`; of other homes with something behind it. */
  readonly name: string;
  /** Folder of the home. */
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The service of a home, by the manager that this platform has; undefined on platforms whose manager
 * we do not know.
 */
export function platformService({ name, home, env }: ServicePlace): UserService | undefined {
  const uid = process.getuid?.() ?? 0;
  switch (process.platform) {
    case "linux": {
      const configFolder = env["XDG_CONFIG_HOME"] ?? "";
      const folder = configFolder === "" ? join(homedir(), ".config") : configFolder;
      return new UserService(new Systemd(name, folder, uid, runTool));
    }
    case "darwin":
      return new UserService(new Launchd(name, homedir(), uid, runTool));
    case "win32": {
      const user = `${env["USERDOMAIN"] ?? "."}\\${env["USERNAME"] ?? ""}`;
      return new UserService(new TaskScheduler(name, home, user, runTool));
    }
    default:
      return undefined;
  }
}
