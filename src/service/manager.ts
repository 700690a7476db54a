import type { ProgramWords, ServiceProgram } from "./program.js";

/** What a service manager says of a service. */
export interface ServiceState {
  /** It is started without anybody asking for it. */
  readonly enabled: boolean;
  readonly running: boolean;
  /** Undefined where the manager does not tell. */
  readonly pid: number | undefined;
}

/** One service of the system's own service manager, for this user. */
export interface ServiceManager {
  readonly kind: "systemd" | "launchd" | "taskScheduler";
  /** Where its definition lies. */
  readonly file: string;
  readonly encoding: "utf8" | "utf16le";
  define(program: ServiceProgram): string;
  /** What a definition starts; undefined if it is none of ours. */
  programOf(definition: string): ProgramWords | undefined;
  /** @throws UdpchatError NO_SERVICE_MANAGER if none answers this user */
  assertUsable(): Promise<void>;
  /**
   * Takes the definition from its file, has it started from now on, and starts it; `changed`: anew
   * if it runs. Resolves when it runs. @throws UdpchatError SERVICE_FAILED
   */
  enable(changed: boolean): Promise<void>;
  /** Stops it, and has it started no more. */
  disable(): Promise<void>;
  /** The definition is gone. */
  forget(): Promise<void>;
  /** Resolves when it runs. @throws UdpchatError SERVICE_FAILED */
  start(): Promise<void>;
  state(): Promise<ServiceState>;
  /** Whether it runs while this user is not logged in, and the command that has it do so. */
  presence(): Promise<{ readonly withoutLogin: boolean; readonly remedy: string } | undefined>;
}
