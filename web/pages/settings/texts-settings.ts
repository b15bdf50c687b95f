// Knows: the words of the settings page. Must not know: layout.
// English; with the other texts*.ts the one place for translation. `{…}` is filled in.

export const SETTINGS_TEXTS = {
  title: 'Settings',
  invalid: 'The policy file is invalid and cannot be edited here. Restore a backup below, or mend the file.',
  unknown: 'The settings cannot be read now.',
  save: 'Save',
  saved: 'Saved, and in force.',
  changedMeanwhile:
    'These settings were changed meanwhile, on another page or at the box. Below stands what you filled in, and at each field what is in force where that differs. Save again to put yours in force.',
  inForce: 'in force now: {value}',
  inForceNone: 'nothing is in force there now',
  faultsMarked: 'Nothing was changed: what is wrong stands at the fields below.',
  rulesTitle: 'What may leave',
  recordTitle: 'What is written down',
  addressTitle: 'Where this page is',
  ledTitle: 'LED test',
  backupTitle: 'Backup',
  profile: 'Profile',
  mustTunnel: 'Protected names',
  mustTunnelNote:
    'Profile “split” only. One a line, in any letters: bank.example for a name and all below it, *.clinic.example for what is below.',
  direct: 'Where the rest may go',
  directNote:
    'Not with a full tunnel. “To answered addresses” is for “split”, “Nowhere” for “encrypted names”; watching only, everything may leave.',
  resolvers: 'Encrypted resolvers',
  resolversNote:
    'Not with a full tunnel. One a line, such as dot:9.9.9.9:853 or doh:203.0.113.5:443/dns.example. With a name, another name at that address is a leak, and so is that name at another.',
  proxies: 'Proxies',
  proxiesNote:
    'Not with a full tunnel. One a line, such as tcp:203.0.113.9:1080. Who names proxies usually wants nothing beside them: then choose “Nowhere” above.',
  localChatter: 'Link-local discovery on the local link',
  localDiscoveryNote:
    'mDNS, LLMNR, NetBIOS and SSDP: what devices call out to each other. Block mode stops them unless they are ignored.',
  allow: 'Exceptions',
  allowNote: 'What may go past the tunnel all the same. A rule whose first field is emptied is removed.',
  allowRow: 'Exception {number}',
  allowTo: 'To',
  allowTransport: 'Over',
  allowPort: 'Port',
  allowClient: 'Only from (MAC)',
  allowWhy: 'Why',
  anyTransport: 'any',
  privacy: 'Privacy',
  privacyKey: 'Key of the hashes',
  retentionDays: 'Days until it is forgotten',
  retentionNote: '1 to 3650. What nobody has acknowledged stays.',
  pastNote: '{count} incidents of the past are kept in more detail than this setting allows.',
  pastRewrite: 'Write the past anew',
  pastRewriteNote:
    'Names and addresses are hashed or removed for good, and the key of the hashes is deleted: what comes is not linked with what was. This cannot be taken back.',
  pastClean: 'The past is kept under this setting too.',
  pastRewritten: 'The past was written anew.',
  address: 'Address of this box',
  addressNote: '“dhcp”, “none”, or an IPv4 address with its length such as 192.0.2.9/24.',
  addressMoves:
    'The page answers at the new address from then on. It always answers at http://{fixed}/ too, from the cable to your device only.',
  addressNone: 'I know that with “none” this page is gone for good.',
  addressNoneFault: 'With “none” there is no page any more. Say that you know, or choose another.',
  hostname: 'Name of this box',
  ssh: 'Let ssh in from the cable to your device',
  sshNote: 'Never from the network side. It leads nowhere unless an ssh server runs on the box.',
  ledNote:
    'A test is announced by fast red flashes before and after, and ends by itself after {seconds} s, or at once when the state changes. What the LED shows meanwhile says nothing of the wire.',
  ledNone: 'This box has no LED.',
  ledRuns: 'A test of “{pattern}” runs for {seconds} s. The LED says nothing of the wire meanwhile.',
  backupNote: 'The policy with its comments. No key and no password is in it.',
  backup: 'Download policy.yaml',
  restore: 'Restore from a file',
  restoreNote: 'It takes the place of the whole policy, tunnels too. A file with a fault is refused whole.',
  restoreYes: 'Restore',
  updateTitle: 'Another version',
  updateNote: 'From a signed file, without a network.',
  update: 'Update this box',
  nothingGiven: 'Choose a file first.',
  faultLine: 'line {line}',
  faultAt: 'Line {line}: ',
} as const;

export const PROFILE_CHOICES = [
  ['full-tunnel', 'Full tunnel', 'Everything through the tunnel. What is not is a leak.'],
  [
    'proxy-stub',
    'Encrypted names',
    'Names are what it guards: they go to the resolvers and proxies below alone. Where the rest may go you choose below.',
  ],
  ['split', 'Split', 'The protected names below only through the tunnel; the rest may go direct.'],
] as const;

export const DIRECT_CHOICES = [
  [
    'answered',
    'To answered addresses',
    'Only where an answer for another name has just led this device, and to the exceptions below. An address that a program knows by itself leads nowhere.',
  ],
  [
    'any',
    'Anywhere',
    'Everywhere; with “split” but to addresses that have served a protected name: the first visit to one that nobody asked for here is out before it is known. Eve reads where it goes, and often the name.',
  ],
  ['none', 'Nowhere', 'Only to the resolvers and proxies below, to the exceptions, and through the tunnel.'],
] as const;

export const DISCOVERY_CHOICES = [
  ['amber', 'amber: shown as minor'],
  ['red', 'red: as any other leak'],
  ['ignore', 'ignored: always crosses'],
] as const;

export const PRIVACY_CHOICES = [
  ['full', 'Full', 'Names and addresses as they are.'],
  ['redacted', 'Redacted', 'Names as a keyed hash with their ending, networks instead of addresses.'],
  ['minimal', 'Minimal', 'Counts by the hour, no name and no address.'],
] as const;

export const PRIVACY_KEY_CHOICES = [
  [
    'disk',
    'On the disk',
    'A name looks the same as long as the history lasts. Whoever has the disk has the key too, and can try names on the hashes.',
  ],
  [
    'memory',
    'In memory only',
    'Nobody can try names on a stolen disk. After a restart the same name looks like another.',
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
