import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two workers: the smallest machine that the tests are meant for has two cores.
    maxWorkers: 2,
    unstubEnvs: true,
    coverage: {
      provider: "v8",
      include: ["src/core/**/*.ts", "src/wire/**/*.ts", "src/crypto/**/*.ts"],
      reporter: ["text", "json-summary"],
      reportsDirectory: "coverage",
      // Of each folder, by its own unit tests: `npm run coverage`.
      thresholds: {
        "src/core/**": { branches: 95 },
        "src/wire/**": { branches: 95 },
        "src/crypto/**": { branches: 95 },
      },
    },
  },
});
