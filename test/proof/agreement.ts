// How the model of the instructions is held against the kernel: random rules, random frames over a real bridge, which rules match.

import { parseBytecode } from './bytecode.ts';
import type { Bridge } from './bridge.ts';
import { Valuation } from './expr.ts';
import { Frame, isFree, kindOfBytes, kindText, valuesOfBytes } from './frame.ts';
import { randomMatch } from './instructions.ts';
import { Model } from './model.ts';
import { mutants } from '../policy/mutants.ts';
import { SHAPES } from '../policy/shapes.ts';

export interface Agreement {
  readonly rules: number;
  readonly frames: number;
  readonly compared: number;
  readonly matched: number;
  /** The frame decides nothing that the model knows: extension headers that it does not follow. */
  readonly undecided: number;
  readonly wrong: readonly string[];
}

/** mulberry32 */
function drawOf(seed: number): (below: number) => number {
  let at = seed >>> 0;
  return (below) => {
    at = (at + 0x6d2b79f5) >>> 0;
    let x = Math.imul(at ^ (at >>> 15), at | 1);
    x = (x + Math.imul(x ^ (x >>> 7), x | 61)) ^ x;
    return Math.floor((((x ^ (x >>> 14)) >>> 0) / 4294967296) * below);
  };
}

/** Shapes of the judge's tests and what becomes of them: cut short, tagged, bits turned. */
function randomFrames(count: number, draw: (below: number) => number): Uint8Array[] {
  const bent = mutants(SHAPES, count, draw(1 << 30));
  const pick = (): Uint8Array => {
    const list = draw(2) === 0 ? SHAPES : bent;
    return list[draw(list.length)]?.bytes ?? new Uint8Array(60);
  };
  return Array.from({ length: count }, () => {
    let bytes = Buffer.from(pick());
    if (draw(6) === 0)
      bytes = Buffer.concat([
        bytes.subarray(0, 12),
        Buffer.from([0x81, 0, draw(2) * 0x20, draw(3)]),
        bytes.subarray(12),
      ]);
    if (draw(12) === 0)
      bytes = Buffer.concat([bytes.subarray(0, 12), Buffer.from([0x88, 0xa8, 0, 0]), bytes.subarray(12)]);
    if (draw(6) === 0) bytes = bytes.subarray(0, 14 + draw(bytes.length - 13));
    if (bytes.length > 14 && draw(4) === 0) bytes[14 + draw(bytes.length - 14)] = draw(256);
    // What the bridge itself drops by its addresses (net/bridge/br_input.c) no rule sees.
    bytes[0] = draw(2) === 0 ? 0xff : 2;
    bytes[6] = 2;
    return bytes;
  }).filter((bytes) => kindOfBytes(bytes, 'up') !== undefined);
}

export async function agreement(
  bridge: Bridge,
  of: { readonly seed: number; readonly rules: number; readonly frames: number },
): Promise<Agreement> {
  const draw = drawOf(of.seed);
  const frames = randomFrames(of.frames, draw);
  const matches = Array.from({ length: of.rules }, () => randomMatch(frames, draw));
  const ruleset = [
    'table bridge lgproof {',
    '  counter sent { }',
    ...matches.map((_, at) => `  counter r${at} { }`),
    ...matches.map((_, at) => `  chain c${at} { counter name r${at} return; }`),
    '  chain entering { type filter hook prerouting priority 0; policy drop;',
    ...matches.map((match, at) => `    ${match} jump c${at}`),
    '    counter name sent drop',
    '  }',
    '  chain crossing { type filter hook forward priority 0; policy drop; }',
    '}',
    '',
  ].join('\n');
  const code = parseBytecode(await bridge.load(ruleset));
  const wrong: string[] = [];
  let [compared, matched, undecided, seen] = [0, 0, 0, 0];
  let before = await bridge.counters();
  for (const bytes of frames) {
    await bridge.send('lan', bytes);
    let after = await bridge.counters();
    for (let reading = 0; reading < 40 && after.get('sent') === before.get('sent'); reading += 1)
      after = await bridge.counters();
    if (after.get('sent') === before.get('sent')) {
      wrong.push(`never judged: ${bytes.toString()}`);
      continue;
    }
    seen += 1;
    const kind = kindOfBytes(bytes, 'up');
    if (kind === undefined) continue;
    const model = new Model(code, new Frame(kind), { in: 'lan0', out: 'wan0' });
    const values = valuesOfBytes(kind, bytes);
    // What is free is taken as all zeros and as all ones: where that makes a difference the model does not say.
    const said = [0n, 1n].map((free) => {
      const valuation = new Valuation(({ name, width }) =>
        isFree(name) ? (free === 0n ? 0n : (1n << BigInt(Math.max(1, width))) - 1n) : values(name),
      );
      return new Set(
        model
          .path('prerouting', (node) => valuation.holds(node))
          .flatMap((rule) => /jump (c\d+)$/.exec(rule)?.[1] ?? []),
      );
    });
    for (const [at, match] of matches.entries()) {
      const real = after.get(`r${at}`) !== before.get(`r${at}`);
      const [one, other] = said.map((set) => set.has(`c${at}`));
      compared += 1;
      if (real) matched += 1;
      if (one !== other) undecided += 1;
      else if (one !== real)
        wrong.push(
          `${match}: the kernel ${real ? 'matches' : 'does not match'} ${kindText(kind)} ${Buffer.from(bytes).toString('hex')}`,
        );
    }
    before = after;
  }
  return { rules: matches.length, frames: seen, compared, matched, undecided, wrong };
}
