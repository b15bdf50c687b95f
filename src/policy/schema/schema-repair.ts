// Knows: how to take faulty parts out of a value, so that faults between the other parts are found in the same run.
// Must not know: what a policy is. The repaired value is looked at for faults only and never becomes a policy.

type Path = readonly PropertyKey[];

export interface Repaired {
  readonly value: unknown;
  /** Where a path of the repaired value was in the original: dropped elements shift the ones behind them. */
  readonly original: (path: Path) => Path;
}

/** A copy without the values at `paths`: from lists the element goes, from mappings the key. */
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
  // Inner lists first, while the indices of outer ones still hold.
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

export function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (held, part) =>
      typeof held === 'object' && held !== null ? (Reflect.get(held, part) as unknown) : undefined,
    value,
  );
}
