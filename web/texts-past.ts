// Knows: every word of the timeline, of the incident list's live state and of the frames. Must not know: how they are laid out.
// English; beside texts.ts, so that it can be translated.

export type SpanName = 'hour' | 'day' | 'week' | 'month';

export const TIMELINE_TEXTS = {
  title: 'What happened when',
  spans: 'Length of time',
  spanWords: { hour: '1 h', day: '24 h', week: '7 d', month: '30 d' } satisfies Record<SpanName, string>,
  months: ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'],
  rows: { escaped: 'Got out', stopped: 'Stopped', tunnel: 'Tunnel', block: 'Block', pass: 'Pass' },
  redEscaped: 'got out',
  amberEscaped: 'minor got out',
  redBlocked: 'stopped',
  amberBlocked: 'minor stopped',
  unseen: 'not looked at',
  nothing: 'nothing outside the tunnel',
  unwatched: 'nobody watched',
  partlyUnwatched: 'not watched all the time',
  tunnel: { up: 'tunnel up', stale: 'tunnel quiet', down: 'tunnel not seen' },
  block: { on: 'block on', off: 'block off', changed: 'block changed' },
  pass: 'pass open',
  zoom: 'Look closer',
  lookUp: 'See the incidents',
  quiet: 'Nothing was seen outside the tunnel in this time',
  unproven: 'Nothing was counted in this time, which does not mean that nothing left',
  hatched: 'hatched: nobody watched',
  utc: 'times in UTC',
  before: '← Earlier',
  behind: 'Later →',
  incidents: 'Incidents of this time',
  unknown: 'The timeline cannot be read now.',
} as const;

export const FRAME_TEXTS = {
  title: 'The frames, as Eve reads them',
  note: 'The first frames of this incident, up to 512 bytes each, decoded.',
  ports: {
    lan: 'as your device sent it (before the block)',
    wan: 'as it left on the wire (what Eve sees)',
  },
  onWire: 'bytes on the wire',
  kept: 'kept',
  tree: 'Decoded',
  bytes: 'Bytes',
  none: {
    full: 'No frame was kept: under a flood, or when the incident was told by counting, there is none to show.',
    redacted:
      'Frames are not kept: privacy is "redacted". Frames of incidents to come are kept once it is "full" (Settings).',
    minimal:
      'Frames are not kept: privacy is "minimal". Frames of incidents to come are kept once it is "full" (Settings).',
    unknown: 'The frames cannot be read now.',
  },
} as const;
