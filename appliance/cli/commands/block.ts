// `leakguard block`. Succeeds only after the daemon has applied the rules and read them back from the kernel.

import { daemonAt } from '../api-client.ts';
import { API_OPTIONS, readArguments } from '../arguments.ts';
import { CommandError } from '../command.ts';
import type { Command, CommandIo } from '../command.ts';
import { canAsk, confirmed } from '../confirm.ts';
import { clockTime } from '../terminal.ts';

const HELP = `leakguard block: turn block mode on or off

  leakguard block on    only tunnel traffic, essential traffic and what the policy allows may leave; survives a reboot
  leakguard block off   watch mode: all traffic may leave, and all of it is judged; ends an open pass

  --end-pass     with on: end the pass (see "leakguard pass") that is open
  --keep-pass    with on: leave it open. On a terminal you are asked; elsewhere, one of the two is needed while a pass is open.
  --json         print the resulting status as one JSON object
  --api SOCKET   the daemon's socket (default /run/leakguard/api.sock)

Exit codes: 0 done and verified, 2 usage error, 3 no daemon, or the kernel did not accept the rules.
`;

const OPTIONS = {
  ...API_OPTIONS,
  'end-pass': { type: 'boolean', default: false },
  'keep-pass': { type: 'boolean', default: false },
} as const;
type Values = ReturnType<typeof readArguments<typeof OPTIONS>>['values'];

export const blockCommand: Command = {
  name: 'block',
  summary: 'on|off: turn block mode on or off',
  help: HELP,
  async run(args, io) {
    const { values, positionals } = readArguments('block', args, OPTIONS, 1);
    const [word] = positionals;
    if (word !== 'on' && word !== 'off')
      throw new CommandError(
        2,
        'usage',
        'Expected on or off.',
        'Use "leakguard block on" or "leakguard block off".',
      );
    const daemon = daemonAt(values.api);
    const before = await daemon.ask('status');
    const ends = word === 'on' && before.passUntil !== null && (await endsPass(before.passUntil, values, io));
    let status = await daemon.ask('block', { body: { on: word === 'on' } });
    if (status.blockMode !== (word === 'on'))
      throw new CommandError(3, 'not-applied', `Block mode is still ${status.blockMode ? 'on' : 'off'}.`);
    if (ends && status.passUntil !== null) status = await daemon.ask('endPass');
    const text = [
      status.blockMode
        ? onText(status.passUntil)
        : 'Block mode is off: all traffic may leave, and all of it is judged.',
      ...(before.passUntil !== null && status.passUntil === null
        ? [`The pass that was open until ${clockTime(before.passUntil, new Date())} has ended.`]
        : []),
    ];
    io.stdout.write(values.json ? `${JSON.stringify(status)}\n` : `${text.join('\n')}\n`);
    return 0;
  },
};

function onText(passUntil: string | null): string {
  if (passUntil === null) return 'Block mode is on: only the tunnel, and what it needs to work, may leave.';
  const until = clockTime(passUntil, new Date());
  return `Block mode is on, but a pass is open until ${until}: what it lets through may leave as well. End it with "leakguard pass end".`;
}

/** Whether to end the pass that is open. Throws CommandError 2 when nobody has said, and there is no terminal to ask on. */
async function endsPass(
  until: string,
  { 'end-pass': end, 'keep-pass': keep, json }: Values,
  io: CommandIo,
): Promise<boolean> {
  if (end && keep) throw new CommandError(2, 'usage', '--end-pass and --keep-pass exclude each other.');
  if (end || keep) return end;
  const open = `A pass is open until ${clockTime(until, new Date())}: what it lets through may leave in block mode as well.`;
  if (json || !canAsk(io))
    throw new CommandError(
      2,
      'pass-open',
      open,
      'Add --end-pass to end it, or --keep-pass to leave it open.',
    );
  io.stdout.write(`${open}\n`);
  return confirmed(io, 'End the pass?');
}
