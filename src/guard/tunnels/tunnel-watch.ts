// Knows: which tunnels the policy has and whether each is alive. Must not know: where counts come from, incidents.

import { tunnelWords } from '../../policy/servers/anywhere.ts';
import { tunnelEndpoints } from '../../policy/servers/hosts.ts';
import type { Policy } from '../../policy/policy.ts';
import type { KernelSums } from '../account/counters.ts';
import { BoundedMap } from '../bounded-map.ts';
import { GapWatch } from './gaps.ts';
import type { Gap } from './gaps.ts';
import type { Incident } from '../incidents/incidents.ts';
import type { Now } from '../now.ts';
import { TunnelLiveness } from './liveness.ts';
import type { Handshake, Observation } from '../observation.ts';
import type { TunnelView } from '../../api/status.ts';

/** Days after which servers of a list may have moved: onion routers come and go by the week. */
const LIST_DAYS = { tor: 7, others: 30 };

function listView(listed: string, protocol: string, wall: number): Pick<TunnelView, 'listed' | 'listIsOld'> {
  const days = (wall - Date.parse(listed)) / 86_400_000;
  return { listed, listIsOld: days > (protocol === 'tor' ? LIST_DAYS.tor : LIST_DAYS.others) };
}

function limitsView(tunnel: Policy['tunnels'][number]): Pick<TunnelView, 'limits'> {
  const limits = tunnelWords(tunnel);
  return limits === undefined ? {} : { limits };
}

/** Servers that are remembered. */
const SERVERS = 64;

export class TunnelWatch {
  #tunnels: readonly {
    readonly tunnel: Policy['tunnels'][number];
    /** Its endpoints as the policy has them, in order. */
    readonly endpoints: ReadonlySet<string>;
    /** Host names among them. */
    readonly names: ReadonlySet<string>;
    readonly limits: Pick<TunnelView, 'limits'>;
    readonly liveness: TunnelLiveness;
    readonly gaps: GapWatch;
  }[] = [];
  /** Tunnels whose server has answered a handshake since its address last changed. */
  readonly #proven = new Set<string>();
  /** Which address answered for an endpoint, the newest last: what is shown was seen, also when the policy calls the tunnel otherwise. */
  readonly #servers = new BoundedMap<string>(SERVERS);
  #counting = false;

  setPolicy(policy: Policy): void {
    const texts = policy.tunnels.map(() => new Set<string>());
    for (const { tunnel, text } of tunnelEndpoints(policy)) texts[tunnel]?.add(text);
    this.#tunnels = policy.tunnels.map((tunnel, index) => ({
      tunnel,
      endpoints: texts[index] ?? new Set(),
      names: new Set(tunnel.endpoints.filter(({ hostIs }) => hostIs === 'name').map(({ host }) => host)),
      limits: limitsView(tunnel),
      liveness: new TunnelLiveness(),
      gaps: new GapWatch(tunnel.name),
    }));
    this.#counting = false;
  }

  /** Takes what the kernel has counted for each tunnel; the first reading is where counting starts. */
  read(sums: KernelSums, now: Now): void {
    for (const [index, { liveness, gaps }] of this.#tunnels.entries()) {
      const { up = 0, down = 0 } = sums.tunnels[index] ?? {};
      if (this.#counting) liveness.read(up, down, now);
      else liveness.baseline(up, down);
      gaps.read(up, down, now);
    }
    this.#counting = true;
  }

  /** Servers of tunnels answered handshakes. */
  answered(handshakes: readonly Handshake[] = [], now: Now): void {
    for (const { tunnel: name, endpoint, address, at } of handshakes) {
      this.#servers.set(endpoint, address);
      const wall = now.wall - Math.max(0, Math.round(now.monotonic - at));
      for (const { tunnel, gaps } of this.#tunnels) if (tunnel.name === name) gaps.answered(wall);
      this.#proven.add(name);
    }
  }

  /** The name of a tunnel's server leads elsewhere: whoever is there has proven nothing yet. */
  moved(host: string): void {
    for (const { tunnel, names } of this.#tunnels) if (names.has(host)) this.#proven.delete(tunnel.name);
  }

  /** Frames of a red incident left past the tunnels. */
  escaped({ id, rule, exposure, severity }: Incident, { frames, first }: Observation, now: Now): void {
    if (severity !== 'red') return;
    // The tap's clock, so that the time until its report was read does not count.
    const wall = now.wall - Math.max(0, Math.round(now.monotonic - first));
    for (const { gaps } of this.#tunnels) gaps.escaped({ incident: id, rule, exposure }, frames, wall);
  }

  /** Silences in which something escaped or nothing was answered, newest first within each tunnel. */
  gaps(monotonic: number): Gap[] {
    return this.#tunnels.flatMap(({ gaps }) => gaps.list(monotonic));
  }

  /** Host names of endpoints whose tunnel is alive. */
  namesInUse(monotonic: number): Set<string> {
    const alive = this.#tunnels.filter(({ liveness }) => liveness.at(monotonic) === 'up');
    return new Set(alive.flatMap(({ names }) => [...names]));
  }

  /** Endpoints of the policy whose servers have answered, the newest last. */
  endpointsInUse(): readonly string[] {
    const answered = [...this.#servers].map(([endpoint]) => endpoint);
    return answered.filter((text) => this.#tunnels.some(({ endpoints }) => endpoints.has(text)));
  }

  /** A tunnel that was silent has come up after monotonic `since`. */
  cameUpSince(since: number): boolean {
    return this.#tunnels.some(({ liveness }) => liveness.cameUpAt > since);
  }

  /** `shownTime`: what may be told of a time. */
  views({ monotonic, wall }: Now, shownTime: (wall: number) => number = (time) => time): TunnelView[] {
    return this.#tunnels.map(({ tunnel, endpoints, names, limits, liveness }) => {
      const [first = ''] = endpoints;
      let inUse: string | undefined;
      for (const [endpoint] of this.#servers) if (endpoints.has(endpoint)) inUse = endpoint;
      const seen = liveness.lastSeen;
      return {
        name: tunnel.name,
        protocol: tunnel.protocol,
        endpoint: inUse ?? first,
        server: inUse === undefined ? null : (this.#servers.get(inUse) ?? null),
        endpoints: endpoints.size,
        state: liveness.at(monotonic),
        lastSeen: seen === undefined ? null : new Date(shownTime(seen)).toISOString(),
        ...limits,
        ...(tunnel.listed === undefined ? {} : listView(tunnel.listed, tunnel.protocol, wall)),
        ...(names.size > 0
          ? { source: 'answer', proven: this.#proven.has(tunnel.name) }
          : { source: 'policy', proven: true }),
      };
    });
  }
}
