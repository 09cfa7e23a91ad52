/** The agent: gets its identity from the machine it runs on, calls the service, and on request tells one of five lies. */
import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type Agent, request } from 'node:https';
import { json } from 'node:stream/consumers';
import { SignJWT } from 'jose';
import { memberOf, Workload } from 'svidkit';
import { WorkloadApiError } from 'svidkit/errors';
import { createHttpsAgent } from 'svidkit/tls';
import { proveRequest } from 'svidkit/wpt';
import { type Answer, describe, serveSteps } from './actor.js';

const service = memberOf(process.env['DEMO_TRUST_DOMAIN'] ?? 'example.org');
const workload = await Workload.connect({ servers: service, keepProcessAlive: true });

const ownAgent = (): Agent => workload.httpsAgent({ authorize: service }, { keepAlive: false });

async function call(url: string, headers: Record<string, string> = {}, agent: Agent = ownAgent()): Promise<Answer> {
  try {
    const outgoing = request(url, { agent, headers, method: 'POST' }).end();
    const [incoming] = await once(outgoing, 'response');
    const body = incoming.headers['content-type'] === undefined ? await json(incoming).catch(() => ({})) : {};
    return { status: incoming.statusCode, ...(body as Answer) };
  } finally {
    agent.destroy();
  }
}

const proof = async (audience: string): Promise<Record<string, string>> =>
  Object.fromEntries(await proveRequest(workload.wit.getWitSvid(), { audience }));

function witTimes(): Answer {
  try {
    return { witExpiresAt: workload.wit.getWitSvid().expiresAt.toISOString() };
  } catch (error) {
    if (error instanceof WorkloadApiError && error.code === 'unimplemented') return { noWit: error.message };
    throw error;
  }
}

serveSteps({
  identity: async () => ({
    id: workload.id.toString(),
    notBefore: workload.svid.notBefore.toISOString(),
    expiresAt: workload.svid.expiresAt.toISOString(),
    ...witTimes(),
  }),

  mtls: async ({ origin }) => call(`${origin}/whoami`),

  wpt: async ({ origin }) => {
    const answer = await workload.fetch(`${origin}/orders`, { method: 'POST', body: '{"item":"book"}' });
    return { status: answer.status, ...((await answer.json()) as Answer) };
  },

  /** Calls the service without a pause until `seconds` have passed, on kept and on new connections. */
  traffic: async ({ origin, seconds, withWit }) => {
    const end = Date.now() + (seconds ?? 0) * 1000;
    const certificates = new Set<string>();
    let [requests, failed, lastFailure] = [0, 0, ''];
    while (Date.now() < end) {
      certificates.add(workload.svid.certificates[0]?.fingerprint256 ?? '');
      const calls: Promise<{ status?: number | string | undefined }>[] = [call(`${origin}/whoami`)];
      if (withWit) calls.push(workload.fetch(`${origin}/orders`, { method: 'POST' }));
      for (const outcome of await Promise.allSettled(calls)) {
        requests += 1;
        if (outcome.status === 'fulfilled' && outcome.value.status === 200) continue;
        failed += 1;
        lastFailure = outcome.status === 'rejected' ? describe(outcome.reason) : `status ${outcome.value.status}`;
      }
    }
    return { requests, failed, lastFailure, certificates: certificates.size };
  },

  wrongAudience: async ({ origin }) => call(`${origin}/orders`, await proof('https://billing.example.org/orders')),

  replayedProof: async ({ origin }) => {
    const headers = await proof(`${origin}/orders`);
    const first = await call(`${origin}/orders`, headers);
    if (first.status !== 200) throw new Error('the first use of the proof was refused');
    return call(`${origin}/orders`, headers);
  },

  /** svidkit makes no proof with a key that is not the token's, so the thief makes one with jose. */
  stolenWit: async ({ origin }) => {
    const { token } = workload.wit.getWitSvid();
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const wth = createHash('sha256').update(token).digest('base64url');
    const forged = await new SignJWT({ aud: `${origin}/orders`, jti: randomUUID(), wth })
      .setProtectedHeader({ alg: 'ES256', typ: 'wpt+jwt' })
      .setExpirationTime('1m')
      .sign(privateKey);
    const headers = { 'Workload-Identity-Token': token, Authorization: `WPT ${forged}` };
    return call(`${origin}/orders`, headers);
  },

  /** An impostor of the same trust domain by name, with another authority behind it, who trusts the real service. */
  foreignAuthority: async ({ origin, socket }) => {
    await using impostor = await Workload.connect({ address: socket });
    const agent = createHttpsAgent(
      { svid: impostor.x509, bundles: workload.bundles, authorize: service },
      { keepAlive: false },
    );
    return await call(`${origin}/whoami`, {}, agent).catch((error) => ({ error: describe(error) }));
  },

  notAuthorized: async ({ origin, socket }) => {
    await using intern = await Workload.connect({ address: socket, servers: service });
    const answer = await intern.fetch(`${origin}/orders`, { method: 'POST' });
    return { status: answer.status };
  },

  wrongDoor: async ({ strictOrigin }) => call(`${strictOrigin}/`).catch((error) => ({ error: describe(error) })),
});
