// The history's tables, as migrations from one version to the next. Times are wall-clock milliseconds since the epoch. A migration that has
// been shipped is never changed.

/** SQL: `MIGRATIONS[n]` brings version n to n + 1; version 0 is an empty file. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE incidents (
    id TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    client TEXT NOT NULL,
    rule TEXT NOT NULL,
    kind TEXT NOT NULL,
    severity TEXT NOT NULL,
    exposure TEXT NOT NULL,
    destination TEXT NOT NULL,
    why TEXT NOT NULL,
    attempted INTEGER NOT NULL,
    escaped INTEGER NOT NULL,
    blocked INTEGER NOT NULL,
    acknowledged INTEGER NOT NULL,
    breach INTEGER NOT NULL,
    privacy TEXT NOT NULL,
    more TEXT NOT NULL
  );
  CREATE INDEX incidents_by_last ON incidents (last);
  CREATE INDEX incidents_open ON incidents (acknowledged) WHERE acknowledged = 0;
  CREATE TABLE evidence (
    incident TEXT NOT NULL,
    number INTEGER NOT NULL,
    port TEXT NOT NULL,
    at INTEGER NOT NULL,
    length INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (incident, number)
  );
  CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    privacy TEXT NOT NULL,
    identity TEXT NOT NULL
  );
  CREATE TABLE minutes (
    at INTEGER PRIMARY KEY,
    red_escaped INTEGER NOT NULL,
    red_blocked INTEGER NOT NULL,
    amber_escaped INTEGER NOT NULL,
    amber_blocked INTEGER NOT NULL,
    unseen INTEGER NOT NULL
  );
  CREATE TABLE hours (
    at INTEGER PRIMARY KEY,
    red_escaped INTEGER NOT NULL,
    red_blocked INTEGER NOT NULL,
    amber_escaped INTEGER NOT NULL,
    amber_blocked INTEGER NOT NULL,
    unseen INTEGER NOT NULL
  );
  CREATE TABLE states (
    at INTEGER PRIMARY KEY,
    state TEXT NOT NULL,
    tunnel TEXT NOT NULL,
    block INTEGER NOT NULL,
    pass INTEGER NOT NULL
  );
  `,
  `
  CREATE TABLE gaps (
    tunnel TEXT NOT NULL,
    at INTEGER NOT NULL,
    until INTEGER,
    privacy TEXT NOT NULL,
    told TEXT NOT NULL,
    PRIMARY KEY (tunnel, at)
  );
  `,
  `
  CREATE TABLE account (
    one INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    counters TEXT NOT NULL
  );
  ALTER TABLE incidents ADD COLUMN share TEXT NOT NULL DEFAULT '';
  ALTER TABLE incidents ADD COLUMN folded TEXT NOT NULL DEFAULT '';
  UPDATE incidents SET share = client || ' ' || rule || ' ' || kind;
  CREATE INDEX incidents_by_share ON incidents (share, last);
  CREATE INDEX incidents_may_go ON incidents (share, last) WHERE acknowledged = 1 OR folded <> '';
  CREATE INDEX incidents_folded ON incidents (folded) WHERE folded <> '';
  `,
];
