/** What `npm run bench` can do, each by its name: see `main.ts`. */
export interface Job {
  readonly name: string;
  /** In a few words, for the usage. */
  readonly what: string;
  run(options: JobOptions): Promise<JobReport>;
}

export interface JobOptions {
  /** One host and its loopback interface, even where namespaces can be had. */
  readonly loopback: boolean;
  /** As little as shows that it works: the figures are worth nothing. */
  readonly quick: boolean;
  /** Of the comparison: only these measures, entrants and payloads. Empty: all. */
  readonly measures: readonly string[];
  readonly contenders: readonly string[];
  /** Bytes of the payloads. */
  readonly sizes: readonly number[];
  /** CPU profiles of all contenders go there. */
  readonly profiles: string | undefined;
  readonly tell: (line: string) => void;
  /** Is called once, also on Ctrl-C. */
  readonly atTheEnd: (dispose: () => Promise<void> | void) => void;
}

export interface JobReport {
  /** In words, with what it can't do. */
  readonly network: string;
  readonly results: readonly unknown[];
  readonly table: string;
  /** An SVG of it. */
  readonly chart?: (facts: string) => string;
  /** Something could not be measured that should have been. */
  readonly failed: boolean;
}
