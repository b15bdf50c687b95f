// Knows: what the owner reads on the boot partition. Must not know: how it gets there.

/**
 * @param {readonly string[]} addresses the box's own; the page is the same at all of them
 * @param {string | undefined} code undefined once somebody has chosen a password
 * @returns {string}
 */
export function noteText(addresses, code) {
  const where =
    addresses.length === 0
      ? 'The network has given the box no address yet. Say one in leakguard.txt (address = 192.0.2.9/24) where none does.'
      : `The page, from the laptop behind the box: ${addresses.map((each) => `http://${each}/`).join(' or ')}`;
  const door =
    code === undefined
      ? 'A password has been chosen.'
      : `The first visit chooses the password and asks for this code: ${code}`;
  return `Leakguard\n\n${where}\n${door}\n`;
}
