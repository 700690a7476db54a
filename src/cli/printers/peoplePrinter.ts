import type {
  GroupLine,
  HistoryLine,
  PeerLine,
  ProgressLine,
  SettingLine,
} from "../../api/lines.js";
import { sanitiseName, sanitiseText } from "../../sanitise.js";
import { conversationText, progressText, requestText } from "./conversation.js";
import { diagnosisText, findingText } from "./findings.js";
import { droppedText, historyLog, historyRow, historyTabs } from "./historyLog.js";
import { logText } from "./logText.js";
import { endpoint, Names } from "./names.js";
import type { Line, Printer, Write } from "./printer.js";
import { deliveryText, idText, statusText, trustText } from "./results.js";
import { serviceText } from "./serviceText.js";
import { reloadedText, settingTabs, settingText } from "./settingText.js";
import type { Style } from "./style.js";
import {
  groupTable,
  groupTabs,
  outboxTable,
  outboxTabs,
  peerRow,
  peerRowHead,
  peerTable,
  peerTabs,
  settingTable,
} from "./tables.js";

export interface PeoplePrinterOptions {
  readonly style: Style;
  /** Columns that line up, for eyes; otherwise tabs, for `cut`. */
  readonly tables: boolean;
  /** Milliseconds since 1970. Default: this machine's clock. */
  readonly nowMs?: () => number;
}

/** Sentences and tables. Everything in them that a peer chose is sanitised. */
export class PeoplePrinter implements Printer {
  readonly forScripts = false;
  readonly #write: Write;
  readonly #style: Style;
  readonly #tables: boolean;
  readonly #nowMs: () => number;
  readonly #names = new Names();
  #peerHeadPrinted = false;
  /** In a chat of one group its name on each line says nothing. */
  #inOneGroup = false;

  constructor(write: Write, { style, tables, nowMs = Date.now }: PeoplePrinterOptions) {
    this.#write = write;
    this.#style = style;
    this.#tables = tables;
    this.#nowMs = nowMs;
  }

  async line(line: Line): Promise<void> {
    const text = await this.#text(line);
    if (text !== undefined) await this.#write(`${text}\n`);
  }

  async peers(peers: readonly PeerLine[]): Promise<void> {
    if (peers.length === 0) return;
    this.#names.learn(peers);
    if (this.#tables) {
      await this.#write(`${await peerTable(peers, this.#names, this.#style)}\n`);
    } else {
      for (const peer of peers) await this.line(peer);
    }
  }

  async groups(groups: readonly GroupLine[]): Promise<void> {
    if (groups.length === 0) return;
    const text = this.#tables
      ? await groupTable(groups, this.#style)
      : groups.map(groupTabs).join("\n");
    await this.#write(`${text}\n`);
  }

  async history(messages: readonly HistoryLine[]): Promise<void> {
    if (messages.length === 0) return;
    const text = this.#tables
      ? historyLog(messages, this.#names, this.#style)
      : messages.map((message) => historyTabs(message, this.#names)).join("\n");
    await this.#write(`${text}\n`);
  }

  async outbox(queued: readonly HistoryLine[]): Promise<void> {
    if (queued.length === 0) return;
    const text = this.#tables
      ? await outboxTable(queued, this.#names, this.#style, this.#nowMs())
      : queued.map((message) => outboxTabs(message, this.#names)).join("\n");
    await this.#write(`${text}\n`);
  }

  async settings(settings: readonly SettingLine[]): Promise<void> {
    const text = this.#tables
      ? await settingTable(settings, this.#style)
      : settings.map(settingTabs).join("\n");
    await this.#write(`${text}\n`);
  }

  async dropped(message: HistoryLine): Promise<void> {
    await this.#write(`${droppedText(message, this.#names)}\n`);
  }

  async progress(progress: ProgressLine): Promise<void> {
    await this.#write(`${progressText(progress, this.#names, this.#style)}\n`);
  }

  /** Undefined for lines that tell people nothing. */
  async #text(line: Line): Promise<string | undefined> {
    const names = this.#names;
    const style = this.#style;
    const withGroup = !this.#inOneGroup;
    switch (line.type) {
      case "peer":
        return await this.#peerText(line);
      case "message":
        return "own" in line
          ? historyRow(line, names, style)
          : conversationText(line, names, style, withGroup);
      case "request":
        return requestText(line, names, style);
      case "group":
        this.#inOneGroup = true;
        return conversationText(line, names, style, withGroup);
      case "presence":
      case "gap":
      case "warning":
      case "invitation":
      case "removed":
        return conversationText(line, names, style, withGroup);
      case "reply":
        return sanitiseText(line.text);
      case "delivery":
        return line.status === "read"
          ? progressText(line, names, style)
          : deliveryText(line, names);
      case "id":
        return idText(line);
      case "finding":
        return findingText(line, style);
      case "diagnosis":
        return diagnosisText(line, style);
      case "status":
        return statusText(line);
      case "verification":
        return sanitiseName(line.code);
      case "trust":
        return trustText(line, names);
      case "invited":
        return `invited ${names.of(line.to)} (${endpoint(line.to)}) to ${sanitiseName(line.group)}`;
      case "left":
        return `left ${sanitiseName(line.group)}`;
      case "sent":
        // Of plain text nothing is known that people would want to read.
        return line.group === null ? undefined : `sent to ${sanitiseName(line.group)}`;
      case "service":
        return serviceText(line);
      case "setting":
        return settingText(line);
      case "config":
        return sanitiseName(line.path);
      case "reloaded":
        return reloadedText(line);
      case "log":
        return logText(line, style);
      case "stopped":
        return `stopped: pid ${line.pid}`;
      case "resync":
        return `* ${sanitiseName(line.message)}`;
      // What findings rest on: for scripts.
      case "examination":
      case "ready":
      case "answered":
      // Errors are sentences on standard error.
      case "error":
        return undefined;
    }
  }

  async #peerText(peer: PeerLine): Promise<string> {
    if (!this.#tables) return peerTabs(peer, this.#names);
    const row = await peerRow(peer, this.#names, this.#style);
    if (this.#peerHeadPrinted) return row;
    this.#peerHeadPrinted = true;
    return `${await peerRowHead(this.#style)}\n${row}`;
  }
}
