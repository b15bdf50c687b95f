// How two ends of an OpenVPN tunnel know each other: a certificate of their own each.

import { join } from 'node:path';
import { must } from '../../appliance/lab/processes/process.ts';

export interface Party {
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint: string;
}

/** Makes a key and a certificate signed with it, good for two days, in `dir`. */
export async function party(dir: string, name: string): Promise<Party> {
  const key = join(dir, `${name}.key`);
  const certificate = join(dir, `${name}.crt`);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const rest = ['-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', key, '-out', certificate];
  await must(['openssl', 'req', '-x509', ...curve, ...rest]);
  const { stdout } = await must(['openssl', 'x509', '-noout', '-sha256', '-fingerprint', '-in', certificate]);
  return { certificate, key, fingerprint: stdout.trim().split('=')[1] ?? '' };
}
