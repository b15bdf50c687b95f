// Knows: which capture drivers there are, and which one the box's taps use. Must not know: how they work, what frames mean.

import { openCapDevice } from './cap-device.ts';
import type { CaptureDevice, CaptureOptions } from './capture.ts';
import { openPacketDevice } from './packet-device.ts';

const DRIVERS = { packet: openPacketDevice, cap: openCapDevice } as const;
type Driver = keyof typeof DRIVERS;

export interface DeviceOptions extends CaptureOptions {
  /** `packet`, our own, unless another is asked for. */
  readonly driver?: Driver;
}

/** Opens an interface for reading; throws CaptureError, or what libpcap says. */
export function openDevice(interfaceName: string, options: DeviceOptions): CaptureDevice {
  return DRIVERS[options.driver ?? 'packet'](interfaceName, options);
}
