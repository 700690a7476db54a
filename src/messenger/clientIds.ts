import { UdpchatError } from "../errors.js";

/** Printable ASCII. */
const CLIENT_ID = /^[\x20-\x7e]{1,64}$/;

/** Calls that begin with ids that their callers chose, one at a time with each. */
export class ClientIds {
  /** Bounded by the calls that wait. */
  readonly #beginning = new Map<string, Promise<void>>();

  /** Settles when the call that begins with this id has stored its message, or has failed. */
  underWay(id: string): Promise<void> | undefined {
    return this.#beginning.get(id);
  }

  /** Nobody else may be under way; returns what says that this call is not any more. */
  begin(id: string): () => void {
    let begun: () => void = () => undefined;
    const ends = new Promise<void>((resolve) => (begun = resolve));
    this.#beginning.set(id, ends);
    return () => {
      if (this.#beginning.get(id) === ends) this.#beginning.delete(id);
      begun();
    };
  }
}

/** @throws UdpchatError INVALID_ARGUMENT */
export function checkedClientId(id: string | undefined): string | undefined {
  if (id === undefined || CLIENT_ID.test(id)) return id;
  throw new UdpchatError("INVALID_ARGUMENT", `"${id}" cannot be the id of a message`, {
    remedy: "use 1 to 64 printable characters of ASCII",
  });
}
