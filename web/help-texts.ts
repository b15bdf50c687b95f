// Knows: what the help page says besides the rules: the lamp's patterns, and what the box cannot see. Must not know: layout.
// As README.md, What it cannot see and The light. English; one place, so that it can be translated.

export const LAMP_PATTERNS = [
  { look: 'Green, steady', states: 'Clear', meaning: 'The tunnel is up, and nothing escapes it.' },
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
    title: 'What plumbing tells',
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
