import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GrpcConnections } from '../../src/workload-api/grpc-connections.js';

class Fake {
  received = 0;
  ended: 'closed' | 'destroyed' | undefined;
}

describe('the connections of a channel', () => {
  let made: Fake[];
  let connections: GrpcConnections<Fake>;

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    made = [];
    connections = new GrpcConnections(() => {
      const client = new Fake();
      made.push(client);
      return {
        client,
        received: () => client.received,
        close: () => {
          client.ended = 'closed';
        },
        destroy: () => {
          client.ended = 'destroyed';
        },
      };
    });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const pass = (ms: number) => vi.advanceTimersByTime(ms);
  const numberOf = ({ client }: { readonly client: Fake }) => made.indexOf(client);
  /** Which connection a call is made on. */
  const next = (): number => {
    const lease = connections.lease();
    lease.end();
    return numberOf(lease);
  };

  it('are one for all calls, also when calls are given up early or ended after long silence', () => {
    for (const wait of [0, 999]) {
      const lease = connections.lease();
      made[0] = Object.assign(lease.client, { received: lease.client.received + 1 });
      const early = connections.lease();
      pass(wait);
      early.giveUp();
      lease.end();
    }
    const patient = connections.lease();
    pass(60_000);
    patient.end();
    expect(next()).toBe(0);
  });

  it('are two when a call was given up after a second of silence', () => {
    const lease = connections.lease();
    pass(1_000);
    lease.giveUp();
    expect(next()).toBe(1);
    expect(made.map(({ ended }) => ended)).toEqual(['destroyed', undefined]);
  });

  it('add up the silence of short calls, from the first that got no answer', () => {
    for (let calls = 0; calls < 4; calls += 1) {
      const lease = connections.lease();
      expect(numberOf(lease)).toBe(0);
      pass(250);
      lease.giveUp();
    }
    expect(next()).toBe(1);
  });

  it('stay one while anything comes', () => {
    for (let calls = 0; calls < 10; calls += 1) {
      const lease = connections.lease();
      pass(900);
      lease.client.received += 1;
      pass(900);
      lease.giveUp();
    }
    expect(next()).toBe(0);
  });

  it('leave open calls where they are, and are cut off with the last of them', () => {
    const [open, other, impatient] = [connections.lease(), connections.lease(), connections.lease()];
    pass(2_000);
    impatient.giveUp();
    impatient.end();
    expect(next()).toBe(1);
    pass(2_000);
    other.giveUp();
    expect(next(), 'what becomes of the old one says nothing about the new one').toBe(1);
    expect(made[0]?.ended).toBeUndefined();
    open.end();
    open.end();
    expect(made[0]?.ended).toBe('destroyed');
    expect(made[1]?.ended).toBeUndefined();
  });

  it('are renewed once for all whose calls began before', () => {
    pass(1);
    const before = performance.now();
    const open = connections.lease();
    pass(1);
    connections.renew(before);
    pass(1);
    connections.renew(before);
    expect(next()).toBe(1);
    expect(made).toHaveLength(2);
    expect(made[0]?.ended).toBeUndefined();
    open.end();
    expect(made[0]?.ended).toBe('destroyed');
    connections.renew(performance.now());
    expect(next()).toBe(2);
  });

  it('are all closed at the end', () => {
    const open = connections.lease();
    pass(1);
    connections.renew(performance.now());
    connections.lease();
    connections.close();
    expect(made.map(({ ended }) => ended)).toEqual(['closed', 'closed']);
    open.end();
    expect(made.map(({ ended }) => ended)).toEqual(['closed', 'closed']);
  });
});
