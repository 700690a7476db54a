import { mutantsOf, unit } from "../mutant.js";

/** What holds for the files of a home, and for the programs that share it. */
export const HOMES = [
  ...mutantsOf("src/store/atomicFile.ts", [
    {
      name: "file modes 0600",
      find: 'await open(temporary, "wx", 0o600)',
      replace: 'await open(temporary, "wx", 0o644)',
      why: "every user of the host reads the secret key",
      caughtBy: unit("store/trust"),
    },
    {
      name: "atomic file replace",
      find: "  const temporary = await writeTemporary(path, text);\n  try {\n    await rename(temporary, path);",
      replace:
        "  const temporary = await writeTemporary(path, text);\n  try {\n    await copyFile(temporary, path);",
      why: "a crash leaves half a file",
      caughtBy: unit("store/store"),
    },
    {
      name: "files that are made once",
      find: 'if (errnoOf(error) === "EEXIST") return false;',
      replace: 'if (errnoOf(error) === "EEXIST") return true;',
      why: "of two processes that start at once each has an identity of its own",
      caughtBy: unit("store/store"),
    },
  ]),
  ...mutantsOf("src/store/identityFile.ts", [
    {
      name: "file modes 0600: of an identity that is open to others",
      find: 'if (process.platform !== "win32" && (mode & 0o077) !== 0) await file.chmod(0o600);',
      replace: "",
      why: "a restored backup stays open to every user of the host",
      caughtBy: unit("store/store"),
    },
    {
      name: "identity: a damaged one is never replaced",
      find: "if (identity.device !== content.output.device) throw damaged(path);",
      replace: "",
      why: "one flipped bit makes us somebody else, silently",
      caughtBy: unit("store/store"),
    },
  ]),
  ...mutantsOf("src/store/databaseFile.ts", [
    {
      name: "file modes 0600: the database",
      find: 'closeSync(openSync(path, "wx", 0o600));',
      replace: 'closeSync(openSync(path, "wx", 0o644));',
      why: "every user of the host reads the history",
      caughtBy: unit("store/database"),
    },
    {
      name: "a damaged database is set aside under a free name",
      find: "while (names().some((name) => existsSync(name))) atMs += 1;",
      replace: "",
      why: "a second damage overwrites what the first one left to recover",
      caughtBy: unit("store/databaseFile"),
    },
  ]),
  ...mutantsOf("src/store/privateFolder.ts", [
    {
      name: "folder modes 0700",
      find: "if ((mode & 0o077) !== 0) await folder.chmod(0o700);",
      replace: "",
      why: "other users reach the socket",
      caughtBy: unit("store/store"),
    },
    {
      name: "folders that are links of others",
      find: "O_RDONLY | O_DIRECTORY | O_NOFOLLOW",
      replace: "O_RDONLY | O_DIRECTORY",
      why: "another user sends our socket elsewhere",
      caughtBy: unit("store/store"),
    },
    {
      name: "folders of somebody else",
      find: "if (uid !== process.getuid?.()) throw notPrivate(path);",
      replace: "",
      why: "another user owns the folder of our socket",
      caughtBy: unit("store/store"),
    },
  ]),
  ...mutantsOf("src/store/fileLock.ts", [
    {
      name: "file lock",
      find: 'writeFileSync(path, content, { flag: "wx", mode: 0o600 });',
      replace: 'writeFileSync(path, content, { flag: "w", mode: 0o600 });',
      why: "two processes of a home overwrite each other's decisions",
      caughtBy: unit("store/fileLock"),
    },
    {
      name: "file lock: of a process that was killed",
      find: "return isHeld ? STALE_MS : 0;",
      replace: "return isHeld ? STALE_MS : STALE_MS;",
      why: "after a crash nothing can be stored for seconds",
      caughtBy: unit("store/fileLock"),
    },
    {
      name: "file lock: only one's own is removed",
      find: "if ((await contentOf(path)) === content) await rm",
      replace: "if (content.length > 0) await rm",
      why: "a slow process takes the lock of the next one away",
      caughtBy: unit("store/fileLock"),
    },
  ]),
  ...mutantsOf("src/store/smallFile.ts", [
    {
      name: "files are read up to a size",
      find: "return sizeBytes > maxBytes ? undefined :",
      replace: "return sizeBytes < 0 ? undefined :",
      why: "a file of gigabytes fills the memory",
      caughtBy: unit("store/smallFile"),
    },
  ]),
  ...mutantsOf("src/api/server.ts", [
    {
      name: "socket permissions",
      find: "process.umask(0o177)",
      replace: "process.umask(0o022)",
      why: "every user of the host speaks in our name",
      caughtBy: unit("api/serverClient"),
    },
    {
      name: "API: connections",
      find: "server.maxConnections = limits.connections;",
      replace: "",
      why: "a program gone astray takes all file descriptors",
      caughtBy: unit("api/serverBounds"),
    },
    {
      name: "API: header size",
      find: "maxHeaderSize: limits.headerBytes,",
      replace: "",
      why: "headers fill the memory",
      caughtBy: unit("api/serverBounds"),
    },
    {
      name: "API: time for a request",
      find: "      requestTimeout: limits.requestTimeoutMs,\n",
      replace: "      requestTimeout: 0,\n",
      why: "connections that say a byte a minute are never closed",
      caughtBy: unit("api/serverBounds"),
    },
  ]),
  ...mutantsOf("src/api/routes.ts", [
    {
      name: "API: body size bound",
      find: "if (sizeBytes > MAX_BODY_BYTES) reject(tooLarge());\n      else chunks",
      replace: "chunks",
      why: "one call without a length fills the memory",
      caughtBy: unit("api/serverClient"),
    },
    {
      name: "API: no web pages",
      find: "if (isOfWebPage(request)) {",
      replace: "if (request === undefined) {",
      why: "a page in a browser that reaches the socket speaks in our name",
      caughtBy: unit("api/serverClient"),
    },
    {
      name: "API: streams leave room for calls",
      find: "if (giveBack === undefined) throw tooManyStreams();",
      replace: "if (giveBack === undefined) return answerCall(options.api, 'status', exchange);",
      why: "streams take all connections",
      caughtBy: unit("api/serverBounds"),
    },
  ]),
  ...mutantsOf("src/api/sse.ts", [
    {
      name: "API client: the size of an event",
      find: "if (this.#rest.length + this.#eventChars > MAX_EVENT_CHARS) {",
      replace: "if (this.#rest.length < 0) {",
      why: "an event that never ends fills the memory",
      caughtBy: unit("api/sse"),
    },
  ]),
  ...mutantsOf("src/api/client.ts", [
    {
      name: "socket permissions: whose daemon it is",
      find: "socket.uid === uid && folder.uid === uid && (folder.mode & 0o022) === 0",
      replace: "socket.uid >= 0 && folder.uid >= 0",
      why: "another user's program poses as our daemon and reads what we write",
      caughtBy: unit("api/serverBounds"),
    },
  ]),
  ...mutantsOf("src/daemon/instanceLock.ts", [
    {
      name: "lock of the daemon: who answers runs",
      find: "    if (await daemonAnswers(socket)) throw running(home, undefined);",
      replace: "",
      why: "a second daemon takes the socket away from the first",
      caughtBy: unit("daemon/instanceLock"),
    },
    {
      name: "lock of the daemon: the pid file",
      find: "    if (await daemonAnswers(socket)) throw running(home, holder);",
      replace: "",
      why: "a second daemon discards the pid file of the first",
      caughtBy: unit("daemon/instanceLock"),
    },
    {
      name: "lock of the daemon: held until the end",
      find: "if (holder !== process.pid) throw running(this.#paths.home, holder);",
      replace: "",
      why: "two that start at once both run",
      caughtBy: unit("daemon/instanceLock"),
    },
    {
      name: "lock of the daemon: what is no socket stays",
      find: "if (!found.isSocket()) {",
      replace: "if (found.isDirectory()) {",
      why: "a file of the user is removed that is in the way",
      caughtBy: unit("daemon/instanceLock"),
    },
  ]),
  ...mutantsOf("src/cli/exitCodes.ts", [
    {
      name: "exit codes: KEY_CHANGED",
      find: "KEY_CHANGED: EXIT.refused,",
      replace: "KEY_CHANGED: EXIT.notDelivered,",
      why: "a script tries again where somebody else answers",
      caughtBy: unit("cli/exitCodes"),
    },
    {
      name: "exit codes: not delivered",
      find: "notDelivered: 4,",
      replace: "notDelivered: 1,",
      why: "scripts cannot tell bad weather from a bug",
      caughtBy: unit("cli/exitCodes"),
    },
  ]),
];
