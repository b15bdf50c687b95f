// One frame as the specification looks at it: its fields, which end of it is the client's, and what the box knows of the addresses that
// stand in it. A getter says what is so of a frame, not whether that is good.

import { ETHER } from './frame.ts';
import type { Frame } from './frame.ts';
import { hasShape } from './spec-shapes.ts';
import type { Known } from './spec-state.ts';
import { PRIVATE4 } from './spec-state.ts';
import {
  ALWAYS,
  NEVER,
  bits,
  both,
  either,
  familyOf,
  field,
  fieldsOf,
  is,
  isAtLeast,
  isFrom,
  isHeld,
  isIn,
  isMasked,
  isNot,
  isZero,
  macOf,
  no,
} from './terms.ts';
import type { Field, Fields, Formula } from './terms.ts';

const LINK_LOCAL4 = '169.254.0.0/16';
const LINK_LOCAL6 = 'fe80::/10';
/** Solicited-node groups (RFC 4291 section 2.7.1). */
const SOLICITED = 'ff02::1:ff00:0/104';
/** What an interface is given that is not of the link alone (RFC 4291, RFC 4193). */
export const ROUTABLE6 = ['2000::/3', 'fc00::/7'];
/** Ports on which names are asked for: an `allow` row opens them only by naming the port. */
const NAME_PORTS = [53, 853, 5353, 5355, 137];

const isOneOf = (mac: Field, list: readonly string[]): Formula => is(mac, ...list.map(macOf));

export class Sight {
  readonly frame: Frame;
  readonly k: Known;
  readonly f: Fields;
  readonly up: boolean;
  readonly family: 4 | 6;
  readonly fromMac: Field;
  readonly toMac: Field;
  /** The MAC address at the client's end. */
  readonly client: Field;
  /** Of an IP packet sender, receiver, length (of IPv6 behind the header). */
  readonly from: Field;
  readonly to: Field;
  readonly length: Field;
  /** Address and port at the network's end, and the client's address. */
  readonly far: Field;
  readonly port: Field;
  readonly near: Field;
  #servers: { readonly at: Formula; readonly tunnel: Formula } | undefined;

  constructor(frame: Frame, known: Known) {
    this.frame = frame;
    this.k = known;
    this.f = fieldsOf(frame);
    this.up = frame.kind.way === 'up';
    this.family = frame.kind.content.form.startsWith('6') ? 6 : 4;
    const { mac, port, ip } = this.f;
    const { source, destination, length } = ip[this.family];
    [this.fromMac, this.toMac] = [mac.source, mac.destination];
    this.client = this.up ? mac.source : mac.destination;
    [this.from, this.to, this.length] = [source, destination, length];
    [this.far, this.near] = this.up ? [destination, source] : [source, destination];
    this.port = this.up ? port.destination : port.source;
  }

  protocol(...numbers: readonly number[]): Formula {
    return is(this.f.protocol, ...numbers);
  }

  /** What the kernel itself has learned from frames a moment ago. */
  holds(set: string, ...key: readonly Field[]): Formula {
    return isHeld(this.frame, set, ...key);
  }

  /** Where other traffic goes direct anyway nobody is bound to what the box knows of addresses. */
  bound(...all: readonly Formula[]): Formula {
    return this.k.isOpen ? ALWAYS : both(...all);
  }

  get isBound(): Formula {
    return this.k.isOpen ? NEVER : ALWAYS;
  }

  get isToStation(): Formula {
    return isMasked(this.toMac, 2 ** 40, 0);
  }

  get isToGroup(): Formula {
    return isIn(this.to, '224.0.0.0/4', 'ff00::/8');
  }

  get isFromLink(): Formula {
    return isIn(this.from, LINK_LOCAL6);
  }

  get isToLink(): Formula {
    return isIn(this.to, LINK_LOCAL6);
  }

  // ---- Fragments, by IPv4's own field (RFC 791) or IPv6's header (RFC 8200 section 4.5).

  get isPiece(): Formula {
    return this.family === 6 ? ALWAYS : no(isMasked(this.f.ip[4].pieces, 0x3fff, 0));
  }

  /** As the kernel finds it, also behind more headers. */
  get isLater(): Formula {
    return this.frame.isLater;
  }

  /** A first piece, with its transport header and twelve bytes more. */
  get isFirst(): Formula {
    const isLater =
      this.family === 4
        ? no(isMasked(this.f.ip[4].pieces, 0x1fff, 0))
        : no(isMasked(this.f.ip[6].pieces, 0xfff8, 0));
    return both(this.isPiece, no(isLater), isAtLeast(this.length, this.family === 4 ? 40 : 28));
  }

  /** What stands behind a fragment header is not there, or is one more extension header. */
  get isNested(): Formula {
    if (this.family === 4) return NEVER;
    const next = this.f.network(40, 1);
    return either(no(isAtLeast(this.length, 8)), no(next.there), is(next, 0, 43, 44, 51, 60));
  }

  /** Among options or extension headers. */
  get isPieceOdd(): Formula {
    return this.family === 4 ? this.isPiece : this.frame.extension(44).found;
  }

  /** No room for a transport header. */
  get isShort(): Formula {
    return no(isAtLeast(this.length, this.family === 4 ? 28 : 8));
  }

  // ---- Tunnels' servers.

  /** At the address and port of one, and with its packets' form besides: the narrowest that fits decides. */
  get servers(): { readonly at: Formula; readonly tunnel: Formula } {
    this.#servers ??= this.#findServers();
    return this.#servers;
  }

  #findServers(): { readonly at: Formula; readonly tunnel: Formula } {
    const { family, frame, f } = this;
    const isPiece = frame.kind.content.form === '6 piece';
    const protocol: Field = isPiece ? { ...f.network(40, 1), there: frame.extension(44).found } : f.protocol;
    let tunnel: Formula = NEVER;
    let at: Formula = NEVER;
    for (const { addresses, services } of this.k.places) {
      const isHere = isIn(this.far, ...addresses);
      if (isHere === NEVER) continue;
      for (const service of services) {
        const { port, lastPort } = service;
        const isThere = both(isHere, is(protocol, service.protocol), isFrom(this.port, port, lastPort));
        if (isThere === NEVER) continue;
        const isOwn = both(isThere, hasShape(f, frame, service, family));
        tunnel = either(tunnel, both(isOwn, no(at)));
        // Where peers may be anywhere only the form tells: without it nothing is at a server.
        at = either(at, service.anywhere ? isOwn : isThere);
      }
    }
    return { at, tunnel };
  }

  /** By the protocol that the packet's own header has. Peers that may be anywhere have no host. */
  get isTunnelHost(): Formula {
    const hosts = this.k.places
      .filter(({ services }) => services.some(({ protocol, anywhere }) => protocol === 17 && !anywhere))
      .flatMap(({ addresses }) => addresses);
    const isOfEsp = both(this.protocol(50), isIn(this.far, ...this.k.esp));
    return either(both(this.protocol(17), isIn(this.far, ...hosts)), isOfEsp);
  }

  get isTunnels(): Formula {
    return either(this.servers.tunnel, both(no(this.servers.at), this.isEsp));
  }

  get isEsp(): Formula {
    const behind = this.frame.kind.content.form === '6 piece' ? is(this.f.network(40, 1), 50) : ALWAYS;
    return both(this.protocol(50), behind, isIn(this.far, ...this.k.esp));
  }

  /** One that may be on the link, one of a network of them, or whoever stands behind NAT64. */
  get isToServer(): Formula {
    const { near4, near6, networks } = this.k;
    return isIn(this.to, ...near4, ...near6, ...networks, '64:ff9b::/96');
  }

  // ---- What the policy opens.

  get isDesignated(): Formula {
    return either(
      ...this.k.designated.map(({ addresses, protocol, port }) =>
        both(isIn(this.far, ...addresses), this.protocol(protocol), is(this.port, port)),
      ),
    );
  }

  get ignoresDiscovery(): Formula {
    return this.k.ignoresDiscovery ? ALWAYS : NEVER;
  }

  /** This client has just asked this resolver for the name of a server, from this port. */
  get wasAsked(): Formula {
    return this.holds(`asked${this.family}`, this.to, this.from, this.f.udp.destination);
  }

  get isAllowed(): Formula {
    return either(
      ...this.k.allow.map(({ to, transport, port, client }) => {
        if (to.ipVersion !== this.family) return NEVER;
        const whom = both(isIn(this.far, `${to.address}/${to.length}`), this.isClient(client));
        const icmp = this.protocol(this.family === 4 ? 1 : 58);
        const isPort = port === undefined ? isNot(this.port, ...NAME_PORTS) : is(this.port, port);
        const over = (...protocols: readonly number[]): Formula => both(this.protocol(...protocols), isPort);
        if (transport === 'icmp') return both(whom, icmp);
        if (transport === undefined) return both(whom, either(icmp, over(6, 17)));
        return both(whom, over(transport === 'tcp' ? 6 : 17));
      }),
    );
  }

  get hasPass(): Formula {
    return this.k.passForAll ? ALWAYS : isOneOf(this.client, this.k.passFor);
  }

  get isPortal(): Formula {
    return either(
      ...this.k.portals
        .filter(({ address }) => familyOf(address) === this.family)
        .map(({ address, port }) => both(isIn(this.far, address), port === 0 ? ALWAYS : is(this.port, port))),
    );
  }

  isClient(mac: string | undefined): Formula {
    return mac === undefined ? ALWAYS : is(this.client, macOf(mac));
  }

  // ---- Whose an IPv4 address is, in ARP and in packets.

  get isToDhcpServer(): Formula {
    return either(
      isIn(this.to, '255.255.255.255'),
      ...this.k.dhcpServers.map(({ address, mac }) =>
        both(isIn(this.to, address), is(this.toMac, macOf(mac))),
      ),
    );
  }

  /** From an address of the client's own; from none, where it asks; from a private one while none of its own is known. */
  get isItself4(): Formula {
    const { sender, operation } = this.f.arp;
    return either(
      this.#owns4(sender),
      both(is(operation, 1), isIn(sender, '0.0.0.0')),
      both(no(isOneOf(this.client, this.k.known4)), isIn(sender, ...PRIVATE4)),
    );
  }

  /** Gateway, DHCP server, resolver, endpoint, the box, `allow` rows; until a lease was seen any private address. */
  get isWanted4(): Formula {
    const { target } = this.f.arp;
    return either(isIn(target, ...this.k.near4), this.#isNamed(target), this.#isPrivate(target));
  }

  get isTried4(): Formula {
    const { sender, target } = this.f.arp;
    return either(this.#owns4(target), both(isIn(sender, '0.0.0.0'), isIn(target, LINK_LOCAL4)));
  }

  get isAsked4(): Formula {
    const { mine4, near4, own4 } = this.k;
    return isIn(this.f.arp.target, ...mine4, ...near4, ...(own4.length === 0 ? PRIVATE4 : []));
  }

  get isHeard4(): Formula {
    const { sender } = this.f.arp;
    const { near4, mine4 } = this.k;
    return either(
      isIn(sender, ...near4, ...mine4, LINK_LOCAL4),
      this.#isNamed(sender),
      this.#isPrivate(sender),
    );
  }

  /** Who is offered an address has it not yet (RFC 2131 section 4.1). */
  get isToDhcpClient(): Formula {
    return this.family === 4 ? is(this.f.udp.destination, 68) : NEVER;
  }

  get isToClient(): Formula {
    const { isOpen, mine4 } = this.k;
    return this.family === 6 || isOpen || mine4.length === 0 ? ALWAYS : isIn(this.to, ...mine4);
  }

  #owns4(place: Field): Formula {
    return either(...this.k.own4.map(({ mac, address }) => both(this.isClient(mac), isIn(place, address))));
  }

  #isPrivate(place: Field): Formula {
    return both(no(isOneOf(this.client, this.k.settled4)), isIn(place, ...PRIVATE4));
  }

  /** `allow` rows and networks of servers, for whom they are; with a pass everybody on the link. */
  #isNamed(place: Field): Formula {
    const rows = this.k.rows.map(({ network, client }) => both(isIn(place, network), this.isClient(client)));
    return either(...rows, both(this.hasPass, this.#isOnPassLink(place)));
  }

  #isOnPassLink(place: Field): Formula {
    return isIn(place, ...this.k.passLinks);
  }

  get isOnPassLink(): Formula {
    return this.#isOnPassLink(this.far);
  }

  /** To an address that no client has, though the box knows which they have. */
  get isUnassigned(): Formula {
    const { k, family, to, toMac } = this;
    const [known, mine] = family === 4 ? [k.known4, k.mine4] : [k.settled6, k.mine6];
    const groups = family === 4 ? ['224.0.0.0/4', '255.255.255.255'] : [LINK_LOCAL6, 'ff00::/8'];
    if (this.up || k.isOpen || known.length === 0) return NEVER;
    const told = either(isOneOf(toMac, known), no(this.isToStation));
    return both(to.there, no(isIn(to, ...mine, ...groups)), told);
  }

  // ---- Whose an IPv6 address is, in neighbour discovery.

  get isFromNone(): Formula {
    return isIn(this.from, '::');
  }

  /** From one of its own, where all of a client's addresses are known. */
  get isItself6(): Formula {
    const { mine6, settled6 } = this.k;
    return either(
      no(isOneOf(this.client, settled6)),
      isIn(this.from, ...mine6),
      this.holds('tried6', this.from),
    );
  }

  /** What an interface can be given is tried for doubles. */
  get isTried6(): Formula {
    const isOne = isIn(this.f.target, ...ROUTABLE6, LINK_LOCAL6);
    return both(this.isFromNone, isIn(this.to, SOLICITED), isOne);
  }

  /** `allow` rows; routers that announced themselves and endpoints; without a known router any link-local address. */
  get isWanted6(): Formula {
    const { near6, seeksRouter } = this.k;
    const isNear = isIn(this.f.target, ...near6, ...(seeksRouter ? [LINK_LOCAL6] : []));
    return either(
      this.#isNamed(this.f.target),
      both(isNear, isIn(this.to, LINK_LOCAL6, SOLICITED, ...near6)),
    );
  }

  /** One that the client tried for doubles; until all are known one of the link's, or any while no router has told which those are. */
  get isOwn6(): Formula {
    return either(this.#isKnown6, both(no(isOneOf(this.client, this.k.settled6)), this.#isOnLink6));
  }

  /** What a client may have on this link. */
  get isAsked6(): Formula {
    return either(this.#isKnown6, this.k.isUnsettled6 ? this.#isOnLink6 : NEVER);
  }

  get #isKnown6(): Formula {
    return either(isIn(this.f.target, ...this.k.mine6), this.holds('tried6', this.f.target));
  }

  get #isOnLink6(): Formula {
    const { links6 } = this.k;
    return links6.length === 0 ? ALWAYS : isIn(this.f.target, LINK_LOCAL6, ...links6);
  }

  /** Whom an advertisement may go to: the link, an endpoint or `allow` row, and whoever has just asked from another address. */
  get isRecentPeer6(): Formula {
    const { to, k } = this;
    return either(
      isIn(to, LINK_LOCAL6, 'ff02::1', ...k.near6),
      this.#isNamed(to),
      this.holds('recent_peer6', to),
    );
  }

  // ---- The box's own addresses, and tags.

  /** For the box, or from a client that bears its MAC address: judged elsewhere, or not at all. */
  isBox(macs: readonly string[]): Formula {
    return either(this.isForBox(macs), this.up ? isOneOf(this.fromMac, macs) : NEVER);
  }

  isForBox(macs: readonly string[]): Formula {
    return isOneOf(this.toMac, macs);
  }

  /** One of the frames by which the box proves itself. */
  isCanary(macs: readonly string[]): Formula {
    return isOneOf(this.fromMac, macs);
  }

  /** An IPv4 address of the box, in ARP or IPv4, whatever the tags. */
  get bearsBox(): Formula {
    const { f, k, frame } = this;
    const { form, type } = frame.kind.content;
    const tagged = frame.kind.tag !== 'none';
    const at = (place: number): Formula => isIn(f.network(place, 4), ...k.box);
    if (!tagged && type === ETHER.ip) return either(at(12), at(16));
    if (!tagged && type === ETHER.arp) return either(at(14), at(24));
    if (k.box.length === 0 || (!tagged && form !== 'other')) return NEVER;
    // Behind a tag or a length (802.3): what stands there may be either, behind up to two tags more, SNAP, or both.
    const places = [0, 4, 8, 12, 16].flatMap((start) => [12, 14, 16, 24].map((to) => at(start + to)));
    const tags = [0x8100, 0x88a8, 0x9100];
    const deeper = both(is(f.network(6, 2), ...tags), is(f.network(10, 2), ...tags));
    const hides = either(...places, deeper);
    return tagged ? hides : both(isFrom({ value: frame.link.byte(12), there: ALWAYS }, 0, 5), hides);
  }

  /** No tag, or one of VLAN 0, behind which no other stands: that gives a priority alone (IEEE 802.1Q section 6.9). */
  get isUntagged(): Formula {
    const { link, kind } = this.frame;
    if (kind.tag === 'none') return ALWAYS;
    const [type, id, inner] = [field(link, 12, 2), bits(field(link, 14, 2), 4, 12), field(link, 16, 2)];
    const isOne = no(is(inner, 0x8100, 0x88a8, 0x9100));
    return both(is(type, ETHER.tag), isZero(id), isOne, isFrom(inner, 0x600, 0xffff));
  }
}
