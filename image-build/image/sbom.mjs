// The software bill of materials of a card, in SPDX 2.3 (JSON) with the purl types deb and npm.

/**
 * @typedef {object} Component
 * @property {'deb' | 'npm'} type
 * @property {string} name
 * @property {string} version
 * @property {string} architecture empty if there is none
 */

/**
 * The installed Debian packages (dpkg(1), status file), in the order of the file; those that are removed or half-installed are left out.
 * @param {string} status text of /var/lib/dpkg/status
 * @returns {readonly Component[]}
 */
export function installedIn(status) {
  return status.split(/\n\n+/).flatMap((paragraph) => {
    const field = (/** @type {string} */ name) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1];
    const [name, version] = [field('Package'), field('Version')];
    if (name === undefined || version === undefined || field('Status') !== 'install ok installed') return [];
    return [{ type: 'deb', name, version, architecture: field('Architecture') ?? '' }];
  });
}

/** @param {Component} component */
function purl({ type, name, version, architecture }) {
  const path = type === 'deb' ? `debian/${encodeURIComponent(name)}` : name.replace('@', '%40');
  const qualifiers = architecture === '' ? '' : `?arch=${architecture}`;
  return `pkg:${type}/${path}@${encodeURIComponent(version)}${qualifiers}`;
}

/**
 * The SPDX 2.3 document (JSON), ending in a line feed; equal arguments give equal bytes.
 * @param {string} name of the card
 * @param {Date} date
 * @param {readonly Component[]} components
 * @returns {string}
 */
export function spdx(name, date, components) {
  const packages = components.map((component) => ({
    name: component.name,
    SPDXID: `SPDXRef-${`${component.type}-${component.name}`.replace(/[^\w.-]/g, '-')}`,
    versionInfo: component.version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    externalRefs: [
      { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl(component) },
    ],
  }));
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://leakguard.invalid/${name}`,
    creationInfo: {
      created: date.toISOString().replace(/\.\d+Z$/, 'Z'),
      creators: ['Tool: leakguard-image'],
    },
    packages,
    relationships: packages.map(({ SPDXID }) => ({
      ...{ spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: SPDXID },
    })),
  };
  return `${JSON.stringify(document, undefined, 1)}\n`;
}
