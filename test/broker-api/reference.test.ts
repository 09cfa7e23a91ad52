import { fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { createBrokerApiClient, type WorkloadReference } from 'svidkit/broker-api';
import { anyId } from 'svidkit/id';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  KubernetesObjectReferenceSchema,
  WorkloadPIDReferenceSchema,
  WorkloadReferenceSchema,
} from '../../src/broker-api/gen/brokerapi_pb.js';
import { readReference } from '../../src/broker-api/reference.js';
import { encode } from '../../src/workload-api/grpc-wire.js';
import { rejectionOf } from '../support/rejections.js';

const POD = { plural: 'pods', group: 'core' };
const UID = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';
const PID_TYPE = 'type.googleapis.com/spiffe.broker.WorkloadPIDReference';

/** What arrives at the endpoint. */
function onTheWire(reference: WorkloadReference): { typeUrl: string; value: Uint8Array } {
  const bytes = encode(WorkloadReferenceSchema, readReference(reference).message());
  const { typeUrl = '', value = new Uint8Array() } = fromBinary(WorkloadReferenceSchema, bytes).reference ?? {};
  return { typeUrl, value: Uint8Array.from(value) };
}

const kubernetesOnTheWire = (reference: WorkloadReference): object => {
  const { typeUrl, value } = onTheWire(reference);
  expect(typeUrl).toBe('type.googleapis.com/spiffe.broker.KubernetesObjectReference');
  const { type, key, uid } = fromBinary(KubernetesObjectReferenceSchema, value);
  return {
    type: { plural: type?.plural, group: type?.group },
    key: key && { namespace: key.namespace, name: key.name },
    uid,
  };
};

describe('a workload reference', () => {
  it('SPIFFE_Broker_API section 3.1.3: a process by its number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (pid) => {
        const { typeUrl, value } = onTheWire({ pid });
        expect(typeUrl).toBe(PID_TYPE);
        expect(fromBinary(WorkloadPIDReferenceSchema, value).pid).toBe(pid);
      }),
    );
  });

  it.each([0, -1, 1.5, Number.NaN, 2 ** 31, '1' as unknown as number])(
    'SPIFFE_Broker_API section 3.1.3: %s is no process ID',
    (pid) => {
      expect(() => readReference({ pid })).toThrow(TypeError);
    },
  );

  it('SPIFFE_Broker_API section 3.1.3: an object of Kubernetes by name, by UID, or by both', () => {
    const key = { namespace: 'shop', name: 'checkout-7c9f' };
    expect(kubernetesOnTheWire({ kubernetes: { type: POD, key } })).toEqual({ type: POD, key, uid: '' });
    expect(kubernetesOnTheWire({ kubernetes: { type: POD, uid: UID } })).toEqual({
      type: POD,
      key: undefined,
      uid: UID,
    });
    expect(kubernetesOnTheWire({ kubernetes: { type: POD, key, uid: UID } })).toEqual({ type: POD, key, uid: UID });
    const node = { plural: 'nodes', group: 'core' };
    expect(kubernetesOnTheWire({ kubernetes: { type: node, key: { name: 'node-1' } } })).toEqual({
      type: node,
      key: { namespace: '', name: 'node-1' },
      uid: '',
    });
  });

  it.each<[string, unknown]>([
    ['no type', { key: { name: 'x' } }],
    ['no plural', { type: { group: 'core' }, uid: UID }],
    ['no group', { type: { plural: 'pods', group: '' }, uid: UID }],
    ['neither key nor UID', { type: POD }],
    ['a key without a name', { type: POD, key: { namespace: 'shop' } }],
    ['an empty namespace', { type: POD, key: { namespace: '', name: 'x' } }],
    ['a UID that is none', { type: POD, uid: 'checkout' }],
  ])('SPIFFE_Broker_API section 3.1.3: an object of Kubernetes with %s is refused', (_, kubernetes) => {
    expect(() => readReference({ kubernetes } as WorkloadReference)).toThrow(TypeError);
  });

  it('SPIFFE_Broker_API section 3.1.4: anything else as it is, copied', () => {
    const value = Uint8Array.of(1, 2, 3);
    const reference = { typeUrl: 'type.example/example.ContainerReference', value };
    const read = readReference(reference);
    value.fill(9);
    expect([...read.message().reference.value]).toEqual([1, 2, 3]);
    expect(onTheWire(reference)).toEqual({ typeUrl: reference.typeUrl, value: Uint8Array.of(9, 9, 9) });
  });

  it.each(['', 'example.ContainerReference', '/example.X', 'type.example/', 'type.example/1x', 'type .example/x'])(
    'SPIFFE_Broker_API section 3.1.4: %j is no type URL',
    (typeUrl) => {
      expect(() => readReference({ typeUrl, value: new Uint8Array() })).toThrow(TypeError);
    },
  );

  it('SPIFFE_Broker_API section 3.1.1: is exactly one', () => {
    const none = {} as WorkloadReference;
    const two = { pid: 1, typeUrl: PID_TYPE, value: new Uint8Array() } as unknown as WorkloadReference;
    for (const reference of [none, two]) expect(() => readReference(reference)).toThrow(/either/);
  });

  it('has a type that says so', () => {
    expectTypeOf<{ pid: number }>().toExtend<WorkloadReference>();
    expectTypeOf<{ kubernetes: { type: typeof POD; uid: string } }>().toExtend<WorkloadReference>();
    expectTypeOf<{ typeUrl: string; value: Uint8Array }>().toExtend<WorkloadReference>();
    expectTypeOf<Record<never, never>>().not.toExtend<WorkloadReference>();
    expectTypeOf<{ kubernetes: { type: typeof POD } }>().not.toExtend<WorkloadReference>();
    expectTypeOf<{ pid: number; typeUrl: string; value: Uint8Array }>().not.toExtend<WorkloadReference>();
    expectTypeOf<{ typeUrl: string }>().not.toExtend<WorkloadReference>();
  });
});

describe('a process', () => {
  const svid = { getX509Svid: () => neverAsked() };
  const bundles = { getX509Bundle: () => undefined };
  const disguised = {
    typeUrl: 'type.example/spiffe.broker.WorkloadPIDReference',
    value: toBinary(WorkloadPIDReferenceSchema, readable(4242)),
  };
  const options = { svid, bundles, authorize: anyId() };

  it.each([
    'tcp://192.0.2.1:8443',
    'tcp://[2001:db8::1]:8443',
    'tcp://broker.example.com:8443',
    'tcp://localhost:8443',
  ])('SPIFFE_Broker_API section 3.1.2: is not asked for at %s', async (address) => {
    await using client = createBrokerApiClient({ ...options, address });
    for (const reference of [{ pid: 4242 }, disguised]) {
      expect(await rejectionOf(client.fetchX509Context(reference))).toBe('reference_not_local');
      expect(await rejectionOf(client.fetchJwtSvids(reference, { audience: 'x' }))).toBe('reference_not_local');
      expect(() => client.x509Source(reference)).toThrow(/process 4242 .* another machine/);
      expect(() => client.jwtSource(reference)).toThrow(/loopback/);
      expect(() => client.bundleSource(reference)).toThrow(/Unix socket/);
    }
  });

  it.each([
    'tcp://127.0.0.1:1',
    'tcp://127.8.0.1:1',
    'tcp://[::1]:1',
    'tcp://[0:0:0:0:0:0:0:1]:1',
    'unix:///no/socket',
  ])('SPIFFE_Broker_API section 3.1.2: may be asked for at %s', async (address) => {
    await using client = createBrokerApiClient({ ...options, address });
    expect(await rejectionOf(client.fetchX509Context({ pid: 4242 }))).toBe('unavailable');
  });

  it('is recognised in the form for other types, and refused where it is none', () => {
    expect(readReference(disguised).pid).toBe(4242);
    const broken = { ...disguised, value: Uint8Array.of(0xff) };
    expect(() => readReference(broken)).toThrow(TypeError);
    expect(() => readReference({ ...disguised, value: new Uint8Array() })).toThrow(/pid/);
  });
});

function neverAsked(): never {
  throw new Error('no identity');
}

function readable(pid: number) {
  return fromBinary(WorkloadPIDReferenceSchema, readReference({ pid }).message().reference.value);
}
