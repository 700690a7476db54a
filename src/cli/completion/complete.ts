import { homedir } from "node:os";
import stringWidth from "fast-string-width";
import type { Command } from "../command.js";
import { bashInsertion, readBashLine } from "./bashLine.js";
import { candidates } from "./candidates.js";
import type { Completion } from "./completion.js";
import { wantedAfter } from "./wanted.js";

/**
 * The answer to a completion script (`scripts.ts`): a line for each word that may stand at the
 * cursor, or `:files`, `:folders` where the shell knows them itself. Whatever goes wrong, it is
 * empty: an error has no place in a line that somebody types. Nothing is started, and the network
 * is left alone.
 * @param question of bash: `bash`, the line up to the cursor, `COMP_WORDBREAKS`; of others: `zsh`
 *   or `fish`, the words before the cursor without their quotes, and the one at the cursor
 */
export async function complete(
  [shell, ...question]: readonly string[],
  commands: readonly Command[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  try {
    const lines = shell === "bash" ? forBash : forOthers(shell === "zsh" ? zshLine : fishLine);
    const answer = await lines(question, async (words, current) =>
      candidates(wantedAfter(words, current, commands), { commands, home: homeOf(words, env) }),
    );
    return answer.map((line) => `${line}\n`).join("");
  } catch {
    return "";
  }
}

type Find = (words: readonly string[], current: string) => ReturnType<typeof candidates>;
type Answer = (question: readonly string[], find: Find) => Promise<readonly string[]>;

const forBash: Answer = async ([text = "", breaks = ""], find) => {
  const line = readBashLine(text, breaks);
  if (line.isRedirection) return [":files"];
  const found = await find(line.words.slice(1), line.current);
  if (typeof found === "string") return [`:${found}`];
  return found.flatMap(({ value }) => bashInsertion(value, line) ?? []);
};

/** Shells that quote what is inserted, and leave out what does not fit, by themselves. */
function forOthers(lineOf: (found: Completion, columns: number) => string): Answer {
  return async (question, find) => {
    const found = await find(question.slice(0, -1), question.at(-1) ?? "");
    if (typeof found === "string") return [`:${found}`];
    const columns = Math.max(0, ...found.map(({ value }) => stringWidth(value)));
    return found.map((completion) => lineOf(completion, columns));
  };
}

/** The value, and how it stands in a list. */
function zshLine({ value, description }: Completion, columns: number): string {
  const padding = " ".repeat(columns - stringWidth(value));
  return `${value}\t${description === "" ? value : `${value}${padding}  ${description}`}`;
}

function fishLine({ value, description }: Completion): string {
  return `${value}\t${description}`;
}

/** The home that the command will have. */
function homeOf(
  words: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const at = words.findLastIndex((word) => word === "--home" || word.startsWith("--home="));
  const word = words[at];
  const said = word === "--home" ? words[at + 1] : word?.slice("--home=".length);
  return said?.replace(/^~(?=\/|$)/, homedir()) ?? env["UDPCHAT_HOME"];
}
