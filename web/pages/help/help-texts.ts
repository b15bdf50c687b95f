// Knows: what the help page says besides the rules: the LED's patterns, the profiles, and what the box cannot see. Must not know: layout.
// As README.md, What it cannot see and The light. English; one place, so that it can be translated.

export const LED_PATTERNS = [
  {
    look: 'Green, steady',
    states: 'Clear',
    meaning: 'The tunnel is up, and nothing escapes it but what your profile lets go direct.',
  },
  { look: 'Green, short red blip', states: 'Blocked', meaning: 'Something tried to leave and was stopped.' },
  {
    look: 'Amber, or slow green',
    states: 'No tunnel, Set up, Minor leak',
    meaning: 'No tunnel lately or none known yet, or something minor was seen outside it.',
  },
  {
    look: 'Red, steady',
    states: 'Leaking, Starting',
    meaning:
      'Something escaped. It stays red until you acknowledge it. At the start nothing is verified yet.',
  },
  {
    look: 'Red, fast flash',
    states: 'Breach, Blind',
    meaning: 'Something crossed the block, or the box cannot vouch for anything.',
  },
  { look: 'Alternating', states: 'Pass open', meaning: 'The block is open for the login page of a network.' },
] as const;

/** As README.md, Profiles. */
export const PROFILE_HELP = [
  {
    title: 'Full tunnel',
    text: 'Watches everything. Whatever is neither the tunnel’s nor needed to be on the network is a leak, and block mode stops it; your exceptions may leave.',
  },
  {
    title: 'Encrypted names, nothing direct',
    text: 'As a full tunnel, with your resolvers and proxies beside it. It is so by itself where you name proxies.',
  },
  {
    title: 'Encrypted names, the rest anywhere',
    text: 'Watches names alone: DNS in the clear, encrypted DNS at another resolver, a name told to another proxy. Block mode stops the ports on which names are asked for, and addresses that were answered in the clear. All other traffic leaves, to anywhere, and whoever is on the wire reads where to and often the name.',
  },
  {
    title: 'Split, the rest to answered addresses',
    text: 'Watches your protected names. Block mode stops questions for them, addresses that have served one, and whatever no answer for another name has led to.',
  },
  {
    title: 'Split, the rest anywhere',
    text: 'The same, but other traffic goes to any address that has served no protected name: the first visit to one that nobody asked for here is out before it is known.',
  },
] as const;

/** Heads of the table of what was measured (profile-table.ts), in its order. */
export const PROFILE_HEADS = [
  'Full tunnel',
  'Encrypted names, nothing direct',
  'Encrypted names, the rest anywhere',
  'Split, the rest to answered addresses',
] as const;

export const PROFILE_TABLE = {
  title: 'What becomes of what your laptop does',
  action: 'Your laptop…',
  note: 'Measured on the wire to the network, with real programs. “Leak” says by which rules the box tells of it when it gets out, then what block mode does with it.',
  allowed: 'Allowed',
  leak: 'Leak ({rules})',
  stopped: 'stopped',
  leaves: 'not stopped',
} as const;

export const PROFILE_NOTES = [
  'Watching only, everything leaves in every profile, and what is a leak is told.',
  'A resolver with a name is a pair: another name at its address is a leak, and so is its name at another address. The firewall compares addresses alone, so where other traffic may go direct these cross the block, and are red.',
  'DNS over HTTPS at a server that nobody knows cannot be told from any web page. It leaves where other traffic may go direct.',
] as const;

export const BUTTON_TEXT =
  'The button on the box: a short press acknowledges, three seconds turn block mode on or off.';

export const LIMIT_TEXTS = [
  {
    title: 'Leaks inside the tunnel',
    text: 'The box sees ciphertext. What the tunnel’s exit does with your traffic is between you and the exit.',
  },
  {
    title: 'Traffic analysis',
    text: 'Times and sizes of tunnel packets tell a patient eavesdropper a lot. The box changes neither.',
  },
  {
    title: 'Another way out of the laptop',
    text: 'Its Wi-Fi, a phone, a second cable. Turn them off: the box judges the wire it is on.',
  },
  {
    title: 'What essential traffic tells',
    text: 'To get on a network a laptop sends ARP, DHCP and neighbour discovery, with its MAC address and often its name. They are let through.',
  },
  {
    title: 'A laptop that lies about its address',
    text: 'Frames are told apart by address: who takes the network’s own can be mistaken for it.',
  },
  {
    title: 'This page itself',
    text: 'It is plain HTTP over the one cable between laptop and box. Whoever is on that cable can read and change it.',
  },
] as const;
