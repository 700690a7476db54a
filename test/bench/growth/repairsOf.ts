/** What losses cost a group of so many members (the argument), as JSON: in a process of its own. */
import process from "node:process";
import { observeRepairs } from "./repairs.js";

const [members] = process.argv.slice(2);
process.stdout.write(JSON.stringify(observeRepairs(Number(members))));
