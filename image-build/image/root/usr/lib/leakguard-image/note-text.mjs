// Knows: what the owner reads on the boot partition. Must not know: how it gets there.

/** README, "The page under a VPN": the box answers there on the cable to the laptop, whatever the network gives it. */
const ALWAYS = '169.254.77.1';

/**
 * @param {readonly string[]} addresses the box's own; the page is the same at all of them
 * @param {string | undefined} code undefined once somebody has chosen a password
 * @returns {string}
 */
export function noteText(addresses, code) {
  const all = [...new Set([...addresses, ALWAYS])].map((each) => `http://${each}/`);
  const where = `The page, from the laptop behind the box: ${all.join(' or ')}`;
  const given = addresses.length === 0 ? '\nThe network has given the box no address of its own yet.' : '';
  const door =
    code === undefined
      ? 'A password has been chosen.'
      : `The first visit chooses the password and asks for this code: ${code}`;
  return `Leakguard\n\n${where}${given}\n${door}\n`;
}
