// A differential test: the cases of oracle_cases.mjs go to Symbolon and to `oidc-provider`, and each answer is compared: where it
// goes, its status, its error, its members. A difference that oracle_differences.mjs does not list fails the test, and so does an
// entry there that no difference needs any more.
// Settings: issuer; people (three names: the first consents, the second only signs in, the third signs in elsewhere), password;
// scopes and resources (both resources of every client); clients, a list of {client_id, kind (spa, web, native, service), auth,
// client_secret, redirect_uris, post_logout_redirect_uris, scope}: spa, web, post, native, service, api, as the cases name them, and
// with private_key_jwt also signed, with private_jwk (ES256). Optional: print, to see every answer. The server is a fresh one: wrong
// secrets are counted there.
import { settings, step } from './environment.mjs';
import { AUTHORIZATION, PROGRAMS, STATES, isListed } from './oracle_cases.mjs';
import { judge } from './oracle_differences.mjs';
import { startProvider } from './oracle_provider.mjs';
import { Server, inWords } from './oracle_server.mjs';

const AT_ONCE = 8;
const world = settings('issuer', 'people', 'password', 'scopes', 'resources', 'clients');
const oracle = await startProvider(world);
const servers = [new Server('ours', world.issuer, world), new Server('theirs', oracle.issuer, world)];

/** Every question, with its name and how a server is asked. */
const questions = [
  ...AUTHORIZATION.flatMap((row) => STATES.map((state) => ({ ...row, name: `${row.name} [${state}]`, ask: (server) => server.authorize(row, state) }))),
  ...PROGRAMS.map((row) => ({ ...row, ask: async (server) => {
    const answer = await row.run(server);
    return answer.words ?? inWords(answer);
  } })),
];

async function compare({ name, ask }) {
  const [ours, theirs] = await Promise.all(servers.map((server) => ask(server).catch((error) => `failed: ${error.message.split('\n')[0]}`)));
  return { name, ours, theirs };
}

try {
  await Promise.all(servers.map((server) => server.prepare()));
  const asked = questions.filter(({ needs = [] }) => isListed(needs, servers[0].metadata));
  const leftOut = questions.filter((question) => !asked.includes(question)).map(({ name }) => name);
  const names = new Set(questions.map(({ name }) => name));
  if (names.size !== questions.length) throw new Error('two cases have the same name');
  const answers = [];
  const rest = asked.values();
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (const question of rest) answers.push(await compare(question));
  }));
  if (world.print) for (const { name, ours, theirs } of answers) console.log(`${ours === theirs ? '=' : '#'} ${name} | ${ours} | ${theirs}`);
  const { alike, explained, problems } = judge(answers, leftOut);
  step(`${AUTHORIZATION.length + PROGRAMS.length} cases, ${asked.length} of ${questions.length} questions asked of both servers, ${leftOut.length} left out`);
  if (leftOut.length > 0) step(`left out, as discovery does not list what they need: ${[...new Set(leftOut.map((name) => name.split(':')[0]))].join(', ')}`);
  step(`${alike} answered alike, ${explained} otherwise for a reason that is written down`);
  if (problems.length > 0) throw new Error(`${problems.length} answers to look into:\n${problems.join('\n')}`);
} finally {
  oracle.close();
  for (const { agent } of servers) agent.destroy();
}
