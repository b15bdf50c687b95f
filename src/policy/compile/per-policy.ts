// Caching of what is made from a policy alone. A policy never changes, but is compiled again whenever something is learned: with twenty
// thousand endpoints that would cost more than the kernel's own work.

/** `make` with its result cached by the identity of its argument, for as long as that lives; what it throws is not cached. */
export function once<Of extends object, T extends object>(make: (of: Of) => T): (of: Of) => T {
  const known = new WeakMap<Of, T>();
  return (of) => {
    const held = known.get(of) ?? make(of);
    known.set(of, held);
    return held;
  };
}
