import type { PeerRefLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName, shellWord } from "../../../sanitise.js";
import { DirectMessages } from "../../chat/directMessages.js";
import type { Room, Said } from "../../chat/terminalChat.js";
import type { CommandContext } from "../../context.js";
import { endpoint, type Names } from "../../printers/names.js";
import type { Partner } from "./partner.js";

/** A chat with one person. */
export class PeerRoom implements Room {
  readonly isOfOnePerson = true;
  readonly firstState = "sent";
  readonly groups: readonly string[] = [];
  readonly label: string;
  readonly historyCommand: string;
  readonly #partner: Partner;
  readonly #api: Api;
  readonly #messages: DirectMessages;
  readonly #isByDaemon: boolean;

  constructor(partner: Partner, api: Api, context: CommandContext, isByDaemon: boolean) {
    const { id, name } = partner.ref;
    this.label = sanitiseName(name);
    this.historyCommand = `udpchat history --peer ${shellWord(id?.slice(0, 8) ?? name)}`;
    this.#partner = partner;
    this.#api = api;
    this.#messages = new DirectMessages(api, context, isByDaemon);
    this.#isByDaemon = isByDaemon;
  }

  async say(text: string): Promise<Said> {
    const { id, status, to } = await this.#messages.send(this.#partner.target, text);
    this.#partner.answered(to);
    return { id, state: status };
  }

  /** `* bob is online (10.77.0.2:22400), verified`. */
  async who(names: Names, signal: AbortSignal): Promise<string> {
    const { ref } = this.#partner;
    const listed = await this.#partner.listed(this.#api, signal);
    const name = ref.id === null ? this.label : names.of(ref);
    if (listed === undefined) {
      return ref.address === "" || ref.port === 0
        ? this.awayText(names)
        : `* talking with ${name}${ref.id === null ? "" : ` (${endpoint(ref)})`}`;
    }
    if (listed.state === "offline") return this.awayText(names);
    return `* ${name} is online (${endpoint(listed)})${trustText(listed)}`;
  }

  /** Said to somebody who is not there. */
  awayText(names: Names): string {
    const name = this.#partner.ref.id === null ? this.label : names.of(this.#partner.ref);
    if (!this.#messages.areKept) return `* ${name} is away: what you say is not kept`;
    const until = this.#isByDaemon ? "" : ", while this chat is open or a daemon runs";
    return `* ${name} is away: what you say is kept, and goes when ${name} is back${until}`;
  }
}

const TRUST_TEXT: Readonly<Partial<Record<string, string>>> = {
  verified: ", verified",
  conflict: ", not the one you know",
};

function trustText({ trust }: Pick<PeerRefLine, "trust">): string {
  return TRUST_TEXT[trust ?? ""] ?? "";
}
