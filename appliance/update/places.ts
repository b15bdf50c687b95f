// Knows: where keys, slots, records and the daemon's wish lie on a packaged box. Must not know: what is in them.
// Only the inbox is below what leakguardd.service may write to; test/appliance/systemd-units.test.ts holds the two together.

export interface UpdatePlaces {
  /** Of root: what is kept to come back to, the record of what is under way, and what may be told of both. */
  readonly state: string;
  /** Of root: public keys (*.pem, Ed25519) of those whose updates are taken. */
  readonly keys: string;
  /** Of the daemon: an update that somebody sent, and that nobody has believed yet. */
  readonly inbox: string;
}

export const UPDATE_PLACES: UpdatePlaces = {
  state: '/var/lib/leakguard-update',
  keys: '/etc/leakguard-update',
  inbox: '/var/lib/leakguard/update',
};
