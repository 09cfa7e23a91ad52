import { SUITES } from './tasks.mjs';

export const USAGE = `node conformance/run.mjs [options] -- <command> [arguments]

  --only <suite>          ${SUITES.join(', ')}; may be given several times
  --case <text>           only cases with this in their name; may be given several times
  --timeout-seconds <n>   for each answer, the start of the command included; 30
  --strict                fails for every difference, not only for those that the clauses leave no choice about
  --json                  the report as JSON
  --lines                 prints what the verifier would be sent, and starts nothing
  --otherwise <text>      the command, in words, where none is given

Exit code: 0 when nothing failed, 1 when something did, 2 when there is nothing to judge.`;

const FLAGS = { '--strict': 'strict', '--json': 'json', '--lines': 'lines', '--help': 'help' };

/** The choices of a command line; `misuse` says what is wrong with it. */
export function readArguments(words) {
  const choices = { suites: [], names: [], timeoutSeconds: 30, strict: false, json: false, lines: false, help: false };
  let otherwise = [];
  let at = 0;
  for (; at < words.length && words[at].startsWith('-') && words[at] !== '--'; at += 1) {
    const option = words[at];
    if (option in FLAGS) {
      choices[FLAGS[option]] = true;
      continue;
    }
    at += 1;
    const value = words[at];
    if (value === undefined) return { misuse: `${option} needs a value, or is not known` };
    if (option === '--only' && SUITES.includes(value)) choices.suites.push(value);
    else if (option === '--case') choices.names.push(value);
    else if (option === '--timeout-seconds' && Number(value) > 0) choices.timeoutSeconds = Number(value);
    else if (option === '--otherwise') otherwise = value.split(' ').filter((word) => word !== '');
    else return { misuse: `${option} ${value} is not known` };
  }
  const given = words.slice(words[at] === '--' ? at + 1 : at);
  const command = given.length > 0 ? given : otherwise;
  if (command.length === 0 && !choices.lines && !choices.help) return { misuse: 'there is no command to run' };
  return { ...choices, suites: choices.suites.length > 0 ? choices.suites : SUITES, command };
}
