// What the command line says to right, wrong and nearly right words.

import { expect, it } from 'vitest';

import { durationText, readArguments, readDuration } from '../../../appliance/cli/arguments.ts';
import { CommandError } from '../../../appliance/cli/command.ts';
import type { Command } from '../../../appliance/cli/command.ts';
import { runCommand } from './command-run.ts';

const echo: Command = {
  ...{ name: 'status', summary: 'says its words', help: 'the whole help\n' },
  run: (args, io) => {
    if (args[0] === 'defect') return Promise.reject(new Error('boom'));
    if (args[0] === 'fault')
      return Promise.reject(new CommandError(3, 'x', 'It \u001b[31mfailed.', 'Mend it.\nThen that.'));
    const { values, positionals } = readArguments('status', args, { json: { type: 'boolean' } }, 1);
    io.stdout.write(JSON.stringify([values.json, ...positionals]));
    return Promise.resolve(0);
  },
};
const COMMANDS = [echo, { ...echo, name: 'watch' }];
const run = (...args: string[]) => runCommand(COMMANDS, args);

it('finds the command and hands on the words', async () => {
  expect(await run('status', 'a', '--json')).toEqual({ code: 0, out: '[true,"a"]', err: '' });
});

it('says its version, and helps', async () => {
  expect(await run('--version')).toEqual({ code: 0, out: 'leakguard 1.2.3\n', err: '' });
  for (const args of [['--help'], ['-h'], ['help']]) {
    const { code, out } = await run(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/status {2}says its words\n/);
    expect(out).toContain('Exit codes: 0');
  }
  for (const args of [
    ['help', 'status'],
    ['status', '--help'],
    ['status', '-h', 'x'],
  ])
    expect(await run(...args)).toEqual({ code: 0, out: 'the whole help\n', err: '' });
});

it('says to stderr what it can do when nothing was asked, and ends with 2', async () => {
  const { code, out, err } = await run();
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain('says its words');
});

it.each([
  [['stauts'], 'There is no command "stauts". Did you mean status?'],
  [['frobnicate'], 'There is no command "frobnicate".\n'],
  [['--verison'], 'There is no option "--verison". Did you mean --version?'],
  [['help', 'stats'], 'There is no command "stats". Did you mean status?'],
  [['status', '--jsno'], '"leakguard status" has no option --jsno. Did you mean --json?'],
  [['status', '--json=x'], 'does not take an argument'],
  [['status', 'a', 'b'], 'Unexpected argument "b".'],
])('tells what is wrong with %j, and ends with 2', async (args, said) => {
  const { code, out, err } = await run(...args);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(said);
  expect(err).toMatch(/See "leakguard( status)? --help"/);
});

it('shows a fault with its remedy and no terminal escapes', async () => {
  expect(await run('status', 'fault')).toEqual({
    ...{ code: 3, out: '' },
    err: 'leakguard: It \\u{1b}[31mfailed.\n  Mend it.\n  Then that.\n',
  });
});

it('says of a defect that it is one', async () => {
  const { code, err } = await run('status', 'defect');
  expect(code).toBe(3);
  expect(err).toMatch(/This is a bug in leakguard: Error: boom\n/);
});

it('reads durations, and refuses what is none', () => {
  expect(['15s', '5m', '1h', '24h'].map((text) => readDuration(text, '--duration', 86_400))).toEqual([
    ...[15, 300, 3_600, 86_400],
  ]);
  for (const text of ['', '0', '0s', '-1', '1d', '1.5s', '25h', 's', '99999999999s', '5 m'])
    expect(() => readDuration(text, '--duration', 86_400), text).toThrow(CommandError);
  // Whoever writes 5 may mean minutes.
  expect(() => readDuration('5', 'the time', 3_600)).toThrow(
    'the time 5 has no unit: 5s is seconds, 5m minutes',
  );
});

it.each([1, 59, 60, 90, 3_600, 5_400, 86_400])('writes %i s so that it reads the same', (seconds) => {
  expect(readDuration(durationText(seconds), '--duration', seconds)).toBe(seconds);
  expect(() => readDuration(`${String(seconds + 1)}s`, '--duration', seconds)).toThrow('too long');
});
