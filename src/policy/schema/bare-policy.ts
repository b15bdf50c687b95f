// Knows: the policy that allows nothing and names no tunnel: what one goes by when nobody gave a policy.
// Must not know: YAML, files. Whatever is not essential traffic is a leak under it.

import type { Policy } from '../policy.ts';

export function barePolicy(): Policy {
  return {
    version: 1,
    profile: 'full-tunnel',
    tunnels: [],
    resolvers: [],
    proxies: [],
    mustTunnel: [],
    direct: 'any',
    allow: [],
    localChatter: 'amber',
    privacy: 'full',
    privacyKey: 'disk',
    retentionDays: 30,
    bridge: { name: 'br0', lan: 'lan0', wan: 'wan0' },
    management: { address: 'none', hostname: 'leakguard', ssh: false },
    web: { port: 80 },
    lamp: { driver: 'none' },
    relock: 'closed',
  };
}
