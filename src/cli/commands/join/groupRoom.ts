import type { GroupLine } from "../../../api/lines.js";
import type { Api } from "../../../api/operations.js";
import { sanitiseName, shellWord } from "../../../sanitise.js";
import type { Room, Said } from "../../chat/terminalChat.js";
import type { Names } from "../../printers/names.js";

/** A group that we are in. */
export class GroupRoom implements Room {
  readonly label: string;
  readonly isOfOnePerson = false;
  readonly historyCommand: string;
  readonly groups: readonly string[];
  /** Online, ourselves not included. */
  others: number;
  readonly #group: string;
  readonly #api: Api;

  private constructor({ group, members }: GroupLine, groups: readonly string[], api: Api) {
    this.label = sanitiseName(group);
    this.historyCommand = `udpchat history --group ${shellWord(group)}`;
    this.groups = groups;
    this.others = members.length;
    this.#group = group;
    this.#api = api;
  }

  static async enter(joined: GroupLine, api: Api): Promise<GroupRoom> {
    const groups = await api.call("groups", {});
    return new GroupRoom(
      joined,
      groups.map(({ group }) => sanitiseName(group)),
      api,
    );
  }

  async say(text: string): Promise<Said> {
    const { id } = await this.#api.call("say", { group: this.#group, text });
    return { id, state: this.others === 0 ? "kept" : "sent" };
  }

  async who(names: Names, signal: AbortSignal): Promise<string> {
    const groups = await this.#api.call("groups", {}, { signal });
    const members = groups.flatMap((line) =>
      line.type === "group" && line.group === this.#group ? line.members : [],
    );
    const here = members.map((peer) => names.of(peer)).toSorted();
    return `* in ${this.label}: ${[...here, "you"].join(", ")} (${here.length + 1} online)`;
  }
}
