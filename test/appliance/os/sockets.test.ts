// Checks that this process finds its own sockets in the real /proc.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, it } from 'vitest';

import { holdersOf, readSockets } from '../../../appliance/os/sockets.ts';

it('finds the socket of a port, and that this process holds it', async () => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  const inodes = readSockets()
    .filter(({ protocol, localPort }) => protocol === 17 && localPort === port)
    .map(({ inode }) => inode);
  expect(inodes).toHaveLength(1);
  expect(holdersOf(inodes).map(({ pid }) => pid)).toContain(process.pid);
  socket.close();
  await once(socket, 'close');
  expect(holdersOf(inodes)).toEqual([]);
});

it('finds nothing where there is no /proc', () => {
  const folder = mkdtempSync(join(tmpdir(), 'leakguard-sockets-'));
  expect(readSockets(folder)).toEqual([]);
  expect(holdersOf([1], folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});
