/**
 * An agent gets its identity from the machine it runs on, proves it to a service, and is refused when it lies.
 *
 *   npm run demo                                    on an embedded Workload API endpoint
 *   npm run demo -- --socket unix:///path/api.sock  on an endpoint that is already there, SPIRE for example
 */
import { parseArgs } from 'node:util';
import { createDevEndpoint, type DevWorkload } from 'svidkit/dev';
import { parseSpiffeId } from 'svidkit/id';
import { Actor, type Answer, describe } from './actor.js';

const { values } = parseArgs({ options: { socket: { type: 'string' } } });
const embedded = values.socket === undefined;
const started = Date.now();
const running: { stop(): void }[] = [];
let failures = 0;

function say(text: string): void {
  console.log(text);
}

function heading(text: string): void {
  say(`\n${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s  ${text}`);
}

const detail = (text: string): void => say(`         ${text}`);
const clock = (instant = ''): string => instant.slice(11, 19);

function expectThat(holds: boolean, good: string, bad: string): void {
  if (!holds) failures += 1;
  detail(holds ? `ok      ${good}` : `FAILED  ${bad}`);
}

function start(file: string, address: string, env: NodeJS.ProcessEnv = {}): Actor {
  const actor = new Actor(file, { SPIFFE_ENDPOINT_SOCKET: address, ...env });
  running.push(actor);
  return actor;
}

async function main(): Promise<void> {
  say('svidkit demo: an agent, a service, and five lies');

  await using endpoint = await createDevEndpoint({ trustDomain: 'example.org' });
  const planner = 'spiffe://example.org/agents/planner';
  let plannerSocket: DevWorkload | undefined;
  let serviceAddress = values.socket ?? '';
  let agentAddress = serviceAddress;
  if (embedded) {
    heading('A trust domain, and a Workload API endpoint for each process');
    plannerSocket = await endpoint.addWorkload(planner);
    agentAddress = plannerSocket.address;
    serviceAddress = (await endpoint.addWorkload('spiffe://example.org/services/orders')).address;
    detail(`trust domain  spiffe://example.org`);
    detail(`the agent\u2019s  ${agentAddress}`);
    detail(`the service\u2019s ${serviceAddress}`);
  } else {
    heading(`The Workload API endpoint at ${values.socket}`);
  }

  const service = start('./service.ts', serviceAddress, embedded ? { DEMO_PLANNER: planner } : {});
  const { id: serviceId, origin, strictOrigin, ...served } = await service.ask('identity');
  const trustDomain = parseSpiffeId(String(serviceId)).trustDomain;
  const agent = start('./agent.ts', agentAddress, { DEMO_TRUST_DOMAIN: trustDomain.name });
  const identity = await agent.ask('identity');

  heading('Identity fetched: no key, no password, no file was given to either process');
  detail(`agent    ${identity.id}`);
  detail(`         X.509-SVID valid ${clock(identity.notBefore)} to ${clock(identity.expiresAt)} UTC`);
  detail(
    identity.witExpiresAt === undefined
      ? `         ${identity.noWit}`
      : `         WIT-SVID valid until ${clock(identity.witExpiresAt)} UTC`,
  );
  detail(`service  ${serviceId}`);
  detail(`         X.509-SVID valid until ${clock(served.expiresAt)} UTC, listening at ${origin}`);
  const hasWit = identity.witExpiresAt !== undefined;

  heading('A call over mutual TLS: each side verified the other\u2019s X.509-SVID');
  const mtls = await agent.ask('mtls', { origin });
  expectThat(
    mtls.status === 200 && mtls.caller === identity.id,
    `the service saw ${mtls.caller}`,
    JSON.stringify(mtls),
  );

  heading('A call with a Workload Identity Token and a proof of possession (WIT and WPT)');
  if (hasWit) {
    const wpt = await agent.ask('wpt', { origin });
    expectThat(
      wpt.status === 200 && wpt.caller === identity.id,
      `the service saw ${wpt.caller}, by ${wpt.draft}`,
      JSON.stringify(wpt),
    );
  } else {
    cannot('it serves no WIT-SVIDs');
  }

  heading('Rotation under traffic');
  await rotation(agent, plannerSocket, { origin, withWit: hasWit, expiresAt: identity.expiresAt });

  await lies(service, agent, endpoint, { origin, strictOrigin, withWit: hasWit }, trustDomain.name);

  heading(failures === 0 ? 'Done: everything went as it should.' : `${failures} steps did not go as they should.`);
}

async function rotation(agent: Actor, workload: DevWorkload | undefined, input: Answer): Promise<void> {
  const untilRotation = (Date.parse(input.expiresAt ?? '') - Date.now()) / 2000;
  if (workload === undefined && untilRotation > 30) {
    cannot(`it renews after half of the lifetime, in about ${Math.round(untilRotation / 60)} minutes`);
    return;
  }
  const seconds = workload === undefined ? Math.ceil(untilRotation) + 10 : 4;
  detail(`calling without a pause for ${seconds} s while the identity is replaced`);
  const traffic = agent.ask('traffic', { ...input, seconds });
  for (let turn = 1; workload !== undefined && turn <= 3; turn += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await workload.rotate();
    detail(`rotation ${turn}: new key, new X.509-SVID, new WIT-SVID`);
  }
  const { requests, failed, certificates = 0, lastFailure } = await traffic;
  expectThat(
    failed === 0 && certificates > 1,
    `${requests} requests under ${certificates} certificates, none failed`,
    `${failed} of ${requests} requests failed under ${certificates} certificates; the last one: ${lastFailure}`,
  );
}

type Dev = Awaited<ReturnType<typeof createDevEndpoint>>;

async function lies(service: Actor, agent: Actor, endpoint: Dev, input: Answer, trustDomain: string): Promise<void> {
  const lie = async (title: string, step: string, extra: Answer = {}): Promise<void> => {
    heading(title);
    const answer = await agent.ask(step, { ...input, ...extra });
    const { rule } = await service.ask('lastRefusal');
    const told = answer.status === undefined ? 'the connection was closed' : `the agent was told ${answer.status}`;
    expectThat(
      rule !== undefined && answer.status !== 200,
      `refused; ${told}`,
      `not refused: ${JSON.stringify(answer)}`,
    );
    if (rule !== undefined) detail(`        by the rule ${rule}`);
  };

  const witLies = [
    ['Lie 1: a proof made for another service', 'wrongAudience'],
    ['Lie 2: a proof used twice', 'replayedProof'],
    ['Lie 3: a stolen WIT, without its key', 'stolenWit'],
  ] as const;
  for (const [title, step] of witLies) {
    if (input.withWit) {
      await lie(title, step);
    } else {
      heading(title);
      cannot('it serves no WIT-SVIDs');
    }
  }

  await using impostor = await createDevEndpoint({ trustDomain });
  const forged = await impostor.addWorkload(`spiffe://${trustDomain}/agents/planner`);
  await lie('Lie 4: the same trust domain by name, another certificate authority', 'foreignAuthority', {
    socket: forged.address,
  });

  if (embedded) {
    const intern = await endpoint.addWorkload('spiffe://example.org/agents/intern');
    await lie('Lie 5: a genuine identity that is not authorized', 'notAuthorized', { socket: intern.address });
  } else {
    await lie('Lie 5: a genuine identity that is not authorized', 'wrongDoor');
  }
}

function cannot(reason: string): void {
  detail(`This endpoint cannot show this step: ${reason}.`);
}

try {
  await main();
} catch (error) {
  failures += 1;
  console.error(`\nThe demo stopped: ${describe(error)}`);
} finally {
  for (const actor of running) actor.stop();
}
process.exit(failures === 0 ? 0 : 1);
