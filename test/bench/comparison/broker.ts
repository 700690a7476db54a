import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { delimiter, join } from "node:path";
import process from "node:process";
import { setTimeout as delay } from "node:timers/promises";
import type { Endpoint } from "../contenders/contender.js";
import { killAtExit } from "./killAtExit.js";

const START_MS = 10_000;
const POLL_MS = 50;
/** Where Debian puts servers; users often have no such PATH. */
const MORE_PATHS = ["/usr/sbin", "/usr/local/sbin"];

/** A server of somebody else's that a contender needs. */
export interface BrokerProgram {
  readonly command: string;
  /** Debian's package. */
  readonly debianPackage: string;
  /** The content of its configuration file. */
  configuration(at: Endpoint): string;
  arguments(configurationFile: string): readonly string[];
}

/** The path of a command; undefined if it is not installed. */
function findCommand(command: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), ...MORE_PATHS];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A broker with a configuration and a port of its own. It ends with this process. */
export class Broker {
  readonly at: Endpoint;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  #output = "";
  #hasEnded = false;

  /** Resolves when it takes connections. `folder` is its own, and made. */
  static async start(program: BrokerProgram, at: Endpoint, folder: string): Promise<Broker> {
    const path = findCommand(program.command);
    if (path === undefined) {
      throw new Error(`not measured: apt-get install ${program.debianPackage}`);
    }
    mkdirSync(folder, { recursive: true });
    const file = join(folder, `${program.command}.conf`);
    writeFileSync(file, program.configuration(at));
    const broker = new Broker(path, program.arguments(file), at);
    await broker.#listening();
    return broker;
  }

  private constructor(path: string, args: readonly string[], at: Endpoint) {
    this.at = at;
    this.#child = spawn(path, [...args], { stdio: ["ignore", "pipe", "pipe"] });
    killAtExit(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#output = `${this.#output}${text}`.slice(-2000);
      });
    }
    this.#ended = new Promise<void>((resolve) => {
      const end = (): void => {
        this.#hasEnded = true;
        resolve();
      };
      this.#child.once("error", end);
      this.#child.once("exit", end);
    });
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  async #listening(): Promise<void> {
    const endMs = performance.now() + START_MS;
    while (!(await takesConnections(this.at))) {
      if (this.#hasEnded || performance.now() > endMs) {
        await this.stop();
        throw new Error(`the broker did not start: ${this.#output.trim()}`);
      }
      await delay(POLL_MS);
    }
  }
}

function takesConnections({ address, port }: Endpoint): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
  });
}
