import { type BrokerApiError, WorkloadApiError } from '../errors/index.js';
import type { Clock } from '../internal/clock.js';
import type { HealthOf, SourceOf } from '../internal/source.js';
import { tell } from '../internal/tell.js';
import type { Deliveries } from '../workload-api/deliveries.js';
import type { EndpointCalls } from '../workload-api/endpoint-calls.js';
import type { SourceBackoff, SourceOptions } from '../workload-api/index.js';
import { brokerDeliveries } from './broker-deliveries.js';
import { publishEnd } from './events.js';
import { outward } from './outward-errors.js';
import type { ReadReference } from './reference.js';
import { WorkloadLife } from './workload-life.js';

/** Options that every source of a broker has. */
export interface BrokeredSourceOptions {
  /** How long to wait between attempts to reach the endpoint. */
  readonly backoff?: SourceBackoff | undefined;
  /**
   * How long a stream may wait for its first message, in milliseconds, before the attempt counts as failed. Default
   * 10,000.
   */
  readonly firstMessageTimeoutMs?: number | undefined;
  /** Whether the open source keeps the process alive. Default false: a process with nothing else to do ends. */
  readonly keepProcessAlive?: boolean | undefined;
  /** The time, by which identities expire. Default the system's. */
  readonly clock?: Clock | undefined;
  /**
   * Told of every failed attempt, refused message and withdrawal, and of the end of the workload, as it happens. What it
   * throws is ignored. Default: nobody is told, but `health.lastError` has the newest one.
   */
  readonly onError?: ((error: BrokerApiError) => void) | undefined;
  /**
   * Whether the process of a reference with a `pid` is looked for in the process table of this machine: each time that
   * something of it is used, before each call and once a second. When it has ended, or another one has its number, the
   * source drops everything and throws `workload_ended` from then on. Default true. Set false only where this process
   * cannot see the endpoint's processes, as in a container with a process namespace of its own, and close the source when
   * the workload ends: an endpoint would give its successor's identity for the same number.
   */
  readonly watchProcess?: boolean | undefined;
}

/** How a source is doing. A snapshot: read it again for news. */
export interface BrokeredSourceHealth extends HealthOf<BrokerApiError> {}

/** What every source of a broker can do besides giving what it holds. */
export interface SourceOfWorkload<T> extends SourceOf<T, BrokeredSourceHealth> {}

/** What a source of one reference stands on. */
export interface SourceSetup {
  readonly calls: EndpointCalls;
  /** Of the reference, for messages. */
  readonly label: string;
  readonly life: WorkloadLife;
  readonly deliveries: Deliveries;
  /** For the source beneath. */
  readonly options: SourceOptions;
  /** Tells the owner that the workload has ended. */
  readonly announceEnd: (error: BrokerApiError) => void;
}

/** Each source has its own: nothing in it is shared with another reference but the connection. */
export function setUpSource(
  calls: EndpointCalls,
  reference: ReadReference,
  options: BrokeredSourceOptions,
): SourceSetup {
  const { watchProcess = true, onError, backoff, firstMessageTimeoutMs, keepProcessAlive, clock } = options;
  if (typeof watchProcess !== 'boolean') throw new TypeError('watchProcess must be true or false');
  const { label } = reference;
  const life = new WorkloadLife(reference, watchProcess);
  const report = (error: WorkloadApiError): void => {
    const told = outward(error, label);
    tell(onError, told);
    if (told.code === 'workload_not_found') life.notFound(told);
  };
  return {
    calls,
    label,
    life,
    deliveries: whileAlive(brokerDeliveries(calls, reference), life),
    options: { backoff, firstMessageTimeoutMs, keepProcessAlive, clock, onError: report },
    announceEnd: (error) => {
      const { code, message, grpcStatus } = error;
      publishEnd(() => ({ address: calls.address, reference: label, code, message, grpcStatus }));
      if (code === 'workload_ended') tell(onError, error);
    },
  };
}

/** Asks for nothing once the workload has ended: its number may be another's. */
function whileAlive(deliveries: Deliveries, life: WorkloadLife): Deliveries {
  const check = (): void => {
    life.check();
    if (life.ended !== undefined) throw new WorkloadApiError('closed', 'the workload has ended', { cause: life.ended });
  };
  const guard = <A extends readonly unknown[], R>(ask: (...args: A) => R): ((...args: A) => R) => {
    return (...args) => {
      check();
      return ask(...args);
    };
  };
  return {
    ...deliveries,
    x509Svids: guard(deliveries.x509Svids),
    x509Bundles: guard(deliveries.x509Bundles),
    jwtBundles: guard(deliveries.jwtBundles),
    jwtSvids: guard(deliveries.jwtSvids),
  };
}
