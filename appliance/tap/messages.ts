// The messages between a capture child and its parent. Reports go up a pipe as length-prefixed structured clones. Orders come down the IPC
// channel, and so does the confirmation that a report was accepted. A tap sends the next report only then, so that reports never lag far
// behind the wire, however slow the guard is.

import { deserialize, serialize } from 'node:v8';
import type { AnsweredAddress } from '../../src/policy/filter/answered.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { LearnedState } from '../../src/policy/servers/learned.ts';
import type { CanaryKey } from '../bridge/canary-seal.ts';

/** All that a tap must know to read and judge. */
export interface TapOrder {
  readonly port: 'lan' | 'wan';
  readonly interface: string;
  readonly policy: Policy;
  readonly learned: LearnedState;
  /** Endpoints of the policy that are in use, oldest first (src/policy/compile/bpf.ts). */
  readonly inUse: readonly string[];
  /** The box's own MAC addresses, as 48-bit numbers. */
  readonly boxMacs: readonly number[];
  /** Identifies the box's own forged leaks. */
  readonly canary: CanaryKey;
  /** The Tor relays, fixed for as long as the tap runs, as text (src/wire/vpn/tor.ts). */
  readonly relays: readonly string[];
  /** Number of the order; grows with every order (src/guard/account/reconciliation.ts). */
  readonly orders: number;
  /** Addresses that answers had opened before the tap started. */
  readonly answered?: readonly AnsweredAddress[];
}

/** Down the IPC channel: the order first, then changes of it; absent fields have not changed. */
export type TapCommand =
  | { readonly type: 'order'; readonly order: TapOrder }
  | { readonly type: 'send'; readonly interface: string; readonly frame: Uint8Array }
  /** The guard has accepted the last report. */
  | { readonly type: 'taken' }
  | { readonly type: 'use'; readonly inUse: readonly string[] }
  /** Addresses that the kernel is about to open for answers, and those that it no longer holds (src/policy/filter/answered.ts). */
  | {
      readonly type: 'answered';
      readonly opened: readonly AnsweredAddress[];
      readonly gone: readonly AnsweredAddress[];
      readonly orders: number;
    }
  | ({ readonly type: 'judge' } & Partial<Pick<TapOrder, 'policy'>> &
      Pick<TapOrder, 'learned' | 'boxMacs' | 'orders'>);

/** Up the pipe. `open`: the device has started reading; frames before it are not seen. */
export type Message<Report> =
  | { readonly type: 'open' }
  | { readonly type: 'report'; readonly report: Report }
  | { readonly type: 'fault'; readonly message: string };

/**
 * A message for the pipe: the length of its body in bytes (32 bits, big-endian), then the body, a structured clone (v8.serialize). Throws
 * for a value that cannot be cloned.
 */
export function encode(message: Message<unknown>): Buffer {
  const body = serialize(message);
  const frame = Buffer.allocUnsafe(4 + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, 4);
  return frame;
}

/** Reassembles messages from the chunks of a pipe. */
export class MessageReader<Report> {
  #buffered: Buffer = Buffer.alloc(0);

  /**
   * Adds a chunk; returns the messages that are now complete, in order. Throws for a body that `encode` did not make: only our own child
   * writes to the pipe.
   */
  push(chunk: Buffer): Message<Report>[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const messages: Message<Report>[] = [];
    let at = 0;
    while (this.#buffered.length - at >= 4) {
      const length = this.#buffered.readUInt32BE(at);
      if (this.#buffered.length - at - 4 < length) break;
      messages.push(deserialize(this.#buffered.subarray(at + 4, at + 4 + length)) as Message<Report>);
      at += 4 + length;
    }
    this.#buffered = this.#buffered.subarray(at);
    return messages;
  }
}
