// What status, block, ack and watch say and ask for.

import { chmodSync, writeFileSync } from 'node:fs';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { ackCommand } from '../../../appliance/cli/commands/ack.ts';
import { blockCommand } from '../../../appliance/cli/commands/block.ts';
import { passCommand } from '../../../appliance/cli/commands/pass.ts';
import { statusCommand } from '../../../appliance/cli/commands/status.ts';
import { watchCommand } from '../../../appliance/cli/commands/watch.ts';
import { durationText } from '../../../appliance/cli/arguments.ts';
import { MAX_PASS_SECONDS } from '../../../src/api/words.ts';
import { aStatus, anIncident, GuardPeer, someAllowed } from '../../guard-peer.ts';
import { runningLab } from '../../../appliance/cli/commands/lab-files.ts';
import { runCommand, start } from './command-run.ts';

const COMMANDS = [statusCommand, blockCommand, passCommand, ackCommand, watchCommand];

let peer: GuardPeer;

beforeEach(async () => {
  peer = await GuardPeer.start();
});

afterEach(() => peer.stop());

const run = (...args: string[]) => runCommand(COMMANDS, [...args, '--api', peer.socketPath]);

const leaking = aStatus({
  ...{ state: 'leaking', lamp: 'red', why: 'host0.leak.example was asked in the clear.', unacknowledged: 1 },
  ledger: { attempted: 1204, escaped: 1204, blocked: 0, unseen: 7 },
  incidents: [anIncident({ escaped: 1204, attempted: 1204 })],
});

describe('status', () => {
  it('is one screen with the state first', async () => {
    peer.status = leaking;
    const { code, out, err } = await run('status');
    expect([code, err]).toEqual([1, '']);
    expect(out.split('\n')[0]).toBe('✖ LEAKING  host0.leak.example was asked in the clear.');
    for (const said of [
      '✖ got out 1,204',
      'home  wireguard',
      'Incidents, 1 to acknowledge: 1 got out',
      'tap lan0 up',
    ])
      expect(out).toContain(said);
    expect(out).not.toContain('\u001b');
    expect(out.split('\n').length).toBeLessThan(25);
  });

  it('lists what the profile lets go direct, and says that it is readable', async () => {
    const why = 'The tunnel is up and nothing escapes it except what the profile allows to go direct.';
    peer.status = aStatus({ profile: 'proxy-stub', direct: 'any', allowed: someAllowed({ more: 3 }), why });
    const { code, out } = await run('status');
    expect(code).toBe(0);
    for (const said of [
      'proxy-stub, direct: any',
      'Allowed by profile: not leaks, but visible on the wire',
      '1,305 connections or queries, 20,417 frames since',
      'news.example  203.0.113.5, tcp 443   20,400 frames',
      '(no name)     203.0.113.80, tcp 443  17 frames',
      'and 3 more: leakguard report',
    ])
      expect(out).toContain(said);
    peer.status = aStatus();
    expect((await run('status')).out).not.toContain('Allowed by profile');
  });

  it('is what the daemon said with --json', async () => {
    peer.status = leaking;
    const { code, out } = await run('status', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toEqual(leaking);
  });

  it.each([
    ...(['clear', 'blocked', 'idle', 'setup', 'pass'] as const).map((state) => [state, 0] as const),
    ...(['leaking', 'breach'] as const).map((state) => [state, 1] as const),
    ...(['blind', 'starting'] as const).map((state) => [state, 3] as const),
  ])('ends in state %s with %i', async (state, code) => {
    peer.status = aStatus({ state });
    expect((await run('status')).code).toBe(code);
  });

  it('is coloured only on a screen that wants it, and never by what came from the wire', async () => {
    peer.status = {
      ...leaking,
      why: 'a\u001b[2Jb',
      incidents: [anIncident({ exposure: 'x\u009b31m\u202e.example' })],
    };
    const args = ['status', '--api', peer.socketPath];
    const colored = (await runCommand(COMMANDS, args, { color: true, columns: 80 })).out;
    expect(colored).toContain('\u001b[1;31m✖ LEAKING\u001b[0m');
    const plain = (await runCommand(COMMANDS, args, { color: false, columns: 80 })).out;
    expect(colored.replaceAll('\u001b', 'ESC').replaceAll(/ESC\[[\d;]*m/g, '')).toBe(plain);
    expect(plain).toContain('a\\u{1b}[2Jb');
    expect(plain).toContain('x\\u{9b}31m\\u{202e}.example');
  });
});

describe('without a daemon', () => {
  it('says why and what to do, and ends with 3', async () => {
    await peer.vanish();
    for (const words of [['status'], ['block', 'on'], ['ack'], ['watch']]) {
      const { code, out, err } = await run(...words);
      expect([code, out]).toEqual([3, '']);
      expect(err).toContain(`The daemon is not running: ${peer.socketPath} does not exist.`);
      expect(err).toContain('systemctl start leakguardd');
    }
    writeFileSync(peer.socketPath, '');
    chmodSync(peer.socketPath, 0o600);
    expect((await run('status')).err).toContain('nothing is listening');
  });

  it('names the socket of a lab that runs here', async () => {
    await peer.vanish();
    const lab = runningLab();
    const { err } = await run('status');
    expect(err.includes('for the running lab')).toBe(lab !== undefined);
    if (lab !== undefined) expect(err).toContain(`--api ${lab.api}`);
  });

  it('takes no other program for it', async () => {
    peer.status = { state: 'clear' };
    const { code, err } = await run('status');
    expect(code).toBe(3);
    expect(err).toContain("This command cannot read the daemon's answer");
  });
});

describe('block, pass and ack', () => {
  const UNTIL = '2026-03-01T10:05:00.000Z';
  const commands = () => peer.asked.map(({ method, path, body }) => [method, path, body]);

  it('ask the daemon and say what is so then', async () => {
    peer.status = leaking;
    expect(await run('block', 'on')).toMatchObject({ code: 0, err: '' });
    expect((await run('block', 'off')).out).toContain('Block mode is off');
    expect((await run('ack', 'i1')).out).toBe(
      '1 incident acknowledged. None is left to acknowledge; the state is leaking.\n',
    );
    expect(JSON.parse((await run('ack', '--json')).out)).toMatchObject({ unacknowledged: 0 });
    expect(commands()).toEqual([
      ['PUT', '/v1/block', { on: true }],
      ['PUT', '/v1/block', { on: false }],
      ['POST', '/v1/ack', { id: 'i1' }],
      ['POST', '/v1/ack', { id: 'all' }],
    ]);
  });

  it('refuse other words, and tell what the daemon refuses', async () => {
    expect(await run('block', 'maybe')).toMatchObject({ code: 2 });
    expect(await run('block')).toMatchObject({ code: 2 });
    expect(peer.asked).toEqual([]);
    expect(await run('ack', 'x')).toEqual({ code: 2, out: '', err: 'leakguard: there is none\n' });
    const error = { code: 'internal', message: 'the kernel did not take it', faults: [] };
    peer.refusal = { status: 500, body: { error } };
    expect(await run('block', 'on')).toMatchObject({ code: 3 });
  });

  it('say it when there is nothing to acknowledge', async () => {
    expect((await run('ack')).out).toBe(
      'There was nothing to acknowledge. None is left to acknowledge; the state is clear.\n',
    );
    peer.status = aStatus({ incidents: [anIncident({ acknowledged: true })] });
    expect((await run('ack', 'i1')).out).toContain('i1 was acknowledged before.');
  });

  it("acknowledge a tunnel's own traffic, and say how many of all incidents that were", async () => {
    const { tunnels } = aStatus();
    const name = tunnels[0]?.name ?? '';
    peer.status = aStatus({ tunnels: tunnels.map((one) => ({ ...one, explained: 2 })), unacknowledged: 5 });
    expect((await run('ack', '--tunnel', name)).out).toContain('2 incidents acknowledged.');
    expect(peer.asked.at(-1)).toMatchObject({ method: 'POST', path: `/v1/tunnels/${name}/ack` });
    peer.status = aStatus({ unacknowledged: 5 });
    expect((await run('ack', '--tunnel', name)).out).toContain('There was nothing to acknowledge.');
    expect(await run('ack', 'i1', '--tunnel', name)).toMatchObject({ code: 2 });
  });

  it('turn block mode on beside an open pass only when it is said what becomes of the pass', async () => {
    const open = aStatus({ blockMode: true, passUntil: UNTIL, state: 'pass', lamp: 'alternating' });
    peer.status = open;
    for (const words of [[], ['--json']]) {
      const { code, out, err } = await run('block', 'on', ...words);
      expect([code, out]).toEqual([2, '']);
      expect(err).toContain('A pass is open until 2026-03-01');
      expect(err).toContain('--end-pass');
    }
    expect(await run('block', 'on', '--end-pass', '--keep-pass')).toMatchObject({ code: 2 });
    expect(peer.asked).toEqual([]);
    const kept = await run('block', 'on', '--keep-pass');
    expect(kept.out).toContain('Block mode is on, but a pass is open until');
    expect(kept.out).not.toContain('only the tunnel');
    const ended = await run('block', 'on', '--end-pass');
    expect(ended.out).toMatch(
      /^Block mode is on: only the tunnel.*\nThe pass that was open until .* has ended\.\n$/,
    );
    expect(commands()).toEqual([
      ['PUT', '/v1/block', { on: true }],
      ['PUT', '/v1/block', { on: true }],
      ['DELETE', '/v1/pass', {}],
    ]);
  });

  it.each([
    ['yes', 'has ended', ['PUT', 'DELETE']],
    ['no', 'but a pass is open', ['PUT']],
  ])('on a terminal they ask about the pass; %s', async (answer, said, methods) => {
    peer.status = aStatus({ blockMode: true, passUntil: UNTIL });
    const args = ['block', 'on', '--api', peer.socketPath];
    const { code, out, err } = await runCommand(COMMANDS, args, { color: false, columns: 80 }, `${answer}\n`);
    expect(code).toBe(0);
    expect(err).toContain('End the pass?');
    expect(out).toContain(said);
    expect(peer.asked.map(({ method }) => method)).toEqual(methods);
  });

  it('want the unit of a pass and its limit, and say what the end of one did', async () => {
    for (const [word, said] of [
      ['5', 'the time 5 has no unit: 5s is seconds, 5m minutes, 5h hours.'],
      [durationText(MAX_PASS_SECONDS + 1), 'is too long.\n  Use a form such as 15s, 5m or 1h; at most 1h.'],
    ] as const) {
      const { code, err } = await run('pass', word);
      expect(code).toBe(2);
      expect(err).toContain(said);
    }
    expect(peer.asked).toEqual([]);
    expect((await run('pass', '--help')).out).toContain(`at most ${durationText(MAX_PASS_SECONDS)}`);
    expect((await run('pass', 'end')).out).toBe('No pass was open; nothing was changed.\n');
    expect((await run('pass', '5m')).out).toMatch(/^A pass is open until /);
    expect(peer.asked.at(-1)?.body).toEqual({ seconds: 300 });
    expect((await run('pass', 'end')).out).toMatch(/^The pass that was open until .* has ended\.\n$/);
  });

  it('tell why a pass is refused while block mode is off', async () => {
    const message = 'block mode is off: everything may leave already, so a pass would open nothing';
    peer.refusal = { status: 409, body: { error: { code: 'block-mode-off', message, faults: [] } } };
    expect(await run('pass', '5m')).toEqual({ code: 2, out: '', err: `leakguard: ${message}\n` });
  });
});

describe('watch', () => {
  const watch = (...args: string[]) =>
    start(COMMANDS, ['watch', '--follow', '--api', peer.socketPath, ...args]);

  it('tells incidents as they come, and sums up what was added', async () => {
    peer.status = aStatus({ ledger: { attempted: 5, escaped: 5, blocked: 0, unseen: 0 } });
    const running = watch();
    await running.said('✔ CLEAR');
    await peer.haveStreams(1);
    peer.emit({ event: 'incident', data: anIncident() });
    await running.said('host0.leak.example');
    peer.say({ ...leaking, ledger: { attempted: 8, escaped: 7, blocked: 1, unseen: 0 } });
    await running.said('✖ LEAKING');
    running.interrupt();
    const { code, out } = await running.ended;
    expect(code).toBe(1);
    expect(out).toMatch(
      /1 incident with new frames in \d+ s: frames 2 got out, 1 stopped, 3 attempted\nThe state is leaking; 1 to acknowledge: 1 got out\.\n$/,
    );
  });

  it('is one object a line with --json, and only the last with --summary-only', async () => {
    for (const [options, events] of [
      [['--json'], ['incident', 'state', 'summary']],
      [['--json', '--summary-only'], ['summary']],
    ] as const) {
      peer.status = aStatus();
      const running = watch(...options);
      await peer.haveStreams(1);
      peer.emit({ event: 'incident', data: anIncident() });
      peer.say(leaking);
      if (options.length === 1) await running.said('"state":"leaking"');
      running.interrupt();
      const { code, out } = await running.ended;
      const lines = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { event: string; data: unknown });
      expect(lines.map(({ event }) => event)).toEqual(events);
      expect(lines.at(-1)?.data).toMatchObject({ ledger: leaking.ledger, state: 'leaking' });
      expect(code).toBe(1);
      await peer.haveStreams(0);
    }
  });

  it('ends with 0 when nothing was seen, and with 3 when some traffic was not seen', async () => {
    const quiet = watch();
    await quiet.said('CLEAR');
    await peer.haveStreams(1);
    quiet.interrupt();
    expect(await quiet.ended).toMatchObject({ code: 0 });
    const blind = watch();
    await blind.said('CLEAR');
    await peer.haveStreams(1);
    peer.say(aStatus({ state: 'blind', lamp: 'red-flash' }));
    await blind.said('BLIND');
    peer.say(aStatus());
    blind.interrupt();
    const { code, out } = await blind.ended;
    expect(code).toBe(3);
    expect(out).toContain('The guard was blind for part of this time');
  });

  it('ends with 3 when the daemon breaks off', async () => {
    const running = watch();
    await running.said('CLEAR');
    await peer.haveStreams(1);
    await peer.vanish();
    expect(await running.ended).toMatchObject({ code: 3 });
  });

  it('does not tell again what was there before', async () => {
    peer.status = { ...leaking, why: 'It leaked.' };
    const running = watch();
    await running.said('LEAKING');
    await peer.haveStreams(1);
    peer.emit({
      event: 'incident',
      data: anIncident({ escaped: 1204, attempted: 1204, acknowledged: true }),
    });
    peer.say(aStatus({ ledger: leaking.ledger }));
    await running.said('CLEAR');
    running.interrupt();
    const { code, out } = await running.ended;
    expect(out).not.toContain('host0');
    expect(code).toBe(0);
  });

  it('refuses a policy of its own when it is the daemon who judges', async () => {
    expect(await run('watch', '--tunnel', 'udp:198.51.100.7:51820')).toMatchObject({ code: 2 });
    expect(await run('watch', '--duration', 'soon')).toMatchObject({ code: 2 });
  });
});
