// Knows: a TCP segment that is one whole DNS question, or the same name asked twice, and nothing else. Must not know: policy, flows.
// Follows RFC 7766 section 8 (a length in front of each message), RFC 6891 (EDNS), RFC 7873 (cookies).

import { readName, skipName } from './dns-name.ts';
import { u16, u32 } from './octets.ts';

const HEADER = 12;
/** EDNS without options, or with a cookie of the client's, or of both. Bytes of its data. */
const OPT_DATA: readonly number[] = [0, 12, 28];

/** Name of the only question of the message at `at`, and where the next begins; undefined for whatever else stands there. */
function wholeMessage(
  bytes: Uint8Array,
  at: number,
  end: number,
): { name: string; next: number; opt: number } | undefined {
  const start = at + 2;
  if (start + HEADER > end) return undefined;
  const next = start + u16(bytes, at);
  const additionals = u32(bytes, start + 8);
  if (
    next > end ||
    (u16(bytes, start + 2) & 0xfecf) !== 0 ||
    u32(bytes, start + 4) !== 0x10000 ||
    additionals > 1
  )
    return undefined;
  const behind = skipName(bytes, start + HEADER, next);
  const name = behind < 0 ? undefined : readName(bytes, start, next, start + HEADER);
  if (name === undefined || behind + 4 > next) return undefined;
  const record = behind + 4;
  if (additionals === 0) return next === record ? { name, next, opt: -1 } : undefined;
  if (record + 11 > next || bytes[record] !== 0 || u16(bytes, record + 1) !== 41) return undefined;
  const data = u16(bytes, record + 9);
  return OPT_DATA.includes(data) && record + 11 + data === next ? { name, next, opt: data } : undefined;
}

/** Name of a segment that is one whole question, or two for the same name, with no more behind them; undefined for any other. */
export function wholeQuestion(bytes: Uint8Array, start: number, end: number): string | undefined {
  const first = wholeMessage(bytes, start, end);
  if (first === undefined) return undefined;
  if (first.next === end) return first.name;
  // The GNU C library asks for both families in one segment, with EDNS or without, and never with options.
  const second = wholeMessage(bytes, first.next, end);
  const isPair = second?.next === end && second.opt === first.opt && first.opt <= 0;
  return isPair && second.name === first.name ? first.name : undefined;
}
