// The specification, continued: questions for names (RFC 1035) that may be asked in the clear: those for the servers' own names, and in
// split those for names that need no tunnel. Letters have no case (RFC 4343).

import type { Sight } from './sight.ts';
import { isPlainQuestion } from './spec-shapes.ts';
import { NEVER, both, either, is, isFrom, isMasked, no } from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

type At = (byte: number, bytes: number) => Field;

/** A name as it stands in a message: lengths, letters, the root; of `*.` twelve hexadecimal digits, whichever (README.md, Endpoints). */
function wireForm(name: string): readonly (number | 'digit')[] {
  if (name.startsWith('*.'))
    return [12, ...Array.from({ length: 12 }, () => 'digit' as const), ...wireForm(name.slice(2))];
  return [...name.split('.').flatMap((label) => [Buffer.from(label).length, ...Buffer.from(label)]), 0];
}

function stands(at: At, from: number, name: string): Formula {
  return both(
    ...wireForm(name).map((octet, i) => {
      const byte = at(from + i, 1);
      if (octet === 'digit')
        return either(isFrom(byte, 0x30, 0x39), isFrom(byte, 0x41, 0x46), isFrom(byte, 0x61, 0x66));
      return octet >= 0x61 && octet <= 0x7a ? isMasked(byte, 0xdf, octet & 0xdf) : is(byte, octet);
    }),
  );
}

/** The question for exactly such a name, with room for EDNS and a cookie; coming down whatever repeats it. */
export function isOwnQuestion({ f, up, k }: Sight): Formula {
  const named = k.ownNames.map((name) => {
    const least = 8 + 12 + wireForm(name).length + 4;
    return both(up ? isFrom(f.udp.length, least, least + 64) : both(), stands(f.payload, 12, name));
  });
  if (!up) return both(is(f.udp.source, 53), isAnswer(f), is(f.payload(4, 2), 1), either(...named));
  return both(is(f.udp.destination, 53), isPlainQuestion(f.payload), either(...named));
}

const isAnswer = (f: Fields): Formula => isMasked(f.payload(2, 1), 0x80, 0x80);
/** TC (RFC 1035 section 4.1.1): the client is to ask again by TCP. */
export const isCut = ({ f }: Sight): Formula => isMasked(f.payload(2, 1), 0x02, 0x02);

/** The same by TCP. Up: segments without data, or whole questions alone; one, or one for each family, as the GNU C library asks. */
export function isOwnQuestionByTcp({ f, up, k, family }: Sight): Formula {
  const isTcp = is(up ? f.tcp.destination : f.tcp.source, 53);
  if (k.ownNames.length === 0 || isTcp === NEVER) return NEVER;
  if (!up) return isTcp;
  const whole = k.ownNames.flatMap((name) =>
    [undefined, 0, 12, 28].flatMap((edns) => [
      once(f, name, edns, family),
      ...(edns === undefined || edns === 0 ? [twice(f, name, edns, family)] : []),
    ]),
  );
  return both(isTcp, either(hasNoData(f, family), both(saysOnly(f), either(...whole))));
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

/** A name is at most 255 bytes, so no protected one begins further behind the header than it has bytes left; by TCP two bytes more. */
function namesNone({ f, k }: Sight): Formula {
  const shortest = Math.min(255, ...k.protectedNames.map(({ name }) => wireForm(name).length));
  return no(
    either(
      ...k.protectedNames.flatMap(({ name, itself }) =>
        Array.from({ length: 255 - shortest + 3 }, (_, offset) => offset)
          .slice(itself ? 0 : 2)
          .map((offset) => stands(f.content, 12 + offset, name)),
      ),
    ),
  );
}

/** By UDP a plain question; by TCP no data, or one whole question of up to 192 bytes, or two that are equally long (95 bytes each). */
export function isOpenQuestion(s: Sight): Formula {
  const { f, family } = s;
  if (s.protocol(6, 17) === NEVER) return NEVER;
  const byUdp = both(s.protocol(17), isPlainQuestion(f.payload));
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
  const byTcp = both(saysOnly(f), header(2), either(...one, ...two));
  return either(both(either(byUdp, byTcp), namesNone(s)), hasNoData(f, family));
}
