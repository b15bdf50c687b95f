// A laptop and a server with a wire between them, and the policy by which one name on it is protected.

import { policyOf } from '../guard/samples.ts';

export const NAME = 'www.bank.example';
export const [LAPTOP, SERVER] = ['192.168.1.50', '203.0.113.80'] as const;
export const SPLIT = policyOf(`version: 1
profile: split
direct: any
mustTunnel: ["*.bank.example"]
tunnels:
  - {name: home, protocol: wireguard, endpoints: ["udp:198.51.100.7:51820"]}
`);
