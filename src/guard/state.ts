// Decides the one state and the LED pattern that follow from everything the guard knows (README.md, The light).
// Doubt is never green: whatever is not verified is `blind`, and green needs every condition at once.

import type { LedPattern, State } from '../api/words.ts';

/** What the state follows from; counts of frames where they say so, else of incidents or tunnels. */
export interface Situation {
  /** The guard started a moment ago and not everything has reported yet. */
  readonly starting: boolean;
  /** Why the state cannot be trusted: a tap down, counters unreadable, rules not verified. Empty when all is verified. */
  readonly blindness: readonly string[];
  readonly blockMode: boolean;
  /** A captive-portal exception is open. */
  readonly passOpen: boolean;
  /** The profile allows other traffic outside the tunnel: that is not a leak, but Eve reads it all the same. */
  readonly goesDirect?: boolean;
  readonly tunnelsConfigured: number;
  /** Those that are connected, be they in use or quiet. */
  readonly tunnelsUp: number;
  /** Those of them whose server was heard a moment ago; all of them if absent. */
  readonly tunnelsHeard?: number;
  /** Those whose client sends and hears nothing. */
  readonly tunnelsTrying?: number;
  /** This count and those below are of incidents that nobody has acknowledged. */
  readonly breaches: number;
  readonly redEscapes: number;
  readonly redBlocked: number;
  readonly amberEscapes: number;
  /** Network attacks (rule T) that no escape has followed yet. */
  readonly warnings?: number;
  /** Red leak frames since the last acknowledgement that the kernel counted but no tap saw, by whether they left. */
  readonly unseenEscaped: number;
  readonly unseenBlocked: number;
  /** Names of the ports without a cable, or whose cable was plugged in a moment ago: nothing has been proven there yet. */
  readonly unplugged?: readonly string[];
  /** Tunnels whose server list is out of date, with the day the list was made, `2026-11-29`. */
  readonly oldLists?: readonly { readonly name: string; readonly listed: string }[];
}

/** The one state, how the LED shows it, and a sentence for people. */
export interface Judgement {
  readonly state: State;
  readonly lamp: LedPattern;
  readonly why: string;
}

/** The state, LED pattern and reason: the most alarming thing that is true decides. */
export function judgeSituation(s: Situation): Judgement {
  if (s.breaches > 0) {
    return say(
      'breach',
      'red-flash',
      `${count(s.breaches, 'incident')} got past block mode, which should have stopped ${them(s.breaches)}.`,
    );
  }
  if (s.starting) return say('starting', 'red', 'Starting: nothing is verified yet.');
  const [blind] = s.blindness;
  if (blind !== undefined) return say('blind', 'red-flash', `The box cannot vouch for anything: ${blind}.`);
  if (s.tunnelsConfigured === 0) {
    return say('setup', 'amber', 'No tunnel is configured yet: everything that leaves counts as a leak.');
  }
  if (s.redEscapes > 0) {
    return say(
      'leaking',
      'red',
      `${count(s.redEscapes, 'incident')}: traffic left the laptop outside the tunnel, readable on the wire.`,
    );
  }
  if (s.unseenEscaped > 0) {
    const frames = count(s.unseenEscaped, 'frame');
    return say(
      'leaking',
      'red',
      `${frames} left outside the tunnel: the kernel counted ${them(s.unseenEscaped)}, but the box could not read ${them(s.unseenEscaped)}.`,
    );
  }
  if (s.passOpen)
    return say(
      'pass',
      'alternating',
      'A captive-portal exception (pass) is open: what it lets through is readable on the wire.',
    );
  const unplugged = s.unplugged ?? [];
  const except = s.goesDirect === true ? ' except what the profile allows to go direct' : '';
  if (s.redBlocked > 0 || s.unseenBlocked > 0) {
    const what =
      s.redBlocked > 0
        ? `${count(s.redBlocked, 'attempt')} to leave outside the tunnel ${were(s.redBlocked)}`
        : `${count(s.unseenBlocked, 'frame')} that the box could not read ${were(s.unseenBlocked)}`;
    const lamp = s.tunnelsUp > 0 && unplugged.length === 0 ? 'green-blip' : 'amber';
    return say('blocked', lamp, `${what} stopped; nothing escaped${except}.`);
  }
  if (unplugged.length > 0) {
    return say('idle', 'amber', `Nothing is plugged into ${unplugged.join(' and ')}: nothing can leave.`);
  }
  if (s.tunnelsUp === 0) {
    return say(
      'idle',
      'amber',
      (s.tunnelsTrying ?? 0) > 0
        ? `The VPN sends, but nothing comes back from its server; nothing escaped${except}${shut(s.blockMode)}.`
        : `No tunnel traffic was seen recently; nothing escaped${except}${shut(s.blockMode)}.`,
    );
  }
  const is = s.tunnelsHeard === 0 ? 'connected, quiet,' : 'up';
  if (s.amberEscapes > 0) {
    const what = count(s.amberEscapes, 'minor exposure');
    const carried =
      except === ''
        ? `The tunnel is ${is} and carries everything that matters`
        : `The tunnel is ${is} and nothing that matters escapes it${except}`;
    return say('clear', 'amber', `${carried}; ${what} on the local link.`);
  }
  const warnings = s.warnings ?? 0;
  if (warnings > 0) {
    const what = count(warnings, 'thing');
    return say(
      'clear',
      'amber',
      `Nothing escapes the tunnel${except}, but the network did ${what} that can draw traffic out of it.`,
    );
  }
  // Last, because it is the least urgent: traffic to a server that has moved is stopped, and its own client reports that sooner.
  const [old] = s.oldLists ?? [];
  if (old !== undefined) {
    return say(
      'clear',
      'amber',
      `Nothing escapes the tunnel${except}; the server list of ${old.name} dates from ${old.listed}: import a new one.`,
    );
  }
  return say('clear', 'green', `The tunnel is ${is} and nothing escapes it${except}${shut(s.blockMode)}.`);
}

function say(state: State, lamp: LedPattern, why: string): Judgement {
  return { state, lamp, why };
}

function them(n: number): string {
  return n === 1 ? 'it' : 'them';
}

function were(n: number): string {
  return n === 1 ? 'was' : 'were';
}

function shut(blockMode: boolean): string {
  return blockMode ? '; block mode is on' : '';
}

function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}
