/** First words that shells type, and our own build, and nobody else: they are in no help. */
import { COMMANDS } from "./commands/index.js";
import { packageVersion } from "./version.js";

/** What they ask for; undefined for all that people type. */
export async function machineText(
  [first, ...words]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  switch (first) {
    case "__complete":
      return (await import("./completion/complete.js")).complete(words, COMMANDS, env);
    case "__man":
      return (await import("./manPage.js")).manPage(COMMANDS, packageVersion());
    default:
      return undefined;
  }
}
