// Knows: what is made once of a policy and takes long to make of many servers, piece by piece. Must not know: who uses it.

import { apartFromServerGroups, serverGroupElements, serverGroupsOf } from './server-groups.ts';
import { fixedTunnelHosts, tunnelEndpoints } from '../servers/hosts.ts';
import type { Policy } from '../policy.ts';

/**
 * Each in its turn makes what compiling and judging would make at the first use, all of it at once: whoever has others waiting makes a
 * piece, lets them have their turn, and goes on.
 */
export const MADE_ONCE: readonly ((policy: Policy) => unknown)[] = [
  tunnelEndpoints,
  serverGroupsOf,
  serverGroupElements,
  apartFromServerGroups,
  (policy) => fixedTunnelHosts(apartFromServerGroups(policy)),
];
