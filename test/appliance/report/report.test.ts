// How each form of a report is read by what it is meant for: eyes, programs, spreadsheets, browsers, log collectors. Every text in it came
// from the wire, and some of it is hostile.

import { describe, expect, it } from 'vitest';
import type { Report } from '../../../appliance/report/report-formats.ts';
import { REPORTS } from '../../../appliance/report/report.ts';
import { readJson } from '../../../src/api/json.ts';
import { NO_TALLY, timelineOf } from '../../../src/guard/history/timeline.ts';
import { aDossier } from '../../box-answers.ts';
import { anIncident, someAllowed } from '../../guard-peer.ts';

const HOSTILE = '=cmd|"/C calc",<script>alert(1)</script>\u001b[2J\u202e';
const FROM = Date.parse('2026-03-01T00:00:00Z');
const HOUR = 3_600_000;

function report(change: Partial<Report> = {}): Report {
  const tallies = [{ at: FROM + HOUR, ...NO_TALLY, redEscaped: 3 }];
  const changes = [{ at: FROM, state: 'clear', tunnel: 'up', blockMode: true, pass: false }] as const;
  const gaps = [{ text: 'home: no frame of its server' }] as unknown as Report['dossier']['gaps'];
  return {
    dossier: aDossier({ gaps, conclusions: ['She knows 2 names.'] }),
    incidents: [
      anIncident({ id: 'new', exposure: HOSTILE, why: HOSTILE, first: '2026-03-01T02:00:00.000Z' }),
      anIncident({ id: 'old', severity: 'amber', escaped: 0, blocked: 4, destination: 'ff:ff' }),
    ],
    timeline: timelineOf({ from: FROM, to: FROM + 4 * HOUR, buckets: 4 }, changes, tallies, FROM + 9 * HOUR),
    ...change,
  };
}
const lines = (text: string): string[] => text.trimEnd().split('\n');

describe('text', () => {
  it('says first whether anything escaped, and nothing in it moves or hides other text', () => {
    const text = REPORTS.text.write(report());
    expect(lines(text)[1]).toBe('ESCAPED: 1,204 frames left outside the tunnel');
    expect(text).toContain('asked 4 times, visited 12 times');
    for (const part of ['bank.example', 'She knows 2 names.', 'home: no frame', 'escaped 1, stopped 0'])
      expect(text).toContain(part);
    for (const hidden of ['\u001b', '\u202e']) expect(text).not.toContain(hidden);
    expect(text).toContain('\\u{1b}');
  });

  it('says so when nothing did', () => {
    const dossier = aDossier({ escaped: 0, sites: [], destinations: [] });
    expect(REPORTS.text.write(report({ dossier, incidents: [] }))).toContain('Nothing escaped.');
  });
});

describe('text and html', () => {
  it.each(['text', 'html'] as const)(
    '%s: tells what to do about each rule that was broken, on each system',
    (form) => {
      const written = REPORTS[form].write(report());
      for (const part of [
        'What to do',
        'Name asked in the clear',
        'Windows: Turn off smart',
        'iOS: Use a VPN',
      ])
        expect(written).toContain(part);
      expect(written).not.toContain('Hostile network');
      expect(REPORTS[form].write(report({ incidents: [] }))).not.toContain('What to do');
    },
  );
});

describe('json', () => {
  it('is one object with everything in it', () => {
    const value = readJson(REPORTS.json.write(report())) as Record<string, unknown>;
    expect(value).toMatchObject({ escaped: 1204, incidents: [{ id: 'new' }, { id: 'old' }] });
    expect(Object.keys(value)).toEqual(expect.arrayContaining(['sites', 'gaps', 'timeline', 'conclusions']));
  });
});

describe('csv', () => {
  it('has a row an incident, quoted as RFC 4180 wants, and no formula', () => {
    const rows = REPORTS.csv.write(report()).split('\r\n');
    expect(rows[0]?.startsWith('id,first,last,severity,rule')).toBe(true);
    expect(rows).toHaveLength(4);
    expect(rows[1]).toContain(`"'=cmd|""/C calc"",<script>`);
  });
});

describe('html', () => {
  it('runs nothing and fetches nothing, whatever names say, and draws the timeline', () => {
    const page = REPORTS.html.write(report());
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<img|<link|src=|href=/);
    expect(page).toContain('&lt;script&gt;');
    expect(page.match(/<g>/g)).toHaveLength(4);
    expect(page).toContain('escaped 3, stopped 0, not inspected 0</title>');
    expect(page).toContain('When the tunnel was silent');
  });
});

describe('eve', () => {
  it("is an alert a line as Suricata's, oldest first; what escaped was allowed", () => {
    const alerts = lines(REPORTS.eve.write(report())).map(
      (line) => readJson(line) as Record<string, unknown>,
    );
    expect(alerts.map(({ event_type: type }) => type)).toEqual(['alert', 'alert']);
    expect(alerts[0]).toMatchObject({
      ...{ app_proto: 'dns', src_mac: '02:00:00:00:00:0c' },
      alert: { action: 'blocked', severity: 2, category: 'Leakguard rule A' },
      leakguard: { id: 'old', blocked: 4 },
    });
    expect(alerts[1]).toMatchObject({ dest_ip: '203.0.113.53', alert: { action: 'allowed', severity: 1 } });
    expect(REPORTS.eve.write(report({ incidents: [] }))).toBe('');
  });
});

describe('what the profile allows', () => {
  const [visit] = someAllowed().rows;
  const hostile = visit === undefined ? [] : [{ ...visit, name: HOSTILE }];
  const with_ = (changes: Partial<Report['dossier']> = {}): Report =>
    report({ dossier: aDossier({ allowed: someAllowed(), ...changes }) });

  it.each(['text', 'html'] as const)(
    '%s: has a section of its own, with who, where to, name and how much',
    (form) => {
      const written = REPORTS[form].write(with_());
      for (const part of [
        'Allowed by profile',
        'news.example',
        '203.0.113.5, tcp 443',
        '203.0.113.80, tcp 443',
      ])
        expect(written).toContain(part);
      for (const part of [
        'lost at a restart',
        '1,305 connections or queries, 20,417 frames',
        '02:00:00:00:00:0c',
      ])
        expect(written).toContain(part);
      expect(REPORTS[form].write(report())).not.toContain('Allowed by profile');
    },
  );

  it.each(['text', 'html'] as const)('%s: does not say that nothing escaped beside it', (form) => {
    const quiet = { escaped: 0, sites: [], destinations: [] };
    for (const allowed of [someAllowed(), someAllowed({ rows: [], frames: 0, connections: 0 })]) {
      const written = REPORTS[form].write(with_({ ...quiet, allowed }));
      expect(written).toContain('No leak escaped. The profile lets other traffic leave outside the tunnel');
      expect(written).not.toContain('Nothing escaped');
    }
  });

  it.each(['text', 'html', 'csv'] as const)('%s: takes its names for as hostile as any', (form) => {
    const written = REPORTS[form].write(with_({ allowed: someAllowed({ rows: hostile }) }));
    expect(written).not.toMatch(form === 'html' ? /<script>/ : /\n=cmd|,=cmd/);
  });

  it('says how many rows did not fit', () => {
    expect(REPORTS.text.write(with_({ allowed: someAllowed({ more: 7 }) }))).toContain(
      '7 more rows did not fit',
    );
  });

  it('csv: has the columns of incidents, and its own counts in its own', () => {
    const rows = REPORTS.csv.write(with_()).trimEnd().split('\r\n');
    const [head = '', ...body] = rows;
    expect(rows).toHaveLength(5);
    expect(head.endsWith(',why,questions,visits,allowed_frames,allowed_connections')).toBe(true);
    const columns = head.split(',').length;
    const visit = body.find((row) => row.includes('news.example')) ?? '';
    expect(visit.endsWith(',"allowed by the profile: tls to 203.0.113.5, tcp 443",,,20400,1304')).toBe(true);
    expect(visit.replace(/"[^"]*"/, '').split(',')).toHaveLength(columns);
    expect(visit.split(',').slice(0, 5)).toEqual([
      '',
      '2026-03-01T09:01:00.000Z',
      '2026-03-01T10:00:00.000Z',
      '',
      '',
    ]);
    expect(body[0]?.endsWith(',,')).toBe(true);
  });

  it("eve: is a flow a line as Suricata's behind the alerts, oldest first", () => {
    const events = lines(REPORTS.eve.write(with_())).map((line) => readJson(line) as Record<string, unknown>);
    expect(events.map(({ event_type: type }) => type)).toEqual(['alert', 'alert', 'flow', 'flow']);
    const flows = events.filter(({ event_type: type }) => type === 'flow');
    expect(flows).toHaveLength(2);
    expect(flows[1]).toMatchObject({
      ...{
        src_mac: '02:00:00:00:00:0c',
        dest_ip: '203.0.113.5',
        dest_port: 443,
        proto: 'TCP',
        app_proto: 'tls',
      },
      flow: { pkts_toserver: 20_400, start: '2026-03-01T09:01:00.000Z', end: '2026-03-01T10:00:00.000Z' },
      leakguard: { allowed: 'by the profile', name: 'news.example', connections: 1_304 },
    });
  });

  it('json: is in the dossier', () => {
    expect(readJson(REPORTS.json.write(with_()))).toMatchObject({ allowed: { frames: 20_417 } });
  });
});
