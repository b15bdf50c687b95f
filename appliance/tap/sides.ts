// Knows: on which side of the bridge a MAC address lives, by the bridge's own table. Must not know: frames, policy.
// Which way doubt errs: an address that was on lan stays there though the uplink claims it, or it could hide leaks.
// linux include/uapi/linux/if_bridge.h: struct __fdb_entry, 16 bytes each, read from sysfs `brforward`.

import { readFileSync } from 'node:fs';

export type Side = 'lan' | 'wan' | 'box' | 'unknown';

const ENTRY_BYTES = 16;
/** A table read less than this ago is fresh enough even for an unknown address, milliseconds. */
const FRESH_MS = 20;
/** Addresses move: read again after this, milliseconds. */
const STALE_MS = 1_000;

export class BridgeSides {
  readonly #bridge: string;
  readonly #lan: string;
  #sides = new Map<number, Side>();
  #readAt = -Infinity;

  constructor(bridge: string, lan: string) {
    this.#bridge = bridge;
    this.#lan = lan;
  }

  /**
   * The bridge learns from lan alone (appliance/bridge.ts): what it does not know is on the other side. With `freshMs` 0 that
   * is certain, for it has learned a frame's sender before anyone can ask.
   */
  of(mac: number, now: number, freshMs = FRESH_MS): Side {
    if (now - this.#readAt > STALE_MS) this.#read(now);
    const known = this.#sides.get(mac);
    if (known !== undefined) return known;
    if (now - this.#readAt >= freshMs) this.#read(now);
    return this.#sides.get(mac) ?? 'wan';
  }

  #read(now: number): void {
    this.#readAt = now;
    const sides = new Map<number, Side>();
    try {
      const lanPort = portNumber(this.#bridge, this.#lan);
      const table = readFileSync(`/sys/class/net/${this.#bridge}/brforward`);
      for (let at = 0; at + ENTRY_BYTES <= table.length; at += ENTRY_BYTES) {
        const port = table.readUInt8(at + 6) | (table.readUInt8(at + 12) << 8);
        const local = table.readUInt8(at + 7) !== 0;
        const side = local ? 'box' : port === lanPort ? 'lan' : 'wan';
        const mac = table.readUIntBE(at, 6);
        sides.set(mac, side === 'wan' && this.#sides.get(mac) === 'lan' ? 'lan' : side);
      }
      const own = readFileSync(`/sys/class/net/${this.#bridge}/address`, 'latin1').trim();
      sides.set(Number.parseInt(own.replaceAll(':', ''), 16), 'box');
    } catch {
      // No bridge yet, or a port just left it: everything is unknown until the next reading, and errs toward the client.
      sides.clear();
    }
    this.#sides = sides;
  }
}

function portNumber(bridge: string, port: string): number {
  return Number.parseInt(readFileSync(`/sys/class/net/${bridge}/brif/${port}/port_no`, 'latin1').trim(), 16);
}
