// How to compare the capture drivers (appliance/tap/packet-device.ts, cap-device.ts) on a veth pair of its own. As root, after a build.
// Prints one line of JSON per driver, handler and run: frames/s, loss, CPU per frame, memory, latency, idle CPU. `count` only counts
// frames; `tap` judges and reports them as a tap does. Arguments: frames of a flood, runs.

import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as later } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const SELF = fileURLToPath(import.meta.url);
const SPACE = `lg-bench-${process.pid}`;
const FLOOD_BATCH = 64;
const [PINGS, PING_MS, IDLE_MS] = [300, 7, 5_000];

/** A plain DNS question in an Ethernet frame: a leak. */
function question() {
  const dns = Buffer.from('123401000001000000000000046c65616b076578616d706c650000010001', 'hex');
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(40_000, 0);
  udp.writeUInt16BE(53, 2);
  udp.writeUInt16BE(8 + dns.length, 4);
  const ip = Buffer.from('45000000000140004011000' + '0c0a80132cb007135', 'hex');
  ip.writeUInt16BE(20 + udp.length + dns.length, 2);
  return Buffer.concat([Buffer.from('0200000077010200000066660800', 'hex'), ip, udp, dns]);
}

/** Reads v0 with one driver; says what it saw at the end of its standard input. */
async function read(driver, handler) {
  const { openPacketDevice } = await import('../../dist/appliance/tap/packet-device.js');
  const { openCap } = await import('../../dist/appliance/tap/cap-device.js');
  const { monotonicMs } = await import('../../dist/appliance/os/clock.js');
  let [frames, wrong, reports, frame] = [0, 0, 0, undefined];
  const delays = [];
  if (handler === 'tap') frame = await tapReader(() => (reports += 1));
  const onFrame = (bytes, captured, length, outgoing, at) => {
    if (bytes[12] === 0x88 && bytes[13] === 0xb5) {
      const sent = Buffer.from(bytes.buffer, bytes.byteOffset).readDoubleLE(20);
      delays.push(monotonicMs() - sent);
      return;
    }
    frames += 1;
    if (outgoing) wrong += 1;
    frame?.(bytes, captured, length, outgoing, at);
  };
  // libpcap tells neither direction nor time.
  if (driver === 'cap')
    openCap('v0', (bytes, captured) => onFrame(bytes, captured, captured, false, monotonicMs()));
  else openPacketDevice('v0', { filter: '', onFrame, onEnd: () => undefined });
  let before = process.cpuUsage();
  const lines = createInterface({ input: process.stdin });
  process.stdout.write('ready\n');
  lines.on('line', (line) => {
    const { user, system } = process.cpuUsage(before);
    const sorted = delays.splice(0).sort((a, b) => a - b);
    const pss = Number(/^Pss:\s+(\d+)/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1]) / 1024;
    const told = { [line]: true, frames, wrong, reports, cpuMs: (user + system) / 1e3, pss: Math.round(pss) };
    const at = (part) => Number(sorted[Math.floor(sorted.length * part)]?.toFixed(2));
    process.stdout.write(
      `${JSON.stringify({ ...told, pings: sorted.length, p50: at(0.5), p99: at(0.99) })}\n`,
    );
    [frames, wrong, before] = [0, 0, process.cpuUsage()];
  });
  lines.on('close', () => process.exit(0));
}

/** The box's own reader on a policy with one tunnel. */
async function tapReader(onReport) {
  const { Dissector } = await import('../../dist/src/flow/dissector.js');
  const { compileJudge } = await import('../../dist/src/policy/judge.js');
  const { parsePolicy } = await import('../../dist/src/policy/schema/schema.js');
  const { TapReader } = await import('../../dist/appliance/tap/reader.js');
  const example = readFileSync(
    new URL('../../appliance/policy/policy.example.yaml', import.meta.url),
    'utf8',
  );
  const { policy } = parsePolicy(example);
  const reader = new TapReader({
    ...{ port: 'lan', dissector: new Dissector(), judge: compileJudge(policy), chatterIsRed: false },
    ...{ keepsFrames: false, lost: () => 0, sides: { of: () => 'unknown' }, emit: onReport },
  });
  return (bytes, captured, length, outgoing, at) => reader.frame(bytes, captured, length, outgoing, at);
}

/** Sends from v1: as many as it can, or single frames that bear the time at which they were sent. */
async function send(what, count) {
  const { openSender } = await import('../../dist/appliance/tap/packet-device.js');
  const { monotonicMs } = await import('../../dist/appliance/os/clock.js');
  const sender = openSender('v1');
  if (what === 'pings') {
    const ping = Buffer.alloc(60);
    ping.writeUInt16BE(0x88b5, 12);
    for (let sent = 0; sent < Number(count); sent += 1) {
      ping.writeDoubleLE(monotonicMs(), 20);
      sender.send(ping);
      await later(PING_MS);
    }
    return;
  }
  const frame = question();
  const began = monotonicMs();
  for (let sent = 0; sent < Number(count);) {
    try {
      for (let batch = 0; batch < FLOOD_BATCH; batch += 1, sent += 1) sender.send(frame);
    } catch (error) {
      if (error.code !== 'BUSY') throw error;
    }
  }
  process.stdout.write(`${JSON.stringify({ seconds: (monotonicMs() - began) / 1e3 })}\n`);
}

const inSpace = (...args) => ['netns', 'exec', SPACE, process.execPath, SELF, ...args];
const runInSpace = (...args) =>
  new Promise((resolve, reject) => {
    const child = spawn('ip', inSpace(...args), { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    child.stdout.on('data', (text) => (said += text));
    child.once('close', (code) =>
      code === 0 ? resolve(said) : reject(new Error(`${args.join(' ')}: ${code}`)),
    );
  });

/** One driver under one load. */
async function measure(driver, handler, count) {
  const child = spawn('ip', inSpace('read', driver, handler), { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const ask = async (what) => {
    child.stdin.write(`${what}\n`);
    return JSON.parse(await next());
  };
  await next();
  // libpcap shows no handle its first frame.
  await runInSpace('send', 'pings', 3);
  await ask('warm');
  await later(IDLE_MS);
  const idle = await ask('idle');
  await runInSpace('send', 'pings', PINGS);
  await later(100);
  const pings = await ask('pings');
  const { seconds } = JSON.parse(await runInSpace('send', 'flood', count));
  // What waits in the ring is read until nothing more comes.
  const flood = await ask('flood');
  for (let more = flood; more.frames > 0;) {
    await later(300);
    more = await ask('rest');
    flood.frames += more.frames;
    flood.cpuMs += more.cpuMs;
    flood.reports = more.reports;
    flood.pss = Math.max(flood.pss, more.pss);
  }
  child.stdin.end();
  await new Promise((resolve) => child.once('close', resolve));
  const sent = Math.ceil(count / FLOOD_BATCH) * FLOOD_BATCH;
  return {
    ...{ driver, handler, sent, perSecond: Math.round(sent / seconds), lost: sent - flood.frames },
    ...{
      wrongDirection: flood.wrong,
      microsecondsPerFrame: Number(((flood.cpuMs * 1e3) / flood.frames).toFixed(2)),
    },
    ...{ reports: flood.reports, pssMB: flood.pss, idlePssMB: idle.pss },
    ...{ idleCpuPercent: Number(((idle.cpuMs / IDLE_MS) * 100).toFixed(3)) },
    ...{ latencyMs: { p50: pings.p50, p99: pings.p99, of: pings.pings } },
  };
}

const [, , what = '', ...rest] = process.argv;
if (what === 'read') {
  await read(...rest);
} else if (what === 'send') {
  await send(...rest);
} else {
  const [count, runs] = [Number(what || 1_000_000), Number(rest[0] ?? 3)];
  const ip = (...args) => execFileSync('ip', args);
  ip('netns', 'add', SPACE);
  try {
    ip('-n', SPACE, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1');
    for (const link of ['v0', 'v1']) {
      execFileSync('ip', ['netns', 'exec', SPACE, 'tee', `/proc/sys/net/ipv6/conf/${link}/disable_ipv6`], {
        input: '1',
      });
      ip('-n', SPACE, 'link', 'set', link, 'up');
    }
    for (let run = 0; run < runs; run += 1)
      for (const handler of ['count', 'tap'])
        for (const driver of ['packet', 'cap'])
          process.stdout.write(`${JSON.stringify(await measure(driver, handler, count))}\n`);
  } finally {
    ip('netns', 'del', SPACE);
  }
}
