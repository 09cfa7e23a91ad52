#!/usr/bin/env node
// Holds a verifier, in whatever language, to the vectors beside this file; README.md says what the two tell each other.
//   node conformance/run.mjs [options] -- <command> [arguments]
import { readArguments, USAGE } from './runner/arguments.mjs';
import { exitCodeOf, reportOf } from './runner/report.mjs';
import { tasksOf } from './runner/tasks.mjs';
import { textOf } from './runner/text.mjs';
import { Verifier } from './runner/verifier.mjs';

const choices = readArguments(process.argv.slice(2));
if (choices.misuse !== undefined) {
  console.error(`${choices.misuse}\n\n${USAGE}`);
  process.exitCode = 2;
} else if (choices.help) {
  console.log(USAGE);
} else {
  const tasks = choices.suites
    .flatMap(tasksOf)
    .filter(({ name }) => choices.names.length === 0 || choices.names.some((part) => name.includes(part)));
  if (choices.lines) printLines(tasks);
  else await run(tasks);
}

function printLines(tasks) {
  for (const { line } of tasks.flatMap(({ steps }) => steps)) console.log(JSON.stringify(line));
}

async function run(tasks) {
  const { command, timeoutSeconds, strict, json } = choices;
  const verifier = new Verifier(command, timeoutSeconds * 1000);
  const report = await reportOf(tasks, verifier);
  await verifier.end();
  const exitCode = exitCodeOf(report, { strict });
  console.log(json ? JSON.stringify({ command, strict, exitCode, ...report }, undefined, 2) : textOf(report));
  if (verifier.failure !== undefined) console.error(verifier.failure);
  process.exitCode = exitCode;
}
