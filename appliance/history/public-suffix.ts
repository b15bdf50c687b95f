// Knows: under which suffix people register names, by the list of the package tldts (publicsuffix.org, its ICANN section).
// Must not know: whose name it is. The list is loaded when it is first asked: most commands never do.

import { createRequire } from 'node:module';

interface Parser {
  parse(
    name: string,
    options: { readonly extractHostname: boolean; readonly validateHostname: boolean },
  ): { readonly publicSuffix: string | null; readonly isIcann: boolean | null };
}

let parser: Parser | undefined;

/** `co.uk` for `www.bank.co.uk`; '' for a name whose last labels are in no registry: they may be anybody's. */
export function publicSuffix(name: string): string {
  parser ??= createRequire(import.meta.url)('tldts') as Parser;
  const found = parser.parse(name, { extractHostname: false, validateHostname: false });
  return found.isIcann === true ? (found.publicSuffix ?? '') : '';
}
