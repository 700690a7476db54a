/** `vpn`: a tunnel to elsewhere; `virtual`: a network inside this machine. */
export type InterfaceKind = "lan" | "vpn" | "virtual";

/** Names that VPN clients give on Linux, macOS (utun, ipsec), the BSDs and Windows. */
const VPN =
  /^(?:tun|tap|wg|ppp|utun|ipsec|gpd|cscotun|proton|warp|l2tp|pptp)[-_\d]|^zt[a-z\d]{6}|vpn|tailscale|nordlynx|mullvad|wireguard|zerotier|anyconnect|TAP-Windows/i;
/** Names that virtual machines and containers give: docker0, br-0a1b…, vEthernet (WSL). */
const VIRTUAL =
  /^(?:docker|br-[0-9a-f]|veth|virbr|vmnet|vboxnet|vnet|lxc|lxdbr|incusbr|podman|cni|flannel|cali|kube|bridge1\d\d|awdl|llw|vnic|ifb|dummy)|^vEthernet\b|\b(?:VirtualBox|VMware|Hyper-V|WSL)\b/i;

/** What an interface is, by its name: that is all that every platform tells. */
export function interfaceKind(name: string): InterfaceKind {
  if (VPN.test(name)) return "vpn";
  return VIRTUAL.test(name) ? "virtual" : "lan";
}
