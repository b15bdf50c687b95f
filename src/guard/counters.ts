// Knows: what the kernel's named counters add up to. Must not know: how they are read.
// Counter names are those of the compiled ruleset: direction_verdict_kind, tunnels by index (src/policy/nft.ts).

/** Frames by counter name, as the kernel has them; cumulative since the table was made. */
export type CounterValues = ReadonlyMap<string, number>;

/** Counters of leaks that are amber: rule E always, rule A as the policy says (DESIGN section 3). */
const AMBER = new Set(['up_leak_igmp_mld', 'up_leak_l2_other']);
const CHATTER = new Set(['up_leak_mdns', 'up_leak_llmnr', 'up_leak_nbns', 'up_leak_ssdp']);

/** Whether a counter counts leak frames that entered lan. */
export function isLeakUp(counter: string): boolean {
  return counter.startsWith('up_leak_');
}

/** Whether it counts leak frames that turn the lamp red. */
export function isRedLeak(counter: string, chatterIsRed: boolean): boolean {
  return isLeakUp(counter) && !AMBER.has(counter) && (chatterIsRed || !CHATTER.has(counter));
}

export interface KernelSums {
  /** Leak frames that entered lan: all, and those of red kinds. */
  readonly leaksUp: number;
  readonly redLeaksUp: number;
  /** Leak frames that the firewall let through (watch mode) or dropped (block mode). */
  readonly passed: number;
  readonly dropped: number;
  /** Per tunnel of the policy, by index. */
  readonly tunnels: readonly { readonly up: number; readonly down: number }[];
  /** Frames per kind, both directions. */
  readonly kinds: Readonly<Record<string, number>>;
}

/** Never throws: a name that is no counter of ours adds to nothing. */
export function sumCounters(values: CounterValues, tunnelCount: number, chatterIsRed: boolean): KernelSums {
  let leaksUp = 0;
  let redLeaksUp = 0;
  const tunnels = Array.from({ length: tunnelCount }, () => ({ up: 0, down: 0 }));
  const kinds: Record<string, number> = {};
  for (const [name, frames] of values) {
    const match = /^(up|down)_(tunnel|plumbing|allowed|leak|pass)_(.+)$/.exec(name);
    if (match === null) continue;
    const [, direction, verdict, what = ''] = match;
    if (verdict === 'tunnel') {
      const tunnel = tunnels[Number.parseInt(what, 10)];
      if (tunnel !== undefined) tunnel[direction === 'up' ? 'up' : 'down'] += frames;
    }
    const kind = verdict === 'tunnel' ? 'tunnel' : what.replaceAll('_', '-');
    kinds[kind] = (kinds[kind] ?? 0) + frames;
    if (verdict !== 'leak' || direction !== 'up') continue;
    leaksUp += frames;
    if (isRedLeak(name, chatterIsRed)) redLeaksUp += frames;
  }
  const passed = values.get('leak_passed') ?? 0;
  const dropped = values.get('leak_dropped') ?? 0;
  return { leaksUp, redLeaksUp, passed, dropped, tunnels, kinds };
}
