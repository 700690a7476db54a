import { spawn } from "node:child_process";
import process from "node:process";
import { sanitiseName } from "../../sanitise.js";
import type { NotifyKind } from "./notifyKind.js";

/** The program that shows a notification, with its arguments. */
export interface NotifyCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface NotifierParts {
  readonly ring: () => void;
  /** Rejects if it cannot be shown. */
  readonly show: (command: NotifyCommand) => Promise<void>;
  readonly remark: (text: string) => void;
  readonly platform: NodeJS.Platform;
  readonly nowMs: () => number;
}

/** Who is told once a second is told enough; a notification stays for some seconds. */
const PAUSE_MS: Readonly<Record<NotifyKind, number>> = { bell: 1000, desktop: 3000 };
const MAX_TITLE_CHARACTERS = 60;
const MAX_TEXT_CHARACTERS = 200;
/** PowerShell takes seconds to start. */
const SHOW_MS = 15_000;

/** Rings or shows a notification, but not for each of many lines. */
export class Notifier {
  readonly #parts: NotifierParts;
  #kind: NotifyKind | undefined;
  #notBeforeMs = 0;

  constructor(kind: NotifyKind | undefined, parts: NotifierParts) {
    this.#kind = kind;
    this.#parts = parts;
  }

  /** Of what others wrote. */
  async notify(title: string, text: string): Promise<void> {
    const kind = this.#kind;
    const { nowMs, platform, remark, ring, show } = this.#parts;
    if (kind === undefined || nowMs() < this.#notBeforeMs) return;
    this.#notBeforeMs = nowMs() + PAUSE_MS[kind];
    if (kind === "bell") return ring();
    const command = notifyCommand(
      platform,
      shortened(title, MAX_TITLE_CHARACTERS),
      shortened(text, MAX_TEXT_CHARACTERS),
    );
    try {
      await show(command);
    } catch {
      this.#kind = "bell";
      remark(`udpchat: ${command.program} shows no notification here: the bell rings instead`);
      ring();
    }
  }
}

/** Neither text is ever part of a command or a script, whatever it says. */
export function notifyCommand(
  platform: NodeJS.Platform,
  title: string,
  text: string,
): NotifyCommand {
  switch (platform) {
    case "darwin":
      return { program: "osascript", args: ["-e", APPLE_SCRIPT, "--", title, text], env: {} };
    case "win32":
      return {
        program: "powershell.exe",
        args: ["-NoProfile", "-NonInteractive", "-Command", POWER_SHELL],
        env: { UDPCHAT_NOTIFY_TITLE: title, UDPCHAT_NOTIFY_TEXT: text },
      };
    default:
      // The body may hold markup (Desktop Notifications Specification 1.2).
      return {
        program: "notify-send",
        args: ["--app-name=udpchat", "--", title, withoutMarkup(text)],
        env: {},
      };
  }
}

const APPLE_SCRIPT =
  "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\nend run";

/** A balloon of the tray, which every Windows has; the program that shows it must stay meanwhile. */
const POWER_SHELL = `
Add-Type -AssemblyName System.Windows.Forms
Add-Type -AssemblyName System.Drawing
$icon = New-Object System.Windows.Forms.NotifyIcon
$icon.Icon = [System.Drawing.SystemIcons]::Information
$icon.Visible = $true
$icon.ShowBalloonTip(4000, $env:UDPCHAT_NOTIFY_TITLE, $env:UDPCHAT_NOTIFY_TEXT, 'None')
Start-Sleep -Milliseconds 4000
$icon.Dispose()
`;

/** Runs it without a shell. @throws Error if it is not there, fails, or takes too long */
export function showNotification({ args, env, program }: NotifyCommand): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args], {
      env: { ...process.env, ...env },
      stdio: "ignore",
      windowsHide: true,
    });
    // Whoever leaves the chat waits for neither.
    child.unref();
    const timer = setTimeout(() => child.kill(), SHOW_MS).unref();
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("exit", (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new Error(`${program} failed`));
    });
  });
}

function withoutMarkup(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function shortened(text: string, maxCharacters: number): string {
  const characters = Array.from(sanitiseName(text));
  if (characters.length <= maxCharacters) return characters.join("");
  return `${characters.slice(0, maxCharacters).join("")}…`;
}
