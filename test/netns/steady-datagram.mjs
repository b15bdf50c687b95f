// A program on a laptop that sends the same datagram to one server, at a steady pace, until it is ended. Arguments: its own address, the
// server's, its port, the payload in hexadecimal, milliseconds between two.

import { createSocket } from 'node:dgram';

const [, , own = '', server = '', port = '0', hex = '', pause = '1000'] = process.argv;
const payload = Buffer.from(hex, 'hex');
const socket = createSocket('udp4');
// Whatever the network answers is nothing to a program that only sends.
socket.on('error', () => undefined).on('message', () => undefined);
socket.bind(0, own, () => {
  setInterval(() => socket.send(payload, Number(port), server, () => undefined), Number(pause));
});
