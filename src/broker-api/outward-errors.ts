import { BrokerApiError, type BrokerApiErrorCode, WorkloadApiError } from '../errors/index.js';
import { GrpcStatus } from '../workload-api/grpc-status.js';

const known: WeakMap<WorkloadApiError, BrokerApiError> = new WeakMap();

/**
 * The error of this room for one of what it stands on; the same one each time. Anything else, such as the reason of an
 * abort, stays as it is.
 */
export function asBrokerApiError(error: unknown, label?: string): unknown {
  return error instanceof WorkloadApiError ? outward(error, label) : error;
}

/** As {@link asBrokerApiError}, of an error that is known to be one. */
export function outward(error: WorkloadApiError, label?: string): BrokerApiError {
  const before = known.get(error);
  if (before !== undefined) return before;
  const message = label === undefined ? error.message : `${label}: ${error.message}`;
  const { grpcStatus } = error;
  const made = new BrokerApiError(codeOf(error), message, { cause: asBrokerApiError(error.cause, label), grpcStatus });
  known.set(error, made);
  return made;
}

/** The streams beneath know of no statuses but those of the Workload API. */
export function codeOf(error: Pick<WorkloadApiError, 'code' | 'grpcStatus'>): BrokerApiErrorCode {
  if (error.grpcStatus === GrpcStatus.notFound) return 'workload_not_found';
  if (error.grpcStatus === GrpcStatus.unauthenticated) return 'unauthenticated';
  return error.code;
}

/** Runs `work` and throws what it throws as the error of this room. */
export async function translating<T>(work: () => Promise<T>, label: string): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw asBrokerApiError(error, label);
  }
}

/** The same stream, with the errors of this room. */
export function translatedStream<T>(
  stream: AsyncIterable<T>,
  translate: (error: unknown) => unknown,
): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]: () => {
      const inner = stream[Symbol.asyncIterator]();
      return {
        next: () =>
          inner.next().catch((error) => {
            throw translate(error);
          }),
        return: async () => {
          await inner.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
