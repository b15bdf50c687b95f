// Every word of the pages that the daemon does not send; the texts-*.ts files hold those of single pages. All of it is here to be translated.
// Rule and kind names are those of README.md.

import type { Outcome, State } from '../src/api/words.ts';
import type { ApiFaultCode } from '../src/api/client.ts';

interface StateText {
  /** Read from across the desk: one or two words. */
  readonly word: string;
  /** What to do now; empty when there is nothing to do. */
  readonly next: string;
}

/**
 * What the light can show: every state; `minor`, which is `clear` with the LED at amber; `stopped`, `blocked` with the LED at amber; and
 * `trying`, `idle` with a VPN that nobody answers.
 */
export type LightState = State | 'minor' | 'stopped' | 'trying';

export const STATE_TEXTS: Readonly<Record<LightState, StateText>> = {
  clear: { word: 'Clear', next: '' },
  minor: {
    word: 'Minor issue',
    next: 'Nothing that matters gets out. See below: acknowledge it, or fix it.',
  },
  leaking: {
    word: 'Leaking',
    next: 'Turn on block mode to stop it. The light stays red until you acknowledge what got out.',
  },
  blocked: {
    word: 'Blocked',
    next: 'None of it reached the network. Acknowledge it once you know what caused it.',
  },
  stopped: {
    word: 'Blocked',
    next: 'Acknowledge it once you know what caused it. The light is amber because of the rest of what it says.',
  },
  breach: {
    word: 'Breach',
    next: 'If your safety depends on this, unplug the network cable. The rules are being applied again; acknowledge this once you have looked into it.',
  },
  pass: {
    word: 'Pass open',
    next: 'Log in to the network now. The kernel closes the pass when its time is up.',
  },
  idle: {
    word: 'No tunnel',
    next: 'Start your VPN. The light will not turn green until its traffic is seen.',
  },
  trying: {
    word: 'No answer',
    next: 'Check that this network lets your VPN through, or choose another server in your VPN. Trust that server under Tunnels if it is a new one.',
  },
  setup: {
    word: 'Not set up',
    next: 'Add your VPN under Tunnels. Until you do, everything counts as a leak.',
  },
  blind: { word: 'Blind', next: 'Treat the connection as unsafe until the box can see again.' },
  starting: { word: 'Starting', next: 'Nothing has been verified yet.' },
};

/** Why the light shows blind when the page itself has no current status, by the fault of its request to the daemon. */
export const LOST_TEXTS: Readonly<Record<ApiFaultCode, string>> = {
  unreachable:
    'The monitoring service is not running or does not answer. This page cannot tell what is on the wire.',
  silent: 'The monitoring service takes requests but does not answer. Nobody can tell what is on the wire.',
  garbled:
    'The answer of the monitoring service cannot be read. The page and the service may be of different versions.',
  refused: 'The monitoring service refuses to report its state.',
  failed: 'The monitoring service cannot report its state.',
};

/** The reason shown to a visitor who is not logged in: no name, no address, no number. */
export const PUBLIC_TEXTS: Readonly<Record<LightState, string>> = {
  clear: 'The tunnel is up and no leak has been seen.',
  minor: 'The tunnel is up. A minor issue was seen.',
  leaking: 'Traffic left outside the tunnel.',
  breach: 'Traffic got past block mode.',
  blocked: 'Traffic tried to leave outside the tunnel and was stopped.',
  stopped: 'Traffic tried to leave outside the tunnel and was stopped.',
  pass: 'Block mode is open for a short time, to log in to a network.',
  idle: 'No tunnel has been seen lately.',
  trying: 'The VPN sends, but nothing comes back from its server.',
  setup: 'No tunnel is configured yet: everything counts as a leak.',
  blind: 'The box cannot tell what is on the wire. Treat the connection as unsafe.',
  starting: 'The box is starting. Nothing has been verified yet.',
};

/** Why a login, or setting a password, was refused. */
export const OUTCOME_FAULTS = {
  wrong: 'Wrong password.',
  code: 'Wrong setup code.',
  short: 'A password must have 8 to 200 characters.',
  different: 'The two passwords do not match.',
  taken: 'A password has been set in the meantime. If you did not set it, reset it at the box.',
} as const;

export const NAVIGATION = [
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
  tap: 'No leak is reported, but one of the taps is not reading the wire.',
  ruleset: 'No leak is reported, but the kernel rules are not verified.',
  counters: 'No leak is reported, but the kernel counters cannot be read.',
  lamp: 'No leak is reported, but the status LED does not show that.',
} as const;

/** Beside the number of its frames in a list. Of a warning and a name that the network showed there are none. */
export const OUTCOME_TEXTS: Readonly<Record<Outcome, string>> = {
  breach: 'got past the block',
  escaped: 'got out',
  shown: 'shown by the network',
  minor: 'got out',
  blocked: 'stopped',
  seen: 'attempted',
  warning: 'warning',
};

/** Beside the number of unacknowledged incidents in the light. */
export const OPEN_TEXTS: Readonly<Record<Outcome, string>> = {
  breach: 'Got past the block',
  escaped: 'Got out',
  shown: 'Shown by the network',
  minor: 'Minor',
  warning: 'Network attacks',
  blocked: 'Stopped',
  seen: 'Undecided',
};

export const PROFILE_TEXTS: Readonly<Record<string, string>> = {
  'full-tunnel': 'Everything through the tunnel',
  'proxy-stub': 'Name lookups through an encrypted resolver',
  split: 'Protected names through the tunnel',
};

/** Where other traffic may go, for profiles that do not cover everything. */
export const DIRECT_TEXTS: Readonly<Record<string, string>> = {
  any: 'other traffic anywhere',
  answered: 'other traffic to addresses just looked up',
  none: 'nothing else outside the tunnel',
};

export const TEXTS = {
  product: 'Leakguard',
  /** Title of the tab until the script replaces it with the state; without script a state there would go stale. */
  status: 'Status',
  skip: 'Skip to content',
  navigation: 'Pages',
  account: 'Account',
  loginTitle: 'Log in',
  loginNote: 'Anyone can see the light. Log in to see what got out and to change settings.',
  logIn: 'Log in',
  setupTitle: 'Choose a password',
  setupNote:
    'This box has no password yet. Anyone on this cable can set the password until you do: do it now, while the cable leads only to your device.',
  setupNoteCode: 'This box has no password yet. Its setup code is needed to set one.',
  firstCode: 'Setup code',
  firstCodeNote:
    'Printed by “leakguard setup”. If the box runs from the SD card image, the code is in leakguard-page.txt on the boot partition. It is asked for only once. Lost it? Run as root on the box: leakguard setup --new-code.',
  setPassword: 'Set password',
  password: 'Password',
  passwordNow: 'Current password',
  passwordNew: 'New password',
  passwordAgain: 'Repeat password',
  passwordNote: 'At least 8 characters. A few words in a row are strong and easy to remember.',
  changePassword: 'Change password',
  changePasswordNote: 'All other browsers are logged out.',
  logOut: 'Log out',
  logOutNote: 'A session ends after 12 hours without use, and after 7 days in any case.',
  logOutHere: 'Log out here',
  logOutEverywhere: 'Log out everywhere',
  waitBefore: 'Too many attempts. Wait {seconds} s, then try again. You are not locked out for good.',
  live: 'Live',
  asOf: 'As of',
  notLive: 'reload to update',
  onlyLightLive: 'except the light: reload to update the rest',
  lightFrame: 'The light, updated every second',
  lightOld: 'Out of date: the box has not answered for some seconds. Treat the connection as unsafe.',
  polling: 'Refreshing',
  lost: 'Not connected',
  since: 'since',
  pageLost: 'This page has lost its connection to the box and cannot tell what is on the wire.',
  open: 'Incidents to acknowledge',
  openNote: 'Incidents that nobody has acknowledged yet.',
  openNoteDirect:
    'Leaks that nobody has acknowledged yet. Traffic that your profile allows outside the tunnel is listed below.',
  escaped: 'Got out',
  blocked: 'Stopped',
  attempted: 'Attempted',
  unseen: 'Not inspected',
  blockTitle: 'Block mode',
  blockOn: 'On',
  blockOff: 'Off',
  blockOnPass:
    'A pass is open: besides the tunnel, what the pass lets through may leave. End it below to close the block again.',
  blockOnNote: 'Only the tunnel, and what it needs to work, may leave.',
  blockOnNamed:
    'Only traffic to your tunnel, your encrypted resolvers and your proxies may leave. Anything else is a leak and is stopped.',
  blockOnOther:
    'Names may be looked up only through your encrypted resolvers and proxies. Other traffic may leave outside the tunnel, as your profile allows.',
  blockOnAnswered:
    'Protected names leave only inside the tunnel. Other traffic may leave outside it, to addresses that your device has just looked up and to your exceptions. Traffic to an address that a program already knows is stopped.',
  blockOnAny:
    'Protected names leave only inside the tunnel, and no traffic may go to an address once it has served one. The first visit to an address that was not looked up here gets out before its name is known.',
  blockOffNote: 'Monitoring only: everything may leave, and everything is checked.',
  blockUnknown:
    'Unknown while the monitoring service does not answer. Rules already in the kernel stay in force.',
  blockOnLeaking: 'Block mode is on now. The light stays red until you acknowledge what got out.',
  passTitle: 'Stuck behind a login page?',
  passNote:
    'A pass (a captive-portal exception) opens the block for a short time so that you can log in: for name lookups, web pages, and everything on the local network. Anyone eavesdropping on the network (we call her Eve) sees what you do meanwhile.',
  passLength: 'Duration of the pass',
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
    'If the login page does not load: these were stopped since the pass was opened. A pass opens web ports, the local network and wherever the network redirected your browser, nothing else.',
  passOpenNote: 'The kernel closes it at that time, or as soon as the tunnel is up.',
  passEnd: 'End the pass now',
  incidents: 'Recent leaks and blocked attempts',
  allIncidents: 'All incidents',
  incidentsTitle: 'Incidents',
  wordAndRemedy: 'What this means, and what to do',
  filter: 'Filter',
  showAll: 'Show all',
  filterText: 'Name, address or reason',
  filterClient: 'Device (MAC address)',
  any: 'any',
  severity: 'Severity',
  period: 'Time',
  filterSince: 'From (UTC)',
  filterUntil: 'Until (UTC)',
  acknowledgement: 'Acknowledged',
  no: 'no',
  yes: 'yes',
  kind: 'Kind',
  noneFound: 'No incidents match this filter.',
  newestShown: 'Only the newest {count} are shown. Narrow the filter to see others.',
  incidentsUnknown: 'The incidents cannot be read right now.',
  whatHappened: 'What happened',
  blockNow: 'Block now',
  thisIsMyVpn: 'This is my VPN',
  allowThis: 'Allow this',
  whatEveHas: 'What an eavesdropper (“Eve”) gets from it',
  whatToDo: 'What to do',
  isMyVpn: 'This is my VPN: trust its server',
  isMyVpnNote:
    'A program here began a VPN connection to a server that is not trusted. Its content is encrypted; Eve sees where it goes, and when.',
  seemsToRun: 'This device seems to run {system}',
  otherSystems: 'On other systems',
  candidates: 'Names Eve cannot tell apart',
  candidateOne: 'The name whose lookup gave this address',
  related: 'Related incidents',
  evidence: 'Download the captured frames (pcapng)',
  evidenceNote: 'Contains what your privacy setting allows to be kept. Opens in Wireshark.',
  last: 'Last',
  helpTitle: 'Help',
  lightMeans: 'What the light means',
  rulesMean: 'What counts as a leak, and what to do',
  limitsAre: 'What the box cannot see',
  profilesAre: 'What each profile watches, and what it stops',
  none: 'Nothing has left outside the tunnel.',
  noneKnown: 'Nothing is recorded, but that does not prove that nothing left.',
  allowedTitle: 'Allowed by profile',
  allowedNote:
    'Your profile lets other traffic leave outside the tunnel. It is not a leak, but an eavesdropper (“Eve”) can see all of it.',
  allowedTotal:
    '{connections} connections or lookups, {frames} frames since {since}. Kept only until the next restart.',
  allowedNoName: 'no name',
  allowedConnections: 'connections or lookups',
  allowedFrames: 'frames',
  frame: 'frame',
  frames: 'frames',
  allowedMore: 'And {count} more.',
  allowedAll: 'See all',
  noneButDirect:
    'No leak has left. Your profile lets other traffic leave outside the tunnel: it is listed below.',
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
  explained: 'Was your VPN: {count} incidents to acknowledge',
  unproven: 'Its address comes from answers on the wire; no handshake has confirmed one yet.',
  meshes: 'Mesh networks seen on the wire',
  listDay: 'Servers from a list dated',
  listIsOld: 'Servers from an old list (import a new one), dated',
  variants: 'What the network announced, newest first',
  health: 'Self-check',
  tap: 'Tap',
  rules: 'Kernel rules',
  verified: 'verified',
  notVerified: 'not verified',
  counters: 'Kernel counters',
  readable: 'readable',
  notReadable: 'not readable',
  proof: 'Test leak (forged by the box)',
  lastProven: 'last caught {age} ago',
  notProven: 'not caught yet',
  noProof: 'not tested: this box sends no test leaks, so nothing shows that a real one would be seen',
  profile: 'Profile',
  profileMeans: 'What this profile covers',
  folded: 'Incidents aggregated during a flood',
  traffic: 'Frames by kind',
  lastKnown: 'Last known, not current',
  clockDiffers: 'The clocks of this box and your browser differ by more than a minute: times may be wrong.',
  clockCompare: 'Compare them',
  problem: 'That did not work.',
  changedNothing: 'Nothing was changed.',
  uncertain: 'It is not known whether the change took effect. Check the light.',
  staleForm:
    'This page had been open for too long, or the box was restarted. It has been reloaded: please try again.',
  backToStatus: 'Back to status',
  versionWord: 'version',
} as const;

/** Message of the error page, by HTTP status code. */
export const ERROR_TEXTS: Readonly<Record<number, string>> = {
  400: 'That request is not valid.',
  401: 'Log in first.',
  403: 'That request did not come from this page, so nothing was changed.',
  404: 'There is no such page.',
  405: 'That is not possible here.',
  413: 'That request is too large.',
  502: 'The monitoring service does not answer that.',
  415: 'That request was not sent by a form of this page.',
  421: 'This box does not answer to that name. Use its address, or a name that was configured for it.',
  500: 'Something went wrong on this page. Monitoring is not affected.',
  503: 'Too many pages are open. This one refreshes from time to time instead.',
};
