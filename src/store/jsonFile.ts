import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { errnoOf, UdpchatError } from "../errors.js";
import { replaceFile } from "./atomicFile.js";
import { makeFolder } from "./privateFolder.js";

/** What a file holds: nothing if there is none, or what is no content of ours. */
export type JsonContent<Content> =
  | { readonly state: "missing" }
  | { readonly state: "damaged" }
  | { readonly state: "whole"; readonly content: Content };

/**
 * A private JSON file (0600) of one shape, which appears complete or not at all. All failures are
 * HOME_UNUSABLE.
 */
export class JsonFile<Schema extends v.GenericSchema> {
  readonly #path: string;
  readonly #schema: Schema;
  readonly #maxBytes: number;

  /** A file of more than `maxBytes` is not read: it is damaged. */
  constructor(path: string, schema: Schema, { maxBytes = Number.POSITIVE_INFINITY } = {}) {
    this.#path = path;
    this.#schema = schema;
    this.#maxBytes = maxBytes;
  }

  async read(): Promise<JsonContent<v.InferOutput<Schema>>> {
    let text: string;
    try {
      text = await this.#text();
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return { state: "missing" };
      throw this.unusable("read", cause);
    }
    const parsed = v.safeParse(this.#schema, parseJson(text));
    return parsed.success ? { state: "whole", content: parsed.output } : { state: "damaged" };
  }

  /** What is too large is no text of ours. */
  async #text(): Promise<string> {
    const file = await open(this.#path, "r");
    try {
      const { size } = await file.stat();
      return size > this.#maxBytes ? "" : await file.readFile("utf8");
    } finally {
      await file.close();
    }
  }

  /** `content` is of the shape that `read` takes. Survives a power cut once it has resolved. */
  async write(content: object): Promise<void> {
    await makeFolder(dirname(this.#path));
    try {
      await replaceFile(this.#path, `${JSON.stringify(content, undefined, 2)}\n`);
    } catch (cause) {
      throw this.unusable("write", cause);
    }
  }

  /** Moves a damaged file out of the way; returns where it lies now. */
  async setAside(): Promise<string> {
    const aside = `${this.#path}.damaged-${Date.now()}`;
    try {
      await rename(this.#path, aside);
    } catch (cause) {
      throw this.unusable("set aside", cause);
    }
    return aside;
  }

  /** HOME_UNUSABLE: `cannot read ...`. */
  unusable(action: string, cause: unknown): UdpchatError {
    return new UdpchatError("HOME_UNUSABLE", `cannot ${action} ${this.#path}`, {
      cause,
      remedy: "check the permissions and free space there, or choose another folder with --home",
    });
  }
}

/** Undefined, which no schema takes, for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
