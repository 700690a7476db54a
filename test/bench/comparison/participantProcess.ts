import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import * as v from "valibot";
import { programPath } from "../programs.js";
import { killAtExit } from "./killAtExit.js";
import { type Assignment, type Order, type Report, ReportSchema } from "./orders.js";

/** Longer than anything that is asked of one takes. */
const PATIENCE_MS = 30_000;
const STOP_MS = 3_000;
const MAX_STDERR_CHARACTERS = 2_000;

export interface ParticipantOptions {
  readonly assignment: Assignment;
  /** What comes before Node: `ip netns exec NAME`, or nothing. */
  readonly prefix: readonly string[];
  /** Of Node, behind it. */
  readonly nodeArguments?: readonly string[];
}

type Kind = Report["kind"];
type ReportOf<K extends Kind> = Extract<Report, { readonly kind: K }>;

interface Waiting {
  readonly resolve: (report: Report) => void;
  readonly reject: (error: Error) => void;
}

/** A process of a contender. It ends with this one, however this one ends. */
export class ParticipantProcess {
  readonly #child: ChildProcess;
  readonly #what: string;
  readonly #ended: Promise<void>;
  #stderr = "";
  #problem: Error | undefined;
  #waiting: Waiting | undefined;
  /** A report that came before anybody waited: `ready`, or that it failed. */
  #early: Report | undefined;

  constructor({ assignment, prefix, nodeArguments = [] }: ParticipantOptions) {
    this.#what = `${assignment.contender}, ${assignment.role}`;
    const line = [
      ...prefix,
      process.execPath,
      ...nodeArguments,
      programPath("contenders/participant"),
    ];
    const [command = process.execPath, ...args] = line;
    // The settings of whoever runs this stay out.
    const inherited = Object.entries(process.env).filter(([key]) => !key.startsWith("UDPCHAT_"));
    this.#child = spawn(command, [...args, JSON.stringify(assignment)], {
      env: Object.fromEntries(inherited),
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    killAtExit(this.#child);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = `${this.#stderr}${text}`.slice(-MAX_STDERR_CHARACTERS);
    });
    this.#child.on("message", (message) => this.#take(v.parse(ReportSchema, message)));
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#end(error.message);
        resolve();
      });
      this.#child.once("exit", (code, signal) => {
        this.#end(`ended (${signal ?? code}) ${this.#stderr.trim()}`);
        resolve();
      });
    });
  }

  /** Resolves with where it is, if that is known to it alone. */
  async ready(): Promise<ReportOf<"ready">["at"]> {
    return (await this.#report("ready")).at;
  }

  /** Resolves with the report on the order, of that kind. */
  async order<K extends Kind>(order: Order, kind: K): Promise<ReportOf<K>> {
    if (this.#problem !== undefined) throw this.#problem;
    this.#child.send(order);
    return this.#report(kind);
  }

  /** Lets it end by itself, so that a profile is written; kills it if it does not. */
  async stop(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  async #report<K extends Kind>(kind: K): Promise<ReportOf<K>> {
    const report = this.#early ?? (await this.#next());
    this.#early = undefined;
    if (report.kind === "failed") throw this.#error(report.message);
    if (!isOf(report, kind)) throw this.#error(`said ${report.kind} and not ${kind}`);
    return report;
  }

  #next(): Promise<Report> {
    return new Promise((resolve, reject) => {
      if (this.#problem !== undefined) reject(this.#problem);
      const timer = setTimeout(
        () => reject(this.#error(`no word for ${PATIENCE_MS / 1000} s`)),
        PATIENCE_MS,
      );
      this.#waiting = {
        resolve: (report) => {
          clearTimeout(timer);
          resolve(report);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      };
    });
  }

  #take(report: Report): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#early = report;
    else waiting.resolve(report);
  }

  #end(how: string): void {
    this.#problem ??= this.#error(how);
    this.#waiting?.reject(this.#problem);
    this.#waiting = undefined;
  }

  #error(text: string): Error {
    return new Error(`${this.#what}: ${text}`);
  }
}

function isOf<K extends Kind>(report: Report, kind: K): report is ReportOf<K> {
  return report.kind === kind;
}
