import type { Key } from "node:readline";
import type { Completion } from "./completer.js";
import { Draft, MAX_DRAFT_BYTES } from "./draft.js";
import { type DraftLayout, layOutDraft } from "./draftLayout.js";
import { TypedBefore } from "./typedBefore.js";

/** What a key asks of the chat, beside a change of the draft. */
export type Pressed =
  | { readonly kind: "said"; readonly text: string }
  | { readonly kind: "leave" | "interrupt" | "suspend" | "wipe" | "nothing" }
  /** The word may become several. */
  | { readonly kind: "candidates"; readonly candidates: readonly string[] }
  | { readonly kind: "refused"; readonly message: string };

export type Complete = (before: string) => Completion | undefined;

const NOTHING: Pressed = { kind: "nothing" };
const TOO_LONG: Pressed = {
  kind: "refused",
  message: `a message has at most ${MAX_DRAFT_BYTES} bytes: send the rest in a second one`,
};
/** A paste that pauses for longer has ended, whatever became of its end. */
const PASTE_PAUSE_MS = 1000;
/** Beyond newline and tab. What moves the cursor elsewhere would be no text. */
// oxlint-disable-next-line no-control-regex -- that is what is left out
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A line that is edited: keys come in, and what they ask for comes out. */
export class Prompt {
  readonly before: TypedBefore = new TypedBefore();
  readonly #draft = new Draft();
  readonly #complete: Complete;
  /** In front of the draft; of ours. */
  readonly #label: string;
  /** What is being pasted; at most `MAX_DRAFT_BYTES` characters, and one key more. */
  #pasted: string | undefined;
  readonly #nowMs: () => number;
  #pastedAtMs = 0;

  constructor(label: string, complete: Complete, nowMs = () => performance.now()) {
    this.#label = label;
    this.#complete = complete;
    this.#nowMs = nowMs;
  }

  /** What is typed and not said yet. */
  get draft(): string {
    return this.#draft.text;
  }

  layOut(columns: number, maxRows: number): DraftLayout {
    const { cells, at } = this.#draft;
    return layOutDraft({ prompt: this.#label, cells, at }, { columns, maxRows });
  }

  /** `text`: what the key writes, if it does. */
  press(text: string | undefined, key: Key): Pressed {
    const pausedMs = this.#nowMs() - this.#pastedAtMs;
    this.#pastedAtMs += pausedMs;
    if (key.name === "paste-start") {
      this.#pasted = "";
      return NOTHING;
    }
    if (this.#pasted === undefined) return this.#press(text, key);
    if (key.name === "paste-end") return this.#paste();
    if (pausedMs > PASTE_PAUSE_MS) {
      const pasted = this.#paste();
      return pasted === NOTHING ? this.#press(text, key) : pasted;
    }
    const piece = key.sequence ?? text ?? "";
    // A sequence of its own would be the only one to begin so.
    if (!piece.startsWith("\u001b") && this.#pasted.length <= MAX_DRAFT_BYTES)
      this.#pasted += piece;
    return NOTHING;
  }

  /** Several lines are one message, which is said when Enter is pressed behind it. */
  #paste(): Pressed {
    const pasted = this.#pasted ?? "";
    this.#pasted = undefined;
    return this.#insert(pasted.replace(/\r\n?/g, "\n").replace(CONTROLS, "").replace(/\n+$/, ""));
  }

  #press(text: string | undefined, key: Key): Pressed {
    if (key.ctrl === true) return this.#pressControl(key.name);
    if (key.meta === true) return this.#pressMeta(key.name);
    switch (key.name) {
      case "return":
      case "enter":
        return this.#say();
      case "tab":
        return key.shift === true ? NOTHING : this.#completeWord();
      case "backspace":
        return this.#edit((draft) => draft.deleteLeft());
      case "delete":
        return this.#edit((draft) => draft.deleteRight());
      case "left":
        return this.#edit((draft) => draft.left());
      case "right":
        return this.#edit((draft) => draft.right());
      case "home":
        return this.#edit((draft) => draft.lineStart());
      case "end":
        return this.#edit((draft) => draft.lineEnd());
      case "up":
        return this.#older();
      case "down":
        return this.#newer();
      default:
        return this.#insert((text ?? "").replace(CONTROLS, ""));
    }
  }

  #pressControl(name: string | undefined): Pressed {
    switch (name) {
      case "c":
        if (this.#draft.isEmpty) return { kind: "interrupt" };
        // It can be fetched back.
        this.before.add(this.#draft.text);
        return this.#edit((draft) => draft.clear());
      case "d":
        if (this.#draft.isEmpty) return { kind: "leave" };
        return this.#edit((draft) => draft.deleteRight());
      case "z":
        return { kind: "suspend" };
      case "l":
        return { kind: "wipe" };
      case "a":
        return this.#edit((draft) => draft.lineStart());
      case "e":
        return this.#edit((draft) => draft.lineEnd());
      case "b":
        return this.#edit((draft) => draft.left());
      case "f":
        return this.#edit((draft) => draft.right());
      case "h":
        return this.#edit((draft) => draft.deleteLeft());
      case "k":
        return this.#edit((draft) => draft.cutToLineEnd());
      case "u":
        return this.#edit((draft) => draft.cutToLineStart());
      case "w":
      case "backspace":
        return this.#edit((draft) => draft.cutWordLeft());
      case "delete":
        return this.#edit((draft) => draft.cutWordRight());
      case "y":
        return this.#draft.putBack() ? NOTHING : TOO_LONG;
      case "left":
        return this.#edit((draft) => draft.wordLeft());
      case "right":
        return this.#edit((draft) => draft.wordRight());
      case "p":
        return this.#older();
      case "n":
        return this.#newer();
      default:
        return NOTHING;
    }
  }

  #pressMeta(name: string | undefined): Pressed {
    switch (name) {
      case "return":
      case "enter":
        return this.#insert("\n");
      case "b":
      case "left":
        return this.#edit((draft) => draft.wordLeft());
      case "f":
      case "right":
        return this.#edit((draft) => draft.wordRight());
      case "d":
        return this.#edit((draft) => draft.cutWordRight());
      case "backspace":
        return this.#edit((draft) => draft.cutWordLeft());
      default:
        return NOTHING;
    }
  }

  #edit(change: (draft: Draft) => void): Pressed {
    change(this.#draft);
    return NOTHING;
  }

  #insert(text: string): Pressed {
    return this.#draft.insert(text) ? NOTHING : TOO_LONG;
  }

  #say(): Pressed {
    const { text } = this.#draft;
    this.before.add(text);
    this.#draft.clear();
    return text.trim() === "" ? NOTHING : { kind: "said", text };
  }

  #older(): Pressed {
    if (this.#draft.lineUp()) return NOTHING;
    return this.#show(this.before.older(this.#draft.text));
  }

  #newer(): Pressed {
    return this.#draft.lineDown() ? NOTHING : this.#show(this.before.newer());
  }

  #show(text: string | undefined): Pressed {
    if (text !== undefined) this.#draft.replace(text);
    return NOTHING;
  }

  #completeWord(): Pressed {
    const { before } = this.#draft;
    const found = this.#complete(before);
    if (found === undefined) return NOTHING;
    const { candidates, replaced, text } = found;
    if (before.slice(before.length - replaced) !== text) this.#draft.replaceBefore(replaced, text);
    return candidates.length > 1 ? { kind: "candidates", candidates } : NOTHING;
  }
}
