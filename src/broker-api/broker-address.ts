import { isIPv4, isIPv6 } from 'node:net';
import { type EndpointAddress, type EndpointKind, resolveEndpointAddress } from '../workload-api/endpoint-address.js';
import { asBrokerApiError } from './outward-errors.js';

/** SPIFFE_Broker_Endpoint section 4. The endpoint proves who it is, so its host may be a DNS name. */
const BROKER_ENDPOINT: EndpointKind = { variable: 'SPIFFE_BROKER_SOCKET', dnsNames: true };

/**
 * The address to use: the one given, else the one in the environment.
 *
 * @throws `BrokerApiError` with one of the address rules as code.
 */
export function resolveBrokerAddress(address: string | undefined): EndpointAddress {
  try {
    return resolveEndpointAddress(address, process.env, BROKER_ENDPOINT);
  } catch (error) {
    throw asBrokerApiError(error);
  }
}

/** Whether the endpoint is on this machine for certain. What a DNS name stands for is not. */
export function isOnThisMachine(address: EndpointAddress): boolean {
  if (address.transport === 'unix') return true;
  const { host } = address;
  return (isIPv4(host) && host.startsWith('127.')) || (isIPv6(host) && new URL(`tcp://[${host}]`).hostname === '[::1]');
}
