/** Writes a log to the folder that it is given until the disk is full, and when there is room. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { LogFile } from "../../src/daemon/logFile.js";

const folder = process.argv[2] ?? "";
const path = join(folder, "udpchat.log");
const ballast = join(folder, "ballast");

writeFileSync(ballast, "x".repeat(32 * 1024));
const file = new LogFile(path);
/** Bounded by the disk. */
while (file.failure === undefined) file.write(`${"y".repeat(1000)}\n`);
for (let count = 1; count < 5; count += 1) file.write("lost\n");
rmSync(ballast);
file.write(`${"z".repeat(1000)}\n`);
process.stdout.write(readFileSync(path));
