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
  /** Red incidents of which frames escaped, including `unseenEscapes`. */
  readonly redEscapes: number;
  /** Protected names that only the network's answers showed (rule B). */
  readonly shown?: number;
  /** Network attacks (rule T) that an escape has followed. */
  readonly followed?: number;
  readonly redBlocked: number;
  /** Stopped minor exposures: they decide nothing, but are counted wherever stopped incidents are. */
  readonly amberBlocked?: number;
  readonly amberEscapes: number;
  /** Network attacks (rule T) that no escape has followed yet. */
  readonly warnings?: number;
  /** Those of `redEscapes` and `redBlocked` whose frames the kernel counted but no tap saw, and the number of such frames. */
  readonly unseenEscapes: number;
  readonly unseenEscaped: number;
  readonly unseenStops: number;
  readonly unseenBlocked: number;
  /** The incident list also has acknowledged incidents of which frames escaped. */
  readonly escapedBefore?: boolean;
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
  if (s.redEscapes > 0) return say('leaking', 'red', leakingText(s));
  const shown = s.shown ?? 0;
  if (shown > 0) {
    const names = count(shown, 'incident');
    return say('leaking', 'red', `${names}: an answer from the network showed a protected name on the wire.`);
  }
  const followed = s.followed ?? 0;
  if (followed > 0) {
    const attacks = count(followed, 'incident');
    return say(
      'leaking',
      'red',
      `${attacks}: the network did something that draws traffic out of the tunnel, and traffic went there.`,
    );
  }
  if (s.passOpen)
    return say(
      'pass',
      'alternating',
      'A captive-portal exception (pass) is open: anyone on the network can see what it lets through.',
    );
  const unplugged = s.unplugged ?? [];
  const except = s.goesDirect === true ? ' except what the profile allows to go direct' : '';
  const isPlugged = unplugged.length === 0;
  // While block mode is off nothing is stopped: what was stopped earlier is told, but the light shows no shield.
  if (s.redBlocked > 0 && s.blockMode) {
    const isGood = s.tunnelsUp > 0 && isPlugged && s.amberEscapes === 0;
    return say('blocked', isGood ? 'green-blip' : 'amber', `${stopped(s)}; ${rest(s, except)}.`);
  }
  if (!isPlugged) {
    return say('idle', 'amber', `Nothing is plugged into ${unplugged.join(' and ')}: nothing can leave.`);
  }
  // Frames that the box could not read may be its own forged leaks, which never leave in any mode: they do not show that block mode was on.
  const readStops = s.redBlocked - s.unseenStops;
  const when = readStops > 0 ? 'before block mode was turned off, ' : '';
  const mode = s.blockMode ? '; block mode is on' : s.redBlocked > 0 ? `; ${when}${stopped(s)}` : '';
  if (s.tunnelsUp === 0) {
    const silent =
      (s.tunnelsTrying ?? 0) > 0
        ? 'The VPN sends, but nothing comes back from its server'
        : 'No tunnel traffic was seen recently';
    return say('idle', 'amber', `${silent}; ${rest(s, except)}${mode}.`);
  }
  const is = s.tunnelsHeard === 0 ? 'connected, quiet,' : 'up';
  if (s.amberEscapes > 0) {
    const carried =
      except === ''
        ? `The tunnel is ${is} and carries everything that matters`
        : `The tunnel is ${is} and nothing that matters escapes it${except}`;
    return say('clear', 'amber', `${carried}; ${exposures(s)}${s.redBlocked > 0 ? mode : ''}.`);
  }
  if (readStops > 0) {
    return say('clear', 'amber', `The tunnel is ${is} and nothing escapes it${except}${mode}.`);
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
  return say('clear', 'green', `The tunnel is ${is} and nothing escapes it${except}${mode}.`);
}

// The numbers in these texts are of incidents, and the same as in the status (its `open`): a person who reads both must find them equal.

function leakingText(s: Situation): string {
  const unread = s.unseenEscaped;
  const frames = count(unread, 'frame');
  const all = count(s.redEscapes, 'incident');
  if (s.redEscapes === s.unseenEscapes)
    return `${all}: ${frames} left outside the tunnel. The kernel counted ${them(unread)}, but the box could not read ${them(unread)}.`;
  const some = unread > 0 ? `. The box could not read ${frames} of it` : '';
  return `${all}: traffic left the laptop outside the tunnel, where anyone on the network can see it${some}.`;
}

function stopped(s: Situation): string {
  const all = s.redBlocked + (s.amberBlocked ?? 0);
  const unread = s.unseenStops > 0 ? ` (${count(s.unseenBlocked, 'frame')} could not be read)` : '';
  return `${count(all, 'attempt')} to leave outside the tunnel ${were(all)} stopped${unread}`;
}

/** What can be said of the rest when no red incident of escaped frames is unacknowledged. */
function rest(s: Situation, except: string): string {
  if (s.amberEscapes > 0) return `nothing that matters escaped${except}, but ${exposures(s)}`;
  return s.escapedBefore === true
    ? 'everything that escaped before is acknowledged'
    : `nothing escaped${except}`;
}

function exposures(s: Situation): string {
  return `${count(s.amberEscapes, 'minor exposure')} on the local link`;
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

function count(n: number, noun: string): string {
  return `${String(n)} ${noun}${n === 1 ? '' : 's'}`;
}
