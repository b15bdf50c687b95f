// How to open our capture source on one end of a veth pair, and what to send through it. Run in a namespace that has v0 and v1, the two
// ends. First argument: what to do; prints one line of JSON. Build first. Each frame of ours has a local experimental EtherType (IEEE 802,
// 0x88b5), who sent it and its number behind the header.

import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { openPacketDevice, openSender } from '../../dist/appliance/tap/packet-device.js';
import { monotonicMs } from '../../dist/appliance/os/clock.js';

const OURS = 'ether proto 0x88b5';
const [OUT, IN] = [1, 2];
/** So much of a frame is there at least. */
const KEPT = 16_000;

/** @param {number} from OUT or IN @param {number} number @param {number} [length] */
function frame(from, number, length = 60) {
  const bytes = Buffer.alloc(length, number & 0xff);
  bytes.write('020000000002020000000001', 0, 'hex');
  bytes.writeUInt16BE(0x88b5, 12);
  if (length >= 19) {
    bytes.writeUInt8(from, 14);
    bytes.writeUInt32BE(number, 15);
  }
  return bytes;
}

/** Sends although the interface is busy. */
function push(sender, bytes) {
  for (;;) {
    try {
      sender.send(bytes);
      return;
    } catch (error) {
      if (error.code !== 'BUSY') throw error;
    }
  }
}

/** A device that notes what it is told. */
function reader(filter = OURS, name = 'v0') {
  const seen = { frames: [], end: undefined };
  const device = openPacketDevice(name, {
    filter,
    onFrame: (bytes, captured, length, outgoing, at) => {
      const own = captured >= 19 && bytes[12] === 0x88 && bytes[13] === 0xb5;
      const from = own ? bytes[14] : 0;
      const number = own ? ((bytes[15] << 24) | (bytes[16] << 16) | (bytes[17] << 8) | bytes[18]) >>> 0 : -1;
      seen.frames.push({ from, number, captured, length, outgoing, at, ...seen.also?.(bytes, captured) });
    },
    onEnd: (reason) => {
      seen.end = reason;
    },
  });
  return { device, seen };
}

/** Until all that came before now was read. */
async function drained(device) {
  const now = monotonicMs();
  while (device.readUpTo() < now) await later(1);
}

/** Another process that sends so many frames as one side. */
async function sends(side, count) {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'send', side, String(count)]);
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`a sender ended with ${code}`);
}

const statistic = (name) => Number(execFileSync('cat', [`/sys/class/net/v0/statistics/${name}`]).toString());
const ip = (...args) => promisify(execFile)('ip', args);

/** What was told of one side's frames: how many, how many of them in the wrong direction, and whether each once and in order. */
function account(frames, from) {
  const ours = frames.filter((each) => each.from === from);
  return {
    count: ours.length,
    wrong: ours.filter(({ outgoing }) => outgoing !== (from === OUT)).length,
    inOrder: ours.every(({ number }, index) => number === index),
  };
}

const DO = {
  async send(side, count) {
    const [sender, from] = [openSender(side), side === 'v0' ? OUT : IN];
    for (let number = 0; number < Number(count); number += 1) push(sender, frame(from, number));
    return {};
  },

  /** Opens with each of the filters in a file of JSON; what was said of those that were refused. */
  async takes(file) {
    const refused = [];
    for (const [name, filter] of Object.entries(JSON.parse(readFileSync(file, 'utf8')))) {
      try {
        reader(filter).device.close();
      } catch (error) {
        refused.push(`${name}: ${error.message}`);
      }
    }
    return { refused };
  },

  async directions() {
    const before = [statistic('tx_packets'), statistic('rx_packets')];
    const began = monotonicMs();
    const { device, seen } = reader();
    await Promise.all([sends('v0', 20_000), sends('v1', 20_000)]);
    await drained(device);
    const { frames } = seen;
    const times = frames.map(({ at }) => at);
    return {
      out: account(frames, OUT),
      in: account(frames, IN),
      others: frames.filter(({ from, captured, length }) => from === 0 || captured !== 60 || length !== 60)
        .length,
      counted: [statistic('tx_packets') - before[0], statistic('rx_packets') - before[1]],
      timesRise: times.every((at, index) => at >= (times[index - 1] ?? began)),
      timesPast: times.every((at) => at <= monotonicMs()),
      dropped: device.dropped(),
    };
  },

  async first() {
    let missed = 0;
    for (let round = 0; round < 60; round += 1) {
      const { device, seen } = reader();
      const sender = openSender(round % 2 === 0 ? 'v0' : 'v1');
      push(sender, frame(round % 2 === 0 ? OUT : IN, round));
      await drained(device);
      if (seen.frames.length !== 1 || seen.frames[0].outgoing !== (round % 2 === 0)) missed += 1;
      device.close();
      sender.close();
    }
    return { missed };
  },

  async swap() {
    const { device, seen } = reader();
    let running = true;
    const sending = Promise.all([sends('v0', 20_000), sends('v1', 20_000)]).then(() => {
      running = false;
    });
    let swaps = 0;
    for (; running; swaps += 1) {
      device.setFilter(swaps % 2 === 0 ? `${OURS} or arp` : `icmp or ${OURS}`);
      await later(0);
    }
    await sending;
    await drained(device);
    return {
      out: account(seen.frames, OUT),
      in: account(seen.frames, IN),
      swapped: swaps > 2,
      dropped: device.dropped(),
    };
  },

  /** A filter that hides everything, put in place of one that hides nothing, hides from its very first frame on; and back. */
  async hides() {
    const { device, seen } = reader();
    const sender = openSender('v0');
    for (let number = 0; number < 3_000; number += 1) {
      if (number % 100 === 0) device.setFilter(number % 200 === 0 ? OURS : 'ether proto 0x9998');
      push(sender, frame(OUT, number));
    }
    await drained(device);
    return { shown: seen.frames.map(({ number }) => number) };
  },

  async order(pcap) {
    const { device, seen } = reader();
    const other = spawn('tcpdump', ['-i', 'v0', '-U', '-B', '65536', '-w', pcap, OURS]);
    await new Promise((resolve) => other.stderr.on('data', (text) => /listening/.test(text) && resolve()));
    const senders = { [OUT]: openSender('v0'), [IN]: openSender('v1') };
    let random = 12345;
    for (let number = 0; number < 5_000; number += 1) {
      random = (random * 1103515245 + 12345) & 0x7fffffff;
      const from = random & 0x10000 ? OUT : IN;
      push(senders[from], frame(from, number));
    }
    await drained(device);
    const closed = new Promise((resolve) => other.once('close', resolve));
    // tcpdump has the frames when its file has; it writes each (-U).
    const whole = 24 + 5_000 * (16 + 60);
    while (Number(execFileSync('stat', ['-c', '%s', pcap]).toString()) < whole) await later(10);
    other.kill('SIGTERM');
    await closed;
    return { seen: seen.frames.map(({ from, number, outgoing }) => [from, number, outgoing]) };
  },

  /** Frames given as hexadecimal text, each from v0 and from v1, under a filter that fits none of them but for its end. */
  async tags(filter, ...texts) {
    const { device, seen } = reader(filter);
    seen.also = (bytes, captured) => ({ text: Buffer.from(bytes.subarray(0, captured)).toString('hex') });
    for (const side of ['v0', 'v1']) {
      const sender = openSender(side);
      for (const text of texts) push(sender, Buffer.from(text, 'hex'));
    }
    await drained(device);
    return {
      seen: seen.frames.map(({ text, outgoing, length, captured }) => ({
        text,
        outgoing,
        whole: length === captured,
      })),
    };
  },

  /** The same through a bridge, which never puts a tag that the kernel has taken out back into the bytes: as the box's wan tap has it. */
  async bridged(filter, ...texts) {
    await ip('link', 'add', 'w0', 'type', 'veth', 'peer', 'name', 'w1');
    await ip('link', 'add', 'br0', 'type', 'bridge');
    for (const port of ['v0', 'w0']) await ip('link', 'set', port, 'master', 'br0');
    for (const link of ['w0', 'w1', 'br0']) {
      await writeFile(`/proc/sys/net/ipv6/conf/${link}/disable_ipv6`, '1');
      await ip('link', 'set', link, 'up');
    }
    const { device, seen } = reader(filter, 'w0');
    seen.also = (bytes, captured) => ({ text: Buffer.from(bytes.subarray(0, captured)).toString('hex') });
    const sender = openSender('v1');
    for (const text of texts) push(sender, Buffer.from(text, 'hex'));
    await drained(device);
    await ip('link', 'del', 'w0');
    await ip('link', 'del', 'br0');
    return {
      seen: seen.frames.map(({ text, outgoing, length, captured }) => ({
        text,
        outgoing,
        whole: length === captured,
      })),
    };
  },

  async sizes(...lengths) {
    const { device, seen } = reader('');
    seen.also = (bytes, captured) => ({ same: Buffer.from(bytes.subarray(0, captured)) });
    const wrong = [];
    for (const [side, from] of [
      ['v0', OUT],
      ['v1', IN],
    ]) {
      const sender = openSender(side);
      for (const text of lengths) {
        const sent = frame(from, Number(text), Number(text));
        seen.frames.length = 0;
        push(sender, sent);
        await drained(device);
        // The kernel of the other end may say something of its own.
        const told = seen.frames.filter(
          ({ length, same }) => length === sent.length && sent.subarray(0, 12).equals(same.subarray(0, 12)),
        );
        const [one] = told;
        if (
          told.length !== 1 ||
          one.outgoing !== (from === OUT) ||
          !one.same.equals(sent.subarray(0, one.captured))
        )
          wrong.push([side, text, told.length]);
        else if (one.captured < Math.min(sent.length, KEPT)) wrong.push([side, text, 'cut to', one.captured]);
      }
    }
    return { wrong };
  },

  async down(how) {
    const { device, seen } = reader();
    const sender = openSender('v1');
    for (let number = 0; number < 1_000; number += 1) push(sender, frame(IN, number));
    await ip(...(how === 'removed' ? ['link', 'del', 'v0'] : ['link', 'set', 'v0', 'down']));
    while (seen.end === undefined) await later(1);
    const account1 = account(seen.frames, IN);
    const refused = [];
    for (const open of [() => reader(), () => openSender('v0')]) {
      try {
        open();
        refused.push('opened');
      } catch (error) {
        refused.push(`${error.name} ${error.code}: ${error.message}`);
      }
    }
    const [afterEnd] = [seen.frames.length];
    if (how === 'removed') return { end: seen.end, in: account1, refused };
    await ip('link', 'set', 'v0', 'up');
    device.close();
    const again = reader();
    push(openSender('v0'), frame(OUT, 0));
    await drained(again.device);
    return {
      end: seen.end,
      in: account1,
      refused,
      silent: afterEnd === seen.frames.length,
      again: account(again.seen.frames, OUT),
    };
  },

  /** Sends without ever returning to the event loop: nothing is read meanwhile. */
  async stall(count) {
    const { device, seen } = reader();
    const before = statistic('tx_packets');
    const sender = openSender('v0');
    for (let number = 0; number < Number(count); number += 1) push(sender, frame(OUT, number));
    const early = device.dropped();
    await drained(device);
    const numbers = seen.frames.map(({ number }) => number);
    push(sender, frame(OUT, 0));
    await drained(device);
    return {
      sent: statistic('tx_packets') - before - 1,
      received: numbers.length,
      dropped: device.dropped(),
      early,
      rising: numbers.every((number, index) => number > (numbers[index - 1] ?? -1)),
      goesOn: seen.frames.length === numbers.length + 1,
    };
  },

  async refuses() {
    const { device, seen } = reader();
    const faults = [];
    const attempt = (act) => {
      try {
        act();
        faults.push('taken');
      } catch (error) {
        faults.push(`${error.name} ${error.code}`);
      }
    };
    attempt(() => device.setFilter('no filter at all'));
    attempt(() => device.setFilter(Array.from({ length: 2_400 }, (_, at) => `len = ${at * 7}`).join(' or ')));
    attempt(() => reader('no filter either'));
    attempt(() => openPacketDevice('none', { filter: '', onFrame: () => undefined, onEnd: () => undefined }));
    const sender = openSender('v0');
    attempt(() => sender.send(Buffer.alloc(9)));
    push(sender, frame(OUT, 0));
    await drained(device);
    device.close();
    attempt(() => device.setFilter(''));
    attempt(() => device.send(frame(OUT, 0)));
    device.close();
    return { faults, still: account(seen.frames, OUT) };
  },

  /** A listener that closes its own device in the middle of a block. */
  async closes() {
    let told = 0;
    const device = openPacketDevice('v0', {
      filter: OURS,
      onFrame: () => {
        told += 1;
        device.close();
      },
      onEnd: () => undefined,
    });
    const sender = openSender('v0');
    for (let number = 0; number < 10; number += 1) push(sender, frame(OUT, number));
    while (told === 0) await later(1);
    await later(20);
    return { told };
  },

  /** Counts bytes of one TCP connection that the kernel cuts no smaller than its card would have to. */
  async segments(port) {
    let [bytes, largest, cut, wrong] = [0, 0, 0, 0];
    const device = openPacketDevice('g0', {
      filter: `tcp dst port ${port}`,
      onFrame: (frame_, captured, length, outgoing) => {
        const header = 14 + 20 + (frame_[14 + 20 + 12] >> 4) * 4;
        if (!outgoing) wrong += 1;
        bytes += length - header;
        largest = Math.max(largest, length);
        if (captured < Math.min(length, KEPT)) cut += 1;
      },
      onEnd: () => undefined,
    });
    process.stdout.write('ready\n');
    await new Promise((resolve) => process.once('SIGTERM', resolve));
    await drained(device);
    return { bytes, largest, cut, wrong, dropped: device.dropped() };
  },
};

const [, , what, ...rest] = process.argv;
const result = await DO[what](...rest);
process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
