/** The part of a grpc-js server that ends it. */
export interface GrpcShutdown {
  tryShutdown(callback: () => void): void;
  forceShutdown(): void;
}

/**
 * Lets open calls end with their status first; a peer that does not read is cut off after the grace time. So is the
 * waiting: grpc-js never calls back when a connection is lost in the very moment of the shutdown.
 */
export function shutDown(server: GrpcShutdown): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, GRACE_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}

const GRACE_MS = 250;
