import { styleText } from "node:util";

/** Emphasis, or none of it where colour is not wanted. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  /** Somebody's name: of one key always in the same colour. */
  readonly person: (name: string, id: string | null) => string;
}

const plain = (text: string): string => text;

const PLAIN: Style = { strong: plain, faint: plain, good: plain, bad: plain, person: plain };

/**
 * Of people: to be read on dark and on light. Red and grey have meanings of their own; black and
 * white are what texts have.
 */
const PERSON_COLOURS = [
  "cyan",
  "green",
  "yellow",
  "magenta",
  "blue",
  "cyanBright",
  "greenBright",
  "magentaBright",
  "blueBright",
] as const;

/** Whether there is colour is decided below, for the stream that is written to. */
const decided = { validateStream: false };

const COLOUR: Style = {
  strong: (text) => styleText("bold", text, decided),
  faint: (text) => styleText("gray", text, decided),
  good: (text) => styleText("green", text, decided),
  bad: (text) => styleText("red", text, decided),
  person: (name, id) => styleText("bold", inColourOf(id, name), decided),
};

/** Ids are keys, drawn by chance: their first digits are as good as any hash. */
function inColourOf(id: string | null, name: string): string {
  const number = Number.parseInt((id ?? "").slice(0, 6), 16);
  const colour = PERSON_COLOURS[number % PERSON_COLOURS.length];
  return colour === undefined ? name : styleText(colour, name, decided);
}

/** Colour on a terminal, unless NO_COLOR says no (no-color.org: any value but the empty one). */
export function styleFor(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  return isTerminal && (env["NO_COLOR"] ?? "") === "" ? COLOUR : PLAIN;
}
