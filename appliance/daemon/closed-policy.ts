// Knows: what the guard goes by while no valid policy is in force. Must not know: files.
// It allows nothing and names no tunnel: whatever is shown under it can only be `blind`.

import type { Policy } from '../../src/policy/policy.ts';

export function closedPolicy(): Policy {
  return {
    version: 1,
    profile: 'full-tunnel',
    tunnels: [],
    resolvers: [],
    proxies: [],
    mustTunnel: [],
    allow: [],
    localChatter: 'red',
    privacy: 'minimal',
    retentionDays: 1,
    bridge: { name: 'br0', lan: 'lan0', wan: 'wan0' },
    management: { address: 'none', hostname: 'leakguard' },
    web: { port: 80 },
    lamp: { driver: 'none' },
    relock: 'closed',
  };
}
