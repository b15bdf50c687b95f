// Sums of the kernel's named counters. Their names are those of the compiled ruleset: direction_verdict_kind, tunnels by index
// (src/policy/compile/nft.ts).

/** Frames by counter name as the kernel counts them, cumulative since its table was created. */
export type CounterValues = ReadonlyMap<string, number>;

/** Counters of amber leaks: group membership and non-IP frames (rule E) always, link-local discovery if the policy says so. */
const AMBER = new Set(['up_leak_igmp_mld', 'up_leak_l2_other']);
const DISCOVERY = new Set(['up_leak_mdns', 'up_leak_llmnr', 'up_leak_nbns', 'up_leak_ssdp']);

/** Whether a counter counts leak frames that entered lan. */
export function isLeakUp(counter: string): boolean {
  return counter.startsWith('up_leak_');
}

/** Whether a counter counts leak frames that turn the LED red; those of link-local discovery only with `discoveryIsRed`. */
export function isRedLeak(counter: string, discoveryIsRed: boolean): boolean {
  return isLeakUp(counter) && !AMBER.has(counter) && (discoveryIsRed || !DISCOVERY.has(counter));
}

/** Frames since the kernel's table was created. */
export interface KernelSums {
  /** Per tunnel of the policy, by index. */
  readonly tunnels: readonly { readonly up: number; readonly down: number }[];
  /** Frames per kind, both directions and all verdicts; tunnels under `tunnel`. */
  readonly kinds: Readonly<Record<string, number>>;
}

/**
 * Sums the counters of `tunnelCount` tunnels (by index in the policy) and of each kind; names that are not Leakguard's counters are
 * ignored.
 */
export function sumCounters(values: CounterValues, tunnelCount: number): KernelSums {
  const tunnels = Array.from({ length: tunnelCount }, () => ({ up: 0, down: 0 }));
  const kinds: Record<string, number> = {};
  for (const [name, frames] of values) {
    const match = /^(up|down)_(tunnel|essential|allowed|leak|pass)_(.+)$/.exec(name);
    if (match === null) continue;
    const [, direction, verdict, what = ''] = match;
    if (verdict === 'tunnel') {
      const tunnel = tunnels[Number.parseInt(what, 10)];
      if (tunnel !== undefined) tunnel[direction === 'up' ? 'up' : 'down'] += frames;
    }
    const kind = verdict === 'tunnel' ? 'tunnel' : what.replaceAll('_', '-');
    kinds[kind] = (kinds[kind] ?? 0) + frames;
  }
  return { tunnels, kinds };
}
