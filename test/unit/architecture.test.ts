/** The arrows between the folders of src, and what the pure parts must not touch. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SOURCE = fileURLToPath(new URL("../../src/", import.meta.url));

/**
 * What each part may import, by path prefix; the longest prefix that fits a file is its part, and
 * a part may always import itself, `errors`, `sanitise` and `abortLink`.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "abortLink.ts": [],
  "errors.ts": [],
  "sanitise.ts": [],
  "wire/": [],
  "net/": [],
  "crypto/": ["wire/"],
  "core/": ["wire/", "crypto/"],
  "store/": ["wire/", "crypto/"],
  "messenger/": ["core/", "net/", "store/", "wire/", "crypto/"],
  "api/": [],
  ...serverSide("server", "service", "memberships", "requestDesk", "historyService", "toLines"),
  "programs/": ["api/lines.ts", "api/party.ts"],
  "daemon/": ["messenger/", "api/", "store/", "programs/"],
  "service/": ["store/"],
  "doctor/": ["api/lines.ts", "api/operations.ts", "net/", "wire/", "crypto/"],
  "cli/": [
    ...["api/", "messenger/", "daemon/", "programs/", "service/", "doctor/"],
    ...["store/paths.ts", "store/configFile.ts"],
  ],
  "index.ts": ["messenger/", "api/"],
};

/** The half of the API that runs in the daemon. */
function serverSide(...names: readonly string[]): Record<string, readonly string[]> {
  const entries = names.map((name) => [`api/${name}`, ["api/", "messenger/types.ts"]] as const);
  return Object.fromEntries(entries);
}

/** The one part that may import a module. */
const ONLY_IN: Readonly<Record<string, string>> = { "node:dgram": "net/" };
/** Neither node: modules nor packages here. */
const PURE_PARTS = ["core/", "wire/"];
const AMBIENT =
  /\b(?:Date\.now|Math\.random|performance\.now|setTimeout|setInterval|setImmediate|queueMicrotask|process)\b/;

interface SourceFile {
  /** Relative to src, with forward slashes. */
  readonly path: string;
  /** Without comments. */
  readonly code: string;
  /** Files of ours, relative to src. */
  readonly ours: readonly string[];
  /** Packages and node: modules. */
  readonly packages: readonly string[];
}

const files = readSources();
const partNames = Object.keys(ARROWS).toSorted((a, b) => b.length - a.length);

function readSources(): SourceFile[] {
  const names = readdirSync(SOURCE, { recursive: true, encoding: "utf8" });
  return names
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((path) => parse(path, readFileSync(join(SOURCE, path), "utf8")));
}

function parse(path: string, text: string): SourceFile {
  const code = withoutComments(text);
  const specifiers = importsOf(code);
  const isOurs = (specifier: string) => specifier.startsWith(".");
  return {
    path,
    code,
    ours: specifiers.filter(isOurs).map((specifier) => resolve(path, specifier)),
    packages: specifiers.filter((specifier) => !isOurs(specifier)),
  };
}

/** Comments go, strings stay: a "//" in a string is none. */
function withoutComments(text: string): string {
  const token =
    /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/.*/g;
  return text.replace(token, (found) => (found.startsWith("/") ? " " : found));
}

/** Every specifier of `import`, `export ... from` and `import()`, type-only ones included. */
function importsOf(code: string): string[] {
  const statement = /\b(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/g;
  const bare = /\bimport\s*["']([^"']+)["']/g;
  const dynamic = /\bimport\s*\(\s*["']([^"']+)["']/g;
  return [statement, bare, dynamic].flatMap((pattern) =>
    [...code.matchAll(pattern)].flatMap((match) => match[1] ?? []),
  );
}

function resolve(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier))
    .replaceAll("\\", "/")
    .replace(/\.js$/, ".ts");
}

function partOf(path: string): string | undefined {
  return partNames.find((name) => path.startsWith(name));
}

function mayImport(from: string, to: string): boolean {
  const part = partOf(from);
  if (part === undefined) return false;
  return [part, "abortLink.ts", "errors.ts", "sanitise.ts", ...(ARROWS[part] ?? [])].some(
    (prefix) => to.startsWith(prefix),
  );
}

/** Everything of ours that comes along with a file, itself included. */
function reachableFrom(start: string): string[] {
  const reached = new Set([start]);
  for (const path of reached) {
    for (const next of files.find((file) => file.path === path)?.ours ?? []) reached.add(next);
  }
  return [...reached];
}

/** What is written to a stream of the user, and shows what somebody may have chosen as it is. */
function rawOutput(code: string): string[] {
  const call = /\b(?:std(?:out|err)\.(?:line|write)|chat\.remark)\(([^;]*)\);/g;
  const chosen = /(?:\$\{|\(|^)(?:\w+\.)*(?:name|text|message|label|group|reason)\b/;
  const safe = /^(?:sanitise\w+|body|errorSentence)\(.*\)$|(?:sanitiseName|shellWord)\([^()]*\)/gs;
  return Array.from(code.matchAll(call), ([, argument = ""]) => argument.trim()).filter(
    (argument) => chosen.test(argument.replaceAll(safe, "")),
  );
}

/** The first cycle that is reachable, as a list of paths, or undefined. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): string[] | undefined => {
    const start = trail.indexOf(path);
    if (start !== -1) return [...trail.slice(start), path];
    if (done.has(path)) return undefined;
    for (const next of graph.get(path) ?? []) {
      const cycle = visit(next, [...trail, path]);
      if (cycle !== undefined) return cycle;
    }
    done.add(path);
    return undefined;
  };
  for (const path of graph.keys()) {
    const cycle = visit(path, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe("src", () => {
  it("was found, with its imports", () => {
    expect(files.map(({ path }) => path)).toContain("core/core.ts");
    expect(files.find(({ path }) => path === "core/core.ts")?.ours).toContain("wire/header.ts");
  });

  it("consists of known parts", () => {
    expect(files.filter(({ path }) => partOf(path) === undefined).map(({ path }) => path)).toEqual(
      [],
    );
  });

  it("imports along the arrows only", () => {
    const forbidden = files.flatMap(({ path, ours }) =>
      ours.filter((to) => !mayImport(path, to)).map((to) => `${path} -> ${to}`),
    );
    expect(forbidden).toEqual([]);
  });

  it("keeps the messenger away from the API's client", () => {
    const reachable = reachableFrom("api/client.ts");
    expect(reachable).toContain("api/operations.ts");
    expect(reachable.filter((path) => !/^(?:api\/|errors|abortLink)/.test(path))).toEqual([]);
  });

  it("writes JSON for others to read by the sanitiser alone", () => {
    const lines = files.filter(({ path, code }) => {
      const toFiles = path.startsWith("store/") || path === "api/client.ts";
      return !toFiles && path !== "sanitise.ts" && /\bJSON\.stringify\b|\.json\(/.test(code);
    });
    expect(lines.map(({ path }) => path)).toEqual([]);
  });

  it("writes what others wrote to a terminal by the sanitiser alone", () => {
    const raw = files
      // What these write is finished: help, what printers made, and what a screen shows.
      .filter(({ path }) => !["cli/main.ts", "cli/chat/terminal.ts"].includes(path))
      .filter(({ path }) => path.startsWith("cli/"))
      .flatMap(({ path, code }) => rawOutput(code).map((argument) => `${path}: ${argument}`));
    expect(raw).toEqual([]);
  });

  it("imports files that exist", () => {
    const missing = files.flatMap(({ path, ours }) =>
      ours.filter((to) => !existsSync(join(SOURCE, to))).map((to) => `${path} -> ${to}`),
    );
    expect(missing).toEqual([]);
  });

  it("has no import cycle", () => {
    const cycle = findCycle(new Map(files.map(({ path, ours }) => [path, ours])));
    expect(cycle?.join(" -> ")).toBeUndefined();
  });

  it("imports node:dgram in net alone, and nothing from outside in the pure parts", () => {
    const forbidden = files.flatMap(({ path, packages }) =>
      packages
        .filter((name) => {
          const home = ONLY_IN[name.startsWith("node:") ? name : `node:${name}`];
          if (home !== undefined && !path.startsWith(home)) return true;
          return PURE_PARTS.some((part) => path.startsWith(part));
        })
        .map((name) => `${path} -> ${name}`),
    );
    expect(forbidden).toEqual([]);
  });

  it("links signals by AbortLink alone", () => {
    const other = files.filter(({ code }) => /\bAbortSignal\.any\b/.test(code));
    expect(other.map(({ path }) => path)).toEqual([]);
  });

  it("uses no ambient time, chance or process in the core", () => {
    const ambient = files
      .filter(({ path, code }) => path.startsWith("core/") && AMBIENT.test(code))
      .map(({ path, code }) => `${path}: ${AMBIENT.exec(code)?.[0]}`);
    expect(ambient).toEqual([]);
  });
});

describe("this test", () => {
  const example = parse(
    "core/example.ts",
    `
    import type { A } from "../net/a.js"; // import "./commented.js"
    import {
      b,
    } from "./b.js";
    import "./c.js";
    export * from "../wire/d.js";
    const e = await import("node:dgram");
    const text = "// no comment"; const now = Date.now();
    /* import "./also-commented.js" */
    `,
  );

  it("reads every form of import and no comment", () => {
    expect(example.ours.toSorted()).toEqual(["core/b.ts", "core/c.ts", "net/a.ts", "wire/d.ts"]);
    expect(example.packages).toEqual(["node:dgram"]);
    expect(AMBIENT.test(example.code)).toBe(true);
    expect(AMBIENT.test(withoutComments("// Date.now()"))).toBe(false);
  });

  it("knows raw output", () => {
    expect(rawOutput("stderr.line(`${line.from.name}: hello`);")).toHaveLength(1);
    expect(rawOutput("await context.stderr.line(message);")).toHaveLength(1);
    expect(rawOutput("stdout.write(render(line.text));")).toHaveLength(1);
    expect(rawOutput("chat.remark(`* ${line.message}`);")).toHaveLength(1);
    expect(rawOutput("stderr.line(`as ${sanitiseName(name)} on ${port}`);")).toEqual([]);
    expect(rawOutput("stderr.line(sanitiseName(`udpchat: ${line.message}`));")).toEqual([]);
  });

  it("knows a forbidden arrow and a cycle", () => {
    expect(mayImport("core/example.ts", "net/a.ts")).toBe(false);
    expect(mayImport("core/example.ts", "wire/d.ts")).toBe(true);
    expect(mayImport("api/client.ts", "messenger/types.ts")).toBe(false);
    expect(mayImport("api/server.ts", "messenger/types.ts")).toBe(true);
    expect(mayImport("cli/a.ts", "store/database.ts")).toBe(false);
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["b"]],
    ]);
    expect(findCycle(graph)).toEqual(["b", "c", "b"]);
  });
});
