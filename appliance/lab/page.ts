// Makes the box's page reachable for a browser on this machine, through the laptop's namespace. The listener on 127.0.0.1 is the only
// thing that the lab has outside its namespaces.

import { get } from 'node:http';
import type { Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import { PAGE_PORT } from './machines/box.ts';
import { LabError } from './error.ts';
import type { Lab } from './lab.ts';
import { LAN } from './plan.ts';
import { programArgv } from './processes/program.ts';
import { relay } from './machines/relay.ts';

const READY_MS = 15_000;

/**
 * Serves the page on 127.0.0.1 and waits until it answers; returns its URL, without a slash at its end, and the server, which the caller
 * closes. `port` 0 takes a free one. Rejects with LabError `port-taken`, or `no-page` when it does not answer in 15 s.
 */
export async function openPage(lab: Lab, port: number): Promise<{ address: string; server: Server }> {
  const socket = lab.plan.files.forwarder;
  const forwarder = await lab.network.laptop.start(
    programArgv('lab/machines/forward', socket, LAN.box, `${PAGE_PORT}`),
  );
  await forwarder.line(/^ready$/);
  const server = await relay({ host: '127.0.0.1', port }, { path: socket }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LabError('port-taken', `cannot listen on 127.0.0.1:${port}: ${why}`, cause);
  });
  const bound = server.address();
  const address = `http://127.0.0.1:${typeof bound === 'object' && bound !== null ? bound.port : port}`;
  // leakguard-web runs in another process, so only an answer shows that it is up.
  const end = Date.now() + READY_MS;
  while (!(await answers(address))) {
    if (Date.now() > end) {
      server.close();
      throw new LabError('no-page', `the page does not answer: see leakguard-web.log in ${lab.plan.dir}.`);
    }
    await pause(50);
  }
  await lab.announcePage(address);
  return { address, server };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(address, { agent: false }, (answer) => {
      answer.resume();
      resolve(true);
    });
    request.on('error', () => resolve(false));
  });
}
