import { setTimeout as sleep } from 'node:timers/promises';
import { createDevEndpoint, type DevEndpoint, type DevWorkload } from 'svidkit/dev';
import { createIssuer, type Issuer } from 'svidkit/issuer';
import type { World } from './world.js';

const WORKLOADS = 10;
const TTL_SECONDS = 4;
/** Long enough for sources to try in vain more than once. */
const OUTAGE_MS = 1_500;

type Disturbance = readonly [what: string, run: () => Promise<void>];

/** Endpoints in this process, whose credentials live for seconds. */
export async function openDevWorld(): Promise<World> {
  const ttls = { x509TtlSeconds: TTL_SECONDS, witTtlSeconds: TTL_SECONDS, jwtTtlSeconds: TTL_SECONDS };
  const endpoint = await createDevEndpoint({ trustDomain: 'example.org', ...ttls });
  const partner = await createIssuer({ trustDomain: 'partner.test' });
  const workloads: DevWorkload[] = [];
  for (let i = 0; i < WORKLOADS; i++) workloads.push(await endpoint.addWorkload(idOf(i)));
  const addresses = workloads.map(({ address }) => address);
  const disturbances: readonly Disturbance[] = [
    ['an endpoint was away', takingTurns((i) => goAway(endpoint, workloads, i))],
    ['an identity was withdrawn and restored', takingTurns((i) => withdrawAndRestore(workloads[i]))],
    ['everything was rotated at once', () => endpoint.rotate()],
    ['the X.509 authority was replaced', replacing(endpoint.issuer, 'rotateX509Authority', 'revokeX509Authority')],
    ['the JWT key was replaced', replacing(endpoint.issuer, 'rotateJwtKey', 'revokeJwtKey')],
    ['the WIT key was replaced', replacing(endpoint.issuer, 'rotateWitKey', 'revokeWitKey')],
    ['a trust domain was federated', () => endpoint.federate(partner.bundle)],
    ['a trust domain was dropped', () => endpoint.unfederate('partner.test')],
  ];
  let turn = 0;
  return {
    addresses,
    kinds: ['x509', 'jwt', 'wit', 'bundle'],
    async disturb() {
      const [what, run] = disturbances[turn++ % disturbances.length] ?? [];
      await run?.();
      return what ?? 'nothing';
    },
    [Symbol.asyncDispose]: () => endpoint.close(),
  };
}

function idOf(index: number): string {
  return `spiffe://example.org/agents/planner-${index}`;
}

/** Each run is for the next of the workloads. */
function takingTurns(run: (index: number) => Promise<void>): () => Promise<void> {
  let turn = 0;
  return () => run(turn++ % WORKLOADS);
}

/** Takes the socket away, and serves the same workload at the same place later. */
async function goAway(endpoint: DevEndpoint, workloads: DevWorkload[], index: number): Promise<void> {
  const gone = workloads[index];
  if (gone === undefined) return;
  await gone.close();
  await sleep(OUTAGE_MS);
  workloads[index] = await endpoint.addWorkload(idOf(index), { address: gone.address });
}

async function withdrawAndRestore(workload: DevWorkload | undefined): Promise<void> {
  workload?.withdraw();
  await sleep(OUTAGE_MS);
  await workload?.restore();
}

type Rotation = 'rotateX509Authority' | 'rotateJwtKey' | 'rotateWitKey';
type Revocation = 'revokeX509Authority' | 'revokeJwtKey' | 'revokeWitKey';

/** Makes a new authority and takes the one that the run before made, so that bundles do not grow for ever. */
function replacing(issuer: Issuer, rotate: Rotation, revoke: Revocation): () => Promise<void> {
  let previous: string | undefined;
  return async () => {
    const next = await issuer[rotate]();
    if (previous !== undefined) issuer[revoke](previous);
    previous = next;
  };
}
