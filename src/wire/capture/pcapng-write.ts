// Writes frames as a pcapng file: one section, one interface per port, enhanced packets with microseconds.
// draft-ietf-opsawg-pcapng sections 4.1 to 4.3.

const SECTION = 0x0a0d0d0a;
const BYTE_ORDER = 0x1a2b3c4d;
const INTERFACE = 1;
const ENHANCED_PACKET = 6;
const ETHERNET = 1;
const OPTION_NAME = 2;

/** An Ethernet frame, without frame check sequence, to be written. */
export interface WrittenFrame {
  /** Name of the interface. */
  readonly port: string;
  /** Wall clock: milliseconds since the epoch, from 0; a fraction is kept to microseconds. */
  readonly wall: number;
  /** Octets on the wire; `bytes` may have fewer. */
  readonly length: number;
  readonly bytes: Uint8Array;
}

/**
 * The octets of the whole file (draft-ietf-opsawg-pcapng sections 4.1 to 4.3), little endian: one interface per port, in the order in
 * which they first occur, then the frames in the given order. Without frames only the section header.
 */
export function writePcapng(frames: readonly WrittenFrame[]): Uint8Array {
  const ports = [...new Set(frames.map(({ port }) => port))];
  const blocks = [
    block(SECTION, [words(BYTE_ORDER), halves(1, 0), words(0xffffffff, 0xffffffff)]),
    ...ports.map(interfaceBlock),
    ...frames.map((frame) => packetBlock(frame, ports.indexOf(frame.port))),
  ];
  return joined(blocks);
}

function interfaceBlock(port: string): Uint8Array {
  const name = new TextEncoder().encode(port);
  const option = [halves(OPTION_NAME, name.length), padded(name), halves(0, 0)];
  return block(INTERFACE, [halves(ETHERNET, 0), words(0), ...option]);
}

function packetBlock({ wall, length, bytes }: WrittenFrame, port: number): Uint8Array {
  const micros = wall * 1_000;
  const [high, low] = [Math.floor(micros / 2 ** 32), micros % 2 ** 32];
  return block(ENHANCED_PACKET, [words(port, high, low, bytes.length, length), padded(bytes)]);
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = joined(parts);
  const length = body.length + 12;
  return joined([words(type, length), body, words(length)]);
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint32(4 * index, value, true);
  return bytes;
}

function halves(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * values.length);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setUint16(2 * index, value, true);
  return bytes;
}

/** A copy, padded to a multiple of four octets. */
function padded(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  whole.set(bytes);
  return whole;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
