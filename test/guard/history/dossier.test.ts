// What Eve can and cannot conclude from incidents, devices and tunnels.

import { describe, expect, it } from 'vitest';
import { dossierOf } from '../../../src/guard/history/dossier.ts';
import type { Dossier } from '../../../src/api/past.ts';
import type { DossierSources, Registration } from '../../../src/guard/history/dossier.ts';
import { SHOWN_IN_ANSWER } from '../../../src/guard/incidents/incidents.ts';
import type { Gap } from '../../../src/guard/tunnels/gaps.ts';
import { eveWords } from '../../../web/pages/dossier/eve-words.ts';
import { aClient } from '../../box-answers.ts';
import { anIncident, aStatus, someAllowed } from '../../guard-peer.ts';

const at = (minute: number): string => new Date(Date.UTC(2026, 2, 1, 10, minute)).toISOString();
const GAP: Gap = {
  ...{ tunnel: 'home', lastFrame: { after: 1, until: 2 }, firstEscape: 3, handshake: 4 },
  ...{ back: { after: 4, until: 5 }, length: { least: 2, most: 4 }, unanswered: 0, escapes: [], more: 2 },
};

function told(sources: Partial<DossierSources> = {}): Dossier {
  return dossierOf({
    ...{ incidents: [], clients: [], tunnels: [], gaps: [], registrationOf: () => undefined },
    ...{ from: undefined, to: Date.UTC(2026, 2, 2), privacy: 'full', truncated: false },
    ...sources,
  });
}

describe('what nobody can look up', () => {
  const seen = (exposure: string, kind: 'igmp-mld' | 'l2-other' | 'udp' = 'udp') =>
    anIncident({ id: exposure, exposure, kind, escaped: 1 });

  it.each([
    [['224.0.0.251', 'ff02::fb', 'ff02::16, ff02::1:ff00:1', '239.1.2.0/24', '255.255.255.255'], 'groups'],
    [['01:80:c2:00:00:0e (type 0x88cc)', '33:33:00:00:00:01', 'ff:ff:ff:ff:ff:ff'], 'groups'],
    [['192.168.1.9', 'fe80::1', '10.0.0.0/24', '02:00:00:00:00:01 (type 0x1234)'], 'local'],
    [['203.0.113.9', '2001:db8::1', '8.8.8.0/24'], 'public'],
    [['bank.example', 'ab.example, cd.example'], 'names'],
  ])('%j: %s', (exposures, what) => {
    const dossier = told({ incidents: exposures.map((exposure) => seen(exposure)) });
    const { sites, destinations, groups = [], conclusions } = dossier;
    const all = exposures.length;
    const sizes = [sites.length, destinations.length, groups.length];
    expect(sizes).toEqual([
      what === 'names' ? all : 0,
      ['local', 'public'].includes(what) ? all : 0,
      what === 'groups' ? all : 0,
    ]);
    expect(destinations.filter(({ isPublic }) => isPublic === true)).toHaveLength(
      what === 'public' ? all : 0,
    );
    const words = eveWords(dossier, at(9)).join(' ');
    expect(words.includes('registry')).toBe(what === 'public');
    expect(words.includes('multicast')).toBe(what === 'groups');
    expect(words.includes('without a name')).toBe(['local', 'public'].includes(what));
    expect(conclusions.join(' ').includes('multicast')).toBe(what === 'groups');
  });

  it('is told apart from what a registry knows', () => {
    const dossier = told({
      incidents: ['203.0.113.9', '192.168.1.9', '224.0.0.251'].map((one) => seen(one)),
    });
    const words = eveWords(dossier, at(9));
    expect(words).toContain('I know 2 addresses that were contacted without a name.');
    expect(words).toContain('One of them is on the internet: a registry tells me whose it is.');
    expect(words).toContain(
      'I know one multicast group that was joined or sent to: it tells me what kind of program runs.',
    );
  });
});

describe('sites', () => {
  it('add up questions and visits of a name, the most visited first, and leave out what was stopped', () => {
    const [none, many] = [
      { questions: 0, visits: 0 },
      { escaped: 40, blocked: 0 },
    ];
    const incidents = [
      anIncident({ ...many, exposure: 'bank.example', questions: 3, visits: 0, first: at(3), last: at(4) }),
      anIncident({
        ...many,
        exposure: 'bank.example',
        kind: 'tls',
        rule: 'D',
        questions: 0,
        visits: 2,
        first: at(1),
        last: at(2),
      }),
      anIncident({
        ...many,
        exposure: 'news.example',
        kind: 'quic',
        questions: 0,
        visits: 9,
        client: '02:00:00:00:00:0d',
      }),
      anIncident({ ...many, ...none, exposure: 'page.example', kind: 'http' }),
      anIncident({ ...none, exposure: 'canonical.example', escaped: 0, networkAttack: SHOWN_IN_ANSWER }),
      anIncident({ exposure: 'stopped.example', escaped: 0, blocked: 7 }),
      anIncident({ exposure: '(many others)', escaped: 3, questions: 2 }),
    ];
    const { sites, escaped, blocked } = told({ incidents });
    expect({ escaped, blocked }).toEqual({ escaped: 163, blocked: 7 });
    expect(sites.map(({ site, asked, visited, words }) => [site, asked, visited, words])).toEqual([
      ['news.example', 0, 9, 'visited 9 times'],
      ['bank.example', 3, 2, 'asked 3 times, visited twice'],
      ['page.example', 0, 0, 'seen'],
      ['canonical.example', 0, 0, 'shown in an answer'],
    ]);
    expect(sites[1]).toMatchObject({ first: at(1), last: at(4), clients: ['02:00:00:00:00:0c'] });
  });

  it('say what is known of them where only frames were counted', () => {
    const incidents = [
      anIncident({ exposure: 'bank.example', escaped: 40 }),
      anIncident({ exposure: 'bank.example', escaped: 1, questions: 1, visits: 0 }),
      anIncident({ exposure: 'bank.example', kind: 'tls', escaped: 9 }),
    ];
    const { sites } = told({ incidents });
    expect(sites).toMatchObject([{ atLeast: true, words: 'asked at least twice, visited at least once' }]);
  });

  it('are none for an address that may be one of several: these are listed with it', () => {
    const candidates = ['a.example', 'b.example'];
    const of = { exposure: '203.0.113.9', kind: 'tls', rule: 'D', questions: 0 } as const;
    const incidents = [
      anIncident({ ...of, candidates, visits: 2 }),
      anIncident({ ...of, exposure: 'a.example', candidates, visits: 1 }),
    ];
    const { sites, destinations, conclusions } = told({ incidents });
    expect(sites).toMatchObject([{ site: 'a.example', visited: 1, words: 'visited once' }]);
    expect(destinations).toMatchObject([
      { site: '203.0.113.9', visited: 2, candidates, words: 'visited twice: one of a.example, b.example' },
    ]);
    expect(conclusions.join()).toContain(
      'She knows that the connection to 203.0.113.9 was for one of a.example, b.example.',
    );
  });

  it.each(['203.0.113.9', '2001:db8::9', '203.0.113.0/24'])(
    '%s is a destination without a name',
    (exposure) => {
      const { sites, destinations, conclusions } = told({
        incidents: [anIncident({ exposure, kind: 'tcp' })],
      });
      expect([sites, destinations.map(({ site }) => site)]).toEqual([[], [exposure]]);
      expect(conclusions.join()).toContain('1 address');
    },
  );

  it('are none where nothing escaped, and that is said', () => {
    expect(told().conclusions).toEqual(['No leak that escaped shows a site or a destination.']);
  });
});

describe('what the profile allows', () => {
  it('is hers, with its names, and no leak', () => {
    const dossier = told({ allowed: someAllowed() });
    expect(dossier).toMatchObject({ escaped: 0, sites: [], allowed: { frames: 20_417 } });
    expect(dossier.conclusions).toContain(
      'The profile allows other traffic outside the tunnel, which is not a leak, but she sees it all the same: 20417 frames, with 1 name and 1 address without one, such as news.example.',
    );
  });

  it('is not mentioned where the profile lets nothing go, and nothing concluded where nothing went', () => {
    expect(told()).not.toHaveProperty('allowed');
    const empty = someAllowed({ rows: [], frames: 0, connections: 0 });
    expect(told({ allowed: empty }).conclusions.join()).not.toContain('profile');
  });

  it('is told as a number alone under privacy minimal', () => {
    const { conclusions } = told({ allowed: someAllowed(), privacy: 'minimal' });
    expect(conclusions.join()).not.toContain('news.example');
  });
});

describe('devices', () => {
  it('are those whose frames escaped or who told their name, with what identifies them', () => {
    const silent = aClient({ id: '02:00:00:00:00:0e', hostName: null });
    const maker = { id: '00:16:3e:00:00:01', randomised: false, vendor: 'Xensource', hostName: null };
    const seen = aClient({ ...maker, vendorClass: null, fingerprint: '1,3,6', previousAddresses: [] });
    const pupil = aClient({ id: '02:00:00:00:00:0f', hostName: null, account: 'anna@school.example' });
    const { devices, conclusions } = told({
      clients: [aClient(), silent, seen, pupil],
      incidents: [anIncident({ client: seen.id })],
    });
    expect(devices.map(({ id }) => id)).toEqual(['02:00:00:00:00:0c', '00:16:3e:00:00:01', pupil.id]);
    const text = conclusions.join('\n');
    expect(text).toContain('A device tells every network its name: annas-laptop.');
    expect(text).toContain(
      'asked for addresses that it does not use here and may have had elsewhere: 10.1.2.3',
    );
    expect(text).toContain('by the vendor class MSFT 5.0 in its DHCP requests');
    expect(text).toContain('by the options 1,3,6 in its DHCP requests');
    expect(text).toContain(`${pupil.id} logs in to the network as anna@school.example (802.1X).`);
    expect(text).toContain('It was made by Xensource.');
    expect(text).toContain('uses a random hardware address');
  });
});

describe('the VPN', () => {
  it('is told with the network of its server, its country and who runs it, where they are known', () => {
    const asked: string[] = [];
    const registrationOf = (address: string): Registration => {
      asked.push(address);
      return { network: '198.51.100.0/24', country: 'SE', operator: 'Example Net' };
    };
    const { tunnels } = aStatus();
    const six = tunnels.map((tunnel) => ({ ...tunnel, endpoint: 'udp:[2001:db8::7]:51820' }));
    const { conclusions, tunnels: found } = told({ tunnels: [...tunnels, ...six], registrationOf });
    expect(asked).toEqual(['198.51.100.7', '2001:db8::7']);
    expect(found[0]).toMatchObject({ network: '198.51.100.0/24', country: 'SE' });
    expect(conclusions.join()).toContain('in the network 198.51.100.0/24 of Example Net, registered in SE');
    expect(told({ tunnels }).conclusions.join()).toContain('wireguard to udp:198.51.100.7:51820.');
  });

  it('is told with its silences, and in how many of them something escaped', () => {
    const { gaps, conclusions } = told({ gaps: [GAP, { ...GAP, firstEscape: undefined }] });
    expect(gaps.map(({ text }) => text)[1]).toContain('No leak escaped.');
    expect(conclusions.join()).toContain('fall silent 2 times; in 1 of these something escaped');
  });
});

it('minimal tells counts and no conclusion', () => {
  const incidents = [anIncident({ exposure: '(hidden)', client: '' })];
  const { conclusions, sites, escaped } = told({ incidents, privacy: 'minimal' });
  expect([conclusions.length, sites, escaped]).toEqual([1, [], 1]);
  expect(conclusions[0]).toContain('Only counts were kept');
});
