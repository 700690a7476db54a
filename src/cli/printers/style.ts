import { styleText } from "node:util";

/** Emphasis, or none of it where colour is not wanted. */
export interface Style {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
}

const plain = (text: string): string => text;

const PLAIN: Style = { strong: plain, faint: plain, good: plain, bad: plain };

/** Whether there is colour is decided below, for the stream that is written to. */
const decided = { validateStream: false };

const COLOUR: Style = {
  strong: (text) => styleText("bold", text, decided),
  faint: (text) => styleText("gray", text, decided),
  good: (text) => styleText("green", text, decided),
  bad: (text) => styleText("red", text, decided),
};

/** Colour on a terminal, unless NO_COLOR says no (no-color.org: any value but the empty one). */
export function styleFor(
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Style {
  return isTerminal && (env["NO_COLOR"] ?? "") === "" ? COLOUR : PLAIN;
}
