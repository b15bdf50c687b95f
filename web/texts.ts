// Knows: every word the page shows that does not come from the guard. Must not know: how it is laid out.
// English; one place, so that it can be translated. Rules and kinds as README.md names them.

import type { State } from '../src/api/words.ts';
import type { ApiFaultCode } from '../src/api/client.ts';

interface StateText {
  /** Read from across the desk: one or two words. */
  readonly word: string;
  /** What to do now; empty when there is nothing to do. */
  readonly next: string;
}

/** What the light can show: every state, and `minor`, which is `clear` with the LED at amber. */
export type LightState = State | 'minor';

export const STATE_TEXTS: Readonly<Record<LightState, StateText>> = {
  clear: { word: 'Clear', next: '' },
  minor: {
    word: 'Minor leak',
    next: 'Look at it below: acknowledge it, or mend it on your device.',
  },
  leaking: {
    word: 'Leaking',
    next: 'Turn block mode on to stop it. The light stays red until you acknowledge what got out.',
  },
  blocked: {
    word: 'Blocked',
    next: 'Nothing of it reached the wire. Acknowledge it once you know what tried.',
  },
  breach: {
    word: 'Breach',
    next: 'Unplug the uplink if you depend on this. The rules are being re-applied; acknowledge after you have looked.',
  },
  pass: { word: 'Pass open', next: 'Log in to the network now. The kernel closes the pass by itself.' },
  idle: { word: 'No tunnel', next: 'Start your VPN. Until it is seen, this light does not turn green.' },
  setup: { word: 'Set up', next: 'Add your tunnel to the policy: until then everything counts as a leak.' },
  blind: { word: 'Blind', next: 'Treat the connection as unsafe until the light is back.' },
  starting: { word: 'Starting', next: 'Nothing is verified yet.' },
};

/** Why the light is blind, when it is the page that cannot see. */
export const LOST_TEXTS: Readonly<Record<ApiFaultCode, string>> = {
  unreachable: 'The guard is not running or does not answer. Nobody is watching the wire for this page.',
  silent: 'The guard takes questions and does not answer them. Nobody knows what is on the wire.',
  garbled: 'The guard answers what this page cannot read. Page and guard may be of different versions.',
  refused: 'The guard refuses to say its state.',
  failed: 'The guard cannot say its state.',
};

/** What a visitor who is not logged in may know: no name, no address, no figure. */
export const PUBLIC_TEXTS: Readonly<Record<LightState, string>> = {
  clear: 'The tunnel is up and no leak was seen.',
  minor: 'The tunnel is up. Something minor was seen outside it.',
  leaking: 'Something left outside the tunnel.',
  breach: 'Something crossed the block.',
  blocked: 'Something tried to leave outside the tunnel and was stopped.',
  pass: 'The block is open for a while, for the login page of a network.',
  idle: 'No tunnel has been seen lately.',
  setup: 'No tunnel is known yet: everything counts as a leak.',
  blind: 'Nobody can say what is on the wire. Treat it as unsafe.',
  starting: 'The box is starting. Nothing is verified yet.',
};

/** Why there is no way in. */
export const OUTCOME_FAULTS = {
  wrong: 'That is not the password.',
  code: 'That is not the code of this box.',
  short: 'A password has 8 to 200 characters.',
  different: 'The two passwords are not the same.',
  taken: 'A password has been set meanwhile. If it was not you who set it, reset it at the box.',
} as const;

export const PLACES = [
  { path: '/', word: 'Status' },
  { path: '/incidents', word: 'Incidents' },
  { path: '/dossier', word: 'Dossier' },
  { path: '/tunnels', word: 'Tunnels' },
  { path: '/clients', word: 'Clients' },
  { path: '/health', word: 'Health' },
  { path: '/settings', word: 'Settings' },
  { path: '/help', word: 'Help' },
] as const;

export const DOUBT_TEXTS = {
  tap: 'The guard reports no leak, but one of its taps is not reading the wire.',
  ruleset: 'The guard reports no leak, but its rules in the kernel are not verified.',
  counters: 'The guard reports no leak, but the kernel counters cannot be read.',
  lamp: 'The guard reports no leak, but its LED does not say so.',
} as const;

export const OUTCOME_TEXTS = {
  breach: 'crossed the block',
  escaped: 'got out',
  minor: 'got out',
  blocked: 'stopped',
  seen: 'tried',
  warning: 'warning',
} as const;

export const TUNNEL_STATE_TEXTS = { up: 'up', stale: 'quiet', down: 'not seen' } as const;

export const PROFILE_TEXTS: Readonly<Record<string, string>> = {
  'full-tunnel': 'Everything through the tunnel',
  'proxy-stub': 'Names through an encrypted resolver',
  split: 'Protected names through the tunnel',
};

/** Of a profile that is not for everything: where other traffic may go. */
export const DIRECT_TEXTS: Readonly<Record<string, string>> = {
  any: 'the rest anywhere',
  answered: 'the rest to answered addresses',
  none: 'nothing else past the tunnel',
};

export const TEXTS = {
  product: 'Leakguard',
  /** In the tab until the script puts the state there: without one it could not be kept true. */
  status: 'Status',
  skip: 'To the content',
  navigation: 'Pages',
  account: 'Account',
  loginTitle: 'Log in',
  loginNote: 'The light is for everyone. What got out, and every change, is for you.',
  logIn: 'Log in',
  setupTitle: 'Choose a password',
  setupNote:
    'This box has none yet. Whoever comes first chooses it: do it now, while the cable leads to you alone.',
  setupNoteCode: 'This box has none yet. Who knows its code chooses it.',
  firstCode: 'Code of this box',
  firstCodeNote:
    '“leakguard setup” printed it; of a card it stands in leakguard-page.txt on the boot partition. It is asked for once. Lost? As root on the box: leakguard setup --new-code.',
  setPassword: 'Set password',
  password: 'Password',
  passwordNow: 'Password now',
  passwordNew: 'New password',
  passwordAgain: 'The same again',
  passwordNote: 'At least 8 characters. A few words in a row are good, and easy to keep in mind.',
  changePassword: 'Change password',
  changePasswordNote: 'Every other browser is logged out.',
  logOut: 'Log out',
  logOutNote: 'A session ends by itself after 12 hours without use, and after 7 days.',
  logOutHere: 'Log out here',
  logOutEverywhere: 'Log out everywhere',
  waitBefore: 'Too many tries. Wait {seconds} s, then try again. Nobody is locked out for good.',
  live: 'Live',
  asOf: 'As of',
  notLive: 'reload to see it now',
  onlyLightLive: 'but for the light: reload to see the rest',
  lightFrame: 'The light, asked for every second',
  lightOld: 'Not current: the box has not answered for some seconds. Treat the connection as unsafe.',
  polling: 'Refreshing',
  lost: 'Not connected',
  since: 'since',
  pageLost: 'This page has lost its connection to the box. It does not know what is on the wire.',
  ledger: 'Leaks, in frames',
  ledgerNote: 'Frames in all, acknowledged ones too.',
  ledgerOfLeaks:
    'Frames of leaks in all, acknowledged ones too. What your profile lets go direct is listed below.',
  escaped: 'Got out',
  blocked: 'Stopped',
  attempted: 'Tried',
  unseen: 'Not looked at',
  unseenNote:
    'Frames the kernel counted and no tap could read: what they were nobody knows, so they belong to no incident.',
  blockTitle: 'Block mode',
  blockOn: 'On',
  blockOff: 'Off',
  blockOnNote: 'Only the tunnel and what it needs may leave.',
  blockOnNamed:
    'Only the tunnel, your encrypted resolvers and your proxies may be gone to. Anything else is a leak, and stopped.',
  blockOnOther:
    'Names leave by your encrypted resolvers and proxies alone. Other traffic goes past the tunnel, as your profile allows.',
  blockOnAnswered:
    'Protected names leave inside the tunnel only. The rest may go past it to addresses that an answer has just led your device to, and to your exceptions; an address that a program knows by itself leads nowhere.',
  blockOnAny:
    'Protected names leave inside the tunnel only, and no traffic goes to an address once it has served one. The first visit to an address that nobody asked for here is out before its name is known.',
  blockOffNote: 'Watching only: everything may leave, and everything is judged.',
  blockUnknown: 'Unknown while the guard does not answer. Rules already in the kernel stay there.',
  blockOnLeaking: 'Block mode is on now. The light stays red until you acknowledge what got out.',
  passTitle: 'Stuck behind a login page?',
  passNote:
    'A pass opens the block for a login page for a short time: names, web pages, and everything on the local network. Eve sees what you do meanwhile.',
  passLength: 'Length of the pass',
  passLengths: [
    { seconds: 60, word: '1 minute' },
    { seconds: 300, word: '5 minutes' },
    { seconds: 900, word: '15 minutes' },
  ],
  passStart: 'Open a pass',
  passOpen: 'Pass open',
  passUntil: 'until',
  passLeft: 'left',
  passStuck:
    'If the login page does not come up: the box stopped these meanwhile. A pass opens web ports, the local network and where the network sent your browser, nothing else.',
  passOpenNote: 'The kernel closes it at that time, or as soon as the tunnel is up.',
  passEnd: 'End the pass now',
  incidents: 'What got out, and what tried',
  allIncidents: 'All incidents',
  incidentsTitle: 'Incidents',
  wordAndRemedy: 'In words, and what to do',
  filter: 'Filter',
  showAll: 'Show all',
  filterText: 'Name, address or reason',
  filterClient: 'Device (MAC)',
  any: 'any',
  severity: 'Severity',
  period: 'Time',
  filterSince: 'From (UTC)',
  filterUntil: 'Until (UTC)',
  acknowledgement: 'Acknowledged',
  no: 'no',
  yes: 'yes',
  kind: 'Kind',
  noneFound: 'No incident fits this filter.',
  newestShown: 'Only the newest {count} are shown. Narrow the filter to see others.',
  incidentsUnknown: 'The incidents cannot be read now.',
  whatHappened: 'What happened',
  whatEveHas: 'What an eavesdropper has of it',
  whatToDo: 'What to do',
  seemsToRun: 'This device seems to run {system}',
  otherSystems: 'On other systems',
  candidates: 'Names she cannot tell apart',
  related: 'Part of the same story',
  evidence: 'Download the frames (pcapng)',
  evidenceNote: 'As far as your privacy setting keeps them. Opens in Wireshark.',
  last: 'Last',
  helpTitle: 'Help',
  lightMeans: 'What the light means',
  rulesMean: 'What counts as a leak, and what to do',
  limitsAre: 'What the box cannot see',
  profilesAre: 'What each profile watches, and what it stops',
  none: 'Nothing has left outside the tunnel.',
  noneKnown: 'Nothing is recorded, which does not mean that nothing left.',
  allowedTitle: 'Allowed by profile',
  allowedNote:
    'Your profile lets other traffic go past the tunnel. It is no leak, and Eve reads all of this.',
  allowedTotal:
    '{connections} connections or questions, {frames} frames since {since}. Kept while the box runs, not over a restart.',
  allowedNoName: 'no name',
  allowedConnections: 'connections or questions',
  allowedFrames: 'frames',
  allowedMore: 'And {count} more.',
  allowedAll: 'See all',
  noneButDirect: 'No leak has left. Your profile lets other traffic go past the tunnel: it is listed below.',
  acknowledge: 'Acknowledge',
  acknowledgeAll: 'Acknowledge all',
  acknowledged: 'acknowledged',
  toDestination: 'To',
  from: 'From',
  details: 'Details',
  rule: 'Rule',
  first: 'First',
  tunnels: 'Tunnels',
  noTunnels: 'No tunnel is configured.',
  lastSeen: 'last seen',
  never: 'never seen',
  unproven: 'Its address comes from answers on the wire; no handshake has proven one yet.',
  meshes: 'Meshes seen on the wire',
  listDay: 'Servers from a list of',
  listIsOld: 'Servers from an old list (import a new one), of',
  variants: 'Ways in which the network said so, newest first',
  health: 'Can it see?',
  tap: 'Tap',
  rules: 'Kernel rules',
  verified: 'verified',
  notVerified: 'not verified',
  counters: 'Kernel counters',
  readable: 'read',
  notReadable: 'not readable',
  proof: 'A forged leak, caught',
  lastProven: 'last proven {age} ago',
  notProven: 'not proven yet',
  noProof: 'not proven: this box sends no forged leaks, so nothing shows that a real one would be seen',
  profile: 'Profile',
  profileMeans: 'What it watches',
  folded: 'Incidents folded together under flood',
  traffic: 'Frames by kind',
  lastKnown: 'Last known, not current',
  clockDiffers:
    'The clocks of this box and of your browser are more than a minute apart: times may be wrong.',
  clockCompare: 'Compare them',
  problem: 'That did not work',
  changedNothing: 'Nothing was changed.',
  uncertain: 'It is not known whether the change took effect. Look at the light.',
  staleForm: 'This page was open for too long or across a restart. It is fresh now: please try again.',
  backToStatus: 'Back to the light',
  versionWord: 'version',
} as const;

/** What the page says for an answer that is not the status page. */
export const ERROR_TEXTS: Readonly<Record<number, string>> = {
  400: 'That request makes no sense.',
  401: 'Log in first.',
  403: 'That request did not come from this page, so nothing was changed.',
  404: 'There is no such page.',
  405: 'That cannot be done here.',
  413: 'That request is too large.',
  502: 'The guard does not answer that.',
  415: 'That is no form of this page.',
  421: 'This box does not answer to that name. Use its address, or a name it was given.',
  500: 'Something in this page broke. The guard is not affected.',
  503: 'Too many pages are open. This one refreshes instead.',
};
