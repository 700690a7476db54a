import { UdpchatError } from "../errors.js";
import type { ToolResult } from "./tool.js";

/** SERVICE_FAILED: what the manager's own program says. */
export function serviceFailed(what: string, said: ToolResult, remedy: string): UdpchatError {
  return new UdpchatError("SERVICE_FAILED", `${what}${reason(said)}`, { remedy });
}

/** NO_SERVICE_MANAGER. */
export function noManager(what: string, said: ToolResult, remedy: string): UdpchatError {
  return new UdpchatError("NO_SERVICE_MANAGER", `${what}${reason(said)}`, { remedy });
}

/** ` (Failed to connect to bus: No medium found)`: its first line. */
function reason({ stdout, stderr }: ToolResult): string {
  const [first = ""] = (stderr.trim() === "" ? stdout : stderr).trim().split(/\r?\n/);
  return first === "" ? "" : ` (${first})`;
}
