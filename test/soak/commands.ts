/** Whom a command is about, and what it says. */
interface Words {
  readonly name: string;
  readonly address: string;
  readonly text: string;
}

/** A command line that ends by itself. */
export interface Command {
  readonly what: string;
  /** What follows the name of the command. */
  readonly argv: (words: Words) => readonly string[];
  /** In a home without a daemon. */
  readonly isAlone: boolean;
}

const DATA_PORT = 22_400;
const PATIENCE = ["--timeout", "2s"];
const BRIEFLY = ["--json", "--timeout", "500ms"];

/** What people type, with a daemon and without. */
export const COMMANDS: readonly Command[] = [
  { what: "peers", isAlone: false, argv: () => ["--json"] },
  { what: "status", isAlone: false, argv: () => ["--json"] },
  { what: "groups", isAlone: false, argv: () => [] },
  { what: "outbox", isAlone: false, argv: () => ["--json"] },
  { what: "history", isAlone: false, argv: () => ["--limit", "20", "--json"] },
  { what: "send", isAlone: false, argv: ({ name, text }) => [name, text, ...PATIENCE] },
  { what: "ask", isAlone: false, argv: ({ name, text }) => [name, text, ...PATIENCE] },
  { what: "say", isAlone: false, argv: ({ text }) => ["#yard", text] },
  { what: "discover", isAlone: false, argv: () => BRIEFLY },
  {
    what: "send",
    isAlone: false,
    argv: ({ address, text }) => ["--plain", `${address}:${DATA_PORT}`, text],
  },
  { what: "send", isAlone: true, argv: ({ address, text }) => [address, text, ...PATIENCE] },
  { what: "ask", isAlone: true, argv: ({ address, text }) => [address, text, ...PATIENCE] },
  { what: "discover", isAlone: true, argv: () => BRIEFLY },
];
