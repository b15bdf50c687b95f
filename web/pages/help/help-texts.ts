// Texts of the help page besides the rules: LED patterns, profiles, and what the box cannot see. Here to be translated.
// They follow README.md, What it cannot see, Profiles and The light.

export const EVE_TEXT =
  '“Eve” is our name for an eavesdropper: anyone who can read the network cable behind this box, or anything further along the way.';

export const LED_PATTERNS = [
  {
    look: 'Green, steady',
    states: 'Clear',
    meaning: 'The tunnel is up, and nothing gets out beside it except what your profile lets go direct.',
  },
  {
    look: 'Green, short red blip',
    states: 'Blocked',
    meaning: 'Block mode is on; something tried to leave and was stopped.',
  },
  {
    look: 'Amber, or slow green',
    states: 'No tunnel, Not set up, Minor issue, Blocked',
    meaning:
      'No tunnel has been seen lately, none is configured yet, something minor got out, or there is something to acknowledge from before.',
  },
  {
    look: 'Red, steady',
    states: 'Leaking, Starting',
    meaning:
      'Something got out. It stays red until you acknowledge it. Just after the start, nothing has been verified yet.',
  },
  {
    look: 'Red, fast flash',
    states: 'Breach, Blind',
    meaning: 'Something got past the block, or the box cannot vouch for anything.',
  },
  {
    look: 'Alternating',
    states: 'Pass open',
    meaning: 'The block is open so that you can log in to a network (captive portal).',
  },
] as const;

/** As README.md, Profiles. */
export const PROFILE_HELP = [
  {
    title: 'Full tunnel',
    text: 'Watches everything. Anything that is not tunnel traffic and is not needed to be on the network is a leak, and block mode stops it. Your exceptions may leave.',
  },
  {
    title: 'Encrypted DNS, nothing direct',
    text: 'Like a full tunnel, but traffic to your resolvers and proxies may leave too. This is the default if you name proxies.',
  },
  {
    title: 'Encrypted DNS, other traffic anywhere',
    text: 'Watches only names: unencrypted DNS, encrypted DNS to another resolver, a name given to another proxy. Block mode stops the ports used for name lookups, and addresses that were looked up in the clear. All other traffic may leave, to anywhere, and anyone on the wire can read where it goes and often the name.',
  },
  {
    title: 'Split, other traffic to addresses just looked up',
    text: 'Watches your protected names. Block mode stops lookups of them, addresses that have served one, and any address that was not the answer to a lookup of another name.',
  },
  {
    title: 'Split, other traffic anywhere',
    text: 'The same, but other traffic may go to any address that has not served a protected name: the first visit to one that was not looked up here gets out before it is recognized.',
  },
] as const;

/** Column heads of the table of measured results (profile-table.ts), in its order. */
export const PROFILE_HEADS = [
  'Full tunnel',
  'Encrypted DNS, nothing direct',
  'Encrypted DNS, other traffic anywhere',
  'Split, other traffic to addresses just looked up',
] as const;

export const PROFILE_TABLE = {
  title: 'What happens to the traffic of your laptop',
  action: 'Your laptop…',
  note: 'Measured on the cable to the network, with real programs. “Leak” names the rules under which the box reports the traffic if it gets out, and what block mode does with it.',
  allowed: 'Allowed',
  leak: 'Leak ({rules})',
  stopped: 'stopped',
  leaves: 'not stopped',
} as const;

export const PROFILE_NOTES = [
  'When only monitoring (block mode off), everything leaves in every profile, and leaks are reported.',
  'A resolver with a name is a pair of address and name: another name at its address is a leak, and so is its name at another address. The firewall compares only addresses, so where other traffic may go direct, these get past the block and are shown in red.',
  'DNS over HTTPS to an unknown server looks the same as a visit to any web page. It leaves wherever other traffic may go direct.',
] as const;

export const BUTTON_TEXT =
  'The button on the box: press briefly to acknowledge, hold for three seconds to turn block mode on or off.';

export const LIMIT_TEXTS = [
  {
    title: 'Leaks inside the tunnel',
    text: 'The box sees only ciphertext. What the exit of the tunnel does with your traffic is between you and its operator.',
  },
  {
    title: 'Traffic analysis',
    text: 'The times and sizes of tunnel packets tell a patient eavesdropper a lot. The box changes neither.',
  },
  {
    title: 'Another way out of the laptop',
    text: 'Its Wi-Fi, a phone, a second cable. Turn them off: the box sees only the cable it is on.',
  },
  {
    title: 'What essential traffic reveals',
    text: 'To join a network, a laptop sends ARP, DHCP and neighbour discovery, with its MAC address and often its name. These are let through.',
  },
  {
    title: 'A laptop that lies about its address',
    text: 'Frames are told apart by address: a laptop that uses an address of the network can be mistaken for the network.',
  },
  {
    title: 'This page itself',
    text: 'It is plain HTTP over the one cable between laptop and box. Anyone on that cable can read and change it.',
  },
] as const;
