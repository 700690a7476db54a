/** First words that shells type, and our own build, and nobody else: they are in no help. */
import { COMMANDS } from "./commands/index.js";

/** What they ask for; undefined for all that people type. */
export async function machineText(
  [first, ...words]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (first !== "__complete") return undefined;
  return (await import("./completion/complete.js")).complete(words, COMMANDS, env);
}
