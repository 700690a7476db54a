// node .ci/summary.mjs REPORT FAILED_STEPS: sums up vitest's JSON report in one line.
// Steps besides the tests (format, lint, types, build) that failed count as failed, each once.
import { readFileSync } from "node:fs";

const [reportPath, failedSteps] = process.argv.slice(2);

/** Counts of the report; a report that was never written is one failure. */
function countTests() {
  let report;
  try {
    report = JSON.parse(readFileSync(reportPath, "utf8"));
  } catch {
    console.error("no test report: the tests did not run to their end");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length;
  // A file that fails before its tests are known has none to count.
  const brokenFiles = report.testResults.filter(
    (file) => file.status === "failed" && !file.assertionResults.some((t) => t.status === "failed"),
  ).length;
  const failed = count("failed") + brokenFiles;
  return {
    passed: count("passed"),
    // Errors outside of any test make the run a failure although no test is one.
    failed: failed === 0 && !report.success ? 1 : failed,
    skipped: count("skipped", "pending", "todo", "disabled"),
  };
}

const tests = countTests();
const failed = tests.failed + otherFailures(tests.failed);
const skipped = tests.skipped > 0 ? `, ${tests.skipped} skipped` : "";
console.log(`${tests.passed} passed, ${failed} failed${skipped}`);
process.exitCode = failed === 0 ? 0 : 1;

/** Failed steps besides the tests, which are a step themselves. */
function otherFailures(failedTests) {
  return Number(failedSteps) - (failedTests > 0 && Number(failedSteps) > 0 ? 1 : 0);
}
