// The texts of `leakguard lab`. Every command shown can be copied and run unchanged.

import { LAN, NET, type Plan, TUNNEL } from '../lab/plan.ts';
import type { StepResult } from '../lab/scenario.ts';

export const LAB_HELP = `leakguard lab: run a laptop, a box and an uplink as network namespaces on this machine

  npx leakguard lab up [--port N]           start the lab and serve its page on http://127.0.0.1:8080 until Ctrl-C
  npx leakguard lab down                    stop the lab, or clean up after one that was killed
  npx leakguard lab list [--json]           list the scenarios
  npx leakguard lab play SCENARIO [--json]  play a scenario, in the running lab or in a temporary one

  --port N   port of the page on 127.0.0.1 (0: any free port)
  --id ID    use another lab beside the default one: 1 to 8 lower-case letters and digits

Needs root. Apart from a listener on 127.0.0.1 it uses no network interface of this machine.
Exit codes: 0 success · 1 a scenario step failed · 2 usage error · 3 the lab cannot be built or reached
`;

/**
 * The text that `lab up` prints once everything runs, ending in a line feed: addresses of the plan, and commands that can be copied and run
 * as they are. `page` is the page's URL.
 */
export function introduction(plan: Plan, page: string): string {
  const { laptop, box, uplink } = plan.namespaces;
  const on = (space: string, command: string): string => `ip netns exec ${space} ${command}`;
  const id = plan.id === '0' ? '' : ` --id ${plan.id}`;
  return `
  ${laptop} --- lan0 [ ${box} ] wan0 --- ${uplink}

  laptop  ${LAN.laptop4} by DHCP; everything goes through WireGuard, ${TUNNEL.laptop4} inside the tunnel
  box     the guarded bridge; leakguardd, leakguard-web
  uplink  router ${LAN.router4}, resolver ${NET.resolver4}, web server ${NET.web4}, WireGuard ${NET.tunnelServer4}

  The page:   ${page}  (on the first visit you choose its password, which is lost when the lab stops)
  The status: npx leakguard status --api ${plan.files.api}

Try:
  a DNS query inside the tunnel: no leak
    ${on(laptop, `dig @${TUNNEL.server4} bank.example`)}
  the same query outside the tunnel: the light turns red
    ${on(laptop, `dig -b ${LAN.laptop4} @${NET.resolver4} bank.example`)}
    ${on(laptop, `ping -c 1 -I eth0 ${NET.web4}`)}
    ${on(laptop, `curl --interface eth0 http://${NET.web4}/`)}
  acknowledge the incidents, turn block mode on, try again
    npx leakguard ack all --api ${plan.files.api}
    npx leakguard block on --api ${plan.files.api}
  see what an eavesdropper sees
    ${on(uplink, 'tcpdump -n -i eth0 not udp port 51820')}
  play all of this as a scenario
    npx leakguard lab play vanilla${id}

To set up a real box with two network ports, run
    npx leakguard setup --lan IF --wan IF
where IF are the ports to the laptop and to the uplink.

Press Ctrl-C to stop the lab (or run "npx leakguard lab down${id}" in another terminal).
`;
}

/**
 * One step of `lab play` in two lines, each with a line feed: result, frames that lan and wan saw and that were blocked (left out when all
 * are 0) and LED pattern, then the detail.
 */
export function stepLine({ name, ok, attempted, escaped, blocked, lamp, detail }: StepResult): string {
  const counts =
    attempted + escaped + blocked === 0
      ? ''
      : `  lan saw ${attempted}, wan saw ${escaped}, blocked ${blocked}`;
  return `${ok ? ' ok ' : 'FAIL'} ${name}${counts}  [${lamp}]\n       ${detail}\n`;
}
