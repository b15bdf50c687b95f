// The policy that applies when nobody has given one: no tunnel, and everything but essential traffic is a leak.

import type { Policy } from '../policy.ts';

/** A new value for each call; ports `lan0` and `wan0`, no management address. */
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
