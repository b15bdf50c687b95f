// The network behind the box: router, resolvers, web server and tunnel server. They are real programs: dnsmasq (RFC 2131, 4861, 1035),
// wireguard-go, and Node's HTTP and TLS.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Namespace } from './namespace.ts';
import { LAN, NET, type Plan } from '../plan.ts';
import { must, type Running } from '../processes/process.ts';
import { programArgv } from '../processes/program.ts';
import { type KeyPair, startServer } from './wireguard.ts';

/** dnsmasq is the lab's router advertiser, DHCP server and all its resolvers: it answers any name below .example in the same way on all addresses. */
function dnsmasqConfig(plan: Plan): string {
  return [
    'user=root',
    'keep-in-foreground',
    'log-facility=-',
    'pid-file=',
    'no-resolv',
    'no-hosts',
    'no-ping',
    `address=/example/${NET.web4}`,
    `address=/example/${NET.web6}`,
    `address=/${NET.tunnelName}/${NET.tunnelServer4}`,
    `address=/${NET.tunnelName}/${NET.tunnelServer6}`,
    `dhcp-leasefile=${join(plan.dir, 'dnsmasq.leases')}`,
    'dhcp-authoritative',
    `dhcp-range=${LAN.laptop4},${LAN.laptop4},255.255.255.0,1h`,
    `dhcp-host=${LAN.laptopMac},${LAN.laptop4}`,
    'enable-ra',
    `dhcp-range=${LAN.prefix6.replace('/64', '')},ra-only,64,1h`,
    '',
  ].join('\n');
}

async function makeCertificate(plan: Plan): Promise<{ readonly key: string; readonly cert: string }> {
  const key = join(plan.dir, 'web.key');
  const cert = join(plan.dir, 'web.crt');
  const names = `subjectAltName=DNS:www.example,DNS:bank.example,DNS:leak.example,IP:${NET.web4},IP:${NET.web6}`;
  await must([
    'openssl',
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '30',
    '-subj',
    '/CN=www.example',
    '-addext',
    names,
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  return { key, cert };
}

/**
 * Starts router, web server and tunnel server; resolves with their processes when they are ready. `keys`: the server's pair, and the
 * laptop's public key. Rejects with LabError.
 */
export async function startUplink(
  plan: Plan,
  space: Namespace,
  keys: { readonly own: KeyPair; readonly laptop: string },
): Promise<readonly Running[]> {
  const config = join(plan.dir, 'dnsmasq.conf');
  await writeFile(config, dnsmasqConfig(plan));
  const router = async (): Promise<Running> => {
    const running = await space.start(['dnsmasq', `--conf-file=${config}`], {
      log: join(plan.dir, 'dnsmasq.log'),
    });
    await running.line(/started, version/);
    return running;
  };
  const web = async (): Promise<Running> => {
    const { key, cert } = await makeCertificate(plan);
    const running = await space.start(programArgv('lab/machines/internet', key, cert));
    await running.line(/^ready$/);
    return running;
  };
  return Promise.all([
    router(),
    web(),
    startServer(space, plan.dir, plan.wireguard.uplink, keys.own, keys.laptop),
  ]);
}
