// Knows: Eve's words: what the dossier page says in her name. Must not know: layout, how she came to know.
// English; with the other texts*.ts the one place for translation. `{…}` is filled in. She says what she has, never more.

export const DOSSIER_TEXTS = {
  title: 'What Eve knows',
  intro:
    'Eve sits on the wire behind this box. This is what she could write down from what got out, in her words. What was stopped she never had.',
  filter: 'Show',
  period: 'Time',
  since: 'From (UTC)',
  until: 'To (UTC)',
  client: 'Device (MAC address)',
  rule: 'Rule',
  any: 'any',
  download: 'Take it with you',
  downloadNote:
    'The same as “leakguard report” gives, with every incident. To print, use your browser: this page has a layout for paper.',
  beginning: 'the beginning',
  span: 'From {from} to {to}.',
  truncated: 'There was more than is looked at here: this is the newest.',
  unknown: 'The dossier cannot be read now.',
  notes: 'Her notes',
  nothing: 'I have nothing on you but a tunnel. I cannot read what is inside.',
  stopped: '{count} frames that would have told me something never reached me.',
  counts:
    'Only counts were kept here (privacy: minimal), so what I made of them cannot be told. I may well have more.',
  have: 'I have {count} frames that went past the tunnel.',
  times: 'The first I have is from {first}, the last from {last}.',
  names: 'I can name {count} sites and machines that were asked for or gone to.',
  nameOne: 'I can name one site or machine that was asked for or gone to.',
  visits: 'I saw {count} of them visited, and I know when.',
  visitOne: 'I saw one of them visited, and I know when.',
  bare: 'I know {count} addresses that were talked to without a name. Some of them I can look up.',
  bareOne: 'I know one address that was talked to without a name. Perhaps I can look it up.',
  allowed:
    'Your profile lets other traffic pass me outside the tunnel: I have {count} frames of it, with {names} names, and I know when.',
  allowedCount: 'Your profile lets other traffic pass me outside the tunnel: I have {count} frames of it.',
  vpn: 'You hide behind a VPN: {protocol} to {endpoint}{operator}{country}. I see when it runs and how much it carries.',
  operator: ', in the network of {operator}',
  operators: 'Who runs a network: data of Route Views (routeviews.org), CC BY 4.0, and of',
  operatorsFrom: 'DB-IP, CC BY 4.0',
  country: ', registered in {country}',
  deviceNamed: 'One device calls itself {name}: it tells every network that.',
  deviceKnown: 'I know {device} again in every network by its hardware address{vendor}.',
  vendor: ', made by {vendor}',
  deviceRandom: '{device} made its hardware address up. By that alone I cannot follow it to another network.',
  deviceBefore: '{device} asked for addresses it had elsewhere: {addresses}. So I know where it has been.',
  deviceAccount: '{device} logs in to the network as {account}: 802.1X says that in the clear.',
  deviceSystem: '{device} says what runs on it: {system}.',
  sites: 'Names I have',
  destinations: 'Addresses without a name',
  often: 'How often',
  by: 'By',
  begun: 'Connections or questions',
  frames: 'Frames',
  first: 'First',
  last: 'Last',
  name: 'Name',
  address: 'Address',
  more: 'And {count} more: download the dossier to see them.',
} as const;

export const PERIOD_TEXTS = [
  ['', 'the times beside'],
  ['hour', 'last hour'],
  ['day', 'last day'],
  ['week', 'last week'],
  ['month', 'last 30 days'],
  ['all', 'everything kept'],
] as const;

export const FORMAT_TEXTS = [
  { format: 'html', word: 'HTML', name: 'leakguard-report.html' },
  { format: 'text', word: 'Text', name: 'leakguard-report.txt' },
  { format: 'csv', word: 'CSV', name: 'leakguard-incidents.csv' },
  { format: 'json', word: 'JSON', name: 'leakguard-report.json' },
  { format: 'eve', word: 'EVE JSON (as Suricata)', name: 'leakguard-eve.json' },
] as const;
