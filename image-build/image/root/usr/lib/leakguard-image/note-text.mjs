// The text of the note for the owner on the boot partition.

/** The box always answers at this address on lan, whatever addresses the network gives it (README.md, With the VPN on). */
const ALWAYS = '169.254.77.1';

/**
 * The note: where the page is, and the code for the first visit. Ends with a line feed; lines end with LF.
 * @param {readonly string[]} addresses the box's own, at each of which the page is reachable
 * @param {string | undefined} code undefined once a password has been chosen
 * @returns {string}
 */
export function noteText(addresses, code) {
  const all = [...new Set([...addresses, ALWAYS])].map((each) => `http://${each}/`);
  const where = `The page, from the laptop behind the box: ${all.join(' or ')}`;
  const given = addresses.length === 0 ? '\nThe network has not given the box an address yet.' : '';
  const door =
    code === undefined
      ? 'A password has been chosen.'
      : `On the first visit of the page you choose a password; it then asks for this code: ${code}`;
  return `Leakguard\n\n${where}${given}\n${door}\n`;
}
