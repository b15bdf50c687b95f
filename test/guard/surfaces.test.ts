// What every surface says of the same moment. The real guard is driven into each state; page, command line and LED must agree with its
// status and with each other, in numbers and in words (README.md, The light).

import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { openWords, stateMark, statusScreen } from '../../appliance/cli/status-screen.ts';
import { styleOf } from '../../appliance/cli/terminal.ts';
import { outcomeOf } from '../../src/api/shown.ts';
import type { Status } from '../../src/api/status.ts';
import { OUTCOMES } from '../../src/api/words.ts';
import { Guard } from '../../src/guard/guard.ts';
import type { Policy } from '../../src/policy/policy.ts';
import { lightOf } from '../../web/pages/status/view-model.ts';
import type { LightView } from '../../web/pages/status/view-model.ts';
import { Renderer } from '../../web/render.ts';
import type { Regions } from '../../web/render.ts';
import { OPEN_TEXTS, TEXTS } from '../../web/texts.ts';
import { SPLIT, STUB } from '../policy/policies.ts';
import { HOME, leak, observation, report } from './samples.ts';
import type { ObservationSample } from './samples.ts';

const RENDERER = new Renderer(join(import.meta.dirname, '../../web'), {});
const WALL = 1.7e12;

class Box {
  readonly guard: Guard;
  ms = 1_000_000;
  #tunnel = 0;

  constructor(policy: Policy = HOME) {
    this.guard = new Guard(policy, {
      now: () => ({ wall: WALL + this.ms, monotonic: this.ms }),
      version: '0',
      idPrefix: 't',
    });
    for (const port of ['lan', 'wan'] as const) this.guard.tap(port, 'up', 'reading');
  }

  /** Kernel and taps report; so many leaks came and left that no tap read. */
  look({ came = 0, left = 0, tunnel = true } = {}): this {
    this.ms += 10;
    if (tunnel) this.#tunnel += 1;
    this.guard.firewall({ verified: true, detail: 'equal' });
    const values = {
      ...{ up_leak_dns: came, leak_out: left },
      ...{ up_tunnel_0: this.#tunnel, down_tunnel_0: this.#tunnel },
    };
    this.guard.reading(this.ms - 2, this.ms - 1, new Map(Object.entries(values)));
    this.ms += 10;
    for (const port of ['lan', 'wan'] as const)
      this.guard.report(report(port, [], { at: this.ms, drained: true }));
    this.guard.tick();
    return this;
  }

  up(): this {
    return this.look().look();
  }

  block(on: boolean): this {
    this.guard.setBlockMode(on, on, this.ms);
    this.ms += 100;
    return this;
  }

  /** A frame that came in by lan, and left by wan unless it is stopped. */
  sends(sample: ObservationSample, isStopped = false): this {
    const one = observation({ ...sample, at: this.ms });
    this.guard.report(report('lan', [one], { at: this.ms }));
    if (!isStopped) this.guard.report(report('wan', [one], { at: this.ms }));
    if (isStopped)
      for (let round = 0; round < 60; round += 1) {
        this.ms += 10;
        for (const port of ['lan', 'wan'] as const)
          this.guard.report(report(port, [], { at: this.ms, drained: true }));
        this.guard.tick();
      }
    return this;
  }

  acknowledges(): this {
    this.guard.acknowledge('all');
    return this;
  }
}

const bank = { verdict: leak('bank.example') };
const shop = { verdict: leak('shop.example') };
const chatter = (name: string): ObservationSample => ({
  verdict: leak(name, { rule: 'F', severity: 'amber' }),
  kind: 'mdns',
  counter: 'up_leak_mdns',
});

/** How each state comes about; state, LED, the word of the page, and the headline of all surfaces. */
const MOMENTS: readonly (readonly [string, () => Box, Status['state'], Status['lamp'], string, string])[] = [
  ['start', () => new Box(), 'starting', 'red', 'Starting', 'Starting: nothing is verified yet.'],
  [
    'all is well',
    () => new Box().up(),
    'clear',
    'green',
    'Clear',
    'The tunnel is up and nothing escapes it.',
  ],
  [
    'block mode is on',
    () => new Box().up().block(true).look(),
    ...(['clear', 'green', 'Clear'] as const),
    'The tunnel is up and nothing escapes it; block mode is on.',
  ],
  [
    'no tunnel in the policy',
    () => new Box({ ...HOME, tunnels: [] }).up().sends(bank),
    ...(['setup', 'amber', 'Not set up'] as const),
    'No tunnel is configured yet: everything that leaves counts as a leak.',
  ],
  [
    'no tunnel was seen',
    () => new Box().look({ tunnel: false }).look({ tunnel: false }),
    ...(['idle', 'amber', 'No tunnel'] as const),
    'No tunnel traffic was seen recently; nothing escaped.',
  ],
  [
    'no tunnel was seen, and a minor exposure got out',
    () => new Box().look({ tunnel: false }).look({ tunnel: false }).sends(chatter('printer.local')),
    ...(['idle', 'amber', 'No tunnel'] as const),
    'No tunnel traffic was seen recently; nothing that matters escaped, but 1 minor exposure on the local link.',
  ],
  [
    'minor exposures',
    () => new Box().up().sends(chatter('printer.local')).sends(chatter('laptop.local')),
    ...(['clear', 'amber', 'Minor issue'] as const),
    'The tunnel is up and carries everything that matters; 2 minor exposures on the local link.',
  ],
  [
    'leaks in watch mode',
    () => new Box().up().sends(bank).sends(bank).sends(shop).sends(chatter('printer.local')),
    ...(['leaking', 'red', 'Leaking'] as const),
    '2 incidents: traffic left the laptop outside the tunnel, where anyone on the network can see it.',
  ],
  [
    'a leak that was acknowledged',
    () => new Box().up().sends(bank).acknowledges(),
    ...(['clear', 'green', 'Clear'] as const),
    'The tunnel is up and nothing escapes it.',
  ],
  [
    'attempts in block mode',
    () => new Box().up().block(true).sends(bank, true).sends(shop, true).look(),
    ...(['blocked', 'green-blip', 'Blocked'] as const),
    '2 attempts to leave outside the tunnel were stopped; nothing escaped.',
  ],
  [
    'attempts in block mode, minor ones too',
    () => new Box().up().block(true).sends(bank, true).sends(chatter('printer.local'), true).look(),
    ...(['blocked', 'green-blip', 'Blocked'] as const),
    '2 attempts to leave outside the tunnel were stopped; nothing escaped.',
  ],
  [
    'attempts in block mode after a leak that was acknowledged',
    () => new Box().up().sends(shop).acknowledges().block(true).sends(bank, true).look(),
    ...(['blocked', 'green-blip', 'Blocked'] as const),
    '1 attempt to leave outside the tunnel was stopped; everything that escaped before is acknowledged.',
  ],
  [
    'attempts in block mode after a minor exposure',
    () => new Box().up().sends(chatter('printer.local')).block(true).sends(bank, true).look(),
    ...(['blocked', 'amber', 'Blocked'] as const),
    '1 attempt to leave outside the tunnel was stopped; nothing that matters escaped, but 1 minor exposure on the local link.',
  ],
  [
    'attempts in block mode, which is off now',
    () => new Box().up().block(true).sends(bank, true).look().block(false).look(),
    ...(['clear', 'amber', 'Minor issue'] as const),
    'The tunnel is up and nothing escapes it; before block mode was turned off, 1 attempt to leave outside the tunnel was stopped.',
  ],
  [
    'a leak from before block mode, and an attempt in it',
    () => new Box().up().sends(shop).block(true).sends(bank, true).look(),
    ...(['leaking', 'red', 'Leaking'] as const),
    '1 incident: traffic left the laptop outside the tunnel, where anyone on the network can see it.',
  ],
  [
    'a breach',
    () => new Box().up().sends(shop).block(true).sends(bank),
    ...(['breach', 'red-flash', 'Breach'] as const),
    '1 incident got past block mode, which should have stopped it.',
  ],
  [
    'a pass is open',
    () => {
      const box = new Box().up().block(true).sends(bank, true).look();
      box.guard.setPass(WALL + box.ms + 60_000);
      return box;
    },
    ...(['pass', 'alternating', 'Pass open'] as const),
    'A captive-portal exception (pass) is open: anyone on the network can see what it lets through.',
  ],
  [
    'frames that left and no tap read',
    () => new Box().up().look({ came: 3, left: 3 }),
    ...(['leaking', 'red', 'Leaking'] as const),
    '1 incident: 3 frames left outside the tunnel. The kernel counted them, but the box could not read them.',
  ],
  [
    'frames that were stopped and no tap read',
    () => new Box().up().block(true).look({ came: 3 }),
    ...(['blocked', 'green-blip', 'Blocked'] as const),
    '1 attempt to leave outside the tunnel was stopped (3 frames could not be read); nothing escaped.',
  ],
  [
    'an answer shows a protected name',
    () => {
      const box = new Box(SPLIT).up();
      const shown = [{ name: 'www.bank.example', asked: 'www.shop.example' }];
      const lessons = [{ client: '02:00:00:00:00:0c', opened: [], closed: [], shown }];
      box.guard.report({ ...report('wan', [], { at: box.ms }), lessons });
      return box;
    },
    ...(['leaking', 'red', 'Leaking'] as const),
    '1 incident: an answer from the network showed a protected name on the wire.',
  ],
  [
    'a profile that lets other traffic go direct',
    () => new Box(STUB).up(),
    ...(['clear', 'green', 'Clear'] as const),
    'The tunnel is up and nothing escapes it except what the profile allows to go direct.',
  ],
  [
    'a tap is down, after a leak',
    () => {
      const box = new Box().up().sends(bank);
      box.guard.tap('wan', 'down', 'gone');
      return box;
    },
    ...(['blind', 'red-flash', 'Blind'] as const),
    'The box cannot vouch for anything: the tap on wan0 is not reading (gone).',
  ],
];

/** What a person sees at one moment. */
function surfacesOf(status: Status): {
  readonly regions: Regions;
  readonly stranger: Partial<Regions>;
  readonly cli: string;
  readonly light: LightView;
} {
  const now = new Date(WALL);
  const regions = RENDERER.regions({ known: true, status }, now.toISOString());
  const stranger = RENDERER.publicRegions({ known: true, status }, now.toISOString());
  const cli = statusScreen(status, styleOf({}), now);
  return { regions, stranger, cli, light: lightOf({ known: true, status }) };
}

/** Numbers of the light on the page, by the outcome that they count. */
function figuresOf(light: string): Record<string, number> {
  const found = light.matchAll(/data-figure="(\w+)"><dt>[^<]*<\/dt><dd>([^<]*)</g);
  return Object.fromEntries([...found].map(([, name = '', text]) => [name, Number(text)] as const));
}

describe.each(MOMENTS)('%s', (_what, make, state, lamp, word, why) => {
  const box = make();
  const status = box.guard.status();
  const { regions, stranger, cli, light } = surfacesOf(status);
  const everything = [...Object.values(regions), cli].join('\n');
  const waiting = box.guard.incidents().filter(({ acknowledged }) => !acknowledged);

  it('is one sentence, on every surface', () => {
    expect(status).toMatchObject({ state, lamp, why });
    expect(light).toMatchObject({ word, why });
    expect(regions.light).toContain(why);
    expect(cli.split('\n')[0]).toBe(`${stateMark(status)[0]} ${state.toUpperCase()}  ${why}`);
    expect(stranger.light).toContain(word);
  });

  it('has one count: incidents that nobody has acknowledged', () => {
    const counts = Object.fromEntries(
      OUTCOMES.map((name) => [name, waiting.filter((incident) => outcomeOf(incident) === name).length]),
    );
    expect(status.open).toEqual(counts);
    expect(status.unacknowledged).toBe(waiting.length);
    for (const [name, count] of Object.entries(figuresOf(regions.light)))
      expect(count, name).toBe(counts[name]);
    if (waiting.length > 0) expect(cli).toContain(openWords(status));
    const [, told, noun] = /^(\d+) (incident|attempt)/.exec(why) ?? [];
    const alarming = (['breach', 'escaped', 'shown', 'blocked'] as const).find(
      (name) => status.open[name] > 0,
    );
    if (told !== undefined) {
      expect(Number(told)).toBe(alarming === undefined ? undefined : status.open[alarming]);
      expect(noun).toBe(alarming === 'blocked' ? 'attempt' : 'incident');
      expect(regions.light).toContain(OPEN_TEXTS[alarming ?? 'escaped']);
    }
  });

  it('counts frames nowhere but in the list, beside their incident', () => {
    expect(regions.light).not.toMatch(/frames? got out/);
    expect(cli).not.toMatch(/not inspected|^ {2}(?:got out|stopped|attempted) /m);
  });

  it('does not say that nothing escaped beside something that did', () => {
    const escaped = status.incidents.some((incident) => incident.escaped > 0);
    if (escaped) expect(everything).not.toMatch(/nothing escaped(?! except)|nothing has left/i);
    if (status.open.escaped + status.open.breach > 0) expect(everything).not.toMatch(/nothing escapes/i);
  });

  it('shows a shield only while block mode is on, and green only where the LED is green', () => {
    if (status.state === 'blocked') expect(status.blockMode).toBe(true);
    const isGreen = ['green', 'green-blip'].includes(status.lamp);
    expect(['clear', 'blocked'].includes(light.state)).toBe(isGreen);
    expect(stateMark(status)[1] === 'green').toBe(isGreen);
  });

  it('says that only the tunnel may leave when that is so', () => {
    const isShut = status.blockMode && status.passUntil === null;
    expect(regions.controls.includes(TEXTS.blockOnNote)).toBe(isShut);
    expect(regions.controls.includes(TEXTS.blockOnPass)).toBe(status.passUntil !== null);
    if (status.passUntil !== null) expect(regions.controls).toContain('id="pass-end"');
  });
});
