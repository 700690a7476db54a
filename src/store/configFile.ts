import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { errnoOf, UdpchatError } from "../errors.js";
import { readSmallFile } from "./smallFile.js";

/** Ours have some hundred bytes; whatever else lies there must not fill our memory. */
const MAX_FILE_BYTES = 1024 * 1024;
const DEFAULT_INDENT = "  ";

/** What a config file says: keys and values as they are written there, whatever they mean. */
export type ConfigContent = Readonly<Record<string, unknown>>;

/** A JSON object that people write by hand, and a command for them. */
export class ConfigFile {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Nothing where there is no file.
   * @throws UdpchatError INVALID_ARGUMENT if it cannot be read, or holds no JSON object
   */
  async read(): Promise<ConfigContent> {
    return this.#parse(await this.#text());
  }

  /**
   * Replaces the whole content (0600), which appears complete or not at all, and survives a power
   * cut. Keys keep their order, and lines the indentation that they had.
   * @throws UdpchatError INVALID_ARGUMENT, HOME_UNUSABLE
   */
  async change(change: (content: ConfigContent) => ConfigContent): Promise<void> {
    // Only who writes needs these, and every command reads.
    const [{ replaceFile }, { withFileLock }, { makeFolder }] = await Promise.all([
      import("./atomicFile.js"),
      import("./fileLock.js"),
      import("./privateFolder.js"),
    ]);
    await makeFolder(dirname(this.path));
    try {
      await withFileLock(`${this.path}.lock`, async () => {
        const text = await this.#text();
        const content = change(this.#parse(text));
        const written = `${JSON.stringify(content, undefined, indentOf(text))}\n`;
        // A link to where somebody keeps his settings stays one.
        await replaceFile(await realpath(this.path).catch(() => this.path), written);
      });
    } catch (cause) {
      if (cause instanceof UdpchatError) throw cause;
      throw new UdpchatError("HOME_UNUSABLE", `cannot write ${this.path}`, {
        cause,
        remedy: "check the permissions and free space there",
      });
    }
  }

  /** Undefined where there is no file. */
  async #text(): Promise<string | undefined> {
    let text: string | undefined;
    try {
      text = await readSmallFile(this.path, MAX_FILE_BYTES);
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return undefined;
      throw invalid(`cannot read ${this.path}`, "check its permissions", cause);
    }
    if (text !== undefined) return text;
    throw invalid(`${this.path} has more than ${MAX_FILE_BYTES} bytes`, "correct it");
  }

  #parse(text: string | undefined): ConfigContent {
    if (text === undefined) return {};
    let content: unknown;
    try {
      content = JSON.parse(text);
    } catch (cause) {
      throw invalid(`${this.path} is not JSON`, "correct it or remove it", cause);
    }
    if (typeof content !== "object" || content === null || Array.isArray(content)) {
      throw invalid(`${this.path} holds no JSON object`, "correct it or remove it");
    }
    return { ...content };
  }
}

/** Of the first key on a line of its own. */
function indentOf(text: string | undefined): string {
  const [, indent = DEFAULT_INDENT] = /^\s*\{[^\S\n]*\n([ \t]+)"/.exec(text ?? "") ?? [];
  return indent;
}

function invalid(message: string, remedy: string, cause?: unknown): UdpchatError {
  return new UdpchatError("INVALID_ARGUMENT", message, { remedy, cause });
}
