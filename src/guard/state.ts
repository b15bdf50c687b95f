// Knows: the one state and the LED that follow from what is known. Must not know: how it became known.
// Follows README.md, The light. Which way doubt errs: whatever is not verified is `blind`; green needs every condition at once.

import type { LedPattern, State } from '../api/words.ts';

export interface Situation {
  /** Monotonic time since start is short and not everything has reported yet. */
  readonly starting: boolean;
  /** Why nothing can be said: a tap down, counters unreadable, rules not verified. Empty when all is verified. */
  readonly blindness: readonly string[];
  readonly blockMode: boolean;
  readonly passOpen: boolean;
  /** The profile lets other traffic go past the tunnel: that is no leak, and Eve reads it all the same. */
  readonly goesDirect?: boolean;
  readonly tunnelsConfigured: number;
  readonly tunnelsUp: number;
  /** Of incidents nobody has acknowledged. */
  readonly breaches: number;
  readonly redEscapes: number;
  readonly redBlocked: number;
  readonly amberEscapes: number;
  /** What the network did that nothing has followed from yet (rule T). */
  readonly warnings?: number;
  /** Red leak frames since the last acknowledgement that no tap looked at: the kernel may have let them through, or did not. */
  readonly unseenEscaped: number;
  readonly unseenBlocked: number;
  /** Ports without a cable, or with one that was plugged in a moment ago: what they carry is not proven. */
  readonly unplugged?: readonly string[];
  /** Tunnels whose servers come from a list that is old, with the day it was made. */
  readonly oldLists?: readonly { readonly name: string; readonly listed: string }[];
}

export interface Judgement {
  readonly state: State;
  readonly lamp: LedPattern;
  readonly why: string;
}

/** The most alarming thing that is true decides. */
export function judgeSituation(s: Situation): Judgement {
  if (s.breaches > 0) {
    return say(
      'breach',
      'red-flash',
      `${count(s.breaches, 'incident')} crossed although block mode should have stopped it.`,
    );
  }
  if (s.starting) return say('starting', 'red', 'Starting: nothing is verified yet.');
  const [blind] = s.blindness;
  if (blind !== undefined) return say('blind', 'red-flash', `Cannot vouch for anything: ${blind}.`);
  if (s.tunnelsConfigured === 0) {
    return say('setup', 'amber', 'No tunnel is configured yet: everything that leaves counts as a leak.');
  }
  if (s.redEscapes > 0) {
    return say(
      'leaking',
      'red',
      `${count(s.redEscapes, 'incident')} left the laptop past the tunnel, readable on the wire.`,
    );
  }
  if (s.unseenEscaped > 0) {
    const frames = count(s.unseenEscaped, 'frame');
    return say(
      'leaking',
      'red',
      `${frames} left past the tunnel that the kernel counted and nobody could look at.`,
    );
  }
  if (s.passOpen)
    return say('pass', 'alternating', 'A pass is open: what it lets through is readable on the wire.');
  const unplugged = s.unplugged ?? [];
  const but = s.goesDirect === true ? ' but what the profile lets go direct' : '';
  if (s.redBlocked > 0 || s.unseenBlocked > 0) {
    const what =
      s.redBlocked > 0
        ? `${count(s.redBlocked, 'attempt')} to leave past the tunnel`
        : `${count(s.unseenBlocked, 'frame')} that nobody could look at`;
    const lamp = s.tunnelsUp > 0 && unplugged.length === 0 ? 'green-blip' : 'amber';
    return say('blocked', lamp, `${what} stopped; nothing escaped${but}.`);
  }
  if (unplugged.length > 0) {
    return say('idle', 'amber', `Nothing is plugged in at ${unplugged.join(' and ')}: nothing can leave.`);
  }
  if (s.tunnelsUp === 0) {
    return say('idle', 'amber', `No tunnel traffic seen lately; nothing escaped${but}${shut(s.blockMode)}.`);
  }
  if (s.amberEscapes > 0) {
    const what = count(s.amberEscapes, 'minor exposure');
    const carried =
      but === ''
        ? 'The tunnel is up and carries all that matters'
        : `The tunnel is up and nothing that matters escapes it${but}`;
    return say('clear', 'amber', `${carried}; ${what} on the local link.`);
  }
  const warnings = s.warnings ?? 0;
  if (warnings > 0) {
    const what = count(warnings, 'thing');
    return say(
      'clear',
      'amber',
      `Nothing escapes the tunnel${but}${but === '' ? ', but' : '; yet'} the network did ${what} that can pull it out.`,
    );
  }
  // The least of all: a server that has moved is stopped, which its own client tells sooner.
  const [old] = s.oldLists ?? [];
  if (old !== undefined) {
    return say(
      'clear',
      'amber',
      `Nothing escapes the tunnel${but}; the servers of ${old.name} are from a list of ${old.listed}: import a new one.`,
    );
  }
  return say('clear', 'green', `The tunnel is up and nothing escapes it${but}${shut(s.blockMode)}.`);
}

function say(state: State, lamp: LedPattern, why: string): Judgement {
  return { state, lamp, why };
}

function shut(blockMode: boolean): string {
  return blockMode ? '; block mode is on' : '';
}

function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}
