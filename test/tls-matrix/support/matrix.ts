import { drawTable, RunRows } from '../../support/run-rows.js';
import { COLUMNS, type Column } from './cases.js';
import { CLIENTS, commonProtocol, SERVERS } from './peers.js';

/** How one cell of the matrix came out: by which rule it was refused, or what else is to be said; `FAILED`. */
export interface Cell {
  readonly row: string;
  readonly column: Column;
  readonly version: string;
  readonly outcome: string;
}

const cells = new RunRows<Cell>('SVIDKIT_TLS_MATRIX');

export const FAILED = 'FAILED';

export function recordCell(cell: Cell): void {
  cells.record(cell);
}

/** Before the first test begins the matrix, after the last prints it. */
export default function openMatrix(): () => void {
  const close = cells.open();
  return () => console.log(render(close()));
}

const VERSIONS = ['TLSv1.2', 'TLSv1.3'];

function render(all: readonly Cell[]): string {
  const rows = [...new Set(all.map(({ row }) => row))];
  const of = (row: string, column: Column, version: string): string | undefined =>
    all.find((cell) => cell.row === row && cell.column === column && cell.version === version)?.outcome;
  const short = (outcome: string | undefined): string => {
    if (outcome === undefined) return '-';
    return outcome === FAILED ? FAILED : 'ok';
  };
  const lines = rows.map((row) => [
    row,
    ...COLUMNS.map((column) => VERSIONS.map((version) => short(of(row, column, version))).join(' ')),
  ]);
  const meanings = COLUMNS.map((column) => {
    const outcomes = new Set(all.filter((cell) => cell.column === column).map(({ outcome }) => outcome));
    return [column, [...outcomes].sort().join(', ')];
  });
  const impossible = SERVERS.map((server) => {
    const clients = CLIENTS.filter((client) => commonProtocol(client, server) === undefined);
    return [server.name, server.protocols.join(' or '), clients.map(({ name }) => name).join(', ')];
  });
  return [
    '\nEvery client against every server over mutual TLS. Each cell: TLS 1.2, then TLS 1.3; - where there is no such case',
    drawTable(['client > server', ...COLUMNS], lines),
    '\nWhat each column has found (c: the client refuses, s: the server refuses)',
    drawTable(['column', 'outcomes'], meanings),
    '\nThere is no column `no cert c`: without a certificate a server can finish no handshake of the ciphers in use.',
    '\nCombinations that cannot exist, for want of a common protocol',
    drawTable(['server', 'speaks', 'clients that do not'], impossible),
    `\n${all.length} cells, ${all.filter(({ outcome }) => outcome === FAILED).length} failed\n`,
  ].join('\n');
}
