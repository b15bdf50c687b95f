// Knows: what can be asked of the guard over the local API. Must not know: who asks, and how.
// HTTP over a Unix socket; bodies and answers are JSON.

/** PUT /v1/block → Status. Resolves when the kernel has the new ruleset and it has been read back. */
export interface BlockCommand {
  readonly on: boolean;
}

/** POST /v1/ack → Status. */
export interface AckCommand {
  /** An incident's id, or `all`. */
  readonly id: string;
  /** With `all`: how many unacknowledged ones whoever asks has been shown. Refused with 412 when there is another number. */
  readonly unacknowledged?: number;
}

/** POST /v1/tunnels → Status. To a tunnel of that name the endpoints are added. */
export interface AddTunnelCommand {
  readonly name: string;
  readonly protocol: string;
  /** `udp:198.51.100.7:51820` */
  readonly endpoints: readonly string[];
  /** What the configuration changes of WireGuard's packets, as the policy writes it. */
  readonly reserved?: unknown;
  readonly amnezia?: unknown;
  /** Of protocol zerotier: the node of this device, ten hexadecimal digits. */
  readonly zerotier?: string;
  /** The yes to peers anywhere, which `udp:0.0.0.0/0:*` needs; refused without, with what it means. */
  readonly anywhere?: boolean;
  /** The day of a service's list, `2026-11-29`: its endpoints replace those that there were. */
  readonly listed?: string;
}

/** POST /v1/tunnels/import → ImportAnswer. Nothing changes without `yes`. */
export interface ImportCommand {
  /** A tunnel's configuration (src/policy/import.ts); only its endpoints are looked at, and nothing of it is kept. */
  readonly text?: string;
  /** The same as the file's bytes, in base64: in whatever encoding it was written. */
  readonly bytes?: string;
  /** Or what such a file came to, where it was too large to be sent. */
  readonly protocol?: string;
  readonly endpoints?: readonly string[];
  readonly listed?: string;
  readonly name: string;
  readonly yes?: boolean;
}

/** POST /v1/tunnels/learn → LearnAnswer. With `endpoint`, a yes to what was proposed. */
export interface LearnCommand {
  readonly endpoint?: string;
  readonly name?: string;
}

/** POST /v1/pass → Status; DELETE /v1/pass ends it. */
export interface PassCommand {
  readonly seconds: number;
  readonly client?: string;
}

/** POST /v1/clock → ClockAnswer. Resolves when the clock says so. */
export interface ClockCommand {
  /** The time it is, milliseconds since 1970 (UTC). */
  readonly wall: number;
}
