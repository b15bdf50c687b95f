// Removes faulty parts from a value, so that faults across the remaining parts are found in the same run. The repaired value is only
// checked for faults and never becomes a policy.

type Path = readonly PropertyKey[];

/** A value without its faulty parts. */
export interface Repaired {
  readonly value: unknown;
  /** The path in the original of a path in the repaired value: removed elements shift the ones after them. */
  readonly original: (path: Path) => Path;
}

/** A copy without the values at `paths`: the innermost list element on a path is removed, or else the key. */
export function withoutParts(value: unknown, paths: readonly Path[]): Repaired {
  const copy: unknown = structuredClone(value);
  const dropped = new Map<string, Set<number>>();
  for (const path of paths) {
    const last = path.findLastIndex((part) => typeof part === 'number');
    const index = path[last];
    if (typeof index === 'number') {
      const key = JSON.stringify(path.slice(0, last));
      dropped.set(key, (dropped.get(key) ?? new Set()).add(index));
    } else {
      const parent = valueAt(copy, path.slice(0, -1));
      const key = path.at(-1);
      if (typeof parent === 'object' && parent !== null && key !== undefined)
        Reflect.deleteProperty(parent, key);
    }
  }
  // Inner lists first, while the indices of the outer ones are still valid.
  const lists = [...dropped].map(([key, indices]) => ({ path: JSON.parse(key) as Path, indices }));
  for (const { path, indices } of lists.sort((a, b) => b.path.length - a.path.length)) {
    const list = valueAt(copy, path);
    if (!Array.isArray(list)) continue;
    const kept = (list as unknown[]).filter((_, at) => !indices.has(at));
    list.splice(0, list.length, ...kept);
  }
  return { value: copy, original: (path) => originalPath(path, dropped) };
}

function originalPath(path: Path, dropped: ReadonlyMap<string, ReadonlySet<number>>): Path {
  const whole: PropertyKey[] = [];
  for (const part of path) {
    const gone = dropped.get(JSON.stringify(whole));
    if (typeof part !== 'number' || gone === undefined) {
      whole.push(part);
      continue;
    }
    let at = -1;
    for (let kept = -1; kept < part; at += 1) if (!gone.has(at + 1)) kept += 1;
    whole.push(at);
  }
  return whole;
}

/** The value at a path of keys and indices; undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (held, part) =>
      typeof held === 'object' && held !== null ? (Reflect.get(held, part) as unknown) : undefined,
    value,
  );
}
