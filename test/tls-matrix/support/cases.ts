import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setImmediate } from 'node:timers/promises';
import { exactly } from 'svidkit/id';
import { TLS_CHANNELS, type TlsRefuseEvent, type TlsSide } from 'svidkit/tls';
import type { X509Svid } from 'svidkit/x509-svid';
import { CLIENT, ourSvid, ours, pemIdentity, SERVER } from '../../support/mtls.js';
import { makeLeaf } from '../../support/x509.js';
import { FollowedSide } from './followed-side.js';
import { BAD_LEAVES, nothing, presenting } from './presented.js';
import { refusalIn, ruleOf } from './refusal-in.js';
import {
  type Caller,
  type Conversation,
  type Protocol,
  plainSerial,
  type TlsClient,
  type TlsServer,
} from './speech.js';

export type Column =
  | 'accept'
  | `${'wrong id' | keyof typeof BAD_LEAVES | 'withdrawn'} ${'c' | 's'}`
  | 'no cert s'
  | 'resumed';

/** Two that speak with each other: what the tests of a cell have to do with. */
interface Pair {
  readonly client: TlsClient;
  readonly server: TlsServer;
  readonly speaks: Protocol;
  readonly version: string;
}

/** Gives what the cell says when everything was as it should be, and throws otherwise. */
export type Case = (pair: Pair) => Promise<string>;

const SOMEBODY_ELSE = exactly('spiffe://example.org/somebody/else');

export const CASES: ReadonlyArray<readonly [Column, Case]> = [
  ['accept', accept],
  ['wrong id c', refusing('client', 'not_authorized', ({ client }) => (client.decide = SOMEBODY_ELSE))],
  ['wrong id s', refusing('server', 'not_authorized', ({ server }) => (server.decide = SOMEBODY_ELSE))],
  ...bad('wrong CA'),
  ...bad('expired'),
  ...bad('CA as leaf'),
  ...bad('two URIs'),
  ['no cert s', refusing('server', 'no_certificate', ({ client }) => (client.current = nothing))],
  ['resumed', resumed],
  ['withdrawn c', withdrawn('client')],
  ['withdrawn s', withdrawn('server')],
];

export const COLUMNS: readonly Column[] = CASES.map(([column]) => column);

/** Both ends, as they would get on with each other. */
interface Ends {
  readonly client: FollowedSide;
  readonly server: FollowedSide;
}

function bothEnds(): Ends {
  return { client: new FollowedSide(clientSvid), server: new FollowedSide(serverSvid) };
}

const clientSvid = ourSvid(CLIENT);
const serverSvid = ourSvid(SERVER);
const serialOf = ({ certificates }: X509Svid): string => plainSerial(certificates[0]?.serialNumber ?? '');

/** Each end sees whom it should, over the TLS of this run, and keeps its connection for the next question. */
async function accept({ client, server, speaks, version }: Pair): Promise<string> {
  const ends = bothEnds();
  await using listening = await server.listen(ends.server);
  const verified: string[] = [];
  ends.client.decide = (id) => verified.push(`${id}`) > 0;
  await using conversation = client.open(ends.client, { port: listening.port, speaks });
  const caller = await conversation.ask();
  checkCaller(caller, version);
  const later = [await conversation.ask(), await conversation.ask(), await conversation.ask()];
  assert.ok(new Set([caller, ...later].map(({ port }) => port)).size < 4, 'no connection was used again');
  assert.deepEqual([...new Set(verified)], [SERVER], 'whom the client was asked about');
  assert.deepEqual(ends.server.refused, []);
  return 'accepted';
}

function checkCaller({ id, serial, tls }: Caller, version: string): void {
  assert.equal(id, CLIENT);
  assert.equal(serial, serialOf(clientSvid));
  if (tls !== undefined) assert.equal(tls.version, version);
}

function bad(what: keyof typeof BAD_LEAVES): ReadonlyArray<readonly [Column, Case]> {
  const { rule, leaf } = BAD_LEAVES[what];
  const refusal = `peer_refused/${rule}`;
  return [
    [`${what} c`, refusing('client', refusal, ({ server }) => (server.current = presenting(leaf())))],
    [`${what} s`, refusing('server', refusal, ({ client }) => (client.current = presenting(leaf())))],
  ];
}

/** The first question is refused, by that side and that rule, and reaches no handler. */
function refusing(side: TlsSide, rule: string, arrange: (ends: Ends) => unknown): Case {
  return async ({ client, server, speaks }) => {
    const ends = bothEnds();
    arrange(ends);
    await using listening = await server.listen(ends.server);
    await using conversation = client.open(ends.client, { port: listening.port, speaks });
    await expectRefusal(side, rule, conversation, ends);
    assert.equal(listening.answered(), 0, 'a handler was reached');
    return rule;
  };
}

async function expectRefusal(side: TlsSide, rule: string, conversation: Conversation, ends: Ends): Promise<void> {
  const failure: unknown = await conversation.ask().then(
    (answer) => assert.fail(`was answered: ${JSON.stringify(answer)}`),
    (error: unknown) => error,
  );
  if (side === 'client') {
    assert.equal(refusalIn(failure), rule);
    assert.deepEqual(ends.server.refused, [], 'the server refused too');
  } else {
    assert.deepEqual([...new Set(ends.server.refused.map(ruleOf))], [rule]);
  }
}

/** No client asks for a session again, also where the server would have it: every connection is a whole handshake. */
async function resumed({ client, server, speaks }: Pair): Promise<string> {
  const ends = bothEnds();
  await using listening = await server.listen(ends.server);
  await using conversation = client.open(ends.client, { port: listening.port, speaks, fresh: true });
  await conversation.ask();
  // Now that the server has a TLS context, one with session tickets takes its place.
  listening.issueTickets?.(pemIdentity(makeLeaf(ours, SERVER)));
  const callers = [await conversation.ask(), await conversation.ask(), await conversation.ask()];
  assert.equal(new Set(callers.map(({ port }) => port)).size, 3, 'connections were kept');
  assert.deepEqual(
    callers.map(({ tls }) => tls?.resumed ?? false),
    [false, false, false],
  );
  return listening.issueTickets === undefined ? 'never resumed (no tickets to be had)' : 'never resumed';
}

/**
 * The bundle of the peer's trust domain is withdrawn: the connection in use ends within one turn of the event loop, with
 * no question asked, and the next question is refused as well.
 */
function withdrawn(side: TlsSide): Case {
  return async ({ client, server, speaks }) => {
    const ends = bothEnds();
    await using listening = await server.listen(ends.server);
    await using conversation = client.open(ends.client, { port: listening.port, speaks });
    await conversation.ask();
    const heard = hearRefusals(side);
    ends[side].withdraw();
    await setImmediate();
    const rules = heard.end();
    await expectRefusal(side, 'peer_refused/unknown_trust_domain', conversation, ends);
    assert.equal(listening.answered(), 1);
    assert.deepEqual([...new Set(rules)], ['peer_refused/unknown_trust_domain'], 'within one turn of the event loop');
    return 'peer_refused/unknown_trust_domain, within one turn';
  };
}

function hearRefusals(side: TlsSide): { end(): string[] } {
  const rules: string[] = [];
  const hear = (event: unknown): void => {
    const { side: at, code, rule } = event as TlsRefuseEvent;
    if (at === side) rules.push(rule === undefined ? code : `${code}/${rule}`);
  };
  subscribe(TLS_CHANNELS.refuse, hear);
  return {
    end() {
      unsubscribe(TLS_CHANNELS.refuse, hear);
      return rules;
    },
  };
}
