import { mutantsOf, unit } from "../mutant.js";

/** What holds where bytes come in, and where people look at what others wrote. */
export const TEXTS = [
  ...mutantsOf("src/wire/header.ts", [
    {
      name: "version check",
      find: "datagram[0] !== MAGIC || datagram[1] !== PROTOCOL_VERSION",
      replace: "datagram[0] !== MAGIC",
      why: "a later version is read as if it were ours",
      caughtBy: unit("wire/header"),
    },
    {
      name: "datagram size bound",
      find: "return datagram.length > maxBytes ? undefined : type;",
      replace: "return maxBytes === 0 ? undefined : type;",
      why: "datagrams that only fragments of IP can carry are taken",
      caughtBy: unit("wire/header"),
    },
    {
      name: "text is none of ours",
      find: "return datagram[0] === MAGIC;",
      replace: "return datagram.length > 0;",
      why: "bare text goes to the decoder and is never shown",
      caughtBy: unit("wire/header"),
    },
  ]),
  ...mutantsOf("src/programs/environment.ts", [
    {
      name: "names in an environment",
      find: 'UDPCHAT_FROM_NAME: sanitiseName(party?.name ?? ""),',
      replace: 'UDPCHAT_FROM_NAME: party?.name ?? "",',
      why: "a script prints a name that draws on the terminal, or NUL keeps it from starting",
      caughtBy: unit("programs/environment"),
    },
    {
      name: "variables of the line before",
      find: 'UDPCHAT_EVENT: presence?.event ?? "",',
      replace: "...(presence === undefined ? {} : { UDPCHAT_EVENT: presence.event }),",
      why: "a program takes what an outer one was told for its own",
      caughtBy: unit("programs/environment"),
    },
  ]),
  ...mutantsOf("src/programs/workQueue.ts", [
    {
      name: "work that waits",
      find: "if (this.#waiting.length >= this.#maxWaiting) return false;",
      replace: "",
      why: "who writes faster than our programs run fills our memory",
      caughtBy: unit("programs/workQueue"),
    },
    {
      name: "programs at a time",
      find: "this.#running < this.#concurrency",
      replace: "this.#running >= 0",
      why: "who writes fast starts as many programs as he likes",
      caughtBy: unit("programs/workQueue"),
    },
  ]),
  ...mutantsOf("src/cli/format/template.ts", [
    {
      name: "texts in a template",
      find: 'return field === "text" ? oneLine(value) : sanitiseName(value);',
      replace: "return value;",
      why: "a text draws on the terminal, or forges a line of a log",
      caughtBy: unit("cli/format/template"),
    },
  ]),
  ...mutantsOf("src/wire/record.ts", [
    {
      name: "message size bound",
      find: 'if (record.body.length > MAX_MESSAGE_BYTES) throw malformed("message too large");',
      replace: "",
      why: "a message is larger than anybody can store or pass on",
      caughtBy: unit("wire/record"),
    },
  ]),
  ...mutantsOf("src/crypto/identity.ts", [
    {
      name: "signatures of another length",
      find: "if (signature.length !== SIGNATURE_BYTES) return false;",
      replace: "",
      why: "a short signature throws in the middle of a turn",
      caughtBy: unit("crypto/identity"),
    },
  ]),
  ...mutantsOf("src/crypto/hash.ts", [
    {
      name: "digests are compared as a whole",
      find: "one.length === other.length && ",
      replace: "other.length > 0 && ",
      why: "a shorter proof throws, or is enough",
      caughtBy: unit("crypto/hash"),
    },
  ]),
  ...mutantsOf("src/sanitise.ts", [
    {
      name: "sanitiser: escape sequences",
      find: '"\\\\p{Cc}\\\\p{Cs}\\\\p{Zl}',
      replace: '"\\\\p{Cs}\\\\p{Zl}',
      why: "a text moves the cursor, or types into the terminal",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: bidi overrides",
      find: "\\\\p{Zp}\\\\p{Bidi_Control}",
      replace: "\\\\p{Zp}",
      why: "a text reads otherwise than it is",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: newlines in names",
      find: "    .replace(HOSTILE_IN_LINE, visible)",
      replace: "    .replace(HOSTILE_IN_TEXT, visible)",
      why: "a name forges a whole line of the chat",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: what nobody sees in names",
      find: "hidden === undefined ? found : visible(hidden)",
      replace: "found",
      why: "two names that differ look the same",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: tags that carry a hidden text",
      find: "\\\\u{FFF9}-\\\\u{FFFB}\\\\u{E0000}-\\\\u{E0FFF}",
      replace: "\\\\u{FFF9}-\\\\u{FFFB}",
      why: "a text hides another one",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: JSON lines",
      find: "json.replace(HOSTILE_IN_JSON, escaped)",
      replace: "json",
      why: "JSON lines on a terminal do what texts say",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: what needs nothing",
      find: "/^[\\x20-\\x7e]*$/",
      replace: "/^[\\x20-\\x9f]*$/",
      why: "what is taken for plain is shown as it came, controls as well",
      caughtBy: unit("sanitise"),
    },
    {
      name: "sanitiser: names in commands",
      find: "`'${shown.replaceAll(\"'\", \"'\\\\''\")}'`",
      replace: "shown",
      why: "a nickname is a command that people copy into their shell",
      caughtBy: unit("sanitise"),
    },
  ]),
  ...mutantsOf("src/cli/printers/conversation.ts", [
    {
      name: "sanitiser: further lines are indented",
      find: 'replaceAll("\\n", CONTINUATION)',
      replace: "trimEnd()",
      why: "the second line of a text passes for somebody else's",
      caughtBy: unit("cli/hostileLines", "indents every further line of a text"),
    },
  ]),
  ...mutantsOf("src/cli/chat/cells.ts", [
    {
      name: "sanitiser: what is being typed",
      find: 'text === "\\t" ? TAB : sanitiseText(text)',
      replace: "text",
      why: "what is pasted, or fetched from the history, moves the cursor out of the prompt",
      caughtBy: unit("cli/chat/draftLayout"),
    },
  ]),
  ...mutantsOf("src/cli/chat/notifier.ts", [
    {
      name: "sanitiser: notifications",
      find: "Array.from(sanitiseName(text))",
      replace: "Array.from(text)",
      why: "a text hides or reorders what a notification says",
      caughtBy: unit("cli/chat/notifier"),
    },
    {
      name: "notifications: no markup of others",
      find: "withoutMarkup(text)]",
      replace: "text]",
      why: "a text is formatted, or holds a link, in the notification",
      caughtBy: unit("cli/chat/notifier"),
    },
  ]),
  ...mutantsOf("src/cli/chat/screen.ts", [
    {
      name: "chat: more than can be read is passed over",
      find: "if (this.#waiting.length > MAX_WAITING) {",
      replace: "if (this.#waiting.length === 0) {",
      why: "a flood of lines fills the memory and freezes the prompt",
      caughtBy: unit("cli/chat/screen"),
    },
  ]),
  ...mutantsOf("src/daemon/logRecord.ts", [
    {
      name: "logs: what was said is withheld",
      find: 'isWithheld(name, value) ? "(withheld)" : valueAt(value, depth)',
      replace: "valueAt(value, depth)",
      why: "texts and keys are in the log",
      caughtBy: unit("daemon/logs"),
    },
  ]),
  ...mutantsOf("src/cli/completion/bashLine.ts", [
    {
      name: "completion: single quotes",
      find: "return rest.replaceAll(\"'\", \"'\\\\''\");",
      replace: "return rest;",
      why: "a name ends the quotes, and bash runs the rest of it",
      caughtBy: unit("cli/completion/bashLine"),
    },
    {
      name: "completion: double quotes",
      find: 'rest.replace(/[$`"\\\\]/g, "\\\\$&")',
      replace: "rest",
      why: "bash runs what a name says in $(...)",
      caughtBy: unit("cli/completion/bashLine"),
    },
    {
      name: "completion: no quotes",
      find: 'rest.replace(kept === "" ? UNSAFE : UNSAFE_WITHIN, "\\\\$&")',
      replace: "rest",
      why: "bash takes a part of a name for a command",
      caughtBy: unit("cli/completion/bashLine"),
    },
  ]),
  ...mutantsOf("src/cli/completion/peerWords.ts", [
    {
      name: "completion: names that cannot be shown",
      find: 'name !== "" && sanitiseName(name) === name',
      replace: 'name !== ""',
      why: "a name does at TAB what it says to the terminal",
      caughtBy: unit("cli/completion/peerWords"),
    },
    {
      name: "completion: names that begin as options do",
      find: 'name.startsWith("-") || ',
      replace: "",
      why: "somebody's name becomes an option of a command",
      caughtBy: unit("cli/completion/peerWords"),
    },
    {
      name: "completion: whom a name means",
      find: "words.find((word) => means(word, peer, namesakes)) ?? id",
      replace: "words[0] ?? id",
      why: "who chose a stranger at TAB writes to somebody else",
      caughtBy: unit("cli/completion/peerWords"),
    },
  ]),
];
