import process from "node:process";

export interface SignalHandlers {
  /** The first SIGTERM or SIGINT. */
  readonly stop: (signal: NodeJS.Signals) => void;
  /** SIGHUP. */
  readonly reload: () => void;
  /** Another one while stopping. */
  readonly force: () => void;
  /** An exception or rejection that nobody caught. */
  readonly crash: (thrown: unknown) => void;
}

/** Installs the handlers of this process; returns what takes them away. */
export function handleSignals(handlers: SignalHandlers): () => void {
  let stopping = false;
  const onStop = (signal: NodeJS.Signals): void => {
    if (stopping) {
      handlers.force();
      return;
    }
    stopping = true;
    handlers.stop(signal);
  };
  // Also a terminal that closes: a file that is as it was changes nothing, and the daemon goes on.
  const onHangUp = (): void => handlers.reload();
  const onCrash = (thrown: unknown): void => handlers.crash(thrown);
  process.on("SIGTERM", onStop);
  process.on("SIGINT", onStop);
  process.on("SIGHUP", onHangUp);
  process.on("uncaughtException", onCrash);
  process.on("unhandledRejection", onCrash);
  return () => {
    process.off("SIGTERM", onStop);
    process.off("SIGINT", onStop);
    process.off("SIGHUP", onHangUp);
    process.off("uncaughtException", onCrash);
    process.off("unhandledRejection", onCrash);
  };
}
