import { type Channel, channel } from 'node:diagnostics_channel';
import type { WorkloadApiErrorCode } from '../errors/index.js';

/**
 * The names of the `node:diagnostics_channel` channels on which sources tell what happens to them, for metrics, logs
 * and alarms. What is published on each is in {@link WorkloadApiEvents}. A source does nothing for a channel that has
 * no subscriber.
 */
export const WORKLOAD_API_CHANNELS: {
  readonly connect: 'svidkit:workload-api:connect';
  readonly update: 'svidkit:workload-api:update';
  readonly error: 'svidkit:workload-api:error';
  readonly rotation: 'svidkit:workload-api:rotation';
  readonly expiry: 'svidkit:workload-api:expiry';
  readonly withdrawal: 'svidkit:workload-api:withdrawal';
} = Object.freeze({
  connect: 'svidkit:workload-api:connect',
  update: 'svidkit:workload-api:update',
  error: 'svidkit:workload-api:error',
  rotation: 'svidkit:workload-api:rotation',
  expiry: 'svidkit:workload-api:expiry',
  withdrawal: 'svidkit:workload-api:withdrawal',
});

/**
 * What is published, by the name of the channel. Every event is a frozen object of its own and holds names and times:
 * never a key, a token or a certificate.
 */
export interface WorkloadApiEvents {
  /** A stream was opened and its first message has come. */
  readonly 'svidkit:workload-api:connect': WorkloadApiEvent;
  /** A delivery was accepted that means something else than the one before. */
  readonly 'svidkit:workload-api:update': WorkloadApiEvent & Partial<IdentityOfEvent>;
  /** An attempt failed, or a message was refused as a whole or in part: what `onError` is told. */
  readonly 'svidkit:workload-api:error': WorkloadApiEvent & FailureOfEvent;
  /** The identity that is presented has been replaced by another one. */
  readonly 'svidkit:workload-api:rotation': WorkloadApiEvent & IdentityOfEvent & PredecessorOfEvent;
  /**
   * The identity was not presented because it has expired. Once for each, when it is first asked for after that.
   */
  readonly 'svidkit:workload-api:expiry': WorkloadApiEvent & IdentityOfEvent;
  /** What was held is no longer granted. Once, however often the endpoint repeats it. */
  readonly 'svidkit:workload-api:withdrawal': WorkloadApiEvent;
}

/** What every event says. */
export interface WorkloadApiEvent {
  /** Of the endpoint: `unix:///path` or `tcp://IP:port`. */
  readonly address: string;
  /** What the stream delivers: `X.509-SVIDs`, `X.509 bundles`, `JWT bundles`, `WIT-SVIDs` or `WIT bundles`. */
  readonly stream: string;
}

/** The identity that is presented from now on, or was until it expired. */
export interface IdentityOfEvent {
  readonly id: string;
  readonly expiresAt: Date;
}

/** The identity that was presented before. */
export interface PredecessorOfEvent {
  readonly previousId: string;
  readonly previousExpiresAt: Date;
}

/** A failure, as `WorkloadApiError` has it. */
export interface FailureOfEvent {
  readonly code: WorkloadApiErrorCode;
  /** For people. */
  readonly message: string;
  /** The gRPC status, where a call ended with one. */
  readonly grpcStatus: number | undefined;
}

type Kind = keyof typeof WORKLOAD_API_CHANNELS;

/** What a source publishes, by the last part of the channel's name. */
export type SourceEvents = { readonly [K in Kind]: WorkloadApiEvents[(typeof WORKLOAD_API_CHANNELS)[K]] };

/** Publishes an event of a source, which is made only where somebody listens. */
export type PublishSourceEvent = <K extends Kind>(kind: K, make: () => SourceEvents[K]) => void;

/** Gives what publishes on channels of these names. */
export function publisherOn(
  names: { readonly [K in Kind]: string },
): <K extends Kind>(kind: K, make: () => object) => void {
  const channels: { readonly [K in Kind]: Channel } = {
    connect: channel(names.connect),
    update: channel(names.update),
    error: channel(names.error),
    rotation: channel(names.rotation),
    expiry: channel(names.expiry),
    withdrawal: channel(names.withdrawal),
  };
  return (kind, make) => {
    const target = channels[kind];
    if (target.hasSubscribers) target.publish(Object.freeze(make()));
  };
}

/** Publishes what happens to the sources of this room. */
export const publishWorkloadApi: PublishSourceEvent = publisherOn(WORKLOAD_API_CHANNELS);
