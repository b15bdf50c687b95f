// A program on a laptop that asks for one name after the other past the tunnel, at a steady pace. Arguments: its own address, a resolver's,
// tag, how many, milliseconds between two. The names are n00000000.TAG.leak.example and on.

import { createSocket } from 'node:dgram';

const [, , own = '', resolver = '', tag = 'x', many = '1', pause = '1000'] = process.argv;

/** @param {string} name */
function question(name) {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  return Buffer.concat([
    Buffer.from('4a4a01000001000000000000', 'hex'),
    ...labels,
    Buffer.from('0000010001', 'hex'),
  ]);
}

const socket = createSocket('udp4');
// What the network answers, and what it makes up, is nothing to a program that only asks.
socket.on('error', () => undefined).on('message', () => undefined);
socket.bind(0, own, () => {
  let sent = 0;
  const turn = () => {
    if (sent === Number(many)) {
      socket.close();
      return;
    }
    const name = `n${String(sent).padStart(8, '0')}.${tag}.leak.example`;
    socket.send(question(name), 53, resolver, (error) => {
      process.stdout.write(`${error === null ? 'sent' : 'failed'} ${name}\n`);
    });
    sent += 1;
    setTimeout(turn, Number(pause));
  };
  turn();
});
