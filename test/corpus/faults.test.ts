// What `analyze` must say of each capture that it once read wrongly (../shared/faults/captures). Without the folder the tests say so and
// pass.

import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyzeCommand } from '../../appliance/cli/commands/analyze.ts';
import type { AnalysisReport } from '../../src/analysis/analysis.ts';
import { start } from '../appliance/cli/command-run.ts';
import { FAULTS, hasFaults } from '../faults.ts';

const FOLDER = join(FAULTS, 'captures');

/** `complete` and `lost` are of the file, not of what was judged. */
interface Told extends AnalysisReport {
  readonly code: number;
  readonly complete: boolean;
  readonly lost: readonly string[];
}

async function analyze(file: string, ...args: string[]): Promise<Told> {
  const { code, out } = await start([analyzeCommand], ['analyze', join(FOLDER, file), '--json', ...args])
    .ended;
  return { ...(JSON.parse(out) as Omit<Told, 'code'>), code };
}

const TUNNEL = ['--tunnel', 'udp:198.51.100.7:51820'];

describe.runIf(hasFaults)('the captures of the faults', () => {
  it.each([
    ['connect-sni-swallowed', ['http secure.newegg.com', 'sni secure.newegg.com']],
    ['http-pipelined-straddle-minimal', ['http h01.example', 'http h02.example', 'http h03.example']],
    ['http-smug-08-leading_zeros', ['http hidden', 'http target']],
    ['http-get-without-uri', ['http bro.org']],
    ['http-absolute-form-other-host', ['http 203.0.113.17', 'http proxycheck.example']],
    ['h2c-authority', ['http target.com']],
    ['vxlan-reserved-bits', ['http 123.60.0.191']],
    ['vxlan-dns-cut-by-snaplen', ['dns corelight.com']],
    ['gre-in-udp-4754', ['dns zeek.org', 'http zeek.org']],
  ])('%s: every name is read', async (file, names) => {
    const report = await analyze(`${file}.pcap`);
    expect(report.names.map(({ via, name }) => `${via} ${name}`).sort()).toEqual(names);
  });

  it('names of answers to questions that nobody saw stand apart', async () => {
    const { names, answered } = await analyze('dns-answers-only-nxdomain.pcap');
    expect(names).toEqual([]);
    expect(answered.map(({ name }) => name)).toContain('nx0.dgaparent.com');
  });

  it.each([
    ['dtls-hello-in-fragments', /DTLS/],
    ['ssh-banner-without-newline', /SSH/],
    ['openvpn-data-v2-midstream-udp', /what looks like OpenVPN/],
  ])('%s is told', async (file, what) => {
    const { incidents } = await analyze(`${file}.pcap`);
    expect(incidents.map(({ why }) => why).join('\n')).toMatch(what);
  });

  it.each([
    ['cut.pcap', 3, 0],
    ['merge-then-leaks.pcapng', 1, 51],
  ])('%s: what was not read is no "no leak"', async (file, ends, leaks) => {
    const { code, complete, lost, verdicts } = await analyze(file);
    expect([code, complete, verdicts.leak]).toEqual([ends, false, leaks]);
    expect(lost.length).toBeGreaterThan(0);
  });

  it('what came in from outside and was never answered is trusted by nobody', async () => {
    const { tunnels, verdicts } = await analyze('wireguard-unanswered-inbound-initiation.pcap', '--learn');
    expect([tunnels, verdicts.tunnel]).toEqual([[], 0]);
  });

  it('a lease that pulls traffic out of tunnels is rule T', async () => {
    const { incidents, code } = await analyze('tunnelvision.pcap');
    expect(incidents.map(({ rule }) => rule)).toEqual(['T']);
    expect(code).toBe(0);
  });

  it('a priority tag is none', async () => {
    expect((await analyze('vlan0.pcap', ...TUNNEL)).verdicts).toMatchObject({ tunnel: 20, leak: 0 });
  });
});
