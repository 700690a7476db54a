/** Every command, in the order of the help text. */
import type { Command } from "../command.js";
import { ask } from "./ask/command.js";
import { block } from "./block/command.js";
import { chat } from "./chat/command.js";
import { completion } from "./completion/command.js";
import { config } from "./config/command.js";
import { daemon } from "./daemon/command.js";
import { discover } from "./discover/command.js";
import { doctor } from "./doctor/command.js";
import { exportHistory } from "./export/command.js";
import { groups } from "./groups/command.js";
import { history } from "./history/command.js";
import { id } from "./id/command.js";
import { invite } from "./invite/command.js";
import { join } from "./join/command.js";
import { leave } from "./leave/command.js";
import { listen } from "./listen/command.js";
import { logs } from "./logs/command.js";
import { outbox } from "./outbox/command.js";
import { peers } from "./peers/command.js";
import { reload } from "./reload/command.js";
import { remove } from "./remove/command.js";
import { say } from "./say/command.js";
import { send } from "./send/command.js";
import { serve } from "./serve/command.js";
import { service } from "./service/command.js";
import { start } from "./start/command.js";
import { status } from "./status/command.js";
import { stop } from "./stop/command.js";
import { unblock } from "./unblock/command.js";
import { verify } from "./verify/command.js";

export const COMMANDS: readonly Command[] = [
  daemon,
  start,
  stop,
  status,
  service,
  logs,
  config,
  reload,
  discover,
  peers,
  join,
  chat,
  leave,
  groups,
  invite,
  remove,
  say,
  send,
  ask,
  serve,
  listen,
  history,
  exportHistory,
  outbox,
  id,
  verify,
  block,
  unblock,
  doctor,
  completion,
];
