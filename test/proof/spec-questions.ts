// The specification, continued: questions for names (RFC 1035) that may be asked in the clear: those for the servers' own names, and in
// split those for names that need no tunnel. Letters have no case (RFC 4343).

import type { Frame, Direction } from './frame.ts';
import { isPlainQuestion } from './spec-shapes.ts';
import type { ParsedPacket } from './spec-state.ts';
import { both, either, is, isFrom, isHeld, isMasked, no } from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

type At = (byte: number, bytes: number) => Field;

/** A name as it stands in a message: lengths, letters, the root. */
function wireForm(name: string): readonly number[] {
  return [...name.split('.').flatMap((label) => [Buffer.from(label).length, ...Buffer.from(label)]), 0];
}

function stands(at: At, from: number, name: string): Formula {
  return both(
    ...wireForm(name).map((byte, i) =>
      byte >= 0x61 && byte <= 0x7a ? isMasked(at(from + i, 1), 0xdf, byte & 0xdf) : is(at(from + i, 1), byte),
    ),
  );
}

/** The question for exactly this name, with room for EDNS and a cookie; coming down whatever repeats it. */
export function ownQuestion(f: Fields, way: Direction, name: string): Formula {
  const least = 8 + 12 + wireForm(name).length + 4;
  const named = stands(f.payload, 12, name);
  if (way === 'down')
    return both(is(f.udp.source, 53), isMasked(f.payload(2, 1), 0x80, 0x80), is(f.payload(4, 2), 1), named);
  return both(
    is(f.udp.destination, 53),
    isFrom(f.udp.length, least, least + 64),
    isPlainQuestion(f.payload),
    named,
  );
}

/** By TCP with whom has just called its answer to that question cut. Up: segments without data, or whole questions alone. */
export function ownQuestionByTcp(f: Fields, frame: Frame, names: readonly string[], family: 4 | 6): Formula {
  if (names.length === 0) return either();
  const { source, destination } = f.ip[family];
  const [near, far] = frame.kind.way === 'up' ? [source, destination] : [destination, source];
  const mayTalk = isHeld(frame, `cut${family}`, near, far);
  if (frame.kind.way === 'down') return mayTalk;
  const whole = names.flatMap((name) =>
    [undefined, 0, 12, 28].flatMap((edns) => [
      once(f, name, edns, family),
      ...(edns === undefined || edns === 0 ? [twice(f, name, edns, family)] : []),
    ]),
  );
  return both(mayTalk, either(hasNoData(f, family), both(saysOnly(f), either(...whole))));
}

/** Header of so many words and so many bytes behind it, and nothing else in the packet. */
function isSized(f: Fields, family: 4 | 6, words: number, bytes: number): Formula {
  return both(is(f.tcp.words, words), is(f.ip[family].length, (family === 4 ? 20 : 0) + 4 * words + bytes));
}

const hasNoData = (f: Fields, family: 4 | 6): Formula =>
  either(...Array.from({ length: 11 }, (_, i) => isSized(f, family, 5 + i, 0)));
/** Neither URG, RST, SYN nor FIN. */
const saysOnly = (f: Fields): Formula => isMasked(f.tcp.flags, 0x27, 0);
/** No option of TCP, or a timestamp (RFC 7323). */
const holdsExactly = (f: Fields, family: 4 | 6, bytes: number): Formula =>
  either(isSized(f, family, 5, bytes), isSized(f, family, 8, bytes));

function message(
  at: At,
  name: string,
  edns: number | undefined,
): { readonly length: number; readonly is: Formula } {
  const question = 12 + wireForm(name).length + 4;
  const header = both(
    isMasked(at(2, 2), 0xfecf, 0),
    is(at(4, 4), 0x00010000),
    is(at(8, 4), edns === undefined ? 0 : 1),
  );
  const record = edns === undefined ? both() : both(is(at(question, 3), 41), is(at(question + 9, 2), edns));
  return {
    length: question + (edns === undefined ? 0 : 11 + edns),
    is: both(header, stands(at, 12, name), record),
  };
}

function once(f: Fields, name: string, edns: number | undefined, family: 4 | 6): Formula {
  const one = message((byte, bytes) => f.content(2 + byte, bytes), name, edns);
  return both(is(f.content(0, 2), one.length), one.is, holdsExactly(f, family, 2 + one.length));
}

/** For both families at once, as the GNU C library asks. */
function twice(f: Fields, name: string, edns: number | undefined, family: 4 | 6): Formula {
  const one = message((byte, bytes) => f.content(2 + byte, bytes), name, edns);
  const start = 2 + one.length;
  const two = message((byte, bytes) => f.content(start + 2 + byte, bytes), name, edns);
  return both(
    is(f.content(0, 2), one.length),
    one.is,
    is(f.content(start, 2), one.length),
    two.is,
    holdsExactly(f, family, 2 * start),
  );
}

// ---- Split: questions for names that need no tunnel.

/** A name is at most 255 bytes, so no protected one begins further behind the header than it has bytes left. */
function namesNone(at: At, k: ParsedPacket, places: number): Formula {
  const shortest = Math.min(255, ...k.protectedNames.map(({ name }) => wireForm(name).length));
  return no(
    either(
      ...k.protectedNames.flatMap(({ name, itself }) =>
        Array.from({ length: 255 - shortest + 1 + places }, (_, offset) => offset)
          .slice(itself ? 0 : 2)
          .map((offset) => stands(at, 12 + offset, name)),
      ),
    ),
  );
}

export function plainQuestion(f: Fields, k: ParsedPacket): Formula {
  return both(isPlainQuestion(f.payload), namesNone(f.content, k, 2));
}

/** One whole question of up to 192 bytes, or two that are equally long (95 bytes each). */
export function plainSegment(f: Fields, k: ParsedPacket, family: 4 | 6): Formula {
  const header = (start: number): Formula => isPlainQuestion((byte, bytes) => f.content(start + byte, bytes));
  const one = Array.from({ length: 192 - 17 + 1 }, (_, i) => 17 + i).map((length) =>
    both(is(f.content(0, 2), length), holdsExactly(f, family, 2 + length)),
  );
  const two = Array.from({ length: 95 - 17 + 1 }, (_, i) => 17 + i).map((length) =>
    both(
      is(f.content(0, 2), length),
      is(f.content(2 + length, 2), length),
      header(4 + length),
      holdsExactly(f, family, 4 + 2 * length),
    ),
  );
  return either(
    hasNoData(f, family),
    both(saysOnly(f), header(2), either(...one, ...two), namesNone(f.content, k, 2)),
  );
}
