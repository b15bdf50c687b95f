// The directories of updates on a packaged box. Only the inbox is below a directory that leakguardd.service may write;
// test/appliance/systemd-units.test.ts checks that.

/** Absolute paths. */
export interface UpdatePlaces {
  /** Owned by root: the files for rollback, the record of the update in progress, and the status that the daemon reads (slots.ts). */
  readonly state: string;
  /** Owned by root: the public keys (*.pem, Ed25519) that may sign updates. */
  readonly keys: string;
  /** Owned by the daemon: an uploaded update that has not been verified. */
  readonly inbox: string;
}

/** The places on a packaged box. */
export const UPDATE_PLACES: UpdatePlaces = {
  state: '/var/lib/leakguard-update',
  keys: '/etc/leakguard-update',
  inbox: '/var/lib/leakguard/update',
};
