// Knows: how a capture child and its parent talk, and what a tap is told. Must not know: what they do with it.
// Reports go up a pipe as length-prefixed structured clones; orders come down the IPC channel, and so does the word that a tap's report was
// taken: the next one goes up after it, so that what the guard hears is never far behind what the tap reads, however slow the guard is.

import { deserialize, serialize } from 'node:v8';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { CanaryKey } from '../bridge/canary-seal.ts';

export interface TapOrder {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  readonly policy: Policy;
  readonly learned: LearnedState;
  /** Endpoints of the policy that are in use (src/policy/compile/bpf.ts). */
  readonly inUse: readonly string[];
  /** The box's own MAC addresses. */
  readonly boxMacs: readonly number[];
  /** By which the box's own forged leaks are known. */
  readonly canary: CanaryKey;
  /** Tor's relays, for as long as the tap runs (src/wire/vpn/tor.ts). */
  readonly relays: readonly string[];
  /** Grows with every order (src/guard/account/reconciliation.ts). */
  readonly orders: number;
  /** What answers have opened before a tap begins. */
  readonly answered?: readonly AnsweredAddress[];
}

/** Down the IPC channel: the order first, then by what else the tap shall judge and read from now on; what is absent has not changed. */
export type TapCommand =
  | { readonly type: 'order'; readonly order: TapOrder }
  | { readonly type: 'send'; readonly interface: string; readonly frame: Uint8Array }
  | { readonly type: 'taken' }
  | { readonly type: 'use'; readonly inUse: readonly string[] }
  /** What the kernel is about to open for answers, and what it holds no longer (src/policy/filter/answered.ts). */
  | {
      readonly type: 'answered';
      readonly opened: readonly AnsweredAddress[];
      readonly gone: readonly AnsweredAddress[];
      readonly orders: number;
    }
  | ({ readonly type: 'judge' } & Partial<Pick<TapOrder, 'policy'>> &
      Pick<TapOrder, 'learned' | 'boxMacs' | 'orders'>);

/** Up the pipe. `open` says that the device reads; frames before it are nobody's. */
export type Message<Report> =
  | { readonly type: 'open' }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'fault'; readonly message: string };

export function encode(message: Message<unknown>): Buffer {
  const body = serialize(message);
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Puts chunks together; gives each whole message once. */
export class MessageReader<Report> {
  #held: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): Message<Report>[] {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const messages: Message<Report>[] = [];
    let at = 0;
    while (this.#held.length - at >= 4) {
      const length = this.#held.readUInt32BE(at);
      if (this.#held.length - at - 4 < length) break;
      messages.push(deserialize(this.#held.subarray(at + 4, at + 4 + length)) as Message<Report>);
      at += 4 + length;
    }
    this.#held = this.#held.subarray(at);
    return messages;
  }
}
