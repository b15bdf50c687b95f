// The parts of compiling a policy that take long with many servers and are made once per policy.

import { apartFromServerGroups, serverGroupElements, serverGroupsOf } from './server-groups.ts';
import { fixedTunnelHosts, tunnelEndpoints } from '../servers/hosts.ts';
import type { Policy } from '../policy.ts';

/**
 * Each function makes one part that compiling and judging would otherwise make all at once at their first use. A process that must not
 * block for long calls them one by one, in this order, and yields in between.
 */
export const PRECOMPUTED: readonly ((policy: Policy) => unknown)[] = [
  tunnelEndpoints,
  serverGroupsOf,
  serverGroupElements,
  apartFromServerGroups,
  (policy) => fixedTunnelHosts(apartFromServerGroups(policy)),
];
