// The public suffix of a name, from the list in the package tldts (publicsuffix.org, ICANN section). The list is loaded on first use:
// most commands never need it.

import { createRequire } from 'node:module';

interface Parser {
  parse(
    name: string,
    options: { readonly extractHostname: boolean; readonly validateHostname: boolean },
  ): { readonly publicSuffix: string | null; readonly isIcann: boolean | null };
}

let parser: Parser | undefined;

/**
 * The public suffix of a name (publicsuffix.org, ICANN section): `co.uk` for `www.bank.co.uk`. '' if the name's last labels are not in that
 * section, also where they are in the private one. Throws when the package is not installed.
 */
export function publicSuffix(name: string): string {
  parser ??= createRequire(import.meta.url)('tldts') as Parser;
  const found = parser.parse(name, { extractHostname: false, validateHostname: false });
  return found.isIcann === true ? (found.publicSuffix ?? '') : '';
}
