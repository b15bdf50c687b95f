// Texts of the settings page, here to be translated. `{…}` is filled in.

export const SETTINGS_TEXTS = {
  title: 'Settings',
  invalid: 'The policy file is invalid and cannot be edited here. Restore a backup below, or fix the file.',
  unknown: 'The settings cannot be read right now.',
  save: 'Save',
  saved: 'Saved and in force.',
  changedMeanwhile:
    'These settings were changed in the meantime, on another page or at the box. Your input is shown below, with the value now in force where it differs. Save again to put yours in force.',
  inForce: 'in force now: {value}',
  inForceNone: 'nothing is in force here now',
  faultsMarked: 'Nothing was changed. The problems are marked at the fields below.',
  rulesTitle: 'What may leave',
  recordTitle: 'What is recorded',
  addressTitle: 'Address of this page',
  ledTitle: 'LED test',
  backupTitle: 'Backup',
  profile: 'Profile',
  mustTunnel: 'Protected names',
  mustTunnelNote:
    'Profile “split” only. One per line, in any script: bank.example for a name and everything below it, *.clinic.example for everything below it only.',
  direct: 'Where other traffic may go',
  directNote:
    'Not with a full tunnel. “To addresses just looked up” is for “Split”, “Nowhere” for “Encrypted DNS”. When only monitoring, everything may leave.',
  resolvers: 'Encrypted resolvers',
  resolversNote:
    'Not with a full tunnel. One per line, such as dot:9.9.9.9:853 or doh:203.0.113.5:443/dns.example. If you give a name, another name at that address is a leak, and so is that name at another address.',
  proxies: 'Proxies',
  proxiesNote:
    'Not with a full tunnel. One per line, such as tcp:203.0.113.9:1080. If you use proxies, you usually want nothing else to leave: then choose “Nowhere” above.',
  localChatter: 'Link-local discovery',
  localDiscoveryNote:
    'mDNS, LLMNR, NetBIOS and SSDP: how devices announce themselves and find each other. Block mode stops them unless they are ignored.',
  allow: 'Exceptions',
  allowNote: 'What may leave outside the tunnel all the same. To remove an exception, empty its first field.',
  allowRow: 'Exception {number}',
  allowTo: 'To',
  allowTransport: 'Protocol',
  allowPort: 'Port',
  allowClient: 'Only from (MAC)',
  allowWhy: 'Why',
  anyTransport: 'any',
  privacy: 'Privacy',
  privacyKey: 'Key for the hashes',
  retentionDays: 'Days to keep the history',
  retentionNote: '1 to 3650. What has not been acknowledged is kept longer.',
  pastNote: '{count} past incidents are kept in more detail than this setting allows.',
  pastRewrite: 'Rewrite the history',
  pastRewriteNote:
    'Names and addresses are hashed or removed for good, and the key for the hashes is deleted: new entries cannot be linked with old ones. This cannot be undone.',
  pastRewritten: 'The history was rewritten.',
  address: 'Address of this box',
  addressNote: '“dhcp”, “none”, or an IPv4 address with its prefix length, such as 192.0.2.9/24.',
  addressMoves:
    'After saving, the page answers at the new address. It always answers at http://{fixed}/ too, but only on the cable to your device.',
  addressNone: 'I understand that with “none” I can no longer open this page.',
  addressNoneFault:
    'With “none”, this page can no longer be opened. Confirm that, or choose another address.',
  hostname: 'Name of this box',
  ssh: 'Allow ssh from the cable to your device',
  sshNote: 'Never from the network side. It has no effect unless an ssh server runs on the box.',
  ledNote:
    'Fast red flashes mark the start and end of a test. It ends after {seconds} s, or at once when the state changes. Meanwhile the LED says nothing about the wire.',
  ledNone: 'This box has no LED.',
  ledRuns: 'Testing “{pattern}” for {seconds} s. Meanwhile the LED says nothing about the wire.',
  backupNote: 'The policy with its comments. It contains no key and no password.',
  backup: 'Download policy.yaml',
  restore: 'Restore from a file',
  restoreNote:
    'It replaces the whole policy, including the tunnels. A file with an error is rejected as a whole.',
  restoreYes: 'Restore',
  updateTitle: 'Update',
  updateNote: 'Install another version from a signed file, without a network.',
  update: 'Update this box',
  nothingGiven: 'Choose a file first.',
  faultLine: 'line {line}',
  faultAt: 'Line {line}: ',
} as const;

export const PROFILE_CHOICES = [
  ['full-tunnel', 'Full tunnel', 'Everything goes through the tunnel. Anything else is a leak.'],
  [
    'proxy-stub',
    'Encrypted DNS',
    'Protects name lookups: they may go only to the resolvers and proxies below. You choose below where other traffic may go.',
  ],
  ['split', 'Split', 'The protected names below go only through the tunnel; other traffic may go direct.'],
] as const;

export const DIRECT_CHOICES = [
  [
    'answered',
    'To addresses just looked up',
    'Only to addresses that this device has just looked up under a name that is not protected, and to the exceptions below. An address that a program already knows is stopped.',
  ],
  [
    'any',
    'Anywhere',
    'Everywhere; with “Split”, except to addresses that have served a protected name: the first visit to one that was not looked up here gets out before it is recognized. An eavesdropper sees where it goes, and often the name.',
  ],
  ['none', 'Nowhere', 'Only to the resolvers, proxies and exceptions below, and through the tunnel.'],
] as const;

export const DISCOVERY_CHOICES = [
  ['amber', 'amber: shown as minor'],
  ['red', 'red: shown as any other leak'],
  ['ignore', 'ignored: always let through'],
] as const;

export const PRIVACY_CHOICES = [
  ['full', 'Full', 'Names and addresses as they are.'],
  ['redacted', 'Redacted', 'Names as a keyed hash with their suffix, networks instead of addresses.'],
  ['minimal', 'Minimal', 'Counts per hour, no names and no addresses.'],
] as const;

export const PRIVACY_KEY_CHOICES = [
  [
    'disk',
    'On the disk',
    'The same name has the same hash as long as the history lasts. Anyone who has the disk has the key too, and can test names against the hashes.',
  ],
  [
    'memory',
    'In memory only',
    'Nobody can test names against a stolen disk. After a restart, the same name has a different hash.',
  ],
] as const;

export const TRANSPORT_CHOICES = [
  ['', SETTINGS_TEXTS.anyTransport],
  ['tcp', 'tcp'],
  ['udp', 'udp'],
  ['icmp', 'icmp'],
] as const;

export const LED_CHOICES = [
  ['red', 'Red'],
  ['green', 'Green'],
  ['amber', 'Amber'],
  ['green-blip', 'Green, red blip'],
  ['red-flash', 'Red flash'],
  ['alternating', 'Alternating'],
] as const;
