import { UdpchatError } from "../errors.js";

/** What a service runs. */
export interface ServiceProgram {
  /** `udpchat`; of other homes with something behind it. */
  readonly name: string;
  /** Absolute path. */
  readonly executable: string;
  readonly args: readonly string[];
  /** Has it read its settings again. */
  readonly reloadArgs: readonly string[];
  /** Beside what the service manager sets. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The words of its command line, the executable first. */
export type ProgramWords = readonly string[];

export const DESCRIPTION = "udpchat, messages on the local network";

/** What was said in groups gets 36 s to be sent and repaired; then it is enough. */
export const STOP_TIMEOUT_S = 45;
/** Between an end that was none of ours and the next start. */
export const RESTART_PAUSE_S = 10;

/**
 * Definitions are lines of text: what would end one belongs into none.
 * @throws UdpchatError INVALID_ARGUMENT
 */
export function assertDefinable({ executable, args, environment }: ServiceProgram): void {
  const words = [executable, ...args, ...Object.entries(environment).flat()];
  const odd = words.find((word) => /\p{Cc}/u.test(word));
  if (odd === undefined) return;
  throw new UdpchatError("INVALID_ARGUMENT", `"${odd}" holds control characters`, {
    remedy: "no service can be defined with it: move the folder, or choose another --home",
  });
}
