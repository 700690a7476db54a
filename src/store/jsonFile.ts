import { rename } from "node:fs/promises";
import { dirname } from "node:path";
import * as v from "valibot";
import { errnoOf, UdpchatError } from "../errors.js";
import { replaceFile } from "./atomicFile.js";
import { makeFolder } from "./privateFolder.js";
import { readSmallFile } from "./smallFile.js";

/** Of all our JSON files so far. */
const FORMAT_VERSION = 1;
const LaterVersionSchema = v.object({
  version: v.pipe(v.number(), v.gtValue(FORMAT_VERSION)),
});

/** A later udpchat wrote it: it is whole, and not ours to change. */
export function isOfLaterVersion(content: unknown): boolean {
  return v.is(LaterVersionSchema, content);
}

/** HOME_UNUSABLE. */
export function laterVersion(path: string): UdpchatError {
  return new UdpchatError("HOME_UNUSABLE", `a later version of udpchat wrote ${path}`, {
    remedy: "update udpchat, or choose another folder with --home",
  });
}

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
  constructor(path: string, schema: Schema, { maxBytes }: { readonly maxBytes: number }) {
    this.#path = path;
    this.#schema = schema;
    this.#maxBytes = maxBytes;
  }

  /** Throws also for a file of a later version, which stays as it is. */
  async read(): Promise<JsonContent<v.InferOutput<Schema>>> {
    let text: string;
    try {
      // What is too large is no text of ours.
      text = (await readSmallFile(this.#path, this.#maxBytes)) ?? "";
    } catch (cause) {
      if (errnoOf(cause) === "ENOENT") return { state: "missing" };
      throw this.unusable("read", cause);
    }
    const json = parseJson(text);
    if (isOfLaterVersion(json)) throw laterVersion(this.#path);
    const parsed = v.safeParse(this.#schema, json);
    return parsed.success ? { state: "whole", content: parsed.output } : { state: "damaged" };
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
