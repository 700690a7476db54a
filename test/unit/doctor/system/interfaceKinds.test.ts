import { expect, it } from "vitest";
import { interfaceKind } from "../../../../src/doctor/system/interfaceKinds.js";

it.each([
  ["lan", ["eth0", "enp3s0", "wlan0", "wlp2s0", "en0", "Ethernet", "Wi-Fi", "lo", "bond0", "br0"]],
  [
    "vpn",
    [
      "tun0",
      "tap1",
      "wg0",
      "wg-home",
      "ppp0",
      "utun4",
      "tailscale0",
      "nordlynx",
      "ProtonVPN",
      "OpenVPN TAP-Windows6",
    ],
  ],
  [
    "virtual",
    [
      "docker0",
      "br-0a1b2c3d4e5f",
      "veth12ab",
      "virbr0",
      "vmnet8",
      "vEthernet (WSL)",
      "VirtualBox Host-Only Network",
      "bridge100",
    ],
  ],
])("takes for %s what is called so", (kind, names) => {
  for (const name of names) expect(interfaceKind(name), name).toBe(kind);
});
