// Knows: what `leakguard lab` says to people. Must not know: when it says it.
// Every command shown is one that works as it stands.

import { LAN, NET, type Plan, TUNNEL } from '../lab/plan.ts';
import type { StepResult } from '../lab/scenario.ts';

export const LAB_HELP = `leakguard lab: laptop, box and uplink as network namespaces on this machine

  leakguard lab up [--port N]           build it, show its page on http://127.0.0.1:8080, until Ctrl-C
  leakguard lab down                    end it, also one that was killed
  leakguard lab list [--json]           the scenarios
  leakguard lab play SCENARIO [--json]  walk through one, in the lab that is up or in one of its own

  --port N   where the page is on 127.0.0.1 (0: any free port)
  --id ID    another lab beside the first: 1 to 8 lower-case letters and digits

Needs root. Touches no interface of this machine but a listener on 127.0.0.1.
Exit codes: 0 done · 1 a step of the scenario went wrong · 2 usage · 3 the lab cannot be built or reached
`;

/** What \`lab up\` shows when everything runs. */
export function introduction(plan: Plan, page: string): string {
  const { laptop, box, uplink } = plan.namespaces;
  const on = (space: string, command: string): string => `ip netns exec ${space} ${command}`;
  const id = plan.id === '0' ? '' : ` --id ${plan.id}`;
  return `
  ${laptop} --- lan0 [ ${box} ] wan0 --- ${uplink}

  laptop  ${LAN.laptop4} by DHCP; everything through WireGuard, ${TUNNEL.laptop4} inside
  box     the bridge under guard; leakguardd, leakguard-web
  uplink  router ${LAN.router4}, resolver ${NET.resolver4}, web server ${NET.web4}, WireGuard ${NET.tunnelServer4}

  The page:   ${page}  (on the first visit you choose its password; it is gone with the lab)
  The status: npx leakguard status --api ${plan.files.api}

Try:
  a name asked inside the tunnel: no leak
    ${on(laptop, `dig @${TUNNEL.server4} bank.example`)}
  the same past the tunnel: the light turns red
    ${on(laptop, `dig -b ${LAN.laptop4} @${NET.resolver4} bank.example`)}
    ${on(laptop, `ping -c 1 -I eth0 ${NET.web4}`)}
    ${on(laptop, `curl --interface eth0 http://${NET.web4}/`)}
  acknowledge, shut the box, try again
    npx leakguard ack all --api ${plan.files.api}
    npx leakguard block on --api ${plan.files.api}
  what an eavesdropper sees
    ${on(uplink, 'tcpdump -n -i eth0 not udp port 51820')}
  all of it in one go
    npx leakguard lab play vanilla${id}

On a real box with two network ports the same starts with
    leakguard setup --lan IF --wan IF
where IF are the ports towards the laptop and towards the uplink.

Ctrl-C ends the lab (or "npx leakguard lab down${id}" from elsewhere).
`;
}

/** One step, one line and its detail. */
export function stepLine({ name, ok, attempted, escaped, blocked, lamp, detail }: StepResult): string {
  const counts =
    attempted + escaped + blocked === 0
      ? ''
      : `  lan saw ${attempted}, wan saw ${escaped}, blocked ${blocked}`;
  return `${ok ? ' ok ' : 'FAIL'} ${name}${counts}  [${lamp}]\n       ${detail}\n`;
}
