/**
 * A process that runs test files of the copy of the repository that it is started in, again and
 * again: `node testWorker.js <root>`. It is told `{ file, name, changed }`: run that test file, or
 * those tests of it whose full name has `name`, after the source files `changed` were changed. It
 * answers a `TestOutcome`, see testRunner.ts.
 */
import { join } from "node:path";
import process from "node:process";
import { createVitest } from "vitest/node";

/** What a slip in the mutant itself makes: it shows nothing about the defence. */
const BROKEN = new Set(["ReferenceError", "SyntaxError"]);

const root = process.argv[2] ?? process.cwd();
/** Of the present run: vitest itself remembers those of earlier ones as well. */
const cases = [];
const modules = [];
const vitest = await createVitest(
  "test",
  {
    root,
    config: join(root, "vitest.config.ts"),
    watch: false,
    // The first test that fails says enough.
    bail: 1,
    maxWorkers: 1,
    reporters: [
      {
        onTestCaseResult: (testCase) => void cases.push(testCase),
        onTestModuleEnd: (module) => void modules.push(module),
      },
    ],
    coverage: { enabled: false },
  },
  { cacheDir: join(root, ".cache") },
);
await vitest.standalone();

process.on("message", (message) => void answer(message));
process.on("disconnect", () => process.exit());
process.send?.({ kind: "ready" });

async function answer({ file, name, changed }) {
  try {
    process.send?.({ kind: "outcome", ...(await run(file, name, changed)) });
  } catch (error) {
    process.send?.({ kind: "outcome", passed: [], failed: [], fault: String(error) });
  }
}

async function run(file, name, changed) {
  for (const path of changed) vitest.invalidateFile(join(root, path));
  if (name === undefined) vitest.resetGlobalTestNamePattern();
  else vitest.setGlobalTestNamePattern(literally(name));
  cases.length = 0;
  modules.length = 0;
  const specification = vitest.getRootProject().createSpecification(join(root, file));
  const { unhandledErrors } = await vitest.runTestSpecifications([specification]);
  const passed = namesOf("passed");
  const failed = namesOf("failed");
  const outside = [
    ...modules.flatMap((module) => module.errors()),
    ...modules.flatMap((module) =>
      Array.from(module.children.allSuites(), (suite) => suite.errors()).flat(),
    ),
    ...unhandledErrors,
  ];
  const errors = [...cases.flatMap((testCase) => testCase.result().errors ?? []), ...outside];
  const slip = errors.find((error) => BROKEN.has(error?.name));
  if (slip !== undefined) return { passed, failed, fault: firstLineOf(slip) };
  if (passed.length + failed.length === 0) return { passed, failed, fault: whyNone(outside[0]) };
  return { passed, failed: [...failed, ...outside.map((error) => outsideOf(error))] };
}

function namesOf(state) {
  return cases.filter((testCase) => testCase.result().state === state).map(fullNameOf);
}

/** As a pattern of vitest's has it: the names from the outside in, with blanks between. */
function fullNameOf(test) {
  return test.fullName.replaceAll(" > ", " ");
}

function literally(text) {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
}

function outsideOf(error) {
  return `an error outside of any test: ${firstLineOf(error)}`;
}

function whyNone(error) {
  return error === undefined ? "no test ran" : firstLineOf(error);
}

function firstLineOf(error) {
  return `${error?.name ?? "Error"}: ${error?.message ?? String(error)}`.split("\n")[0];
}
