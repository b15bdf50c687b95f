// Programs are started, listened to and ended, and say so when they cannot be.

import { describe, expect, it } from 'vitest';

import { type Argv, must, run, Running } from '../../../../appliance/lab/processes/process.ts';
import { identityOf, isAlive } from '../../../../appliance/lab/processes/process-identity.ts';

const node = (program: string): Argv => [process.execPath, '--eval', program];

describe('a program that runs to its end', () => {
  it('gives its exit code and what it said', async () => {
    const outcome = await run(node("console.log('out'); console.error('err'); process.exit(3)"));
    expect(outcome).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
  });

  it('reads what it is given', async () => {
    expect((await run(['cat'], { input: 'a line\n' })).stdout).toBe('a line\n');
  });

  it('gets nothing of our environment but what it is given', async () => {
    const outcome = await run(['env'], { env: { MARK: 'x' } });
    expect(outcome.stdout.split('\n').map((line) => line.split('=')[0])).toEqual([
      'PATH',
      'LC_ALL',
      'MARK',
      '',
    ]);
  });

  it('is killed when its time is up, and has no exit code then', async () => {
    expect((await run(node('setInterval(() => {}, 1000)'), { timeoutMs: 300 })).code).toBeNull();
  });

  it('that is missing, or fails where it must not, is a LabError with words', async () => {
    await expect(run(['leakguard-no-such-program'])).rejects.toMatchObject({
      code: 'command-missing',
      message: 'leakguard-no-such-program: not installed',
    });
    await expect(must(node("console.error('because'); process.exit(1)"))).rejects.toMatchObject({
      code: 'command-failed',
      message: expect.stringContaining('because') as string,
    });
  });
});

describe('a program that keeps running', () => {
  const TALKER = node("console.log('first'); console.log('ready 7'); setInterval(() => {}, 1000)");

  it('can be waited for by what it says, before and after it said it', async () => {
    const running = await Running.start(TALKER);
    expect(await running.line(/^ready/)).toBe('ready 7');
    expect(await running.line(/^first$/)).toBe('first');
    expect(await running.stop()).toBeNull();
    expect(running.ended).toBe(true);
  });

  it('that ends, or is silent for too long, is a LabError', async () => {
    const ends = await Running.start(node("console.log('sorry')"));
    await expect(ends.line(/never/)).rejects.toMatchObject({ code: 'not-ready' });
    const silent = await Running.start(TALKER);
    await expect(silent.line(/never/, 50)).rejects.toMatchObject({ code: 'not-ready' });
    await silent.stop();
  });

  it('is killed when it does not obey', async () => {
    const stubborn = await Running.start(
      node("process.on('SIGTERM', () => {}); console.log('on'); setInterval(() => {}, 1000)"),
    );
    await stubborn.line(/on/);
    expect(await stubborn.stop('SIGTERM', 50)).toBeNull();
  });

  it('keeps as many lines as it is told', async () => {
    const running = await Running.start(node('for (let n = 0; n < 9; n++) console.log(n)'), { remember: 2 });
    await running.exited;
    expect(running.lines).toEqual(['7', '8']);
  });
});

describe('the identity of a process', () => {
  it('holds while it lives, and for no other', async () => {
    const running = await Running.start(['cat']);
    const identity = await identityOf(running.pid);
    expect(identity).toBeDefined();
    if (identity === undefined) return;
    expect(await isAlive(identity)).toBe(true);
    expect(await isAlive({ ...identity, started: '1' })).toBe(false);
    await running.stop('SIGKILL');
    expect(await isAlive(identity)).toBe(false);
  });
});
