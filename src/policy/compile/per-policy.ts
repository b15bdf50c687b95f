// Knows: that what is made of a policy alone is made once. Must not know: what that is.
// A policy never changes, and is compiled anew with everything that is learned: with twenty thousand endpoints that would cost more
// than the kernel's own work.

/** `make`, remembered for as long as what it was made of is used. */
export function once<Of extends object, T extends object>(make: (of: Of) => T): (of: Of) => T {
  const known = new WeakMap<Of, T>();
  return (of) => {
    const held = known.get(of) ?? make(of);
    known.set(of, held);
    return held;
  };
}
