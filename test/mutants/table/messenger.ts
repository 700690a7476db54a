import { mutantsOf, unit } from "../mutant.js";

/** What holds between the core and the disk, and for what the user decided. */
export const MESSENGER = [
  ...mutantsOf("src/messenger/driver.ts", [
    {
      name: "promise before answer: recorded before it is transmitted",
      find: "    const recorded = this.#record(events);\n    try {\n      this.#settleAll(recorded);\n    } finally {\n      for (const transmit of transmits) this.#transmit(transmit);",
      replace:
        "    for (const transmit of transmits) this.#transmit(transmit);\n    const recorded = this.#record(events);\n    try {\n      this.#settleAll(recorded);\n    } finally {",
      why: "an acknowledgement leaves for a text that a crash takes",
      caughtBy: unit("messenger/recording"),
    },
    {
      name: "promise before answer: nothing leaves for what is not kept",
      find: "      this.stop();\n      throw error;",
      replace: "      return events;",
      why: "a text that could not be stored is told as delivered",
      caughtBy: unit("messenger/recording"),
    },
    {
      name: "one event that fails keeps nothing else",
      find: "        errors.push(error);",
      replace: "        throw error;",
      why: "one broken listener loses the events behind it",
      caughtBy: unit("messenger/driver"),
    },
  ]),
  ...mutantsOf("src/messenger/recorder.ts", [
    {
      name: "promise before answer: with a promise",
      find: 'events.some(isPromise) ? "promise" : "soon"',
      replace: '"soon"',
      why: "a power cut takes what was acknowledged",
      caughtBy: unit("messenger/recording"),
    },
    {
      name: "dedupe of messages across restarts",
      find: "return events.filter((_event, index) => news[index] === true);",
      replace: "return events;",
      why: "a text whose acknowledgement was lost is shown again after a restart",
      caughtBy: unit("messenger/outbox"),
    },
  ]),
  ...mutantsOf("src/store/database.ts", [
    {
      name: "promise before answer: FULL sync",
      find: 'durability === "promise" ? "FULL" : "NORMAL"',
      replace: '"NORMAL"',
      why: "a power cut takes what was acknowledged",
      caughtBy: unit("store/database"),
    },
    {
      name: "promise before answer: within another batch",
      find: "if (this.#owesPromise) this.probe();",
      replace: "",
      why: "a promise that is made within a batch that promises less is none",
      caughtBy: unit("store/database"),
    },
    {
      name: "batches: all or nothing",
      find: "      this.#rollBack();\n      throw error;",
      replace: '      this.#exec("COMMIT");\n      throw error;',
      why: "half of what belongs together is stored",
      caughtBy: unit("store/database"),
    },
  ]),
  ...mutantsOf("src/store/memoryMessageStore.ts", [
    {
      name: "message id uniqueness in memory",
      find: "if (this.#messages.get(author.device, id) !== undefined) return undefined;",
      replace: "",
      why: "one message is two in the history",
      caughtBy: unit("store/messageStore.contract"),
    },
    {
      name: "client id uniqueness in memory",
      find: "if (clientId !== undefined && this.findByClientId(clientId) !== undefined) return undefined;",
      replace: "",
      why: "a script that tries again sends twice",
      caughtBy: unit("store/messageStore.contract"),
    },
  ]),
  ...mutantsOf("src/store/schema.ts", [
    {
      name: "message id uniqueness on disk",
      find: "CREATE UNIQUE INDEX messages_by_client_id ON",
      replace: "CREATE INDEX messages_by_client_id ON",
      why: "two processes of a home send one client id twice",
      caughtBy: unit("store/messageStore.contract"),
    },
  ]),
  ...mutantsOf("src/messenger/keptTexts.ts", [
    {
      name: "idempotent client ids",
      find: "if (known !== undefined) return this.#again(known, text, target);",
      replace: "",
      why: "a script that tries again sends twice",
      caughtBy: unit("messenger/clientIds"),
    },
    {
      name: "promise before answer: queued",
      find: "const isPromise = queue || clientId !== undefined;",
      replace: "const isPromise = clientId !== undefined;",
      why: "a power cut takes a text that was told as queued",
      caughtBy: unit("messenger/keptTexts"),
    },
  ]),
  ...mutantsOf("src/messenger/outbox.ts", [
    {
      name: "order of the outbox: one place for all",
      find: "place ?? message.to",
      replace: "message.to ?? place",
      why: "what was queued later overtakes where only that knows an address",
      caughtBy: unit("messenger/outbox"),
    },
    {
      name: "queued expiry",
      find: "if (this.#expired().length === 0) return;",
      replace: "if (this.#expired().length >= 0) return;",
      why: "a text of last month arrives as if it had been said today",
      caughtBy: unit("messenger/outbox"),
    },
    {
      name: "queued expiry: not what is on its way here",
      find: 'state === "queued" || !kept.has(id)',
      replace: "id !== state",
      why: "a text is told as undelivered that is being delivered",
      caughtBy: unit("messenger/outbox"),
    },
    {
      name: "queued again: less and less often",
      find: "FIRST_PAUSE_MS * 2 ** lane.failures",
      replace: "FIRST_PAUSE_MS",
      why: "a peer that does not answer is called without end",
      caughtBy: unit("messenger/outbox"),
    },
  ]),
  ...mutantsOf("src/messenger/trustBook.ts", [
    {
      name: "trust pin: KEY_CHANGED",
      find: 'if (this.#conflicts(id, name)) return "conflict";',
      replace: "",
      why: "a stranger under a known name is taken for that peer",
      caughtBy: unit("messenger/trustBook"),
    },
    {
      name: "trust pin: a key in conflict is never pinned",
      find: "this.isBlocked(id) || this.#conflicts(id, name)) return;",
      replace: "this.isBlocked(id)) return;",
      why: "whoever writes under a known name shares it from then on",
      caughtBy: unit("messenger/trustBook"),
    },
    {
      name: "trust pin: renaming",
      find: "    if (this.#conflicts(id, name)) return;\n",
      replace: "",
      why: "a known key takes the name of another one",
      caughtBy: unit("messenger/trustBook"),
    },
    {
      name: "trust pin: blocked and unblocked",
      find: 'trust === "known" && this.#conflicts(id, name) ? "" : name',
      replace: "name",
      why: "being blocked and unblocked is a way to somebody else's name",
      caughtBy: unit("messenger/trustBook"),
    },
    {
      name: "trust pin: blocked is blocked",
      find: 'return this.#records.get(device)?.trust === "blocked";',
      replace: "return device.length === 0;",
      why: "nobody is ever blocked",
      caughtBy: unit("messenger/trustBook"),
    },
    {
      name: "warnings of one name: their number",
      find: "count >= MAX_WARNINGS_PER_NAME",
      replace: "count < 0",
      why: "ever new keys under one name flood the terminal",
      caughtBy: unit("messenger/trustBook"),
    },
  ]),
  ...mutantsOf("src/messenger/target.ts", [
    {
      name: "trust pin: no stranger for a name that stands for somebody",
      find: 'if (found?.trust === "conflict" && !byKey.includes(found)) throw keyChanged(found);',
      replace: "",
      why: "a text by name goes to whoever took that name",
      caughtBy: unit("messenger/target"),
    },
  ]),
  ...mutantsOf("src/store/trust.ts", [
    {
      name: "known keys: of those who merely wrote to us",
      find: "const keptOfThem = Math.min(MAX_KNOWN_BY_THEM, Math.max(0, MAX_KNOWN - byUs.length));",
      replace: "const keptOfThem = Math.max(0, MAX_KNOWN - byUs.length);",
      why: "strangers fill the file",
      caughtBy: unit("store/trust"),
    },
    {
      name: "known keys: ours go for nobody",
      find: "...beyond(byUs, MAX_KNOWN)]",
      replace: "...beyond(byUs, MAX_KNOWN - byThem.length)]",
      why: "strangers push out the keys that we pinned, and their names are free",
      caughtBy: unit("store/trust"),
    },
  ]),
  ...mutantsOf("src/messenger/reception.ts", [
    {
      name: "trust: texts of verified peers alone",
      find: 'if (kind === "text" && preferences.requireVerified && !trust.isVerified(device)) {',
      replace: 'if (kind === "text" && preferences.requireVerified && device === "") {',
      why: "a messenger for verified peers alone shows what strangers write",
      caughtBy: unit("messenger/trust"),
    },
  ]),
  ...mutantsOf("src/messenger/requests.ts", [
    {
      name: "trust: requests of verified peers alone",
      find: 'if (requireVerified && request.from.trust !== "verified") {',
      replace: 'if (requireVerified && request.from.trust === "blocked") {',
      why: "a bot for verified peers alone serves strangers",
      caughtBy: unit("messenger/trust"),
    },
  ]),
  ...mutantsOf("src/messenger/plainText.ts", [
    {
      name: "plain text: the rate of one address",
      find: "const allowed = this.#buckets.take(nowMs, datagram.from.address);",
      replace: "const allowed = this.#buckets.size >= 0;",
      why: "bare datagrams flood whoever listens",
      caughtBy: unit("messenger/plainText"),
    },
  ]),
  ...mutantsOf("src/messenger/inbox.ts", [
    {
      name: "plain text: never verified",
      find: "      verified: false,",
      replace: "      verified: true,",
      why: "bare datagrams pass for signed ones",
      caughtBy: unit("messenger/messenger", "shows plain text from anybody, unverified"),
    },
  ]),
];
