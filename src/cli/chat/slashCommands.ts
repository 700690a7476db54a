/** What a typed line asks for: to be said, or something of the chat itself. */
import { nearest } from "../nearest.js";
import { toAction } from "./action.js";

/** A typed line, understood. */
export type Typed =
  | { readonly kind: "say"; readonly text: string }
  /** To one person alone, who is named as on the screen. */
  | { readonly kind: "message"; readonly to: string; readonly text: string }
  | { readonly kind: "who" | "help" | "quit" }
  | { readonly kind: "wrong"; readonly message: string };

/** Every command, as its help says. */
export const SLASH_HELP: readonly (readonly [usage: string, meaning: string])[] = [
  ["/who", "who is here"],
  ["/msg NAME TEXT", "says something to one person alone"],
  ["/me TEXT", "says what you do: /me waves"],
  ["/quit", "leaves, as Ctrl-D on an empty line does"],
  ["/help", "this list"],
  ["//TEXT", "says a line that begins with a slash"],
];

/** `/who` and so on: what a slash may be the beginning of. */
export const SLASH_COMMANDS: readonly string[] = SLASH_HELP.flatMap(([usage]) =>
  usage.startsWith("//") ? [] : (usage.split(" ", 1)[0] ?? []),
);

/** Texts that begin with `/`, which is written twice to be said, are commands. */
export function understand(line: string): Typed {
  if (line.startsWith("//")) return { kind: "say", text: line.slice(1) };
  const [, name, , rest = ""] = /^\/(\S*)(\s+(.*))?$/s.exec(line) ?? [];
  if (name === undefined) return { kind: "say", text: line };
  const words = rest.trim();
  const command = name.toLowerCase();
  switch (command) {
    case "me":
      return words === ""
        ? wrong("/me", "TEXT", "/me waves")
        : { kind: "say", text: toAction(words) };
    case "msg":
      return messageTo(words);
    case "who":
    case "help":
    case "quit":
      return words === "" ? { kind: command } : tooMuch(command);
    default:
      return unknown(`/${name}`);
  }
}

function messageTo(words: string): Typed {
  const [, quoted, bare, text = ""] = /^(?:"([^"]+)"|(\S+))(?:\s+(.*))?$/s.exec(words) ?? [];
  const to = quoted ?? bare;
  if (to === undefined) return wrong("/msg", "NAME and TEXT", "/msg alice see you at noon");
  if (text === "")
    return wrong("/msg", "TEXT", `/msg ${quoted === undefined ? to : `"${to}"`} see you at noon`);
  return { kind: "message", to, text };
}

function wrong(command: string, missing: string, example: string): Typed {
  return { kind: "wrong", message: `${command} needs ${missing}: ${example}` };
}

function tooMuch(name: string): Typed {
  return {
    kind: "wrong",
    message: `/${name} stands alone: to say such a line, begin it with two slashes`,
  };
}

function unknown(command: string): Typed {
  const meant = nearest(
    command.slice(1),
    SLASH_COMMANDS.map((known) => known.slice(1)),
  );
  const remedy = meant === undefined ? "see /help" : `did you mean /${meant}?`;
  return {
    kind: "wrong",
    message: `there is no ${command}: ${remedy} (a line that begins with a slash is said with two)`,
  };
}
