import { DESCRIPTION, type ProgramWords, type ServiceProgram } from "./program.js";
import { textOfXml, xmlText } from "./xml.js";

/** Runs a console program without a window. */
const WINDOWLESS = ["conhost.exe", "--headless"] as const;

/**
 * A task of the Windows scheduler (Task Scheduler Schema 1.2), started when its user logs on. A task
 * sets no environment.
 * @param user `DOMAIN\user`
 */
export function scheduledTask({ executable, args }: ServiceProgram, user: string): string {
  const [command, ...first] = WINDOWLESS;
  const words = [...first, ...[executable, ...args].map(windowsWord)].join(" ");
  const lines = [
    '<?xml version="1.0" encoding="UTF-16"?>',
    '<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">',
    "  <RegistrationInfo>",
    `    <Description>${xmlText(DESCRIPTION)}</Description>`,
    "  </RegistrationInfo>",
    "  <Triggers>",
    "    <LogonTrigger>",
    "      <Enabled>true</Enabled>",
    `      <UserId>${xmlText(user)}</UserId>`,
    "    </LogonTrigger>",
    "  </Triggers>",
    "  <Principals>",
    '    <Principal id="Author">',
    `      <UserId>${xmlText(user)}</UserId>`,
    "      <LogonType>InteractiveToken</LogonType>",
    "      <RunLevel>LeastPrivilege</RunLevel>",
    "    </Principal>",
    "  </Principals>",
    "  <Settings>",
    "    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>",
    "    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>",
    "    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>",
    "    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>",
    "    <RestartOnFailure>",
    "      <Interval>PT1M</Interval>",
    "      <Count>255</Count>",
    "    </RestartOnFailure>",
    "  </Settings>",
    '  <Actions Context="Author">',
    "    <Exec>",
    `      <Command>${command}</Command>`,
    `      <Arguments>${xmlText(words)}</Arguments>`,
    "    </Exec>",
    "  </Actions>",
    "</Task>",
  ];
  return `${lines.join("\r\n")}\r\n`;
}

/** What a task that we wrote starts; undefined for any other one. */
export function programOfTask(task: string): ProgramWords | undefined {
  const [, words] = /<Arguments>--headless (.*)<\/Arguments>/.exec(task) ?? [];
  if (words === undefined) return undefined;
  const quoted = [...textOfXml(words).matchAll(/"((?:\\+"|[^"])*)"/g)];
  return quoted.map(([, word = ""]) =>
    word.replaceAll(/(\\+)("|$)/g, (_, slashes: string, quote: string) => {
      return "\\".repeat(Math.floor(slashes.length / 2)) + quote;
    }),
  );
}

/**
 * As the C runtime takes it apart again: quotes get a backslash, and backslashes in front of a quote
 * are doubled ("Parsing C command-line arguments", Microsoft Learn).
 */
function windowsWord(word: string): string {
  return `"${word.replaceAll(/(\\*)("|$)/g, (_, slashes: string, quote: string) => {
    return slashes + slashes + (quote === "" ? "" : '\\"');
  })}"`;
}
