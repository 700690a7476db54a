import type {
  GroupLine,
  HistoryLine,
  PeerLine,
  ProgressLine,
  SettingLine,
} from "../../api/lines.js";
import type { Line, Printer } from "./printer.js";

/** For programs: whatever is printed, it is one line after the other. */
export abstract class LinePrinter implements Printer {
  readonly forScripts = true;

  abstract line(line: Line): Promise<void>;

  peers(peers: readonly PeerLine[]): Promise<void> {
    return this.#each(peers);
  }

  groups(groups: readonly GroupLine[]): Promise<void> {
    return this.#each(groups);
  }

  history(messages: readonly HistoryLine[]): Promise<void> {
    return this.#each(messages);
  }

  outbox(queued: readonly HistoryLine[]): Promise<void> {
    return this.#each(queued);
  }

  settings(settings: readonly SettingLine[]): Promise<void> {
    return this.#each(settings);
  }

  dropped(message: HistoryLine): Promise<void> {
    return this.line(message);
  }

  progress(progress: ProgressLine): Promise<void> {
    return this.line(progress);
  }

  async #each(lines: readonly Line[]): Promise<void> {
    for (const line of lines) await this.line(line);
  }
}
