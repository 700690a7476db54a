import { readFile, rm, stat } from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import { errnoOf, UdpchatError } from "../errors.js";
import { replaceFile } from "../store/atomicFile.js";
import { makeFolder } from "../store/privateFolder.js";
import type { ServiceManager, ServiceState } from "./manager.js";
import { assertDefinable, type ProgramWords, type ServiceProgram } from "./program.js";

/** Windows takes UTF-16 for what it is by it. */
const BYTE_ORDER_MARK = "\ufeff";

/** What there is of a service. */
export interface ServiceStatus extends ServiceState {
  readonly installed: boolean;
  /** Undefined where nothing is installed, or what is there is not of ours. */
  readonly program: ProgramWords | undefined;
  /** Files of that program which are not there any more. */
  readonly missing: readonly string[];
}

/** A daemon that the system's service manager starts and looks after. */
export class UserService {
  readonly manager: ServiceManager;

  constructor(manager: ServiceManager) {
    this.manager = manager;
  }

  /** @throws UdpchatError INVALID_ARGUMENT */
  define(program: ServiceProgram): string {
    assertDefinable(program);
    return this.manager.define(program);
  }

  /**
   * Once or again: what is as it should be stays. Resolves when it runs.
   * @throws UdpchatError INVALID_ARGUMENT, NO_SERVICE_MANAGER, SERVICE_FAILED, HOME_UNUSABLE
   */
  async install(program: ServiceProgram): Promise<{ readonly changed: boolean }> {
    const definition = this.define(program);
    await this.manager.assertUsable();
    const changed = (await this.#definition()) !== definition;
    if (changed) await this.#write(definition);
    await this.manager.enable(changed);
    return { changed };
  }

  /** False if there was none. What a manager that does not answer keeps in mind ends with it. */
  async remove(): Promise<boolean> {
    if (!(await this.isInstalled())) return false;
    await this.manager.disable();
    await rm(this.manager.file, { force: true });
    await this.manager.forget();
    return true;
  }

  async isInstalled(): Promise<boolean> {
    return (await this.#definition()) !== undefined;
  }

  /** @throws UdpchatError NO_SERVICE_MANAGER, SERVICE_FAILED */
  async start(): Promise<void> {
    await this.manager.assertUsable();
    await this.manager.start();
  }

  async status(): Promise<ServiceStatus> {
    const definition = await this.#definition();
    const program = definition === undefined ? undefined : this.manager.programOf(definition);
    const state = await this.manager.state();
    const files = (program ?? []).slice(0, 2).filter((word) => isAbsolute(word));
    const there = await Promise.all(files.map(isThere));
    const missing = files.filter((_, index) => there[index] === false);
    return { ...state, installed: definition !== undefined, program, missing };
  }

  async #definition(): Promise<string | undefined> {
    try {
      const text = await readFile(this.manager.file, this.manager.encoding);
      return text.replace(BYTE_ORDER_MARK, "");
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw this.#unusable("read", error);
    }
  }

  async #write(definition: string): Promise<void> {
    await makeFolder(dirname(this.manager.file));
    try {
      const { encoding, file } = this.manager;
      const mark = encoding === "utf16le" ? BYTE_ORDER_MARK : "";
      await replaceFile(file, Buffer.from(mark + definition, encoding));
    } catch (error) {
      throw this.#unusable("write", error);
    }
  }

  #unusable(action: string, cause: unknown): UdpchatError {
    return new UdpchatError("HOME_UNUSABLE", `cannot ${action} ${this.manager.file}`, {
      cause,
      remedy: "check its permissions",
    });
  }
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
