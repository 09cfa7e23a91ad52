import { channel } from 'node:diagnostics_channel';
import type { BrokerApiErrorCode } from '../errors/index.js';
import { type PublishSourceEvent, publisherOn, type SourceEvents } from '../workload-api/events.js';
import type { FailureOfEvent, IdentityOfEvent, PredecessorOfEvent, WorkloadApiEvent } from '../workload-api/index.js';
import { codeOf } from './outward-errors.js';

/**
 * The names of the `node:diagnostics_channel` channels on which the sources of a broker tell what happens to them, as
 * those of `svidkit/workload-api` do on theirs. What is published on each is in {@link BrokerApiEvents}.
 */
export const BROKER_API_CHANNELS: {
  readonly connect: 'svidkit:broker-api:connect';
  readonly update: 'svidkit:broker-api:update';
  readonly error: 'svidkit:broker-api:error';
  readonly rotation: 'svidkit:broker-api:rotation';
  readonly expiry: 'svidkit:broker-api:expiry';
  readonly withdrawal: 'svidkit:broker-api:withdrawal';
  readonly end: 'svidkit:broker-api:end';
} = Object.freeze({
  connect: 'svidkit:broker-api:connect',
  update: 'svidkit:broker-api:update',
  error: 'svidkit:broker-api:error',
  rotation: 'svidkit:broker-api:rotation',
  expiry: 'svidkit:broker-api:expiry',
  withdrawal: 'svidkit:broker-api:withdrawal',
  end: 'svidkit:broker-api:end',
});

/**
 * What is published, by the name of the channel. Every event is a frozen object of its own and holds names and times:
 * never a key, a token or a certificate.
 */
export interface BrokerApiEvents {
  /** A stream was opened and its first message has come. */
  readonly 'svidkit:broker-api:connect': BrokerApiEvent;
  /** A delivery was accepted that means something else than the one before. */
  readonly 'svidkit:broker-api:update': BrokerApiEvent & Partial<IdentityOfEvent>;
  /** An attempt failed, or a message was refused as a whole or in part: what `onError` is told. */
  readonly 'svidkit:broker-api:error': BrokerApiEvent & BrokerFailureOfEvent;
  /** The identity of the workload has been replaced by another one. */
  readonly 'svidkit:broker-api:rotation': BrokerApiEvent & IdentityOfEvent & PredecessorOfEvent;
  /** The identity was not given out because it has expired. Once for each, when it is first asked for after that. */
  readonly 'svidkit:broker-api:expiry': BrokerApiEvent & IdentityOfEvent;
  /** What was held is no longer granted. Once, however often the endpoint repeats it. */
  readonly 'svidkit:broker-api:withdrawal': BrokerApiEvent;
  /** The process of a reference is not there any more, and everything held for it was dropped. */
  readonly 'svidkit:broker-api:end': Omit<BrokerApiEvent, 'stream'> & BrokerFailureOfEvent;
}

/** What every event says. */
export interface BrokerApiEvent extends WorkloadApiEvent {
  /** Whose identity it is about: `process 4242`, `pods.core shop/checkout`, or the quoted type of another reference. */
  readonly reference: string;
}

/** A failure, as `BrokerApiError` has it. */
export interface BrokerFailureOfEvent extends Omit<FailureOfEvent, 'code'> {
  readonly code: BrokerApiErrorCode;
}

const publish = publisherOn(BROKER_API_CHANNELS);
const endChannel = channel(BROKER_API_CHANNELS.end);

/** Publishes what happens to the sources of one reference. */
export function publisherFor(reference: string): PublishSourceEvent {
  return (kind, make) => publish(kind, () => ({ ...withOwnCode(make()), reference }));
}

/** Publishes that a workload has ended. */
export function publishEnd(make: () => BrokerApiEvents['svidkit:broker-api:end']): void {
  if (endChannel.hasSubscribers) endChannel.publish(Object.freeze(make()));
}

function withOwnCode(event: SourceEvents[keyof SourceEvents]): object {
  return 'code' in event ? { ...event, code: codeOf(event) } : event;
}
