import type {
  GroupLine,
  HistoryLine,
  PeerLine,
  ProgressLine,
  SettingLine,
} from "../../api/lines.js";
import { toJson } from "../../sanitise.js";
import type { Line, Printer, Write } from "./printer.js";

/** One JSON object a line. Parsed, texts and names are as the peer sent them. */
export class JsonPrinter implements Printer {
  readonly forScripts = true;
  readonly #write: Write;

  constructor(write: Write) {
    this.#write = write;
  }

  line(line: Line): Promise<void> {
    return this.#write(`${toJson(line)}\n`);
  }

  async peers(peers: readonly PeerLine[]): Promise<void> {
    for (const peer of peers) await this.line(peer);
  }

  async groups(groups: readonly GroupLine[]): Promise<void> {
    for (const group of groups) await this.line(group);
  }

  async history(messages: readonly HistoryLine[]): Promise<void> {
    for (const message of messages) await this.line(message);
  }

  outbox(queued: readonly HistoryLine[]): Promise<void> {
    return this.history(queued);
  }

  async settings(settings: readonly SettingLine[]): Promise<void> {
    for (const setting of settings) await this.line(setting);
  }

  dropped(message: HistoryLine): Promise<void> {
    return this.line(message);
  }

  progress(progress: ProgressLine): Promise<void> {
    return this.line(progress);
  }
}
