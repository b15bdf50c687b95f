// The words and options of `leakguard lab`, as far as they need no root: the rest is in test/netns.

import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

import { CommandError, type ExitCode } from '../../../../appliance/cli/command.ts';
import { labCommand } from '../../../../appliance/cli/commands/lab.ts';
import { introduction, stepLine } from '../../../../appliance/cli/lab-texts.ts';
import { planOf } from '../../../../appliance/lab/plan.ts';
import { SCENARIOS } from '../../../../appliance/lab/scenarios.ts';

async function lab(...args: readonly string[]): Promise<{ code: ExitCode; out: string }> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: new PassThrough(), stdout, stderr, terminal: false, signal: AbortSignal.abort() };
  const code = await labCommand.run(args, io);
  stdout.end();
  return { code, out: await text(stdout) };
}

describe('leakguard lab', () => {
  it('lists the scenarios, for people and for programs', async () => {
    const { code, out } = await lab('list');
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      ...SCENARIOS.map(({ name }) => name),
      '',
    ]);
    const listed = JSON.parse((await lab('list', '--json')).out) as { scenarios: { name: string }[] };
    expect(listed.scenarios.map(({ name }) => name)).toEqual(SCENARIOS.map(({ name }) => name));
  });

  it('shows its help', async () => {
    expect((await lab('--help')).out).toBe(labCommand.help);
    expect((await lab('up', '-h')).out).toBe(labCommand.help);
  });

  it.each([
    [[], /up, down, list or play/],
    [['sideways'], /sideways/],
    [['play'], /No scenario/],
    [['play', 'chess'], /chess/],
    [['up', 'now'], /now/],
    [['play', 'vanilla', 'twice'], /twice/],
    [['up', '--port', '80x'], /80x/],
    [['up', '--port', '70000'], /70000/],
    [['up', '--fast'], /--fast/],
    [['down', '--id', '../x'], /\.\.\/x/],
  ])('refuses %j in words', async (args, words) => {
    const refusal = await lab(...args).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(CommandError);
    expect(refusal).toMatchObject({ exitCode: 2, message: expect.stringMatching(words) as string });
  });
});

describe('what the lab says', () => {
  it('names the page, the status, both ways to end it, and the real box', () => {
    const said = introduction(planOf('x'), 'http://127.0.0.1:8080');
    for (const word of ['http://127.0.0.1:8080', '/run/leakguard-lab/x/guard/api.sock', 'lab down --id x'])
      expect(said).toContain(word);
    expect(said).toContain('leakguard setup --lan IF --wan IF');
    // In a checkout no shell finds the bare word; only the real box has it.
    expect(said.match(/(?<!npx )\bleakguard (?!setup)[a-z]+/g)).toBeNull();
  });

  it('shows of a step what lan and wan saw, and whether it was as it should be', () => {
    const step = { name: 'dig', attempted: 2, escaped: 1, blocked: 1, lamp: 'red', detail: 'why' } as const;
    expect(stepLine({ ...step, ok: false })).toBe(
      'FAIL dig  lan saw 2, wan saw 1, blocked 1  [red]\n       why\n',
    );
    const quiet = { ...step, attempted: 0, escaped: 0, blocked: 0 };
    expect(stepLine({ ...quiet, ok: true })).toBe(' ok  dig  [red]\n       why\n');
  });
});
