// Reads the text of GET /v1/events (server-sent events, WHATWG HTML).

import { createParser } from 'eventsource-parser';
import type { EventSourceParser } from 'eventsource-parser';

import { readJson } from './json.ts';
import { EVENTS } from './status.ts';
import type { GuardEvent } from './status.ts';

/** Turns text into events. Unknown events, and data that its schema refuses, are skipped. */
export class GuardEventReader {
  readonly #parser: EventSourceParser;
  #broken = false;

  /** An event that is longer than `limit` characters breaks the stream. */
  constructor(limit: number, onEvent: (event: GuardEvent) => void) {
    this.#parser = createParser({
      maxBufferSize: limit,
      onEvent: ({ event, data }) => {
        const read = eventOf(event, data);
        if (read !== undefined) onEvent(read);
      },
      onError: ({ type }) => {
        this.#broken ||= type === 'max-buffer-size-exceeded';
      },
    });
  }

  /** Takes a chunk of text, wherever it is cut; false once the stream is broken, after which nothing is read. */
  push(chunk: string): boolean {
    if (!this.#broken) this.#parser.feed(chunk);
    return !this.#broken;
  }
}

function eventOf(event: string | undefined, data: string): GuardEvent | undefined {
  if (event !== 'status' && event !== 'incident') return undefined;
  const value = readJson(data);
  return EVENTS[event].safeParse(value).success ? ({ event, data: value } as GuardEvent) : undefined;
}
