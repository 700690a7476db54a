/** What service managers are given, byte for byte, and that it means what was meant. */
import { describe, expect, it } from "vitest";
import { launchAgent, programOfLaunchAgent } from "../../../src/service/launchAgent.js";
import { assertDefinable, type ServiceProgram } from "../../../src/service/program.js";
import { programOfTask, scheduledTask } from "../../../src/service/scheduledTask.js";
import { programOfUnit, systemdUnit } from "../../../src/service/systemdUnit.js";
import fc from "../../support/fastCheck.js";

/** Everything that somebody's folders can be called. */
const HARD: ServiceProgram = {
  name: "udpchat-0123abcd",
  executable: "/opt/my node $A/bin/node",
  args: [
    "/home/jörg/100%h/udp chat/udpchat.js",
    "daemon",
    `--home=/srv/it's "mine"/午 \\ $HOME \${HOME}`,
    "--name=a<b>&c",
  ],
  reloadArgs: ["/home/jörg/100%h/udp chat/udpchat.js", "reload"],
  environment: { MALLOC_ARENA_MAX: "1", XDG_DATA_HOME: '/da ta/%d/"q"' },
};

/** Paths and options without control characters, as `assertDefinable` demands. */
const word = fc
  .string({ unit: "grapheme", minLength: 1 })
  .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
const words = fc.array(word, { minLength: 1, maxLength: 5 });

function withWords([executable = "", ...args]: readonly string[]): ServiceProgram {
  return { ...HARD, executable, args };
}

describe("a systemd unit", () => {
  it("is this one", () => {
    expect(systemdUnit(HARD)).toBe(`\
# Written by \`udpchat service install\`; \`udpchat service remove\` takes it away.
# Changes of your own: systemctl --user edit, which this file does not overwrite.
[Unit]
Description=udpchat, messages on the local network

[Service]
Type=notify
NotifyAccess=all
ExecStart="/opt/my node $A/bin/node" "/home/jörg/100%%h/udp chat/udpchat.js" "daemon" "--home=/srv/it's \\"mine\\"/午 \\\\ $$HOME $\${HOME}" "--name=a<b>&c"
ExecReload="/opt/my node $A/bin/node" "/home/jörg/100%%h/udp chat/udpchat.js" "reload"
Environment="MALLOC_ARENA_MAX=1"
Environment="XDG_DATA_HOME=/da ta/%%d/\\"q\\""
Restart=on-failure
RestartSec=10
RestartPreventExitStatus=2 6
TimeoutStartSec=30
TimeoutStopSec=45
UMask=0077
NoNewPrivileges=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=~@clock @cpu-emulation @debug @module @mount @obsolete @raw-io @reboot @swap
SystemCallErrorNumber=EPERM

[Install]
WantedBy=default.target
`);
  });

  it("tells its program again, whatever that is called", () => {
    fc.assert(
      fc.property(words, (program) => {
        expect(programOfUnit(systemdUnit(withWords(program)))).toEqual(program);
      }),
    );
    expect(programOfUnit("[Service]\nExecStart=/bin/sh -c true\n")).toBeUndefined();
  });
});

describe("a LaunchAgent", () => {
  it("is this one", () => {
    expect(launchAgent(HARD)).toBe(`\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by \`udpchat service install\`; \`udpchat service remove\` takes it away. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>udpchat-0123abcd</string>
  <key>ProgramArguments</key>
  <array>
    <string>/opt/my node $A/bin/node</string>
    <string>/home/jörg/100%h/udp chat/udpchat.js</string>
    <string>daemon</string>
    <string>--home=/srv/it&apos;s &quot;mine&quot;/午 \\ $HOME \${HOME}</string>
    <string>--name=a&lt;b&gt;&amp;c</string>
  </array>
  <key>EnvironmentVariables</key>
  <dict>
    <key>MALLOC_ARENA_MAX</key>
    <string>1</string>
    <key>XDG_DATA_HOME</key>
    <string>/da ta/%d/&quot;q&quot;</string>
  </dict>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>45</integer>
  <key>Umask</key>
  <integer>63</integer>
</dict>
</plist>
`);
  });

  it("tells its program again, whatever that is called", () => {
    fc.assert(
      fc.property(words, (program) => {
        expect(programOfLaunchAgent(launchAgent(withWords(program)))).toEqual(program);
      }),
    );
    expect(programOfLaunchAgent("<plist/>")).toBeUndefined();
  });
});

describe("a scheduled task", () => {
  const hard = {
    ...HARD,
    executable: "C:\\Program Files\\nodejs\\node.exe",
    args: ["C:\\Users\\Jörg\\udp chat.js", "daemon", '--home=D:\\say "hi"\\', "--name=a&b%TEMP%"],
  };

  it("is this one", () => {
    expect(scheduledTask(hard, "OFFICE\\Jörg & Co")).toBe(
      `\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>udpchat, messages on the local network</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>OFFICE\\Jörg &amp; Co</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>OFFICE\\Jörg &amp; Co</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>255</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>conhost.exe</Command>
      <Arguments>--headless &quot;C:\\Program Files\\nodejs\\node.exe&quot; &quot;C:\\Users\\Jörg\\udp chat.js&quot; &quot;daemon&quot; &quot;--home=D:\\say \\&quot;hi\\&quot;\\\\&quot; &quot;--name=a&amp;b%TEMP%&quot;</Arguments>
    </Exec>
  </Actions>
</Task>
`.replaceAll("\n", "\r\n"),
    );
  });

  it("tells its program again, whatever that is called", () => {
    fc.assert(
      fc.property(words, (program) => {
        expect(programOfTask(scheduledTask(withWords(program), "me"))).toEqual(program);
      }),
    );
    expect(programOfTask("<Task/>")).toBeUndefined();
  });
});

it("refuses what would end a line of a definition", () => {
  expect(() => assertDefinable(HARD)).not.toThrow();
  const odd = [
    { ...HARD, executable: "/a\nExecStart=/b" },
    { ...HARD, args: ["\u0000"] },
    { ...HARD, environment: { A: "b\r" } },
  ];
  for (const program of odd) expect(() => assertDefinable(program)).toThrow("control characters");
});
