// Knows: what browser tests show: one leak, and everything at its longest. Must not know: a browser.

import { aStatus, anIncident } from '../guard-peer.ts';

export const CHROMIUM = '/usr/bin/chromium';
export const QUIET = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update'],
];

const label = 'a'.repeat(63);
const longName = [label, label, label, 'x'.repeat(58)].join('.');

export const leaking = aStatus({
  ...{ state: 'leaking', lamp: 'red', why: 'host0.leak.example was asked in the clear.', unacknowledged: 1 },
  ledger: { attempted: 1, escaped: 1, blocked: 0, unseen: 0 },
  incidents: [anIncident()],
});

export const crowded = aStatus({
  ...{ state: 'leaking', lamp: 'red', why: longName, blockMode: true, unacknowledged: 5 },
  ledger: { attempted: 1e12, escaped: 1e12, blocked: 1e12, unseen: 1e12 },
  incidents: [
    anIncident({ exposure: longName, why: longName, escaped: 1_234_567_890, candidates: [longName] }),
    anIncident({ id: 'i2', escaped: 0, blocked: 7, rule: 'E', kind: 'tls' }),
    anIncident({ id: 'i3', rule: 'T', severity: 'amber', escaped: 0, exposure: 'DHCP option 121' }),
    anIncident({ id: 'i4', acknowledged: true }),
    anIncident({ id: 'i5', breach: true, related: ['i1'] }),
    anIncident({ id: 'i6', severity: 'amber', kind: 'mdns', exposure: '_ipp._tcp.local' }),
  ],
});
