import {
  type ProgramWords,
  RESTART_PAUSE_S,
  type ServiceProgram,
  STOP_TIMEOUT_S,
} from "./program.js";
import { textOfXml, xmlText } from "./xml.js";

/** A property list for the user's own launchd (launchd.plist(5)). 63 is the mask 0077. */
export function launchAgent({ name, executable, args, environment }: ServiceProgram): string {
  const variables = Object.entries(environment).flatMap(([key, value]) => [
    `    <key>${xmlText(key)}</key>`,
    `    <string>${xmlText(value)}</string>`,
  ]);
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    "<!-- Written by `udpchat service install`; `udpchat service remove` takes it away. -->",
    '<plist version="1.0">',
    "<dict>",
    "  <key>Label</key>",
    `  <string>${xmlText(name)}</string>`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    ...[executable, ...args].map((word) => `    <string>${xmlText(word)}</string>`),
    "  </array>",
    "  <key>EnvironmentVariables</key>",
    "  <dict>",
    ...variables,
    "  </dict>",
    "  <key>RunAtLoad</key>",
    "  <true/>",
    "  <key>KeepAlive</key>",
    "  <dict>",
    "    <key>SuccessfulExit</key>",
    "    <false/>",
    "  </dict>",
    "  <key>ThrottleInterval</key>",
    `  <integer>${RESTART_PAUSE_S}</integer>`,
    "  <key>ExitTimeOut</key>",
    `  <integer>${STOP_TIMEOUT_S}</integer>`,
    "  <key>Umask</key>",
    "  <integer>63</integer>",
    "</dict>",
    "</plist>",
  ];
  return `${lines.join("\n")}\n`;
}

/** What a list that we wrote starts; undefined for any other one. */
export function programOfLaunchAgent(list: string): ProgramWords | undefined {
  const [, words] = /<key>ProgramArguments<\/key>\s*<array>(.*?)<\/array>/s.exec(list) ?? [];
  if (words === undefined) return undefined;
  return [...words.matchAll(/<string>(.*?)<\/string>/gs)].map(([, word = ""]) => textOfXml(word));
}
