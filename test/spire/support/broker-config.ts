import { join } from 'node:path';

/** A broker that the agent lets in, and what it may ask for. */
export interface AllowedBroker {
  /** Path of the SPIFFE ID, such as `/brokers/mesh`. */
  readonly path: string;
  readonly referenceTypes: readonly AllowedReferenceType[];
}

interface AllowedReferenceType {
  readonly typeUrl: string;
  /** Whether also over TCP. Default false. */
  readonly overTcp?: boolean;
}

/** The type of a reference to a process. */
export const PID_REFERENCE = 'type.googleapis.com/spiffe.broker.WorkloadPIDReference';

/** What of the agent's configuration is about the Broker API; none where no broker is let in. */
export interface BrokerLayout {
  readonly port: number;
  readonly brokers: readonly AllowedBroker[];
}

/** In a folder of its own: the agent wants it neither in nor under that of the workload socket. */
export function brokerSocket(directory: string): string {
  return join(directory, 'brk', 'api.sock');
}

export function brokerConfig(directory: string, trustDomain: string, layout: BrokerLayout | undefined): string {
  if (layout === undefined) return '';
  return `
        broker {
            socket_path = "${brokerSocket(directory)}"
            bind_address = "127.0.0.1:${layout.port}"
            brokers = [${layout.brokers.map((broker) => brokerEntry(trustDomain, broker)).join(', ')}]
        }`;
}

function brokerEntry(trustDomain: string, { path, referenceTypes }: AllowedBroker): string {
  const types = referenceTypes.map(({ typeUrl, overTcp = false }) => {
    return `{ type_url = "${typeUrl}", allow_over_tcp = ${overTcp} }`;
  });
  return `{ id = "spiffe://${trustDomain}${path}", allowed_reference_types = [${types.join(', ')}] }`;
}
