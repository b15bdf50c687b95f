// Frames of every shape that may come past a rule.

import { CHANGES } from './shapes-wireguard.ts';
import type { Shape } from './shape.ts';
import { ESSENTIAL } from './shapes-essential.ts';
import { UNASSIGNED } from './shapes-unassigned.ts';
import { LINKS, PIECES, LINK_ESSENTIAL } from './shapes-links.ts';
import { NAMES, OTHERS } from './shapes-names.ts';
import { RANGED } from './shapes-ranges.ts';
import { LOGINS } from './shapes-passes.ts';
import { MESHES } from './shapes-meshes.ts';
import { FOREIGN, IKE_OVER_TCP, TUNNELS } from './shapes-tunnels.ts';

export const SHAPES: readonly Shape[] = [
  ...TUNNELS,
  ...FOREIGN,
  ...IKE_OVER_TCP,
  ...MESHES,
  ...NAMES,
  ...OTHERS,
  ...PIECES,
  ...ESSENTIAL,
  ...LINKS,
  ...LOGINS,
  ...LINK_ESSENTIAL,
  ...RANGED,
  ...CHANGES,
  ...UNASSIGNED,
];

/** The shape of that name, which must exist. */
export function shapeNamed(name: string): Shape {
  const found = SHAPES.find((shape) => shape.name === name);
  if (found === undefined) throw new Error(`no shape is named "${name}"`);
  return found;
}
